"""One outage as its tenant sees it: identity, scope, cause, since when.

The key is made of what never changes; scope, provider and cause may be
understood better later. Whether anybody is paged is decided elsewhere.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from uuid import UUID, uuid5

from streams.core.activity import Hop
from streams.core.failure import FailureClass
from streams.core.instant import Instant

_NAMESPACE = UUID("0b8d6f0e-5d2a-5c0e-9a53-2f6d6c61696c")


class Scope(StrEnum):
    """How far an incident reaches."""

    TENANT = "tenant"
    """One tenant's mail, wherever it goes."""
    PROVIDER = "provider"
    """Mail to one provider, of one tenant or of many."""
    PLATFORM = "platform"
    """Mail of many tenants."""


class Turn(StrEnum):
    """What became of an incident."""

    OPENED = "opened"
    """It is new."""
    CHANGED = "changed"
    """Its scope, cause or figures changed."""
    RESOLVED = "resolved"
    """Mail old enough to have bounced goes through again."""


@dataclass(slots=True)
class Incident:
    """An outage of one tenant, from the first evidence to its end."""

    tenant_id: str
    hop: Hop
    since: Instant
    """Start of the evidence."""
    opened_at: Instant
    scope: Scope
    provider: str | None
    """Set when the scope is the provider."""
    cause: FailureClass
    last_seen_at: Instant
    told_at: Instant
    """When its figures were last told ..."""
    told_customers: int = 0
    """... and how many customers failed by then."""
    mismatch: bool = False
    """Proof of delivery contradicts the failures: the server's answers lie."""
    failures: int = 0
    """Batches with failures since it was opened."""
    resolved_at: Instant | None = None

    @property
    def key(self) -> str:
        """Identity, the same in every worker and after every restart."""
        return alert_key(self.tenant_id, self.since, self.opened_at)


@lru_cache(maxsize=16_384)  # an incident that goes on is named at every step
def alert_key(owner: str, since: Instant, opened_at: Instant) -> str:
    """Answer the identity of an alert: never of its cause or scope."""
    return str(uuid5(_NAMESPACE, f"{owner}/{since}/{opened_at}"))
