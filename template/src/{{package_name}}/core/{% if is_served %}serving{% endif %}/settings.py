"""The settings of the service: environment variables whose names begin with SERVE_."""

import logging
import os
import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ..base.errors import ProjectError

logger = logging.getLogger(__name__)

PREFIX = "SERVE_"
LOCAL = ("localhost", "127.0.0.1", "::1")


def is_safe(address: str) -> bool:
    """Return whether nobody on the way can change what an address gives."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL)


def _listed(text: object) -> object:
    return [it.strip() for it in text.split(",") if it.strip()] if isinstance(text, str) else text


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


def _hashed(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError("give the hashes that `serve --new-token` prints, not the tokens")
    return text


Sha256 = Annotated[str, AfterValidator(_hashed)]
Hashes = Annotated[tuple[Sha256, ...], NoDecode, BeforeValidator(_listed)]


class ServingSettings(BaseSettings):
    """What the service allows and where it listens; `serve --help` lists these fields."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    host: Annotated[
        str, Field(description="Address to listen at; one that others can reach needs tokens.")
    ] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65535, description="Port to listen at; 0 is any that is free.")
    ] = 8000
    tokens: Annotated[
        Hashes, Field(description="SHA-256 of each token that is accepted, separated by commas.")
    ] = ()
    issuer: Annotated[
        str, Field(description="Address of an OpenID provider whose tokens are accepted, too.")
    ] = ""
    audience: Annotated[
        str, Field(description="Audience that the provider's tokens must name.")
    ] = ""
    origins: Annotated[
        Listed, Field(description="Web sites whose pages may send requests, separated by commas.")
    ] = ()
    poll_seconds: Annotated[
        float, Field(gt=0, le=86400, description="Seconds between two looks at the registry.")
    ] = 10
    number: Annotated[
        str, Field(description="Number that answers name, for a version in an exported folder.")
    ] = ""
    max_body_bytes: Annotated[
        int, Field(gt=0, description="Largest body of a request, also after decompression.")
    ] = 10_000_000
    max_rows: Annotated[int, Field(gt=0, description="Most rows of a request.")] = 10_000
    max_waiting: Annotated[
        int, Field(gt=0, description="Most requests that wait; further ones are told to retry.")
    ] = 64
    max_connections: Annotated[int, Field(gt=0, description="Most open connections.")] = 1000
    timeout_seconds: Annotated[
        float, Field(gt=0, le=3600, description="Longest time to send a request, and to answer it.")
    ] = 10
    keep: Annotated[bool, Field(description="Whether rows and predictions are kept.")] = True
    keep_in: Annotated[Path, Field(description="Folder in which they are kept.")] = Path(
        "data/served"
    )
    keep_without: Annotated[
        Listed, Field(description="Columns that are not kept, separated by commas.")
    ] = ()

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if not (self.is_local or self.tokens or self.issuer):
            message = f"others can reach {self.host}: set {PREFIX}TOKENS or {PREFIX}ISSUER"
            raise ValueError(f"{message} (`serve --new-token` makes a token)")
        if bool(self.issuer) != bool(self.audience):
            raise ValueError(f"set both {PREFIX}ISSUER and {PREFIX}AUDIENCE, or neither")
        if self.issuer and not is_safe(self.issuer):
            raise ValueError(f"{PREFIX}ISSUER must begin with https://")
        return self

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can reach the address."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host in LOCAL

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            ProjectError: If a setting does not fit; the message names its variable, not its value.
        """
        known = {name for name, _, _ in described()}
        for name in sorted(it for it in os.environ if it.startswith(PREFIX) and it not in known):
            logger.warning("serve: %s is no setting: see `serve --help`", name)
        try:
            return cls()
        except ValidationError as error:
            faults: list[str] = []
            for fault in error.errors():
                name = f"{PREFIX}{fault['loc'][0]}: ".upper() if fault["loc"] else ""
                faults.append(f"{name}{fault['msg'].removeprefix('Value error, ')}")
            raise ProjectError("; ".join(dict.fromkeys(faults))) from None


def described() -> Iterator[tuple[str, str, str]]:
    """Yield each variable, its default as text, and what it is for."""
    for name, field in ServingSettings.model_fields.items():
        default = "none" if field.default in (None, ()) else str(field.default)
        yield f"{PREFIX}{name}".upper(), default, field.description or ""
