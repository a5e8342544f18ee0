"""One input event: from a record to a JSON object that keeps its contract.

Nothing is parsed before its size is known, and nothing that the schema does not
allow comes through. Of members with the same name the last one counts, for the
schema and for us alike (RFC 8259 section 4 leaves it open), so the two cannot be
played off against each other.
"""

import binascii
from collections.abc import Sequence
from typing import Any

import jsonschema_rs
import orjson

from streams.core.instant import Instant, believable, parse
from streams.wire import contract
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import Topic

Headers = Sequence[tuple[str, bytes]]

TEXT_LIMIT = 8192
"""So much of an answer is read; it is untrusted, and says it all before that."""

_OF_MEMBER = {
    ("tenant_id", "minLength"): RejectReason.BAD_TENANT,
    ("tenant_id", "maxLength"): RejectReason.BAD_TENANT,
    ("tenant_id", "pattern"): RejectReason.BAD_TENANT,
    ("address", "minLength"): RejectReason.BAD_ADDRESS,
    ("address", "maxLength"): RejectReason.BAD_ADDRESS,
    ("time", "maxLength"): RejectReason.BAD_TIME,
    ("raw", "maxLength"): RejectReason.TOO_LARGE,
}
"""Breaches that have a reason of their own: (member, keyword)."""


class EventReader:
    """Reads the events of one input topic."""

    def __init__(self, topic: Topic) -> None:
        """Compile the topic's schema; the manifest says how large a value may be."""
        manifest = contract.manifest(topic)
        assert manifest.schema is not None  # noqa: S101  # every input has a schema
        self._limit = manifest.value_max_bytes
        self._validator = contract.validator(manifest.schema)

    def read(self, value: bytes | None, headers: Headers) -> dict[str, Any] | Reject:
        """Answer the event's object, or why the record cannot be used.

        CloudEvents are understood in both modes: in binary mode the headers
        `ce_id` and `ce_time` stand in for the members `id` and `time`; in
        structured mode the event is the `data` of the envelope.
        """
        if value is None:
            return Reject(RejectReason.EMPTY_VALUE, "no value")
        if len(value) > self._limit:
            return Reject(RejectReason.TOO_LARGE, f"more than {self._limit} bytes")
        try:
            event = orjson.loads(value)
        except orjson.JSONDecodeError:
            reason = RejectReason.NOT_JSON if value else RejectReason.EMPTY_VALUE
            return Reject(reason, "not UTF-8 JSON text" if value else "no bytes")
        if type(event) is dict:
            if "specversion" in event and "data" in event:
                event = _unwrapped(event)
            if (
                headers
                and type(event) is dict
                and not ("id" in event and "time" in event)
            ):
                _stand_in(event, headers)
        if self._validator.is_valid(event):
            checked: dict[str, Any] = event
            return checked
        return self._breach(event)

    def _breach(self, event: object) -> Reject:
        """Say what the event breaks: the path of a member and a keyword."""
        try:
            error = next(self._validator.iter_errors(event))
        except ValueError:
            return Reject(RejectReason.NOT_JSON, "nested too deeply")
        return _reject(error)


def moment(text: str, member: str) -> Instant | Reject:
    """Read the time that stands in `member`: RFC 3339 with a zone, 2000 to 2100."""
    at = parse(text)
    if at is not None and believable(at):
        return at
    return Reject(RejectReason.BAD_TIME, f"/{member}")


def unbase64(text: str) -> bytes | None:
    """Read base64 (RFC 4648), white space allowed; None when it is not."""
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError:
        return None


def _unwrapped(envelope: dict[str, Any]) -> Any:  # noqa: ANN401  # any JSON
    """Take an event out of a structured CloudEvent."""
    event = envelope["data"]
    if type(event) is dict:
        for member in ("id", "time"):
            if member in envelope:
                event.setdefault(member, envelope[member])
    return event


def _stand_in(event: dict[str, Any], headers: Headers) -> None:
    """Fill in what a CloudEvent in binary mode says in its headers."""
    for name, value in headers:
        if name in {"ce_id", "ce_time"}:
            # A header may have no value at all, whatever the clients' types say.
            text = (value or b"").decode(errors="replace")
            event.setdefault(name.removeprefix("ce_"), text)


def _reject(error: jsonschema_rs.ValidationError) -> Reject:
    steps = [str(step) for step in error.instance_path]
    keyword = error.kind.name
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        steps.append(error.kind.property)
    reason = _OF_MEMBER.get(("/".join(steps), keyword), RejectReason.SCHEMA_VIOLATION)
    return Reject(reason, f"/{'/'.join(steps)}: {keyword}")
