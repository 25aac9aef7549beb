"""What the service measures of itself, for Prometheus.

Belongs here: names, labels and buckets. Does not belong here: when they are counted.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from persona_assets.serving.event_log.writer import EventLog

# From a tenth of a millisecond: an answer out of memory; to seconds: a disk that is in trouble.
_SECONDS = (
    0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 1.0, 5.0,
)  # fmt: skip


class Metrics:
    """All metrics of one service, in a registry of their own.

    Attributes:
        registry: what `/metrics` shows; other parts of the service add theirs to it.
        requests: answers by route, method and status.
        seconds: time from the request's arrival to the end of its answer.
        events: events by format and what became of them.
        tail_failures: accepted events that the live tail does not know.
        lists: served lists by route and path.
        lists_short: those with fewer products than were asked for.
        lists_lost: those that could not be logged.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "persona_requests", "Answers.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "persona_request_seconds",
            "Time to the end of the answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.events = Counter(
            "persona_events",
            "Events by format and outcome: accepted, without_person, ignored or rejected.",
            ("source", "outcome"),
            registry=self.registry,
        )
        self.tail_failures = Counter(
            "persona_live_tail_failures",
            "Accepted events that the live tail could not take.",
            registry=self.registry,
        )

        self.lists = Counter(
            "persona_lists", "Served lists.", ("route", "path"), registry=self.registry
        )
        self.lists_short = Counter(
            "persona_lists_short",
            "Served lists with fewer products than were asked for.",
            ("route",),
            registry=self.registry,
        )
        self.lists_lost = Counter(
            "persona_lists_not_logged",
            "Served lists that could not be logged.",
            registry=self.registry,
        )

    def watch(self, log: EventLog) -> None:
        """Show the counts of the event log, too."""
        self.registry.register(_LogCollector(log))

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _LogCollector(Collector):
    """The event log's own counts, read when they are asked for."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def collect(self) -> Iterator[Metric]:
        """The counts as they are."""
        counts = self._log.counts()
        for name, text, value in (
            ("persona_event_log_records", "Acknowledged records.", counts.records),
            ("persona_event_log_bytes", "Acknowledged bytes.", counts.bytes),
            ("persona_event_log_synchronizations", "Groups synchronized.", counts.groups),
            ("persona_event_log_refused", "Records that were not logged.", counts.refused),
        ):
            yield CounterMetricFamily(name, text, value)
        for name, text, value in (
            ("persona_event_log_waiting_bytes", "Waiting in memory.", counts.waiting_bytes),
            ("persona_event_log_end", "Offset of the end.", counts.end),
            ("persona_event_log_fault", "1: the last group was not logged.", bool(counts.fault)),
        ):
            yield GaugeMetricFamily(name, text, value)
