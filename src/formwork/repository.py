"""The repository that is updated or adopted, and what is stored in it."""

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from formwork import git
from formwork.errors import FormworkError

MARK = "formwork-update"  # in .git while an update is put into place


class File(NamedTuple):
    """A file as git stores it."""

    mode: str
    blob: str


Tree = Mapping[str, File]


@dataclass
class Repository:
    """A repository, or one folder of it.

    Attributes:
        top: Where git's working tree begins.
        prefix: The folder within the repository: empty for all of it, or with a slash at its end.
        folder: Git's own folder.
        scratch: A folder for temporary files.
        env: The environment of git's commands.
        ours: The tree that is merged into: that of HEAD, or of the index.
        nothing: The hash that stands for no file: as many zeros as a hash of this repository has digits.
    """

    top: Path
    prefix: str
    folder: Path
    scratch: Path
    env: dict[str, str]
    ours: str = "HEAD^{tree}"
    nothing: str = "0" * 40

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
            head = git.run(here, "rev-parse", "--verify", "HEAD^{commit}", env=env).decode().strip()
            git.run(here, "merge-tree", "--write-tree", "HEAD", "HEAD", env=env)
        except FormworkError as problem:
            message = f"this needs git 2.38 or newer, and a repository with a commit: {problem}"
            raise FormworkError(message) from problem
        top, folder, prefix = (os.fsdecode(answer).removesuffix("\n") for answer in answers)
        return cls(Path(top), prefix, Path(folder), scratch, env, nothing="0" * len(head))

    @property
    def project(self) -> Path:
        """The folder that is updated or adopted."""
        return self.top / self.prefix

    def git(
        self, *arguments: str, stdin: bytes = b"", index: Path | None = None, fine: tuple[int, ...] = (0,)
    ) -> bytes:
        """Run git at the top of the working tree, with its own index if one is given."""
        env = self.env | ({"GIT_INDEX_FILE": str(index)} if index else {})
        return git.run(self.top, *arguments, stdin=stdin, env=env, fine=fine)

    @property
    def keeps_objects(self) -> bool:
        """Whether what is stored stays in the repository."""
        return "GIT_OBJECT_DIRECTORY" not in self.env

    def keep_objects_in(self, folder: Path) -> None:
        """Have git write its objects elsewhere, so that none of them remain."""
        folder.mkdir()
        objects = Path(os.fsdecode(self.git("rev-parse", "--git-path", "objects")).strip())
        self.env["GIT_OBJECT_DIRECTORY"] = str(folder)
        self.env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(self.top / objects)

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

    def store_bytes(self, content: bytes, *, new: str = "") -> str:
        """Write one blob into git's store, and return its hash; that of a new file as `git add` of its path does."""
        filtered = ["--path", new] if new else []
        return self.git("hash-object", "-w", "--stdin", *filtered, stdin=content).decode().strip()

    def content(self, file: File) -> bytes:
        """Read a file from git's store."""
        return self.git("cat-file", "blob", file.blob)

    def store_tree(self, files: Tree) -> str:
        """Write a tree, and return its hash."""
        index = self.scratch / "tree.index"
        index.unlink(missing_ok=True)
        self.git("update-index", "-z", "--index-info", stdin=self.index_lines(files), index=index)
        return self.git("write-tree", index=index).decode().strip()

    def store_commit(self, tree: str, *parents: str) -> str:
        """Write a commit that is on no branch, and return its hash."""
        below = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", tree, *below, "-m", "formwork").decode().strip()

    def committed(self) -> dict[str, File]:
        """List what HEAD holds, or the index if that is what is merged into."""
        entries = git.paths_in(self.git("ls-tree", "-r", "-z", self.ours))
        fields = (entry.partition("\t") for entry in entries)
        return {path: File(details.split()[0], details.split()[2]) for details, _, path in fields}

    def own_paths(self, paths: Iterable[str]) -> set[str]:
        """Return the paths in the folder that is updated or adopted, relative to it."""
        return {path.removeprefix(self.prefix) for path in paths if path.startswith(self.prefix)}

    def index_lines(self, files: Mapping[str, File | None]) -> bytes:
        """Write the input of `git update-index --index-info`; None stands for a file that is gone."""
        lines = ((file or File("0", self.nothing), path) for path, file in files.items())
        return git.joined(f"{file.mode} {file.blob}\t{path}" for file, path in lines)

    def stage_lines(self, conflicts: Mapping[str, Mapping[int, File]]) -> bytes:
        """Write the same for the versions of files in conflict, instead of the file itself."""
        versions = (
            f"{file.mode} {file.blob} {stage}\t{path}"
            for path, stages in conflicts.items()
            for stage, file in sorted(stages.items())
        )
        return self.index_lines(dict.fromkeys(conflicts)) + git.joined(versions)
