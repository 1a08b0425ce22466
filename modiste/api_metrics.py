"""What Prometheus is told: requests, images, batches, queues, what was dropped.

In: events of the service. Out: the text format. Labels are path templates and codes, never what a client wrote, so
their number is bounded.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
SIZES = (1, 2, 4, 8, 16, 32)


class Metrics:
    """One registry a service, so that two of them in a process (tests) don't meet."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.requests = Counter(
            "modiste_requests", "Requests answered.", ["method", "path", "status"], registry=registry
        )
        self.seconds = Histogram(
            "modiste_request_seconds", "From the request's head to the answer's end.", ["path"], buckets=SECONDS,
            registry=registry,
        )  # fmt: skip
        self.images = Counter("modiste_images", "Images, by outcome ('ok' or a code).", ["work", "outcome"],
                              registry=registry)  # fmt: skip
        self.batch = Histogram("modiste_batch_size", "Photos a batch.", ["lane"], buckets=SIZES, registry=registry)
        self.batch_seconds = Histogram(
            "modiste_batch_seconds", "Of computing a batch.", ["lane"], buckets=SECONDS, registry=registry
        )
        self.waiting = Gauge("modiste_waiting", "Photos that wait.", ["lane"], registry=registry)
        self.dropped = Counter(
            "modiste_vanished", "Requests whose client went away before the answer.", registry=registry
        )
        self.in_flight = Gauge("modiste_requests_in_flight", "Requests worked on or waiting.", registry=registry)
        self.jobs = Gauge("modiste_jobs_running", "Jobs being worked on.", registry=registry)

    def batch_done(self, lane: str, size: int, seconds: float) -> None:
        self.batch.labels(lane).observe(size)
        self.batch_seconds.labels(lane).observe(seconds)

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        known = method if method in ("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH") else "other"
        self.requests.labels(known, path, str(status)).inc()
        self.seconds.labels(path).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)
