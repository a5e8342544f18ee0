"""The closed catalogue of metrics, and the observer that keeps them.

A label's values are a closed set or a partition number; never an address, a
domain, a host or a text. Counters of what the stages did grow only once the
transaction is committed, so a batch that is processed again is counted once.
"""

from collections import Counter as Tallies
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from heapq import nlargest
from itertools import product
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams import __version__
from streams.agents import tally
from streams.core.evidence import Action, CommandAction, Outcome
from streams.core.failure import TRAITS, Confidence, FailureClass, Side
from streams.core.flag import ChangeType, ClearedBy
from streams.core.instant import Instant
from streams.core.spike.incident import Scope
from streams.engine.observer import AbortReason
from streams.engine.readiness import Readiness
from streams.engine.stage import Tally
from streams.wire.address_state import Standing
from streams.wire.reject import RejectReason
from streams.wire.topic import INPUTS, Topic

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60)
_DELAYS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60, 300, 3_600, 86_400)
_SIZES = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)
_MS = 1000
_INTERNAL = (Topic.EVIDENCE, Topic.TENANT_ACTIVITY, Topic.SPIKE_DIGESTS)

# The `_created` twin of every series says nothing that Prometheus uses.
disable_created_metrics()  # type: ignore[no-untyped-call] # upstream's omission


_SORTS: tuple[tuple[str, Scope], ...] = (
    ("spike", Scope.TENANT),
    ("spike", Scope.PROVIDER),
    ("platform-spike", Scope.PROVIDER),
    ("platform-spike", Scope.PLATFORM),
    ("response-mismatch", Scope.TENANT),
    ("response-mismatch", Scope.PROVIDER),
)
"""Kinds of alerts, and what each may concern."""
_SHOWN_ALERTS = 10
"""Most series with a tenant's name in them."""


class OpenAlert(NamedTuple):
    """What is shown of an alert while it is open."""

    kind: str
    scope: str
    cause: str
    tenant_id: str | None
    """None: many tenants."""
    customers: int
    """How many customers newly fail."""
    opened_at: Instant


class Delivery(StrEnum):
    """What became of a request to an Alertmanager."""

    DELIVERED = "delivered"
    """It took the alerts."""
    REFUSED = "refused"
    """It answered 4xx: what we sent is wrong."""
    UNAVAILABLE = "unavailable"
    """It answered 5xx, too late or not at all."""


class AlertReader(StrEnum):
    """Who reads the alerts topic."""

    FLAGS = "flags"
    """The stage, which has to know what is open."""
    NOTIFIER = "notifier"
    """What tells Alertmanager."""


