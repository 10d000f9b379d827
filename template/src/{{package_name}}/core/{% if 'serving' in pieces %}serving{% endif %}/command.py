"""The command `serve`."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from ..pipeline import OF
from ..yours import Yours

COMMAND, CHAMPION = "serve", "champion"


def serve(
    model: Annotated[
        str, typer.Option(help="`champion`, which is followed, or a number or an exported folder.")
    ] = CHAMPION,
    *,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Print a new token and its hash, and end.")
    ] = False,
    of: OF = "",
) -> None:
    """Answer requests over HTTP with a version of the model, until SIGTERM or Ctrl-C."""
    if new_token:
        from .access import new_token as make

        token, sha256 = make()
        typer.echo(f"token, for whoever sends requests: {token}")
        typer.echo(f"its hash, for SERVE_TOKENS:        {sha256}")
        return
    from .. import cli
    from ..base.settings import Environment
    from . import server
    from .settings import ServingSettings

    cli.has_no_end.set()
    environment = Environment.load()  # reads .env, also for the settings
    settings = ServingSettings.load()
    with server.bound(settings) as socket:  # before anything takes time
        from .service import run

        if model == CHAMPION:
            from .following import followed

            champion, look = followed(environment.mlflow_tracking_uri, Yours(of).registered, of)
        else:
            from .champion import fixed

            champion, look = fixed(*cli.version(model, of)), None
        run(settings, champion, look, socket)


def add_to(app: typer.Typer, about: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """Add the command; its help lists the environment variables."""
    is_asked = COMMAND in sys.argv  # the settings take time to import
    app.command(COMMAND, epilog=_environment() if is_asked else None)(about(serve))


def _environment() -> str:
    from .settings import described

    return "\n\n".join(f"{name}: {says} [default: {it}]" for name, it, says in described())
