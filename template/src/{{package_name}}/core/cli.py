"""The command line: commands for the stages of the pipeline, and for the versions it makes."""

import ast
import gc
import io
import json
import logging
import os
import re
import shlex
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import pipeline
from .base import paths
from .base.errors import ProjectError
from .pipeline import OF
from .yours import Yours

if TYPE_CHECKING:
    from polars import LazyFrame

    from .models.bundle import Bundle
    from .models.lineage import Lineage
    from .models.registry import Registry

logger = logging.getLogger(__name__)

PACKAGE = (__package__ or "").partition(".")[0]
STAGES = Path(__file__).parents[1] / "stages"
MOST_CHARACTERS = 1000  # of a reason

app = typer.Typer(
    help="A command for each stage of the pipeline, and commands for the model that it makes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def options(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Set up logging to stderr."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr, force=True)
    logging.getLogger(PACKAGE).setLevel(logging.DEBUG if verbose else logging.INFO)


def stages_of_yours() -> Iterator[tuple[str, str]]:
    """Yield the name of each module in `stages/`, and the first line of its docstring."""
    for file in sorted(STAGES.glob("[!_]*.py")):
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        yield file.stem, docstring.partition("\n")[0]


def stage_of_yours(name: str) -> Callable[[], None]:
    """Make a command from a module in `stages/`, which is imported only when the command runs."""

    def command() -> None:
        import_module(f"{PACKAGE}.{STAGES.name}.{name}").run()

    return command


def about(command: Callable[..., None]) -> Callable[..., None]:
    """Refuse a model that is not here, and begin errors about a further model with its name."""

    @wraps(command)
    def named(*arguments: object, of: str = "", **options: object) -> None:
        if of and of not in (there := paths.further_models()):
            known = ", ".join(there) or "none"
            raise ProjectError(f"no further model is named {of}; there are: {known}")
        try:
            command(*arguments, of=of, **options)
        except ProjectError as error:
            if not of:
                raise
            raise ProjectError(f"{of}: {error}") from error

    return named


models = typer.Typer(
    help="Show the versions in the registry: all of them, one, or how two differ.",
    rich_markup_mode=None,
)
app.add_typer(models, name="models")

AS_JSON = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
VERSION = typer.Argument(metavar="VERSION", help="Number or alias of a version.")

for stage in pipeline.STAGES:
    app.command()(about(stage))


@app.command()
@about
def register(of: OF = "") -> None:
    """Register the model of the last run, with where it came from."""
    from .base.settings import Environment
    from .models import register as command

    yours = Yours(of)

    def write(folder: Path, model: Path, lineage: "Lineage") -> dict[str, str]:
        from .versions import write_bundle  # only now, since it imports what predicts

        return write_bundle(folder, model, lineage, yours)

    command.run(Environment.load(), yours.registered, write, of)


@app.command()
@about
def promote(
    wanted: Annotated[str, VERSION] = "challenger",
    *,
    force: Annotated[
        str | None, typer.Option(help="Do not compare; the text is kept as the reason.")
    ] = None,
    of: OF = "",
) -> None:
    """Make a version the champion if it is better on the held-out rows of the last run."""
    from . import versions
    from .models import promote as command
    from .models.promotion import Gate, PromotionSettings

    if force is not None:
        force = " ".join("".join(it if it.isprintable() else " " for it in force).split())
        if not 0 < len(force) <= MOST_CHARACTERS:
            message = f"--force needs a reason of at most {MOST_CHARACTERS:,} characters"
            raise ProjectError(f"{message}, which is kept with the version")
    yours, settings = Yours(of), PromotionSettings.read(of)
    gate = Gate(
        settings,
        held_out=partial(versions.held_out, settings.slices, yours),
        predict=versions.predictions,
        metrics=yours.evaluation.metrics,
    )
    command.run(registry(of), wanted, gate, force)


@app.command()
@about
def rollback(of: OF = "") -> None:
    """Make the champion before this one the champion again."""
    from .models.promote import roll_back

    roll_back(registry(of))


@models.callback(invoke_without_command=True)
@about
def list_models(context: typer.Context, *, is_json: AS_JSON = False, of: OF = "") -> None:
    """List all versions, newest first."""
    from .models import listing
    from .models.promotion import PromotionSettings

    if context.invoked_subcommand and of:
        raise ProjectError(f"write --of {of} after {context.invoked_subcommand}")
    if not context.invoked_subcommand:
        rows = listing.table(registry(of), PromotionSettings.read(of))
        typer.echo(as_json(rows) if is_json else listing.table_as_text(rows))


