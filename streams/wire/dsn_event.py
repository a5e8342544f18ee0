"""Delivery status notifications as they are published: `mail.dsn-events.v1`.

Either one recipient's block as parsed fields, or the raw message; the raw message
wins, since everything else was read out of it.
"""

from typing import Any, NamedTuple

from streams.core.evidence import Action
from streams.core.instant import Instant
from streams.wire.event import TEXT_LIMIT, EventReader, Headers, moment, unbase64
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import Topic

RAW_LIMIT = 1 << 20
"""Largest raw message, in bytes."""


class ParsedDsn(NamedTuple):
    """One recipient's block of a report, parsed by who published it."""

    id: str
    at: Instant
    """When the report was made."""
    tenant_id: str | None
    customer_id: str | None
    address: str | None
    """The address that was sent to, as written, when the producer knew it."""
    message_id: str | None
    envelope_id: str | None
    original_recipient: str | None
    final_recipient: str | None
    action: Action
    status: str | None
    diagnostic: str | None
    """With its type, as `smtp; 550 5.1.1 User unknown`, at most 8192 characters."""
    reporting_mta: str | None
    remote_mta: str | None
    arrival_date: Instant | None
    last_attempt_date: Instant | None


class RawDsn(NamedTuple):
    """A whole report, which may speak of several recipients."""

    id: str
    at: Instant
    """When the report was made or received."""
    tenant_id: str | None
    customer_id: str | None
    address: str | None
    message_id: str | None
    envelope_id: str | None
    raw: bytes
    """The message (RFC 5322), at most 1 MiB."""


_READER = EventReader(Topic.DSN_EVENTS)
_ACTIONS = {action.value: action for action in Action}


def decode(value: bytes | None, headers: Headers = ()) -> ParsedDsn | RawDsn | Reject:
    """Answer the report that a record holds, or why it cannot be used."""
    event = _READER.read(value, headers)
    if isinstance(event, Reject):
        return event
    at = moment(event["time"], "time")
    if isinstance(at, Reject):
        return at
    if event.get("raw") is not None:
        return _raw(event, at)
    return _parsed(event, at)


def _raw(event: dict[str, Any], at: Instant) -> RawDsn | Reject:
    raw = unbase64(event["raw"])
    if raw is None:
        return Reject(RejectReason.SCHEMA_VIOLATION, "/raw: contentEncoding")
    if len(raw) > RAW_LIMIT:
        return Reject(RejectReason.TOO_LARGE, f"/raw: more than {RAW_LIMIT} bytes")
    get = event.get
    return RawDsn(
        id=event["id"],
        at=at,
        tenant_id=get("tenant_id"),
        customer_id=get("customer_id") or None,
        address=get("address") or None,
        message_id=get("message_id") or None,
        envelope_id=get("envelope_id") or None,
        raw=raw,
    )


def _parsed(event: dict[str, Any], at: Instant) -> ParsedDsn | Reject:
    arrival = _moment(event, "arrival_date")
    last_attempt = _moment(event, "last_attempt_date")
    if isinstance(arrival, Reject):
        return arrival
    if isinstance(last_attempt, Reject):
        return last_attempt
    get = event.get
    diagnostic = get("diagnostic")
    return ParsedDsn(
        id=event["id"],
        at=at,
        tenant_id=get("tenant_id"),
        customer_id=get("customer_id") or None,
        address=get("address") or None,
        message_id=get("message_id") or None,
        envelope_id=get("envelope_id") or None,
        original_recipient=get("original_recipient") or None,
        final_recipient=get("final_recipient") or None,
        action=_ACTIONS[event["action"]],
        status=get("status") or None,
        diagnostic=diagnostic[:TEXT_LIMIT] if diagnostic else None,
        reporting_mta=get("reporting_mta") or None,
        remote_mta=get("remote_mta") or None,
        arrival_date=arrival,
        last_attempt_date=last_attempt,
    )


def _moment(event: dict[str, Any], member: str) -> Instant | Reject | None:
    """Read an optional time; empty is the same as left out."""
    text = event.get(member)
    return moment(text, member) if text else None
