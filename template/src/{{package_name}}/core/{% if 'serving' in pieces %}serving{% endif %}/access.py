"""Who may use the service."""

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256

from .errors import RequestError

BEARER = "bearer"
UNKNOWN = {"WWW-Authenticate": "Bearer"}


def new_token() -> tuple[str, str]:
    """Make a token, and its SHA-256 for `SERVE_TOKENS`."""
    token = secrets.token_urlsafe(32)
    return token, _hash(token)


def refuse_unknown(authorization: str, hashes: Sequence[str]) -> None:
    """Refuse a request without one of the tokens; how long that takes says nothing about them.

    Args:
        authorization: The header of that name; empty if there is none.
        hashes: SHA-256 of each token that is accepted; if there are none, everybody is.

    Raises:
        RequestError: If the token is missing or wrong.
    """
    if not hashes:
        return
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != BEARER or not token:
        raise RequestError(401, "send a token: `Authorization: Bearer TOKEN`", UNKNOWN)
    found = _hash(token.strip())
    if not sum([hmac.compare_digest(found, known) for known in hashes]):  # compares with all
        raise RequestError(401, "the token is not accepted", UNKNOWN)


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
