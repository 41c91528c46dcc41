"""What Prometheus reads. Names and units by its conventions; labels stay few, and never name a job."""

from collections.abc import Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from notifier.errors import Cause
from notifier.web.queues import Queue

CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SWEEP_SECONDS = (0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """Counters the parts write to (a `notifier.ports.Meter`), and gauges that are set when somebody looks."""

    def __init__(self, version: str) -> None:
        self.registry = registry = CollectorRegistry()
        # A second series for each, which says when it began, and which nobody charts.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        ProcessCollector(registry=registry)
        Info("notifier_build", "The running version.", registry=registry).info({"version": version})
        self._sweeps = Counter(
            "notifier_sweeps", "Sweeps of a scope.", ["region", "account", "outcome"], registry=registry
        )
        self._sweep_seconds = _seconds("notifier_sweep", "Time of a sweep.", ["region"], SWEEP_SECONDS, registry)
        labels = ["region", "operation"]
        self._calls = Counter("notifier_aws_calls", "Calls to AWS.", [*labels, "outcome"], registry=registry)
        self._call_seconds = _seconds("notifier_aws_call", "Time of a call to AWS.", labels, CALL_SECONDS, registry)
        self._throttles = Counter("notifier_aws_throttles", "Calls that AWS throttled.", labels, registry=registry)
        self._events = Counter("notifier_events", "Events detected.", ["type"], registry=registry)
        self._messages = Counter(
            "notifier_messages", "Messages that came to their end: delivered or dead.", ["kind", "outcome"],
            registry=registry,
        )  # fmt: skip
        self._attempts = Counter(
            "notifier_delivery_attempts", "Attempts to send: ok, or whose failure it was.", ["kind", "outcome"],
            registry=registry,
        )  # fmt: skip
        self._attempt_seconds = _seconds(
            "notifier_delivery_attempt", "Time of a send.", ["kind"], CALL_SECONDS, registry
        )
        self._depth = Gauge(
            "notifier_outbox_messages", "Messages in the outbox.", ["destination", "state"], registry=registry
        )
        self._oldest = Gauge(
            "notifier_outbox_oldest_age_seconds", "Age of the oldest message owed.", ["destination"], registry=registry
        )
        self._held = Gauge(
            "notifier_destination_held", "1 while nothing is sent there.", ["destination"], registry=registry
        )
        self._polled = Gauge(
            "notifier_poll_age_seconds", "Time since the last complete sweep.", ["region", "account"], registry=registry
        )
        self._store = Gauge("notifier_store_up", "1 if the store answered this scrape.", registry=registry)

    def call(self, region: str, operation: str, outcome: str, seconds: float) -> None:
        """One call to AWS: outcome is `ok`, or a Cause."""
        self._calls.labels(region, operation, outcome).inc()
        self._call_seconds.labels(region, operation).observe(seconds)
        if outcome == Cause.THROTTLED:
            self._throttles.labels(region, operation).inc()

    def attempt(self, kind: str, outcome: str, seconds: float) -> None:
        """One send: outcome is `ok`, or a Fault."""
        self._attempts.labels(kind, outcome).inc()
        self._attempt_seconds.labels(kind).observe(seconds)

    def sweep(self, region: str, outcome: str, seconds: float, account: str = "") -> None:
        """One sweep: outcome is `ok`, or a Cause. An empty label is none to Prometheus: one account needs no name."""
        self._sweeps.labels(region, account, outcome).inc()
        self._sweep_seconds.labels(region).observe(seconds)

    def event(self, kind: str, count: int = 1) -> None:
        """Events detected, by type (`tuning_job.new_best`)."""
        self._events.labels(kind).inc(count)

    def message(self, kind: str, outcome: str, count: int = 1) -> None:
        """Messages that came to their end: outcome is `delivered`, `dead` or `silenced`."""
        self._messages.labels(kind, outcome).inc(count)

    def expose(
        self, queues: Sequence[Queue] | None, poll_ages: Mapping[tuple[str, str], float], accept: str = ""
    ) -> tuple[bytes, str]:
        """The page in the format `accept` asks for, and its content type. `poll_ages` are by region and account.

        `queues` None: the store did not answer.
        """
        # Set and written without a wait in between: two scrapes at once cannot mix.
        for gauge in (self._depth, self._oldest, self._held, self._polled):
            gauge.clear()
        self._store.set(queues is not None)
        for where, age in poll_ages.items():
            self._polled.labels(*where).set(age)
        for queue in queues or ():
            self._show(queue)
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _show(self, queue: Queue) -> None:
        for state, number in queue.messages.items():
            self._depth.labels(queue.destination, state).set(number)
        self._oldest.labels(queue.destination).set(queue.oldest_age or 0.0)
        self._held.labels(queue.destination).set(queue.held is not None)


def _seconds(
    what: str, text: str, labels: list[str], buckets: tuple[float, ...], registry: CollectorRegistry
) -> Histogram:
    return Histogram(f"{what}_duration_seconds", text, labels, buckets=buckets, registry=registry)
