"""Requests that get no answer, with the status and the sentence that they get instead."""

from collections.abc import Mapping


class RequestError(Exception):
    """A request is refused.

    Attributes:
        status: The status of HTTP.
        headers: Headers that belong to it.
    """

    def __init__(
        self, status: int, sentence: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Refuse a request.

        Args:
            status: The status of HTTP.
            sentence: What is wrong, for whoever sent the request.
            headers: Headers of the answer, such as how long to wait.
        """
        super().__init__(sentence)
        self.status, self.headers = status, dict(headers or {})


def busy(status: int, sentence: str) -> RequestError:
    """Refuse a request that may be sent again in a second."""
    return RequestError(status, f"{sentence}: try again in a second", {"Retry-After": "1"})
