"""The command `image`."""

import logging
import shlex
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.errors import ProjectError
from ..pipeline import OF

if TYPE_CHECKING:
    from ..models.bundle import Bundle

logger = logging.getLogger(__name__)

CONTAINERFILE = Path("deploy/Containerfile")
IGNORED = CONTAINERFILE.with_name("Containerfile.dockerignore")
CONTEXT = Path("data/image")  # what the Containerfile copies
# What builds images, and the options by which Podman and Buildah do as Docker does.
AS_DOCKER = ("--format=docker", f"--ignorefile={IGNORED}")
ENGINES = {"docker": (), "podman": AS_DOCKER, "buildah": AS_DOCKER}


def image(
    model: Annotated[
        str, typer.Argument(help="Alias or number of a version, or an exported folder.")
    ] = "champion",
    engine: Annotated[
        str, typer.Option(help="docker, podman or buildah; by default, the first that is there.")
    ] = "",
    of: OF = "",
) -> None:
    """Build a container image that serves a version."""
    from .. import cli
    from ..serving.champion import fixed

    program = _engine(engine)
    found, bundle = cli.version(model, of)
    _refuse_unserved(found, bundle)
    number = fixed(found, bundle)().number
    tag = f"{bundle.registered.lower().replace('_', '-')}:{number}"
    _put(bundle)
    command = [
        *(program, "build", *ENGINES[program]),
        f"--file={CONTAINERFILE}",
        f"--build-arg=PYTHON_VERSION={bundle.python}",
        f"--build-arg=NUMBER={number}",
        "--build-arg=PIP_INDEX_URL",  # if it is set; without its value, which may hold a password
        f"--label=org.opencontainers.image.version={number}",
        f"--label=org.opencontainers.image.revision={bundle.lineage.git_commit}",
        f"--tag={tag}",
        ".",
    ]
    logger.info("image: %s", shlex.join(command))
    if subprocess.run(command, check=False).returncode:
        raise ProjectError(f"{program} did not build the image: it says why above")
    logger.info("image: %s is the image %s", found, tag)


def _engine(wanted: str) -> str:
    """Return the program that builds the image.

    Raises:
        ProjectError: If it is unknown or not installed.
    """
    if wanted and wanted not in ENGINES:
        raise ProjectError(f"{wanted} is not one of {', '.join(ENGINES)}")
    for program in [wanted] if wanted else ENGINES:
        if shutil.which(program):
            return program
    missing = f"{wanted} is not" if wanted else f"none of {', '.join(ENGINES)} is"
    raise ProjectError(f"{missing} in PATH: install one of them to build images")


def _refuse_unserved(found: str, bundle: "Bundle") -> None:
    """Refuse a version that has no service.

    Raises:
        ProjectError: If its features look back, or if its code lacks the service.
    """
    if bundle.looks_back:
        raise ProjectError(f"{found} looks back at earlier rows: only `predict` has those")
    with zipfile.ZipFile(bundle.wheel) as archive:
        if f"{bundle.package}/core/serving/command.py" not in archive.namelist():
            raise ProjectError(f"{found} was made before there was a service: train a new one")


def _put(bundle: "Bundle") -> None:
    """Put the files of a version where the Containerfile copies them from."""
    from ..models.bundle import SUMS

    if CONTEXT.exists():
        if not (CONTEXT / SUMS).is_file():
            raise ProjectError(f"{CONTEXT} is no version that was put there before: move it away")
        shutil.rmtree(CONTEXT)
    bundle.copy(CONTEXT)


def add_to(app: typer.Typer, about: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """Add the command."""
    app.command("image")(about(image))
