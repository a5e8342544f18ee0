"""What one outcome says: a failure after classification, or that one was untrue."""

from enum import StrEnum
from typing import NamedTuple

from streams.core.failure import FailureClass, PeerRole, Phase, Side
from streams.core.instant import Instant


class Hop(StrEnum):
    """Which connection an outcome tells of."""

    SUBMISSION = "submission"
    """Ours: the tenant's relay, mail provider, or own DNS and network."""
    MX = "mx"
    """The recipient's: everything behind our own hop."""


class Trial(NamedTuple):
    """One deferral, failure or failure report, after classification."""

    arrived_at: Instant
    at: Instant
    """When it was said; of a report its own time."""
    tried_at: Instant
    """When the attempt was made; of a report that of the mail it is about, if
    that mail is known, else the report's own time."""
    customer: str
    """Customer id, else the address: one voice each."""
    provider: str
    """Under which the mail's 250, if any, was or would be counted."""
    hop: Hop
    reported: bool
    """Said by a report (DSN), not by the session."""
    attempt: int
    final: bool
    """Outcome or action `failed`; else it was deferred or delayed."""
    failure_class: FailureClass
    known: bool
    """The address has a confirmed success in the last 60 days."""
    counted: Hop | None
    """Where a 250 of the same message was counted before: it is taken back."""
    code: int | None = None
    enhanced: str | None = None
    text: str = ""
    peer: str | None = None
    host: str | None = None
    template_id: str | None = None
    operator: str = ""
    """Who refused, when the report names another than `provider`: the operator
    of a domain that only a relay of ours has talked to."""
    through: str | None = None
    """Host of ours that the mail went through; None when only an earlier failure
    of it can tell."""


class Contradiction(NamedTuple):
    """A server's failure that proof of delivery has shown to be untrue."""

    arrived_at: Instant
    at: Instant
    """When the failure was said."""
    customer: str
    server: str
    """Host that refused, or the reporting MTA; empty when unknown."""
    failure_class: FailureClass
    code: int | None
    enhanced: str | None
    text: str


def hop(role: PeerRole | None, phase: Phase | None, side: Side | None) -> Hop:
    """Say at which hop an outcome was made; the connection decides, not the class.

    Without a stated role an AUTH answer can only come from our own relay, and a
    connection that failed for a reason of ours is our own hop's.
    """
    if role is not None:
        return Hop.SUBMISSION if role is PeerRole.RELAY else Hop.MX
    if phase is Phase.AUTH:
        return Hop.SUBMISSION
    ours = side is Side.SENDER_CONFIG
    if ours and phase in {Phase.DNS, Phase.CONNECT, Phase.TLS, None}:
        return Hop.SUBMISSION
    return Hop.MX
