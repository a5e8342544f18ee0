"""The flag as the world sees it: the value on the state topic, and its changes."""

from enum import StrEnum
from typing import NamedTuple

from streams.core.failure import FailureClass, Phase, Side
from streams.core.instant import Instant


class EvidenceSource(StrEnum):
    """Where a failure was learnt."""

    SESSION = "session"
    """In our own SMTP session."""
    DSN = "dsn"
    """From a report that came later."""


class FlagEvidence(NamedTuple):
    """One failed message behind a flag."""

    message_id: str
    at: Instant
    source: EvidenceSource
    phase: Phase | None
    peer: str | None
    code: int | None
    enhanced: str | None
    text: str
    """The server's words, at most 500 characters."""
    rule: str


class Flag(NamedTuple):
    """The newest decided message to this address was not delivered."""

    tenant_id: str
    address: str
    customer_id: str | None
    since: Instant
    """When the flag was set."""
    updated_at: Instant
    revision: int
    """Strictly growing per address; whoever has a newer one ignores this one."""
    failure_class: FailureClass
    """`class` on the wire."""
    side: Side
    summary: str
    where_to_check: str
    what_to_do: str
    suppress_recommended: bool
    persistent: bool
    consecutive_failures: int
    first_failure_at: Instant
    last_failure_at: Instant
    evidence: tuple[FlagEvidence, ...]
    """Newest first, at most 3."""
    incident: str | None
    """Key of the open incident that the flag belongs to."""


class ChangeType(StrEnum):
    """What happened to a flag."""

    SET = "flag-set"
    """The address was not flagged before."""
    UPDATED = "flag-updated"
    """Class, side, suppress_recommended or persistent is another one now."""
    CLEARED = "flag-cleared"
    """The address is not flagged any more."""


class ClearedBy(StrEnum):
    """Why a flag was cleared."""

    ACCEPTED = "accepted"
    """The next message was accepted by the next hop."""
    DELIVERED = "delivered"
    """A report, or a person, proves that a message arrived."""
    RESPONSE_MISMATCH = "response_mismatch"
    """The very message that was called failed has arrived."""
    OPERATOR = "operator"
    """A person cleared it."""
    INCIDENT_RESOLVED = "incident_resolved"
    """The incident that had set it is over."""


class FlagChange(NamedTuple):
    """One change event. `flag` is the flag as it is now, or, cleared, as it was."""

    type: ChangeType
    flag: Flag
    revision: int
    """Of the change itself; for a clear it is newer than `flag.revision`."""
    at: Instant
    cleared_by: ClearedBy | None
    flagged_for_ms: int | None
    actor: str | None
    reason: str | None
    """The operator's reason of a clear."""
    blamed: str | None
    """Host whose answer was contradicted, for `response_mismatch`."""
