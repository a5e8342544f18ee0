"""Evidence: one normalised fact about one message.

An attempt, one recipient's block of a report (DSN), or an operator's command,
after ingest has decoded, validated, attributed and classified it. Merging
evidence (`streams.core.flags`) is associative, commutative and idempotent, so
it may arrive twice and in any order.
"""

from enum import StrEnum
from typing import NamedTuple

from streams.core.failure import (
    AddressPolicy,
    Confidence,
    FailureClass,
    PeerRole,
    Phase,
    Side,
)
from streams.core.instant import Instant


class Outcome(StrEnum):
    """How an SMTP delivery attempt ended."""

    ACCEPTED = "accepted"
    """250 after the final dot: the next hop took it."""
    DEFERRED = "deferred"
    """Not now; it will be tried again."""
    FAILED = "failed"
    """Final."""


class Action(StrEnum):
    """What a report says was done (RFC 3464 section 2.3.3)."""

    FAILED = "failed"
    """Could not be delivered."""
    DELAYED = "delayed"
    """Not delivered yet; never a failure of the address."""
    DELIVERED = "delivered"
    """Delivered to the mailbox: proof."""
    RELAYED = "relayed"
    """Handed to a system that sends no reports; not proof."""
    EXPANDED = "expanded"
    """Delivered to a list and sent on; not proof."""


class CommandAction(StrEnum):
    """What an operator asks for."""

    CLEAR = "clear"
    """Clear the flag, as a decision newer than everything before it."""
    DELIVERED = "delivered"
    """A person has proof that the message arrived."""


class Failure(NamedTuple):
    """What the server said when it did not take a message, and the verdict."""

    failure_class: FailureClass
    side: Side
    address_policy: AddressPolicy
    confidence: Confidence
    rule: str
    permanent: bool
    """A 5.x.x answer; a 4.x.x answer never sets a flag at once."""
    phase: Phase | None
    peer: str | None
    """Host that gave the answer."""
    code: int | None
    """SMTP reply code, 200 to 599."""
    enhanced: str | None
    """Enhanced status code, as `5.1.1` (RFC 3463)."""
    text: str
    """The answer, at most 500 characters."""


class Attempt(NamedTuple):
    """One SMTP delivery attempt of one message."""

    id: str
    tenant_id: str
    address: str
    """Canonical."""
    customer_id: str | None
    message_id: str
    at: Instant
    """When the attempt was made, never later than `arrived_at`."""
    arrived_at: Instant
    """When the event reached us."""
    attempt: int
    """1 for the first try of the message."""
    outcome: Outcome
    failure: Failure | None
    """Set when the outcome is deferred or failed."""
    peer_role: PeerRole | None
    provider: str
    """Who runs the recipient's mail: `google`, `microsoft`, else a domain."""
    template_id: str | None
    host: str | None
    """Host of ours that made the attempt: its HELO name, else its IP address."""


class Report(NamedTuple):
    """One recipient's block of a delivery status notification."""

    id: str
    tenant_id: str
    address: str
    """The address we sent to, canonical."""
    customer_id: str | None
    message_id: str
    """Ours; derived from the content when the report names no message."""
    at: Instant
    """When the report was made, never later than `arrived_at`."""
    arrived_at: Instant
    message_at: Instant | None
    """Arrival-Date of the reported message (RFC 3464 section 2.2.5)."""
    action: Action
    failure: Failure | None
    """Set when the action is failed."""
    reporting_mta: str | None
    provider: str


class Command(NamedTuple):
    """An operator's decision about one address."""

    id: str
    tenant_id: str
    address: str
    at: Instant
    arrived_at: Instant
    action: CommandAction
    message_id: str | None
    """The message that arrived, when the proof of delivery names one."""
    reason: str
    note: str
    actor: str


Evidence = Attempt | Report | Command