class Described(NamedTuple):
    """A metric as people look it up."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


class Counted(NamedTuple):
    """What is known of a tally: its help, its labels and their values.

    Known series start at 0, because `rate` cannot see the first increment of a
    series that was not there before.
    """

    help: str
    labels: tuple[str, ...] = ()
    known: tuple[tuple[str, ...], ...] = ()


COUNTED: dict[str, Counted] = {
    tally.REJECTED: Counted(
        "Records that cannot be used, and are dead letters.",
        ("topic", "reason"),
        tuple(product((*INPUTS, *_INTERNAL), RejectReason)),
    ),
    tally.IGNORED: Counted(
        "Mails to the bounce mailbox that are no reports, by kind.", ("kind",)
    ),
    tally.LEFT_OUT: Counted(
        "Recipients of used reports that are no address, or of no tenant."
    ),
    tally.EVIDENCE: Counted(
        "Evidence made of input records, by kind and by what it says.",
        ("kind", "said"),
        (
            *product(("attempt",), Outcome),
            *product(("report",), Action),
            *product(("command",), CommandAction),
        ),
    ),
    tally.FAILURES: Counted(
        "Failures by class, and how sure the classifier is of it.",
        ("class", "confidence"),
        tuple(product(FailureClass, Confidence)),
    ),
    tally.SKEWED: Counted(
        "Events that claimed to be from the future and were dated back.",
        ("topic",),
        tuple(product(INPUTS)),
    ),
    tally.FLAG_CHANGES: Counted(
        "Flags set, updated and cleared, by side and class of the failure.",
        ("change", "side", "class"),
        tuple(
            (change, traits.side, failure_class)
            for change in ChangeType
            for failure_class, traits in TRAITS.items()
        ),
    ),
    tally.FLAG_CLEARS: Counted(
        "Flags cleared, by what cleared them.", ("cause",), tuple(product(ClearedBy))
    ),
    tally.LATE_EVIDENCE: Counted(
        "Evidence about a message older than all that are remembered."
    ),
    tally.MISMATCHES: Counted("Answers of mail servers that a delivery contradicted."),
    tally.ALERTS: Counted(
        "Alerts opened, updated and resolved, by kind, scope and class.",
        ("kind", "event", "scope", "class"),
        tuple(
            (kind, event, scope, cause)
            for kind, scope in _SORTS
            for event in ("alert-opened", "alert-resolved")
            for cause in FailureClass
        ),
    ),
    tally.REPEATED: Counted(
        "Activity and digests that came again and were not counted twice.",
        ("topic",),
        ((Topic.TENANT_ACTIVITY,), (Topic.SPIKE_DIGESTS,)),
    ),
}
"""Every tally of the stages; the metric is `mailflag_<name>_total`."""


class Metrics:
    """All metrics of one worker, in a registry of their own."""

    def __init__(self) -> None:
        """Make every series that is known beforehand."""
        self.registry = CollectorRegistry()
        self.catalogue: list[Described] = []
        """What there is, for people."""
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        build = self._gauge("build_info", "1; the version is a label.", "version")
        build.labels(__version__).set(1)
        self._tallies = {
            name: self._counted(name, counted) for name, counted in COUNTED.items()
        }
        self._served: set[tuple[str, int]] = set()
        self._make_flow()
        self._make_transactions()
        self._make_lanes()
        self._notified = self._counter(
            "alertmanager_requests",
            "Requests to Alertmanagers, by number of the replica and result.",
            *("replica", "result"),
        )
        self._unreadable = self._gauge(
            "alerts_unreadable",
            "Alerts whose newest record this program cannot read, by who reads them.",
            "reader",
        )

    def page(self, accept: str) -> tuple[bytes, str]:
        """Answer the body and the content type that a scraper asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def watch_readiness(self, readiness: Callable[[], Readiness]) -> None:
        """Answer at every scrape whether the worker can do its work."""
        ready = self._gauge(
            "worker_ready", "1 when the worker serves its partitions, as /readyz says."
        )
        ready.set_function(lambda: readiness().ready)
        condition = self._gauge(
            "worker_condition", "1 for each condition of it that is met.", "condition"
        )
        for name in Readiness._fields:
            condition.labels(name).set_function(partial(_met, readiness, name))

    def watch_flags(self, standing: Callable[[], Mapping[Standing, int]]) -> None:
        """Answer at every scrape how many flags stand in this worker's tables."""
        total = self._gauge(
            "flags_standing",
            "Flags that stand in the partitions of this worker.",
            *("side", "suppress_recommended"),
        )
        for side, suppress in product(Side, (False, True)):
            one = Standing(side, suppress)
            total.labels(side, str(suppress).lower()).set_function(
                partial(_count, standing, one)
            )

    def watch_fuses(
        self, charges: Callable[[], Mapping[tuple[str, int], float]]
    ) -> None:
        """Answer at every scrape how near each input's fuse is to blowing."""
        charge = self._gauge(
            "fuse_charge_ratio",
            "The nearest of this worker's fuses of an input; 1 stops the worker.",
            "topic",
        )
        for topic in INPUTS:
            charge.labels(topic).set_function(partial(self._nearest, charges, topic))

    def watch_alerts(self, open_alerts: Callable[[], Iterable[OpenAlert]]) -> None:
        """Answer at every scrape which alerts are open.

        Every worker knows all of them, so a query takes the maximum over workers.
        """
        self.catalogue += _ALERT_GAUGES
        self.registry.register(_Alerts(open_alerts))

    def watch_unreadable(self, reader: AlertReader, count: Callable[[], int]) -> None:
        """Answer at every scrape how many alerts a reader cannot read."""
        self._unreadable.labels(reader).set_function(count)

    def _nearest(
        self, charges: Callable[[], Mapping[tuple[str, int], float]], topic: str
    ) -> float:
        ours = [
            charge
            for (name, partition), charge in charges().items()
            if name == topic and (name, partition) in self._served
        ]
        return max(ours, default=0.0)

    def _counted(self, name: str, counted: Counted) -> Counter:
        counter = self._counter(name, counted.help, *counted.labels)
        for labels in counted.known:
            counter.labels(*labels)
        return counter

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        full = f"mailflag_{name}_total"
        self.catalogue.append(Described(full, "counter", labels, documentation))
        return Counter(full, documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        full = f"mailflag_{name}"
        self.catalogue.append(Described(full, "gauge", labels, documentation))
        return Gauge(full, documentation, labels, registry=self.registry)

    def _histogram(
        self, name: str, documentation: str, buckets: tuple[float, ...]
    ) -> Histogram:
        full, labels = f"mailflag_{name}", ("stage",)
        self.catalogue.append(Described(full, "histogram", labels, documentation))
        return Histogram(
            full, documentation, labels, registry=self.registry, buckets=buckets
        )

    def _make_flow(self) -> None:
        self._processed = self._counter(
            "records_processed",
            "Records that went through a stage; again after a failure.",
            *("stage", "topic"),
        )
        self._processed_bytes = self._counter(
            "processed_bytes", "Size of the values of these records.", "stage", "topic"
        )
        self._batch = self._histogram(
            "batch_records", "Records of one partition processed together.", _SIZES
        )
        self._written = self._counter(
            "messages_written",
            "Messages written and committed or acknowledged, by topic.",
            *("stage", "topic"),
        )

    def _make_transactions(self) -> None:
        self._transaction = self._histogram(
            "transaction_seconds", "From begin to committed.", _SECONDS
        )
        self._transaction_writes = self._histogram(
            "transaction_writes", "Table changes and messages committed.", _SIZES
        )
        self._aborted = self._counter(
            "transactions_aborted",
            "Transactions given up together with the lane's memory, by reason.",
            *("stage", "reason"),
        )
        self._forward = self._histogram(
            "forward_seconds", "From handed over to acknowledged.", _SECONDS
        )
        self._forward_messages = self._histogram(
            "forward_messages", "Messages acknowledged in one round.", _SIZES
        )
        self._pending = self._gauge(
            "pending_writes", "Writes that wait for their transaction."
        )

    def _make_lanes(self) -> None:
        where = ("stage", "topic", "partition")
        self._lanes = self._gauge(
            "lanes", "Partitions that this worker serves.", "stage"
        )
        self._lag = self._gauge(
            "lag_records", "Records of a partition that wait to be processed.", *where
        )
        self._delay = self._gauge(
            "delay_seconds",
            "Time from a record's arrival in the topic to its processing, of the last.",
            *where,
        )
        self._delays = self._histogram(
            "batch_delay_seconds",
            "The same of every batch's last record.",
            _DELAYS,
        )
        self._last_processed = self._gauge(
            "last_processed_timestamp_seconds",
            "When the last record of a partition was processed.",
            *where,
        )
        self._last_record = self._gauge(
            "last_record_timestamp_seconds",
            "When the last record processed had reached the topic.",
            *where,
        )
        self._recovery_left = self._gauge(
            "recovery_left_records",
            "Positions of the changelog still to be read; 0 when recovered.",
            *("stage", "partition"),
        )
        self._recovery_applied = self._gauge(
            "recovery_applied_records",
            "Records of the changelog applied in the last recovery.",
            *("stage", "partition"),
        )
        self._keys = self._gauge("table_keys", "Keys in a table.", "stage", "partition")

    def notifies(self, replicas: int) -> None:
        """Note to how many Alertmanagers alerts are sent."""
        for replica, result in product(range(replicas), Delivery):
            self._notified.labels(replica, result)

    def notified(self, replica: int, result: Delivery) -> None:
        """Count a request to an Alertmanager, numbered as in the settings."""
        self._notified.labels(replica, result).inc()

    def batch_processed(
        self, stage: str, topic: str, partition: int, *, records: int, size: int
    ) -> None:
        """Count a batch that went through its stage."""
        del partition
        self._processed.labels(stage, topic).inc(records)
        self._processed_bytes.labels(stage, topic).inc(size)
        self._batch.labels(stage).observe(records)

    def progressed(
        self, stage: str, topic: str, partition: int, *, reached: Instant, now: Instant
    ) -> None:
        """Note when the partition went on, and how far."""
        self._served.add((topic, partition))
        self._last_processed.labels(stage, topic, partition).set(now / _MS)
        self._last_record.labels(stage, topic, partition).set(reached / _MS)
        # Clocks of brokers and workers may differ by a little.
        delay = max(0, now - reached) / _MS
        self._delay.labels(stage, topic, partition).set(delay)
        self._delays.labels(stage).observe(delay)

    def committed(
        self, stage: str, *, messages: Mapping[str, int], tallies: Tallies[Tally]
    ) -> None:
        """Count what is durable.

        Raises:
            KeyError: a stage counts what is not in the catalogue.
        """
        for topic, count in messages.items():
            self._written.labels(stage, topic).inc(count)
        for (name, *labels), count in tallies.items():
            counter = self._tallies[name]
            (counter.labels(*labels) if labels else counter).inc(count)

    def transaction_finished(
        self, stage: str, partition: int, *, seconds: float, records: int
    ) -> None:
        """Note a committed transaction."""
        del partition
        self._transaction.labels(stage).observe(seconds)
        self._transaction_writes.labels(stage).observe(records)

    def transaction_aborted(
        self, stage: str, partition: int, reason: AbortReason
    ) -> None:
        """Count a transaction that was given up."""
        del partition
        self._aborted.labels(stage, reason).inc()

    def forwarded(self, stage: str, *, seconds: float, records: int) -> None:
        """Note an acknowledged round of a forwarding stage."""
        self._forward.labels(stage).observe(seconds)
        self._forward_messages.labels(stage).observe(records)

    def recovery_progressed(
        self, stage: str, partition: int, *, applied: int, left: int
    ) -> None:
        """Note how far a table's recovery is."""
        self._recovery_left.labels(stage, partition).set(left)
        self._recovery_applied.labels(stage, partition).set(applied)
        for reason in AbortReason:  # only stages with a table have transactions
            self._aborted.labels(stage, reason)

    def lanes_open(self, stage: str, count: int) -> None:
        """Note how many partitions this worker serves."""
        self._lanes.labels(stage).set(count)

    def lag(self, stage: str, topic: str, partition: int, records: int) -> None:
        """Note how much of a partition waits."""
        self._lag.labels(stage, topic, partition).set(records)

    def lag_unknown(self, stage: str, topic: str, partition: int) -> None:
        """Forget a partition that another worker serves now."""
        self._served.discard((topic, partition))
        of_log = (self._lag, self._delay, self._last_processed, self._last_record)
        for gauge in of_log:
            gauge.remove(stage, topic, partition)
        for gauge in (self._keys, self._recovery_left, self._recovery_applied):
            gauge.remove(stage, partition)

    def table_size(self, stage: str, partition: int, keys: int) -> None:
        """Note how many keys a table holds."""
        self._keys.labels(stage, partition).set(keys)

    def pending(self, records: int) -> None:
        """Note how many writes wait."""
        self._pending.set(records)


def _met(readiness: Callable[[], Readiness], condition: str) -> float:
    return float(getattr(readiness(), condition))


def _count(standing: Callable[[], Mapping[Standing, int]], one: Standing) -> int:
    return standing().get(one, 0)


_ALERT_GAUGES = (
    Described(
        "mailflag_alerts_open", "gauge", ("kind", "scope"), "Alerts that are open."
    ),
    Described(
        "mailflag_alert_customers",
        "gauge",
        ("tenant", "kind", "scope", "class"),
        "Customers that newly fail, of the greatest open alerts.",
    ),
    Described(
        "mailflag_alert_opened_timestamp_seconds",
        "gauge",
        ("tenant", "kind", "scope", "class"),
        "When the greatest open alerts were opened.",
    ),
)


class _Alerts(Collector):
    """The open alerts: how many of each sort, and the greatest by tenant."""

    def __init__(self, open_alerts: Callable[[], Iterable[OpenAlert]]) -> None:
        self._open = open_alerts

    def describe(self) -> Iterable[Metric]:
        """Answer the names, without asking for the alerts."""
        return self._families()

    def collect(self) -> Iterator[Metric]:
        """Ask for the alerts and count them."""
        total, customers, opened = self._families()
        alerts = list(self._open())
        counts = Tallies((one.kind, one.scope) for one in alerts)
        for kind, scope in (*_SORTS, *(counts.keys() - set(_SORTS))):
            total.add_metric([kind, scope], counts[kind, scope])
        for where, (failing, since) in _greatest(alerts):
            customers.add_metric(where, failing)
            opened.add_metric(where, since / _MS)
        yield from (total, customers, opened)

    @staticmethod
    def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
        total, customers, opened = (
            GaugeMetricFamily(one.name, one.help, labels=one.labels)
            for one in _ALERT_GAUGES
        )
        return total, customers, opened


def _greatest(
    alerts: Iterable[OpenAlert],
) -> list[tuple[tuple[str, ...], tuple[int, Instant]]]:
    """Answer customers and start of the greatest alerts, one for each label set."""
    together: dict[tuple[str, ...], tuple[int, Instant]] = {}
    for one in alerts:
        where = (one.tenant_id or "", one.kind, one.scope, one.cause)
        failing, since = together.get(where, (0, one.opened_at))
        together[where] = failing + one.customers, min(since, one.opened_at)
    return nlargest(_SHOWN_ALERTS, together.items(), key=lambda item: item[1])
