"""Flag commands as support tools publish them: `mail.flag-commands.v1`.

A clear counts against all mail sent before it, whether or not the address is flagged.
"""

from typing import NamedTuple

from streams.core.evidence import CommandAction
from streams.core.instant import Instant
from streams.wire.event import EventReader, Headers, moment
from streams.wire.reject import Reject
from streams.wire.topic import Topic


class FlagCommand(NamedTuple):
    """A person's decision about one address, valid but not normalised."""

    id: str
    at: Instant
    """When the person decided."""
    tenant_id: str
    address: str
    """As written; not canonical."""
    action: CommandAction
    message_id: str | None
    """The message that arrived, when the proof of delivery names one."""
    reason: str
    """One word of the schema's list."""
    note: str
    """The person's own words; may be empty."""
    actor: str


_READER = EventReader(Topic.FLAG_COMMANDS)


def decode(value: bytes | None, headers: Headers = ()) -> FlagCommand | Reject:
    """Answer the command that a record holds, or why it cannot be used."""
    event = _READER.read(value, headers)
    if isinstance(event, Reject):
        return event
    at = moment(event["time"], "time")
    if isinstance(at, Reject):
        return at
    return FlagCommand(
        id=event["id"],
        at=at,
        tenant_id=event["tenant_id"],
        address=event["address"],
        action=CommandAction(event["action"]),
        message_id=event.get("message_id") or None,
        reason=event["reason"],
        note=event.get("note") or "",
        actor=event["actor"],
    )
