"""What the service counts, for Prometheus."""

import time
from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from .served import Answer, Served

TYPE = CONTENT_TYPE_LATEST
disable_created_metrics()  # type: ignore[no-untyped-call]  # when each counter began
OTHER = "other"  # path of a request for no page
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Measures:
    """The counters of one service.

    Attributes:
        requests: Requests, by `path` and `status`.
        seconds: How long they took, by `path`.
        rows: Rows that were answered, by `version`.
        refused: Reasons why rows got no prediction, by `version` and `rule`.
        swaps: Champions that were taken over, or refused, by `outcome`.
        kept: Rows that were kept.
        dropped: Rows that were not kept, since too many waited or the folder cannot be written.
    """

    def __init__(self, served: Callable[[], Served]) -> None:
        """Begin at 0.

        Args:
            served: Returns the version that answers.
        """
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "serve_requests", "Requests.", ["path", "status"], registry=registry
        )
        self.seconds = Histogram(
            "serve_request_seconds", "Duration.", ["path"], registry=registry, buckets=SECONDS
        )
        self.rows = Counter(
            "serve_rows", "Rows that were answered.", ["version"], registry=registry
        )
        self.refused = Counter(
            "serve_refused_rows",
            "Rules that rows broke, so that they got no prediction.",
            ["version", "rule"],
            registry=registry,
        )
        self.swaps = Counter(
            "serve_swaps",
            "Champions that were taken over or refused.",
            ["outcome"],
            registry=registry,
        )
        self.kept = Counter("serve_kept_rows", "Rows that were kept.", registry=registry)
        self.dropped = Counter("serve_dropped_rows", "Rows that were not kept.", registry=registry)
        self._version = Gauge(
            "serve_version", "1 for the version that answers.", ["version"], registry=registry
        )
        self._served = served
        self._waiting = Gauge("serve_waiting", "Requests that wait.", registry=registry)
        Gauge(
            "serve_version_age_seconds", "Time since the version was loaded.", registry=registry
        ).set_function(lambda: time.time() - served().since)

    def watch_waiting(self, count: Callable[[], int]) -> None:
        """Report how many requests wait, as a function says."""
        self._waiting.set_function(count)

    def answered(self, served: Served, rows: int, answer: Answer) -> None:
        """Count rows, and the rules that they broke."""
        self.rows.labels(served.number).inc(rows)
        for rule, count in answer.broken.items():
            self.refused.labels(served.number, rule).inc(count)

    def text(self) -> bytes:
        """Write everything in the format of Prometheus."""
        self._version.clear()
        self._version.labels(self._served().number).set(1)
        return generate_latest(self._registry)
