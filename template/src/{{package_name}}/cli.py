"""The command line: a command per step of the pipeline, `register` and `predict` beside it."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from .pipeline import evaluate as evaluate_step
from .pipeline import featurize as featurize_step
from .pipeline import ingest as ingest_step
from .pipeline import train as train_step
from .pipeline import validate as validate_step
from .pipeline.errors import ProjectError
from .pipeline.progress import heartbeat
from .settings import Environment, Params

NAME = __package__ or ""

app = typer.Typer(
    help="A command per step of the pipeline; `register` and `predict` beside it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def options(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    """Set up logging to stderr."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr, force=True)
    logging.getLogger(NAME).setLevel(logging.DEBUG if verbose else logging.INFO)


@app.command()
def ingest() -> None:
    """Read the raw data from its source."""
    ingest_step.run(Params.load())


@app.command()
def validate() -> None:
    """Put rows that break the schema into quarantine."""
    validate_step.run(Params.load())


@app.command()
def featurize() -> None:
    """Make the inputs of the model and split them."""
    featurize_step.run(Params.load())


@app.command()
def train() -> None:
    """Fit the model and the baseline."""
    train_step.run(Params.load())


@app.command()
def evaluate() -> None:
    """Judge the model on the rows that it has not seen, beside the baseline."""
    evaluate_step.run()


@app.command()
def register(
    *,
    champion: Annotated[
        bool, typer.Option("--champion", help="Let this version become the champion.")
    ] = False,
) -> None:
    """Register the model of the last run, with where it came from."""
    from .pipeline import register as step  # MLflow takes a second to import

    step.run(Environment.load(), NAME, champion=champion)


@app.command()
def predict(
    file: Annotated[Path, typer.Argument(help="Raw rows, CSV or Parquet.")],
    model: Annotated[
        str, typer.Option(help="Alias or version number of the registered model.")
    ] = "champion",
    output: Annotated[
        Path | None, typer.Option(help="Write CSV here rather than to stdout.")
    ] = None,
) -> None:
    """Predict with a registered model, one line of output for each row of FILE."""
    from .pipeline import predict as step  # MLflow takes a second to import

    predictions = step.run(file, Params.load(), Environment.load(), NAME, version=model)
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        predictions.write_csv(output)
    else:
        sys.stdout.write(predictions.write_csv())


def main() -> None:
    """Run the command line; a fault that the user can mend is one line."""
    try:
        with heartbeat(" ".join(sys.argv[1:2])):
            app()
    except ProjectError as error:
        sys.exit(f"{NAME}: {error}")
