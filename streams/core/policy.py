"""What a tenant's policy decides: when a flag clears and when it warns.

The defaults are the product's judgement; a policy file changes them for all or
for one tenant (`streams.wire.policy_file`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from streams.core.classify import OwnIdentity
from streams.core.evidence import Failure
from streams.core.failure import TRAITS, AddressPolicy, Confidence, FailureClass, Side
from streams.core.instant import Instant

_MILLISECOND = timedelta(milliseconds=1)
_SHORTEST_WAIT = timedelta(minutes=10) // _MILLISECOND
_LONGEST_WAIT = timedelta(days=5) // _MILLISECOND


class ClearOn(StrEnum):
    """What it takes to clear a flag."""

    SETTLED = "settled"
    """An accepted message; after a late bounce only once it has settled."""
    ACCEPTED = "accepted"
    """The next accepted message, at once."""
    DELIVERED = "delivered"
    """Proof: a report or a person who says that a message arrived."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """How many failed messages in a row speak against the address; 0 is never."""

    permanent: int
    transient: int


@dataclass(frozen=True, slots=True)
class FlagPolicy:
    """One tenant's policy."""

    clear_on: ClearOn = ClearOn.SETTLED
    """What it takes to clear a flag."""
    clear_late_bounce_after: timedelta | None = None
    """How long after a late bounce an accepted message must stay without a report
    before it clears; not set: twice the lag of the bounce, 10 minutes to 5 days."""
    clear_on_incident_resolve: bool = False
    """Clear the flags of an incident when it is over, not one by one."""
    suppress: bool = True
    """Whether `suppress_recommended` is ever said."""
    thresholds: Mapping[FailureClass, Threshold] = field(default_factory=dict)
    """How many failed messages in a row speak against the address, by class, where
    it is not the class's own number; 0 is never. `permanent` counts 5.x.x answers,
    `transient` 4.x.x ones."""
    own: OwnIdentity = field(default_factory=OwnIdentity)
    """Who the tenant is when it sends: what a refusal of itself would quote."""

    def wait_after_late_bounce(self, lag_ms: int) -> int:
        """Answer how many ms an accepted message must stay unreported.

        Behind a relay that takes everything and bounces later, an accepted
        message proves nothing until its own bounce would have come.
        """
        if self.clear_late_bounce_after is not None:
            return self.clear_late_bounce_after // _MILLISECOND
        return min(max(2 * lag_ms, _SHORTEST_WAIT), _LONGEST_WAIT)

    def needed(self, failure: Failure) -> int:
        """Answer how many failures like this one speak against the address.

        1 is at once, 0 is never. A 4.x.x answer, or a verdict of low
        confidence, never condemns an address at once.
        """
        if failure.address_policy is AddressPolicy.NEVER:
            return 0
        own = self.thresholds.get(failure.failure_class)
        traits = TRAITS[failure.failure_class]
        permanent = traits.after_permanent if own is None else own.permanent
        transient = traits.after_transient if own is None else own.transient
        if not failure.permanent:
            return transient
        if failure.confidence is Confidence.LOW:
            return max(permanent, transient)
        return permanent


def suppress_recommended(
    failures: list[Failure], policy: FlagPolicy, *, held: bool
) -> bool:
    """Say whether the address itself is bad, by the failures in a row.

    `failures` are newest first; `held` is true while the newest belongs to an
    open incident. Failures whose class never speaks against an address neither
    count nor reset.
    """
    newest = failures[0]
    if held or not policy.suppress or newest.side is not Side.RECIPIENT:
        return False
    if policy.needed(newest) <= 1:
        return policy.needed(newest) == 1
    needed = [n for n in map(policy.needed, failures) if n > 0]
    return len(needed) >= max(needed)


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """The policies of all tenants."""

    default: FlagPolicy = field(default_factory=FlagPolicy)
    tenants: Mapping[str, FlagPolicy] = field(default_factory=dict)

    def of(self, tenant_id: str) -> FlagPolicy:
        """Answer a tenant's policy: its own, else the default."""
        return self.tenants.get(tenant_id, self.default)


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident of a tenant that is open now, as the flags need to know it."""

    key: str
    classes: frozenset[FailureClass]
    """Failures of these classes are the incident's, not the address's."""
    opened_at: Instant
