"""Flags as subscribers see them: the state topic's value and the change event.

Members that are None are left out, and decoding gives back exactly what was
encoded. A cleared flag is a null value (tombstone) on the state topic; its
headers still say which revision it is.
"""

from typing import Any

import orjson

from streams.core.address import key
from streams.core.failure import FailureClass, Phase, Side
from streams.core.flag import (
    ChangeType,
    ClearedBy,
    EvidenceSource,
    Flag,
    FlagChange,
    FlagEvidence,
)
from streams.core.instant import Instant, parse, render
from streams.wire import own
from streams.wire.envelope import Envelope, Outgoing
from streams.wire.reject import Reject
from streams.wire.topic import Topic

FLAG = "flag.v1"
CHANGE = "flag-change.v1"
SOURCE = "/mailflag/flags"

_Body = dict[str, Any]
_CLASSES = {c.value: c for c in FailureClass}


def change_record(change: FlagChange, flag: bytes | None = None) -> Outgoing:
    """Answer the record of a change on `mail.address-flags.changes.v1`.

    `flag` is the change's flag as `encode_flag` writes it, if somebody has done so.
    """
    record_key = key(change.flag.tenant_id, change.flag.address)
    envelope = Envelope(
        SOURCE,
        f"mailflag.{change.type}.v1",
        record_key,
        change.revision,
        change.at,
        CHANGE,
    )
    return Outgoing(
        Topic.FLAG_CHANGES, record_key, encode_change(change, flag), envelope.headers()
    )


def state_record(flag: Flag, value: bytes | None = None) -> Outgoing:
    """Answer the record of a flag as it is now on `mail.address-flags.v1`.

    `value` is the flag as `encode_flag` writes it, if somebody has done so.
    """
    return _state(flag, flag.revision, flag.updated_at, value or encode_flag(flag))


def tombstone(change: FlagChange) -> Outgoing:
    """Answer the record that takes a cleared flag off `mail.address-flags.v1`."""
    return _state(change.flag, change.revision, change.at, None)


def _state(flag: Flag, revision: int, at: Instant, value: bytes | None) -> Outgoing:
    record_key = key(flag.tenant_id, flag.address)
    envelope = Envelope(SOURCE, "mailflag.flag.v1", record_key, revision, at, FLAG)
    return Outgoing(Topic.FLAGS, record_key, value, envelope.headers())


def encode_flag(flag: Flag) -> bytes:
    """Write a flag as the value of the state topic."""
    return orjson.dumps(_flag(flag))


def decode_flag(value: bytes) -> Flag | Reject:
    """Read a value of the state topic."""
    return own.read(value, FLAG, _to_flag)


def encode_change(change: FlagChange, flag: bytes | None = None) -> bytes:
    """Write a change as the value of the changes topic; `flag` as `change_record`."""
    body: _Body = {
        "type": change.type,
        "revision": change.revision,
        "at": render(change.at),
        "flag": orjson.Fragment(flag or encode_flag(change.flag)),
    }
    if change.type is ChangeType.CLEARED:
        body["cleared_at"] = body["at"]
    if change.cleared_by is not None:
        body["cleared_by"] = change.cleared_by
    if change.flagged_for_ms is not None:
        body["flagged_for_seconds"] = change.flagged_for_ms / 1000
    if change.actor is not None:
        body["actor"] = change.actor
    if change.reason is not None:
        body["reason"] = change.reason
    if change.blamed is not None:
        body["blamed"] = change.blamed
    return orjson.dumps(body)


def decode_change(value: bytes) -> FlagChange | Reject:
    """Read a value of the changes topic."""
    return own.read(value, CHANGE, _to_change)


def _flag(flag: Flag) -> _Body:
    body: _Body = {
        "tenant_id": flag.tenant_id,
        "address": flag.address,
        "since": render(flag.since),
        "updated_at": render(flag.updated_at),
        "revision": flag.revision,
        "class": flag.failure_class,
        "side": flag.side,
        "summary": flag.summary,
        "where_to_check": flag.where_to_check,
        "what_to_do": flag.what_to_do,
        "suppress_recommended": flag.suppress_recommended,
        "persistent": flag.persistent,
        "consecutive_failures": flag.consecutive_failures,
        "first_failure_at": render(flag.first_failure_at),
        "last_failure_at": render(flag.last_failure_at),
        "evidence": [_evidence(evidence) for evidence in flag.evidence],
    }
    if flag.customer_id is not None:
        body["customer_id"] = flag.customer_id
    if flag.incident is not None:
        body["incident"] = flag.incident
    return body


def _evidence(evidence: FlagEvidence) -> _Body:
    body: _Body = {
        "message_id": evidence.message_id,
        "at": render(evidence.at),
        "source": evidence.source,
        "text": evidence.text,
        "rule": evidence.rule,
    }
    if evidence.phase is not None:
        body["phase"] = evidence.phase
    if evidence.peer is not None:
        body["peer"] = evidence.peer
    if evidence.code is not None:
        body["code"] = evidence.code
    if evidence.enhanced is not None:
        body["enhanced"] = evidence.enhanced
    return body


def _to_change(body: _Body) -> FlagChange:
    cleared_by = body.get("cleared_by")
    seconds = body.get("flagged_for_seconds")
    return FlagChange(
        type=ChangeType(body["type"]),
        flag=_to_flag(body["flag"]),
        revision=int(body["revision"]),
        at=_instant(body["at"]),
        cleared_by=None if cleared_by is None else ClearedBy(cleared_by),
        flagged_for_ms=None if seconds is None else round(seconds * 1000),
        actor=body.get("actor"),
        reason=body.get("reason"),
        blamed=body.get("blamed"),
    )


def _to_flag(body: _Body) -> Flag:
    return Flag(
        tenant_id=body["tenant_id"],
        address=body["address"],
        customer_id=body.get("customer_id"),
        since=_instant(body["since"]),
        updated_at=_instant(body["updated_at"]),
        revision=int(body["revision"]),
        # A class that only a newer version knows; its side still holds.
        failure_class=_CLASSES.get(body["class"], FailureClass.UNKNOWN),
        side=Side(body["side"]),
        summary=body["summary"],
        where_to_check=body["where_to_check"],
        what_to_do=body["what_to_do"],
        suppress_recommended=body["suppress_recommended"],
        persistent=body["persistent"],
        consecutive_failures=int(body["consecutive_failures"]),
        first_failure_at=_instant(body["first_failure_at"]),
        last_failure_at=_instant(body["last_failure_at"]),
        evidence=tuple(_to_evidence(evidence) for evidence in body["evidence"]),
        incident=body.get("incident"),
    )


def _to_evidence(body: _Body) -> FlagEvidence:
    phase = body.get("phase")
    return FlagEvidence(
        message_id=body["message_id"],
        at=_instant(body["at"]),
        source=EvidenceSource(body["source"]),
        phase=None if phase is None else Phase(phase),
        peer=body.get("peer"),
        code=body.get("code"),
        enhanced=body.get("enhanced"),
        text=body["text"],
        rule=body["rule"],
    )


def _instant(text: str) -> Instant:
    at = parse(text)
    if at is None:
        message = "no RFC 3339 time"
        raise ValueError(message)
    return at
