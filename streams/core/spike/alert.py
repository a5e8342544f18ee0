"""What on-call is told: one alert per fault, with all that is needed to act.

An alert without a parent whose severity is critical is a page. Everything else
is for the record, for the flags and for dashboards.
"""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from streams.core.activity import Hop
from streams.core.failure import FailureClass, Side
from streams.core.instant import Instant
from streams.core.sample import Sample
from streams.core.spike.fleet import UNKNOWN, Hosts
from streams.core.spike.incident import Scope, Turn


class Kind(StrEnum):
    """What sort of fault an alert is about."""

    SPIKE = "spike"
    """Many customers of one tenant newly fail for one cause."""
    PLATFORM_SPIKE = "platform-spike"
    """The same over many tenants."""
    RESPONSE_MISMATCH = "response-mismatch"
    """A server's failures are untrue."""


MISMATCH = "response_mismatch"
"""The cause when proof of delivery contradicts the failures."""


class Severity(StrEnum):
    """Who should be woken."""

    CRITICAL = "critical"
    """On-call, now."""
    WARNING = "warning"
    """Nobody; somebody during the day."""
    INFO = "info"
    """Nobody: another alert covers it."""


class Alert(NamedTuple):
    """An alert as it is now, and what became of it."""

    turn: Turn
    key: str
    kind: Kind
    revision: int
    at: Instant
    """When this was said."""
    opened_at: Instant
    evidence_from: Instant
    last_seen_at: Instant
    resolved_at: Instant | None
    parent: str | None
    tenant_id: str | None
    scope: Scope
    provider: str | None
    hop: Hop | None
    side: Side
    cause: FailureClass
    mismatch: bool
    """Proof of delivery contradicts the failures."""
    causes: tuple[tuple[FailureClass, int], ...]
    """Customers by class, most first."""
    customers: int
    failed: int
    reached: int
    base: float
    ratio: float | None
    """None, as is the threshold, where another test or none has opened it."""
    threshold: float | None
    tenants: int
    children: tuple[str, ...]
    samples: tuple[Sample, ...]
    hosts: Hosts = UNKNOWN
    """Hosts of ours that it goes through."""

    @property
    def severity(self) -> Severity:
        """Who should be woken."""
        if self.kind is Kind.RESPONSE_MISMATCH:
            return Severity.WARNING
        if self.parent is not None:
            return Severity.INFO
        return Severity.WARNING if self.mismatch else Severity.CRITICAL

    @property
    def cause_word(self) -> str:
        """The cause as people and subscribers read it."""
        return MISMATCH if self.mismatch else self.cause.value

    @property
    def peer(self) -> str | None:
        """Host that gave most of the answers shown."""
        return _most(sample.peer for sample in self.samples)

    @property
    def involved(self) -> tuple[str, ...]:
        """Hosts of ours that fail, the worst first; else those in the answers shown."""
        failing = tuple(host for host, _ in self.hosts.failing)
        return failing or tuple(dict.fromkeys(s.host for s in self.samples if s.host))

    @property
    def share(self) -> float:
        """Share of the trials since `evidence_from` that failed."""
        trials = self.failed + self.reached
        return self.failed / trials if trials else 0.0


def _most(names: Iterable[str | None]) -> str | None:
    counts = Counter(name for name in names if name)
    return counts.most_common(1)[0][0] if counts else None
