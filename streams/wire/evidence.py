"""Evidence as JSON on `mailflag.evidence.v1`: written by ingest, read by flags.

Members that are None are left out, and decoding gives back exactly the evidence
that was encoded. The record key is `tenant_id/address` in UTF-8
(`streams.core.address.key`).
"""

from typing import Any

import jsonschema_rs
import orjson

from streams.core.evidence import (
    Action,
    Attempt,
    Command,
    CommandAction,
    Evidence,
    Failure,
    Outcome,
    Report,
)
from streams.core.failure import (
    AddressPolicy,
    Confidence,
    FailureClass,
    PeerRole,
    Phase,
    Side,
)
from streams.core.instant import Instant, parse, render
from streams.wire import contract
from streams.wire.reject import Reject, RejectReason

_SCHEMAS = jsonschema_rs.validator_map_for(contract.schema("evidence.v1"))
_IS_ATTEMPT = _SCHEMAS["#/$defs/attempt"].is_valid
_IS_REPORT = _SCHEMAS["#/$defs/report"].is_valid
_IS_COMMAND = _SCHEMAS["#/$defs/command"].is_valid
_CLASSES = {c.value: c for c in FailureClass}
_SIDES = {s.value: s for s in Side}
_POLICIES = {p.value: p for p in AddressPolicy}
_CONFIDENCES = {c.value: c for c in Confidence}
_PHASES: dict[str | None, Phase] = {p.value: p for p in Phase}
_ROLES: dict[str | None, PeerRole] = {r.value: r for r in PeerRole}
_OUTCOMES = {o.value: o for o in Outcome}
_ACTIONS = {a.value: a for a in Action}

_NO_TIME = "no RFC 3339 time"

_Body = dict[str, Any]


def encode(evidence: Evidence) -> bytes:
    """Write evidence as the value of a record."""
    match evidence:
        case Attempt():
            return orjson.dumps(_attempt(evidence))
        case Report():
            return orjson.dumps(_report(evidence))
        case Command():
            return orjson.dumps(_command(evidence))


def decode(value: bytes | None) -> Evidence | Reject:
    """Read a record's value; a Reject when none of ours can have written it."""
    if not value:
        return Reject(RejectReason.EMPTY_VALUE, "no value")
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError:
        return Reject(RejectReason.NOT_JSON, "not UTF-8 JSON text")
    try:
        if _IS_ATTEMPT(body):
            return _to_attempt(body)
        if _IS_REPORT(body):
            return _to_report(body)
        if _IS_COMMAND(body):
            return _to_command(body)
    except ValueError:  # a time that is none, or nesting too deep to validate
        return Reject(RejectReason.SCHEMA_VIOLATION, "format")
    return Reject(RejectReason.SCHEMA_VIOLATION, "/: oneOf")


def _attempt(attempt: Attempt) -> _Body:
    body: _Body = {
        "kind": "attempt",
        "id": attempt.id,
        "tenant_id": attempt.tenant_id,
        "address": attempt.address,
        "message_id": attempt.message_id,
        "at": render(attempt.at),
        "arrived_at": render(attempt.arrived_at),
        "attempt": attempt.attempt,
        "outcome": attempt.outcome,
        "provider": attempt.provider,
    }
    if attempt.customer_id is not None:
        body["customer_id"] = attempt.customer_id
    if attempt.failure is not None:
        body["failure"] = _failure(attempt.failure)
    if attempt.peer_role is not None:
        body["peer_role"] = attempt.peer_role
    if attempt.template_id is not None:
        body["template_id"] = attempt.template_id
    if attempt.host is not None:
        body["host"] = attempt.host
    return body


def _report(report: Report) -> _Body:
    body: _Body = {
        "kind": "report",
        "id": report.id,
        "tenant_id": report.tenant_id,
        "address": report.address,
        "message_id": report.message_id,
        "at": render(report.at),
        "arrived_at": render(report.arrived_at),
        "action": report.action,
        "provider": report.provider,
    }
    if report.customer_id is not None:
        body["customer_id"] = report.customer_id
    if report.message_at is not None:
        body["message_at"] = render(report.message_at)
    if report.failure is not None:
        body["failure"] = _failure(report.failure)
    if report.reporting_mta is not None:
        body["reporting_mta"] = report.reporting_mta
    return body


def _command(command: Command) -> _Body:
    body: _Body = {
        "kind": "command",
        "id": command.id,
        "tenant_id": command.tenant_id,
        "address": command.address,
        "at": render(command.at),
        "arrived_at": render(command.arrived_at),
        "action": command.action,
        "reason": command.reason,
        "note": command.note,
        "actor": command.actor,
    }
    if command.message_id is not None:
        body["message_id"] = command.message_id
    return body


def _failure(failure: Failure) -> _Body:
    body: _Body = {
        "class": failure.failure_class,
        "side": failure.side,
        "address_policy": failure.address_policy,
        "confidence": failure.confidence,
        "rule": failure.rule,
        "permanent": failure.permanent,
        "text": failure.text,
    }
    if failure.phase is not None:
        body["phase"] = failure.phase
    if failure.peer is not None:
        body["peer"] = failure.peer
    if failure.code is not None:
        body["code"] = failure.code
    if failure.enhanced is not None:
        body["enhanced"] = failure.enhanced
    return body


def _to_attempt(body: _Body) -> Attempt:
    get = body.get
    failure = get("failure")
    at, arrived_at = parse(body["at"]), parse(body["arrived_at"])
    if at is None or arrived_at is None:
        raise ValueError(_NO_TIME)
    return Attempt(
        body["id"],
        body["tenant_id"],
        body["address"],
        get("customer_id"),
        body["message_id"],
        at,
        arrived_at,
        int(body["attempt"]),
        _OUTCOMES[body["outcome"]],
        None if failure is None else _to_failure(failure),
        _ROLES.get(get("peer_role")),
        body["provider"],
        get("template_id"),
        get("host"),
    )


def _to_report(body: _Body) -> Report:
    get = body.get
    failure, message_at = get("failure"), get("message_at")
    return Report(
        id=body["id"],
        tenant_id=body["tenant_id"],
        address=body["address"],
        customer_id=get("customer_id"),
        message_id=body["message_id"],
        at=_instant(body["at"]),
        arrived_at=_instant(body["arrived_at"]),
        message_at=None if message_at is None else _instant(message_at),
        action=_ACTIONS[body["action"]],
        failure=None if failure is None else _to_failure(failure),
        reporting_mta=get("reporting_mta"),
        provider=body["provider"],
    )


def _to_command(body: _Body) -> Command:
    return Command(
        id=body["id"],
        tenant_id=body["tenant_id"],
        address=body["address"],
        at=_instant(body["at"]),
        arrived_at=_instant(body["arrived_at"]),
        action=CommandAction(body["action"]),
        message_id=body.get("message_id"),
        reason=body["reason"],
        note=body["note"],
        actor=body["actor"],
    )


def _to_failure(body: _Body) -> Failure:
    get = body.get
    code = get("code")
    return Failure(
        # A class that only a newer version knows; its side and policy still hold.
        _CLASSES.get(body["class"], FailureClass.UNKNOWN),
        _SIDES[body["side"]],
        _POLICIES[body["address_policy"]],
        _CONFIDENCES[body["confidence"]],
        body["rule"],
        body["permanent"],
        _PHASES.get(get("phase")),
        get("peer"),
        None if code is None else int(code),
        get("enhanced"),
        body["text"],
    )


def _instant(text: str) -> Instant:
    at = parse(text)
    if at is None:
        raise ValueError(_NO_TIME)
    return at
