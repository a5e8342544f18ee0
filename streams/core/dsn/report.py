"""What a mail reports, recipient by recipient."""

from enum import StrEnum
from typing import NamedTuple

from streams.core.evidence import Action
from streams.core.instant import Instant
from streams.core.reply import Reply, parse


class ReportKind(StrEnum):
    """What kind of mail came back."""

    BOUNCE = "bounce"
    """A message could not be delivered, for good."""
    DELAYED = "delayed"
    """Not delivered yet; it will be tried again (RFC 3464, Action: delayed)."""
    DELIVERED = "delivered"
    """Delivered to the mailbox."""
    RELAYED = "relayed"
    """Handed to a system that sends no reports."""
    EXPANDED = "expanded"
    """Delivered to a list and sent on."""
    AUTO_REPLY = "auto_reply"
    """Written by a machine for a person (RFC 3834), or a receipt (RFC 8098)."""
    COMPLAINT = "complaint"
    """A feedback report: somebody called the message spam (RFC 5965)."""
    CHALLENGE = "challenge"
    """Asks the sender to prove that it is a person."""
    NOT_A_BOUNCE = "not_a_bounce"
    """An ordinary mail."""


KIND_OF = {
    Action.FAILED: ReportKind.BOUNCE,
    Action.DELAYED: ReportKind.DELAYED,
    Action.DELIVERED: ReportKind.DELIVERED,
    Action.RELAYED: ReportKind.RELAYED,
    Action.EXPANDED: ReportKind.EXPANDED,
}


class RecipientReport(NamedTuple):
    """What a report says about one recipient."""

    action: Action
    original_recipient: str | None
    """The address that was sent to (RFC 3464 section 2.3.1), canonical but for case."""
    final_recipient: str | None
    """The address where it ended (RFC 3464 section 2.3.2), the same."""
    status: str | None
    """The Status field, as `5.1.1`."""
    diagnostic: str | None
    """What was said, at most 8 KiB, with the reporter's wrapping."""
    replies: tuple[Reply, ...]
    """What is said about this recipient, the most telling source first; never empty."""
    around: tuple[str, ...]
    """The whole notification, its subject and its paragraphs."""
    remote_mta: str | None
    reporting_mta: str | None
    arrival_date: Instant | None
    last_attempt_date: Instant | None
    message_id: str | None
    """Message-ID of the returned message, as it stands there."""
    envelope_id: str | None

    @property
    def recipient(self) -> str | None:
        """The address that we sent to, as far as the report knows it."""
        return self.original_recipient or self.final_recipient

    @property
    def reply(self) -> Reply:
        """The reply of the most telling source."""
        return self.replies[0]

    @property
    def context(self) -> tuple[Reply, ...]:
        """What is said around, read when it is asked for: the replies tell nothing."""
        return tuple(map(parse, self.around))

    @property
    def kind(self) -> ReportKind:
        """What kind of report this is for the recipient."""
        return KIND_OF[self.action]


class ParsedMail(NamedTuple):
    """A mail, and what it reports; no reports when it is none."""

    kind: ReportKind
    reports: tuple[RecipientReport, ...]
