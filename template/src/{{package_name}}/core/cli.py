"""The command line: a command for each stage of the pipeline, `register` and `predict`."""

import ast
import io
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from . import pipeline
from .base.errors import ProjectError

logger = logging.getLogger(__name__)

PACKAGE = (__package__ or "").partition(".")[0]
STAGES = Path(__file__).parents[1] / "stages"

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


def stage_of_yours(name: str) -> Callable[[], None]:
    """Make a command from a module in `stages/`, which is imported only when the command runs."""

    def command() -> None:
        import_module(f"{PACKAGE}.{STAGES.name}.{name}").run()

    return command


for stage in pipeline.STAGES:
    app.command()(stage)
for file in sorted(STAGES.glob("[!_]*.py")):
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    app.command(file.stem, help=docstring.partition("\n")[0])(stage_of_yours(file.stem))


@app.command()
def register(
    *,
    champion: Annotated[
        bool, typer.Option("--champion", help="Make this version the champion.")
    ] = False,
) -> None:
    """Register the model of the last run, with where it came from."""
    from .base.settings import Environment
    from .models import register as command

    def columns() -> dict[str, str]:
        from .prediction import columns_of_predictions

        return columns_of_predictions()

    command.run(Environment.load(), PACKAGE, columns, champion=champion)


@app.command()
def predict(
    file: Annotated[
        str, typer.Argument(help="Raw rows, read as in training; `-` is the standard input.")
    ],
    model: Annotated[
        str, typer.Option(help="Alias or version number of the registered model.")
    ] = "champion",
    output: Annotated[
        Path | None,
        typer.Option(help="Write here (.csv, .parquet, .jsonl) instead of CSV to stdout."),
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(help="Earlier rows, if features look back at them; not predicted."),
    ] = None,
) -> None:
    """Predict with a registered model, one line of output for each row of FILE."""
    from . import prediction
    from .base.settings import Environment
    from .models import predict as command
    from .models.registry import Registry

    for read in filter(None, (file, history)):
        if output:
            command.refuse_output(output, Path(read))
    with command.file_of(file) as path, command.file_of(history or os.devnull) as past:
        raw = prediction.read(path)
        registry = Registry(Environment.load().mlflow_tracking_uri, PACKAGE)
        predictor = prediction.predictor(registry, model)
        earlier = prediction.read(past) if history else None
        if predictor.history and not history:
            logger.info("predict: features look back at rows of %s only: see --history", file)
        rows, without = command.write(predictor.rows(raw, earlier), output)
    line = "predict: version %s, %d rows, %d without a prediction"
    logger.info(line, predictor.version, rows, without)
    if rows == without:
        raise typer.Exit(1)


@contextmanager
def heartbeat(name: str, *, seconds: float = 30) -> Iterator[None]:
    """Log every few seconds that a command is still running."""
    start = time.monotonic()
    done = threading.Event()

    def beat() -> None:
        while not done.wait(seconds):
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
        place = f": {error.filename}" if error.filename else ""
        sys.exit(f"{PACKAGE}: {error.strerror or error}{place}")
    except Exception as error:
        place = place_of(error)
        if not place or logging.getLogger(PACKAGE).isEnabledFor(logging.DEBUG):
            raise
        reason = f"{place}: {type(error).__name__}: {' '.join(str(error).split())}"
        sys.exit(f"{PACKAGE}: {reason} (`{PACKAGE} --verbose` shows the traceback)")


def place_of(error: Exception) -> str:
    """Name the file and the line of an error in one of your modules; empty if it is elsewhere."""
    places = [(it.filename, it.lineno) for it in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno))
    root, core = STAGES.parent, Path(__file__).parent
    yours = [
        f"{Path(file).relative_to(root.parents[1])}:{line}"
        for file, line in places
        if Path(file).is_relative_to(root) and not Path(file).is_relative_to(core)
    ]
    return yours[-1] if yours else ""
