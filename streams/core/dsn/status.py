"""Delivery status parts (RFC 3464, RFC 6533), to one block a recipient.

Servers leave fields out, misspell actions and put blocks together; what can be
understood is, and Action is read before Status: a `delayed` is never a failure.
"""

import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from streams.core import instant
from streams.core.address import Address, canonical
from streams.core.dsn.mime import Fields, blocks, first
from streams.core.evidence import Action
from streams.core.instant import Instant

MAX_RECIPIENTS = 1000


class StatusBlock(NamedTuple):
    """What a delivery status says about one recipient."""

    original_recipient: str | None
    final_recipient: str | None
    action: Action | None
    status: str | None
    diagnostic: str | None
    """Text of Diagnostic-Code without its type, unless that is what it says: the exit
    code of a program (X-Unix); else the comment of Status."""
    remote_mta: str | None
    last_attempt_date: Instant | None


class MessageBlock(NamedTuple):
    """What a delivery status says about the message as a whole."""

    reporting_mta: str | None
    envelope_id: str | None
    arrival_date: Instant | None


_RECIPIENT_FIELDS = ("final-recipient", "original-recipient", "x-actual-recipient")
_ACTIONS = (
    ("fail", Action.FAILED),
    ("err", Action.FAILED),
    ("expired", Action.FAILED),
    ("undeliver", Action.FAILED),
    ("reject", Action.FAILED),
    ("bounce", Action.FAILED),
    ("delay", Action.DELAYED),
    ("defer", Action.DELAYED),
    ("warn", Action.DELAYED),
    ("deliver", Action.DELIVERED),
    ("relay", Action.RELAYED),
    ("expand", Action.EXPANDED),
)
_BY_DIGIT = {"2": Action.DELIVERED, "4": Action.DELAYED, "5": Action.FAILED}
_STATUS = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})")
_COMMENT = re.compile(r"\(([^()]{3,500})\)")
_TYPE = re.compile(r"[\w./+-]{1,60} ?; ?")
_HOST = re.compile(
    r"\[(?:IPv6:)?[0-9a-f.:]{3,60}\]"
    r"|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f.]{0,15}|[\w.-]{1,255}",
    re.IGNORECASE,
)


def read(blocks: list[Fields]) -> tuple[MessageBlock, list[StatusBlock]]:
    """Answer what is said about the message, and about each recipient."""
    whole: Fields = []
    recipients: list[Fields] = []
    for block in blocks:
        for piece in _split(block):
            if first(piece, *_RECIPIENT_FIELDS):
                recipients.append(piece)
            elif recipients and first(piece, "action", "status", "diagnostic-code"):
                recipients[-1] += piece
            else:
                whole += piece
    message = MessageBlock(
        reporting_mta=host(first(whole, "reporting-mta")),
        envelope_id=_untyped(first(whole, "original-envelope-id")) or None,
        arrival_date=moment(first(whole, "arrival-date")),
    )
    return message, [recipient(fields) for fields in recipients[:MAX_RECIPIENTS]]


def embedded(texts: Iterable[str]) -> list[Fields]:
    """Answer a delivery status that stands in the notification text itself."""
    for text in texts:
        lower = text.lower()
        if "final-recipient:" in lower or "original-recipient:" in lower:
            return [
                block
                for block in blocks(text)
                if first(block, "final-recipient", "original-recipient")
                or first(block, "reporting-mta")
            ]
    return []


def unnamed(blocks: list[Fields]) -> StatusBlock | None:
    """Answer what a delivery status says that names its recipient nowhere, or as To."""
    fields = [field for block in blocks for field in block]
    if not first(fields, "action", "status", "diagnostic-code"):
        return None
    return recipient(fields)._replace(final_recipient=address(first(fields, "to")))


def _split(block: Fields) -> list[Fields]:
    """Part a block in which several recipients follow each other without a gap."""
    pieces: list[Fields] = [[]]
    for name, value in block:
        if name in {"final-recipient", "reporting-mta"} and first(pieces[-1], name):
            pieces.append([])
        pieces[-1].append((name, value))
    return pieces


def recipient(fields: Fields) -> StatusBlock:
    """Answer what one recipient's fields say."""
    status_field = first(fields, "status")
    status = _STATUS.search(status_field)
    diagnostic = first(fields, "diagnostic-code")
    if not diagnostic.lower().startswith("x-unix"):
        diagnostic = _untyped(diagnostic)
    if not diagnostic and (comment := _COMMENT.search(status_field)):
        diagnostic = comment[1]
    elif not diagnostic and not status:
        diagnostic = status_field
    return StatusBlock(
        original_recipient=address(first(fields, "original-recipient")),
        final_recipient=address(first(fields, "final-recipient"))
        or address(first(fields, "x-actual-recipient")),
        action=_action(first(fields, "action"), status and status[1]),
        status=".".join(str(int(n)) for n in status.groups()) if status else None,
        diagnostic=diagnostic or None,
        remote_mta=host(first(fields, "remote-mta")),
        last_attempt_date=moment(first(fields, "last-attempt-date")),
    )


def _action(text: str, digit: str | None) -> Action | None:
    lower = text.lower()
    for start, action in _ACTIONS:
        if lower.startswith(start):
            return action
    return _BY_DIGIT.get(digit) if digit else None


def _untyped(value: str) -> str:
    """Take the type off a field's value, as `smtp;` or `rfc822;`."""
    bare = value.strip()
    match = _TYPE.match(bare)
    return bare[match.end() :].strip() if match else bare


def address(value: str) -> str | None:
    """Answer an address field in canonical form, None when it is no address."""
    bare = value
    while match := _TYPE.match(bare):
        bare = bare[match.end() :]
    for candidate in (value, bare, bare.split("(")[0], _LAST_WORD.sub("", bare)):
        found = canonical(candidate, fold_local=False)
        if isinstance(found, Address):
            return str(found)
    return None


_LAST_WORD = re.compile(r"\s.*$")


def host(value: str) -> str | None:
    """Answer the host that an MTA field names, in lower case and without a last dot."""
    match = _HOST.match(_untyped(value))
    return (match[0].lower().rstrip(".") or None) if match else None


def moment(value: str) -> Instant | None:
    """Answer a date field's instant; None for none, without a zone, or unbelievable.

    Anybody can write year 9999 into a bounce; we could not write it down again.
    """
    if not value:
        return None
    try:
        date = parsedate_to_datetime(value[:100])
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if date.tzinfo is None:
        return None
    try:
        at = instant.from_datetime(date)
    except OverflowError:
        return None
    return at if instant.believable(at) else None
