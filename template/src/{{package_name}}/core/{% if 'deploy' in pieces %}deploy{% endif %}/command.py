"""The command `image`."""

import logging
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ..base.errors import ProjectError
from ..pipeline import OF

logger = logging.getLogger(__name__)

INDEX = "PIP_INDEX_URL"
CONTAINERFILE = Path("deploy/Containerfile")
IGNORED = CONTAINERFILE.with_name("Containerfile.dockerignore")
# What builds images, and the options by which Podman and Buildah do as Docker does.
AS_DOCKER = ("--format=docker", f"--ignorefile={IGNORED}")
ENGINES = {"docker": (), "podman": AS_DOCKER, "buildah": AS_DOCKER}


def image(
    model: Annotated[
        str, typer.Argument(help="Alias or number of a version, or an exported folder.")
    ] = "champion",
    engine: Annotated[
        str, typer.Option(help="docker, podman or buildah; by default, the first that works here.")
    ] = "",
    tag: Annotated[
        str, typer.Option(help="Name and tag of the image; by default, package and number.")
    ] = "",
    base: Annotated[
        str, typer.Option(help="Image to build on, with Python; by default, python:X.Y-slim.")
    ] = "",
    platform: Annotated[
        str, typer.Option(help="Such as linux/amd64, if it is not to be the one here.")
    ] = "",
    of: OF = "",
) -> None:
    """Build a container image that serves a version."""
    from .. import cli
    from ..serving.bundled import refuse_unserved
    from ..serving.champion import fixed

    if not CONTAINERFILE.is_file():
        raise ProjectError(f"there is no {CONTAINERFILE} here: run this in the repository's root")
    program = _engine(engine)
    found, bundle = cli.version(model, of)
    refuse_unserved(found, bundle)
    number = fixed(found, bundle)().number
    tag = tag or f"{bundle.registered.lower().replace('_', '-')}:{number}"
    with tempfile.TemporaryDirectory() as scratch:
        context = Path(scratch, "version")  # no file of the repository reaches the engine
        bundle.copy(context)
        command = [
            *(program, "build", *ENGINES[program]),
            f"--file={CONTAINERFILE}",
            f"--build-arg=PYTHON_VERSION={bundle.python}",
            f"--build-arg=NUMBER={number}",
            *([f"--build-arg=BASE={base}"] if base else []),
            *([f"--build-arg={INDEX}"] if INDEX in os.environ else []),  # it may be secret
            f"--label=org.opencontainers.image.version={number}",
            f"--label=org.opencontainers.image.revision={bundle.lineage.git_commit}",
            f"--tag={tag}",
            *([f"--platform={platform}"] if platform else []),
            str(context),
        ]
        logger.info("image: %s", shlex.join(command))
        if subprocess.run(command, check=False).returncode:
            raise ProjectError(f"{program} did not build the image: it says why above")
    logger.info("image: %s is the image %s", found, tag)


def _engine(wanted: str) -> str:
    """Return the program that builds the image.

    Raises:
        ProjectError: If it is unknown, not installed, or does not work.
    """
    if wanted and wanted not in ENGINES:
        raise ProjectError(f"{wanted} is not one of {', '.join(ENGINES)}")
    installed = [it for it in ([wanted] if wanted else ENGINES) if shutil.which(it)]
    if not installed:
        missing = f"{wanted} is not" if wanted else f"none of {', '.join(ENGINES)} is"
        raise ProjectError(f"{missing} in PATH: install one of them to build images")
    for program in installed:
        if subprocess.run([program, "info"], capture_output=True, check=False).returncode == 0:
            return program
    raise ProjectError(f"`{installed[0]} info` fails: is {installed[0]} running?")


def add_to(app: typer.Typer, about: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """Add the command."""
    app.command("image")(about(image))
