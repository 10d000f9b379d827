"""The repository that is updated or adopted: what git knows about it, and when it is left alone."""

import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from formwork import git
from formwork.errors import FormworkError, refuse

MARK = "formwork-update"  # in .git while an update is put into place

IN_PROGRESS = {
    "MERGE_HEAD": "a merge is in progress: finish it, or git merge --abort",
    "CHERRY_PICK_HEAD": "a cherry-pick is in progress: finish it, or git cherry-pick --abort",
    "REVERT_HEAD": "a revert is in progress: finish it, or git revert --abort",
    "rebase-merge": "a rebase is in progress: finish it, or git rebase --abort",
    "rebase-apply": "a rebase is in progress: finish it, or git rebase --abort (git am --abort)",
    "index.lock": "git is at work here: wait for it, or delete .git/index.lock if it is not",
}


class File(NamedTuple):
    """A file as git stores it."""

    mode: str
    blob: str


Tree = Mapping[str, File]


@dataclass
class Repository:
    """A repository, of which a folder may be meant.

    Attributes:
        top: Where git's working tree begins.
        prefix: The folder that is meant: empty, or with a slash at its end.
        folder: Git's own folder.
        scratch: A folder for temporary files.
        env: The environment of git's commands.
    """

    top: Path
    prefix: str
    folder: Path
    scratch: Path
    env: dict[str, str]

    @classmethod
    def around(cls, here: Path, scratch: Path) -> "Repository":
        """Find the repository around a folder.

        Raises:
            FormworkError: If there is none, or it has no commit, or git is too old.
        """
        env = {**git.environment(), **git.NOBODY}
        questions = ("--show-toplevel", "--absolute-git-dir", "--show-prefix")
        try:
            answers = [git.run(here, "rev-parse", question, env=env) for question in questions]
            git.run(here, "rev-parse", "--verify", "HEAD^{commit}", env=env)
            git.run(here, "merge-tree", "--write-tree", "HEAD", "HEAD", env=env)
        except FormworkError as problem:
            message = f"this needs git 2.38 or newer, and a repository with a commit: {problem}"
            raise FormworkError(message) from problem
        top, folder, prefix = (os.fsdecode(answer).removesuffix("\n") for answer in answers)
        return cls(Path(top), prefix, Path(folder), scratch, env)

    @property
    def project(self) -> Path:
        """The folder that is meant."""
        return self.top / self.prefix

    def git(
        self, *arguments: str, stdin: bytes = b"", index: Path | None = None, fine: tuple[int, ...] = (0,)
    ) -> bytes:
        """Run git at the top of the working tree, with an index of its own where one is given."""
        env = self.env | ({"GIT_INDEX_FILE": str(index)} if index else {})
        return git.run(self.top, *arguments, stdin=stdin, env=env, fine=fine)

    @property
    def keeps_objects(self) -> bool:
        """Whether what is stored stays in the repository."""
        return "GIT_OBJECT_DIRECTORY" not in self.env

    def keep_objects_in(self, folder: Path) -> None:
        """Have git write its objects elsewhere, so that nothing is left of them."""
        folder.mkdir()
        objects = Path(os.fsdecode(self.git("rev-parse", "--git-path", "objects")).strip())
        self.env["GIT_OBJECT_DIRECTORY"] = str(folder)
        self.env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(self.top / objects)

    def refuse_unless_ready(self) -> None:
        """Refuse whatever an update, or `git reset --hard` after it, might lose.

        Raises:
            FormworkError: If there is any such thing; the message names it.
        """
        status = self.git("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
        changed = git.paths_in(status)
        self._refuse_half_an_update(has_changes=bool(changed))
        for name, reason in IN_PROGRESS.items():
            if (self.folder / name).exists():
                raise FormworkError(reason)
        unmerged = [path[3:] for path in changed if "U" in path[:2] or path[:2] in ("AA", "DD")]
        refuse(unmerged, "in conflict: resolve it and git add it, or git reset --hard")
        refuse([path[3:] for path in changed], "not committed: commit or stash first")
        rejected = self.git("ls-files", "-z", "--cached", "--others", "--", "*.rej", ":!.venv")
        refuse(git.paths_in(rejected), "left over: carry over what these hold and delete them")
        remedy = "git update-index --no-skip-worktree --no-assume-unchanged FILE"
        refuse(self._hidden_edits(), f"hidden edits: {remedy}")

    def _refuse_half_an_update(self, *, has_changes: bool) -> None:
        """Refuse what an interrupted update has left, and forget the update once it is undone."""
        mark = self.folder / MARK
        if not mark.exists():
            return
        release = mark.read_text(encoding="utf-8")
        if has_changes:
            message = f"the update to {release} was interrupted: git reset --hard, then again"
            raise FormworkError(message)
        print(f"note: the interrupted update to {release} is undone")
        mark.unlink()

    def _hidden_edits(self) -> list[str]:
        """Find edits that git was told not to look for."""
        listed = git.paths_in(self.git("ls-files", "-v", "-z"))
        hidden = [line[2:] for line in listed if line[0] == "S" or line[0].islower()]
        if not hidden:
            return []
        index = Path(shutil.copy(self.folder / "index", self.scratch / "hidden.index"))
        for flag in ("--no-skip-worktree", "--no-assume-unchanged"):
            self.git("update-index", flag, "-z", "--stdin", stdin=git.joined(hidden), index=index)
        self.git("update-index", "-q", "--refresh", index=index, fine=(0, 1))
        edited = git.paths_in(self.git("diff-files", "--name-only", "-z", index=index))
        sparse = {line[2:] for line in listed if line[0] == "S"}
        return [path for path in edited if os.path.lexists(self.top / path) or path not in sparse]

    def refuse_in_the_way(self, written: Iterable[str]) -> None:
        """Refuse files that git does not know where files are to be written, ignored ones too.

        Raises:
            FormworkError: If there are any; the message names them.
        """
        tracked = set(git.paths_in(self.git("ls-files", "-z")))
        new = [path for path in written if path not in tracked]
        above = {str(parent) for path in new for parent in PurePosixPath(path).parents}
        candidates = [path for path in {*new, *above} - tracked if in_the_way(self.top / path, of_folder=path in above)]
        if folders := [path for path in new if (self.top / path).is_dir()]:
            candidates += git.paths_in(self.git("ls-files", "-z", "--others", "--", *folders))
        refuse(candidates, "in the way of new files, and not in git: commit, move or delete")

    def store(self, folder: Path) -> dict[str, File]:
        """Write the files below a folder into git's store as they are, byte for byte."""
        files = (path for path in folder.rglob("*") if path.is_file())
        return self.store_files({self.prefix + path.relative_to(folder).as_posix(): path for path in files})

    def store_files(self, files: Mapping[str, Path]) -> dict[str, File]:
        """Write files into git's store, each under a path of the repository."""
        lines = b"".join(os.fsencode(file.absolute()) + b"\n" for file in files.values())
        blobs = self.git("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=lines).decode().split()
        modes = ("100755" if file.stat().st_mode & stat.S_IXUSR else "100644" for file in files.values())
        return {path: File(mode, blob) for path, mode, blob in zip(files, modes, blobs, strict=True)}

    def store_bytes(self, content: bytes) -> str:
        """Write one blob into git's store, and return its hash."""
        return self.git("hash-object", "-w", "--stdin", stdin=content).decode().strip()

    def content(self, file: File) -> bytes:
        """Read a file from git's store."""
        return self.git("cat-file", "blob", file.blob)

    def store_tree(self, files: Tree) -> str:
        """Write a tree, and return its hash."""
        index = self.scratch / "tree.index"
        index.unlink(missing_ok=True)
        self.git("update-index", "-z", "--index-info", stdin=index_lines(files), index=index)
        return self.git("write-tree", index=index).decode().strip()

    def store_commit(self, tree: str, *parents: str) -> str:
        """Write a commit that no branch holds, and return its hash."""
        below = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", tree, *below, "-m", "formwork").decode().strip()

    def committed(self) -> dict[str, File]:
        """List what HEAD holds."""
        entries = git.paths_in(self.git("ls-tree", "-r", "-z", "HEAD"))
        fields = (entry.partition("\t") for entry in entries)
        return {path: File(details.split()[0], details.split()[2]) for details, _, path in fields}

    def own_paths(self, paths: Iterable[str]) -> set[str]:
        """Name the files in the folder that is meant, as they are seen from there."""
        return {path.removeprefix(self.prefix) for path in paths if path.startswith(self.prefix)}


def in_the_way(path: Path, *, of_folder: bool) -> bool:
    """Whether something else is where a file or a folder must be."""
    return path.is_symlink() or (path.exists() and not (of_folder and path.is_dir()))


def index_lines(files: Mapping[str, File | None]) -> bytes:
    """Write what `git update-index --index-info` reads; None stands for a file that is gone."""
    gone = File("0", "0" * 40)
    lines = ((file or gone, path) for path, file in files.items())
    return git.joined(f"{file.mode} {file.blob}\t{path}" for file, path in lines)


def stage_lines(conflicts: Mapping[str, Mapping[int, File]]) -> bytes:
    """Write the same for the versions of files in conflict, in the place of the file."""
    versions = (
        f"{file.mode} {file.blob} {stage}\t{path}"
        for path, stages in conflicts.items()
        for stage, file in sorted(stages.items())
    )
    return index_lines(dict.fromkeys(conflicts)) + git.joined(versions)
