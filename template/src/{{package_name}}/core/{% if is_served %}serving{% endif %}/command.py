"""The command `serve`."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ..pipeline import OF
from ..yours import Yours

# How many threads Polars, and what scikit-learn and numpy compute with, have each; they read this
# when they are imported.
THREADS = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
COMMAND, CHAMPION = "serve", "champion"


def serve(
    model: Annotated[
        str, typer.Option(help="`champion`, which is followed, or a number or an exported folder.")
    ] = CHAMPION,
    *,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Print a new token and its hash, and end.")
    ] = False,
    listening: Annotated[int | None, typer.Option(hidden=True)] = None,
    of: OF = "",
) -> None:
    """Answer requests over HTTP with a version of the model, until SIGTERM or Ctrl-C."""
    if new_token:
        from .access import new_token as make

        token, sha256 = make()
        typer.echo(f"token, for whoever sends requests: {token}")
        typer.echo(f"its hash, for SERVE_TOKENS:        {sha256}")
        return
    # Until the server takes over: the first process of a container gets no signal otherwise.
    signal.signal(signal.SIGTERM, _end)
    if hangup := getattr(signal, "SIGHUP", None):  # Windows has none
        signal.signal(hangup, signal.SIG_IGN)
    from .. import cli
    from ..base.settings import Environment
    from . import server
    from .settings import ServingSettings

    cli.has_no_end.set()
    for name in THREADS:  # one thread answers: more would only wait for each other
        os.environ.setdefault(name, "1")
    environment = Environment.load()  # reads .env, also for the settings
    settings = ServingSettings.load()
    with server.bound(settings) if listening is None else server.inherited(listening) as address:
        from ..models.bundle import SUMS
        from .champion import fixed
        from .service import run
        from .worker import Parent

        name = Yours(of).registered
        if model == CHAMPION and not Path(model, SUMS).is_file():  # as `predict` decides
            from .following import in_registry

            look = in_registry(environment.mlflow_tracking_uri, name, of)
        else:
            found, bundle = cli.version(model, of)
            look, name = fixed(found, bundle, settings.number), bundle.registered
        run(settings, name, look, address, None if listening is None else Parent())


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def add_to(app: typer.Typer, about: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """Add the command; its help lists the environment variables."""
    is_asked = COMMAND in sys.argv  # the settings take time to import
    app.command(COMMAND, epilog=_environment() if is_asked else None)(about(serve))


def _environment() -> str:
    from .settings import described

    return "\n\n".join(f"{name}: {says} [default: {it}]" for name, it, says in described())