@models.command()
@about
def show(wanted: Annotated[str, VERSION], *, is_json: AS_JSON = False, of: OF = "") -> None:
    """Show everything that is known of a version."""
    from .models import listing

    versions = registry(of)
    found = listing.described(versions, versions.get(wanted))
    typer.echo(as_json(found) if is_json else listing.as_text(found))


@models.command()
@about
def diff(
    first: Annotated[str, VERSION],
    second: Annotated[str, VERSION],
    *,
    is_json: AS_JSON = False,
    of: OF = "",
) -> None:
    """Show how two versions differ: parameters, metrics, data, code and packages."""
    from .models import listing

    versions = registry(of)
    found = listing.differences(versions, versions.get(first), versions.get(second))
    typer.echo(as_json(found) if is_json else listing.as_text(found))


@app.command()
@about
def reproduce(
    wanted: Annotated[str, VERSION],
    tolerance: Annotated[
        float, typer.Option(min=0, help="How far metrics may be off where bytes differ.")
    ] = 1e-3,
    of: OF = "",
) -> None:
    """Make a version again from its commit and its data, and compare the results."""
    from .models import reproduce as command

    name, bundle = version(wanted, of)
    command.run(bundle, name, tolerance)


@app.command()
@about
def predict(
    file: Annotated[
        str, typer.Argument(help="Raw rows, read as in training; `-` is the standard input.")
    ],
    model: Annotated[
        str, typer.Option(help="Alias or number of a registered version, or an exported folder.")
    ] = "champion",
    output: Annotated[
        str | None,
        typer.Option(
            help="Write here (.csv, .parquet, .jsonl; for a folder, also one) instead of to stdout."
        ),
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(help="Earlier rows, if features look back at them; not predicted."),
    ] = None,
    *,
    ingested: Annotated[
        bool, typer.Option("--ingested", help="source.py has read the rows, as data/raw.parquet.")
    ] = False,
    of: OF = "",
) -> None:
    """Predict with a registered model, one line of output for each row of FILE."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # sums of several threads are rounded anew
    from .models import predict as command

    if history and output and command.is_folder(output):
        raise ProjectError(f"--history goes with one file, and {output} would be a folder")
    for source in filter(None, (file, history)):
        command.refuse(source, output)
    name, bundle = version(model, of)
    if other := next(bundle.other_code(), None):
        from .models import environment

        logger.info("predict: %s runs its own code, since %s differs here", name, other)
        options = {"--output": output, "--history": history}
        given = [str(word) for pair in options.items() if pair[1] for word in pair]
        given += ["--ingested"] if ingested else []
        arguments = ["predict", file, "--model", str(bundle.folder), *given]
        raise typer.Exit(environment.run(bundle, arguments).returncode)
    from . import prediction
    from .base import tables

    def read(path: Path) -> "LazyFrame":
        if ingested:
            return tables.stream(path)
        return prediction.read(path, bundle.params, bundle.of)

    if output and command.is_folder(output):
        rows, without = prediction.predict_files(bundle, file, output, is_ingested=ingested)
    else:
        with (
            command.file_of(file) as path,
            command.file_of(history or os.devnull) as past,
            command.target_of(output) as target,
        ):
            raw = read(path)
            predictor = prediction.Predictor.of(bundle)
            earlier = read(past) if history else None
            if predictor.history and not history:
                logger.info("predict: features look back at rows of %s only: see --history", file)
            rows, without = command.write(predictor.rows(raw, earlier), target)
    logger.info("predict: %s, %d rows, %d without a prediction", name, rows, without)
    if rows == without:
        raise typer.Exit(1)


@app.command()
@about
def export(
    model: Annotated[str, typer.Argument(help="Alias or number of a registered version.")],
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    of: OF = "",
) -> None:
    """Write a version into a folder, to predict where there is no registry."""
    name, bundle = version(model, of)
    bundle.copy(folder)
    requirements, wheel = str(folder / "requirements.txt"), str(folder / bundle.wheel.name)
    logger.info("export: %s is in %s; to install it elsewhere and to predict:", name, folder)
    for command in (
        ["pip", "install", "--no-deps", "--require-hashes", "--requirement", requirements],
        ["pip", "install", "--no-deps", wheel],
        [bundle.package, "predict", "FILE", "--model", str(folder)],
    ):
        logger.info("  %s", shlex.join(command))


def version(model: str, of: str = "") -> tuple[str, "Bundle"]:
    """Find a version by its alias or number in the registry, or in an exported folder."""
    from .models.bundle import SUMS, Bundle

    if os.sep in model or Path(model, SUMS).is_file():
        bundle = Bundle.open(Path(model))
        if of not in ("", bundle.of):
            raise ProjectError(f"{model} is a version of {bundle.of or 'the first model'}")
        return f"the version in {model}", bundle
    versions = registry(of)
    found = versions.get(model)
    return f"version {found.version}", versions.bundle(found)


def as_json(content: object) -> str:
    """Write JSON for other programs."""
    return json.dumps(content, indent=2, ensure_ascii=False)


def registry(of: str) -> "Registry":
    """Connect to the registry of this machine."""
    from .base.settings import Environment
    from .models.registry import Registry

    return Registry(Environment.load().mlflow_tracking_uri, Yours(of).registered, of)


for file in sorted(Path(__file__).parent.glob("*/command.py")):  # of the pieces of the template
    import_module(f"{__package__}.{file.parent.name}.command").add_to(app, about)

# Last, so that a stage of yours wins over a command above that has its name.
for name, purpose in stages_of_yours():
    app.command(name, help=purpose)(stage_of_yours(name))


has_no_end = threading.Event()  # set by a command that runs until somebody ends it


@contextmanager
def heartbeat(name: str, *, seconds: float = 30) -> Iterator[None]:
    """Log every few seconds that a command is still running."""
    start = time.monotonic()
    done = threading.Event()

    def beat() -> None:
        while not done.wait(seconds) and not has_no_end.is_set():
            logger.info("%s: still running after %.0f s", name, time.monotonic() - start)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def main() -> None:
    """Run the command line, and report an error that the user can fix in one line."""
    gc.set_threshold(200_000)  # imports make no garbage; looking for it takes a fifth of the time
    if not getattr(sys, "stderr", None):  # whoever calls this has closed it
        sys.stderr = io.StringIO()
    report = sys.unraisablehook  # which need not say that Ctrl-C has ended a thread, too
    sys.unraisablehook = lambda it: None if it.exc_type is KeyboardInterrupt else report(it)
    try:
        with heartbeat(" ".join(sys.argv[1:2])):
            app()
    except ProjectError as error:
        sys.exit(f"{PACKAGE}: {error}")
    except OSError as error:  # such as a full disk or a read-only folder
        reason = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        place = place_of(error)
        sys.exit(f"{PACKAGE}: {place}: {reason}" if place else f"{PACKAGE}: {reason}")
    except Exception as error:
        place = place_of(error)
        if isinstance(error, ModuleNotFoundError) and not place:
            message = f"{PACKAGE}: {error.name or error} is not installed"
            hint = "where a version was exported to, only commands with `--model FOLDER` work"
            sys.exit(f"{message}; {hint}")
        if not place or logging.getLogger(PACKAGE).isEnabledFor(logging.DEBUG):
            raise
        reason = f"{place}: {type(error).__name__}: {' '.join(str(error).split())}"
        sys.exit(f"{PACKAGE}: {reason} (`{PACKAGE} --verbose` shows the traceback)")


def place_of(error: Exception) -> str:
    """Name the file and the line of an error in one of your modules; empty if it is elsewhere."""
    places = [(it.filename, it.lineno) for it in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno))
    # From another process of this machine, it comes as a text.
    there = re.findall(r'File "(.+?)", line (\d+)', str(error.__cause__ or ""))
    places += [(file, int(line)) for file, line in there]
    folder = STAGES.parent.parent.name
    found = [(_in_package(Path(file)), line) for file, line in places]
    yours = [
        f"{folder}/{PACKAGE}/{file.as_posix()}:{line}"
        for file, line in found
        if file and not file.is_relative_to(Path(__file__).parent.name)
    ]
    return yours[-1] if yours else ""


def _in_package(file: Path) -> Path | None:
    """Return the path of a file in the package, or in a copy of it on another machine."""
    for folder in file.parents:
        is_copy = folder.name == PACKAGE and folder.parent.name.startswith(f"{PACKAGE}-")
        if is_copy or folder == STAGES.parent:
            return file.relative_to(folder)
    return None
