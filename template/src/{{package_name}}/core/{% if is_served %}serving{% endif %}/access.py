"""Who may use the service: whoever has one of its tokens, or a token of an OpenID provider."""

import asyncio
import hmac
import json
import logging
import secrets
from hashlib import sha256
from json import JSONDecodeError
from urllib.request import urlopen

from ..base.errors import ProjectError
from .errors import RequestError, busy
from .settings import PREFIX, ServingSettings, is_safe

logger = logging.getLogger(__name__)

BEARER = "bearer"
UNKNOWN = {"WWW-Authenticate": "Bearer"}
DISCOVERY = "/.well-known/openid-configuration"
# Signatures that only the provider can make; with HMAC, whoever can check one could make one.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
ALGORITHMS += ["ES256", "ES384", "ES512", "EdDSA"]
LONGEST = 16_000  # characters of a token
MOST_BYTES = 1_000_000  # of a description
TIMEOUT = 5.0  # seconds for a request to the provider
LEEWAY = 30.0  # seconds by which clocks may differ


def new_token() -> tuple[str, str]:
    """Make a token, and its SHA-256 for `SERVE_TOKENS`."""
    token = secrets.token_urlsafe(32)
    return token, _hash(token)


class Access:
    """Lets requests in, or refuses them."""

    def __init__(self, settings: ServingSettings) -> None:
        """Prepare, and ask the provider for the address of its keys.

        Args:
            settings: The tokens and the provider.

        Raises:
            ProjectError: If the provider cannot be asked.
        """
        self._hashes = settings.tokens
        self._provider = Provider(settings.issuer, settings.audience) if settings.issuer else None
        self.is_needed = bool(self._hashes or self._provider)

    async def refuse_unknown(self, authorization: str) -> None:
        """Refuse a request without a token that is accepted.

        Args:
            authorization: The header of that name; empty if there is none.

        Raises:
            RequestError: If the token is missing or wrong; the sentence does not say why it is.
        """
        if not self.is_needed:
            return
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != BEARER or not token or len(token) > LONGEST:
            raise RequestError(401, "send a token: `Authorization: Bearer TOKEN`", UNKNOWN)
        found = _hash(token)
        if sum([hmac.compare_digest(found, known) for known in self._hashes]):  # with all of them
            return
        provider = self._provider
        if provider is None or not await asyncio.to_thread(provider.has_issued, token):
            raise RequestError(401, "the token is not accepted", UNKNOWN)


class Provider:
    """An OpenID provider, which signs tokens."""

    def __init__(self, issuer: str, audience: str) -> None:
        """Ask the provider for the address of its keys.

        Args:
            issuer: Its address, as in the claim `iss` of its tokens.
            audience: What tokens must have in the claim `aud`.

        Raises:
            ProjectError: If it does not answer, or answers for somebody else.
        """
        from jwt import PyJWKClient

        self._issuer, self._audience = issuer, audience
        address = issuer.rstrip("/") + DISCOVERY
        try:
            with urlopen(address, timeout=TIMEOUT) as answer:  # noqa: S310
                found = json.loads(answer.read(MOST_BYTES))
                is_right = is_safe(answer.url)
            keys = str(found["jwks_uri"])
            is_right = is_right and found["issuer"] == issuer and is_safe(keys)
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"{PREFIX}ISSUER: {address} does not describe a provider"
            raise ProjectError(f"{message}: {error}") from error
        if not is_right:
            raise ProjectError(f"{PREFIX}ISSUER: {address} describes another provider")
        self._keys = PyJWKClient(keys, timeout=TIMEOUT)

    def has_issued(self, token: str) -> bool:
        """Return whether the provider has signed a token for this service that is valid now.

        Raises:
            RequestError: If the provider does not give its keys.
        """
        import jwt

        try:
            key = self._keys.get_signing_key_from_jwt(token)
            jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, JSONDecodeError) as error:
            logger.warning("serve: the provider of tokens does not give its keys: %s", error)
            raise busy(503, "the provider of tokens does not give its keys") from error
        except (jwt.PyJWTError, ValueError, TypeError):
            return False
        return True


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
