"""The state of an address as bytes: compact, versioned, migrated when it is read.

Layout of version 1: a head (version, number of messages with what stands in the
upper half of the byte, newest success that is not among them, due time of a pending
clear), 32 bytes a message, and, only where there is something to say, a JSON array:
customer, revision, marker, the flag as announced and the failures' details. An
address that only ever receives mail takes 18 + 32 n bytes and its customer id.

Version 2 is written only where the messages are not all to one customer: then a
list stands for the customer, that of the address first and of each message after it.
"""

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from streams.core.evidence import Failure, Outcome
from streams.core.failure import (
    AddressPolicy,
    Confidence,
    FailureClass,
    PeerRole,
    Phase,
    Side,
)
from streams.core.flag import ClearedBy, EvidenceSource, Flag, FlagEvidence
from streams.core.instant import Instant
from streams.core.message import Bounce, Message, Session
from streams.core.state import AddressState, Marker
from streams.errors import MailflagError

VERSION = 1
MIXED = 2
"""Version of what is written about an address of more customers than one."""
HEAD = struct.Struct("<BBqq")
MESSAGE = struct.Struct("<QqqIHBB")
_OUTCOMES = (None, Outcome.ACCEPTED, Outcome.DEFERRED, Outcome.FAILED)
OUTCOME_CODES = {outcome: code for code, outcome in enumerate(_OUTCOMES)}
_ROLES = (None, PeerRole.RELAY, PeerRole.MX)
ROLE_CODES = {role: code << 4 for code, role in enumerate(_ROLES)}
LOW = 0x0F
_SUPPRESS = 0x80
_SIDE_CODES = {side: code << 4 for code, side in enumerate(Side, start=1)}
_DAMAGED = (ValueError, LookupError, TypeError, struct.error)
"""What reading raises when nobody can have written what is read."""
NO_TIME = -1
MOST_ATTEMPTS = 0xFFFF


class Standing(NamedTuple):
    """What is counted of a flag that stands."""

    side: Side
    suppress_recommended: bool


_NOT_LISTED = (None,) * (7 - len(Side))
_STANDING = (
    *(None, *(Standing(side, suppress_recommended=False) for side in Side)),
    *_NOT_LISTED,
    *(None, *(Standing(side, suppress_recommended=True) for side in Side)),
    *_NOT_LISTED,
)
"""What the upper half of the byte says."""


class UnreadableState(MailflagError):
    """A state was written by a newer version, or is not one of ours."""


def encode(state: AddressState) -> bytes:
    """Write a state; `decode` reads it back exactly."""
    customer = state.customer_id
    mixed = False
    parts = [b""]
    details: list[Any] = []
    for index, message in enumerate(state.messages):
        if message.customer_id != customer:
            mixed = True
        session = message.session
        at, tie, attempt, outcome, role = NO_TIME, 0, 0, None, None
        if session is not None:
            outcome, attempt, at, tie, _, role = session
        reported = message.reported_at
        parts.append(
            MESSAGE.pack(
                message.ref,
                at,
                NO_TIME if reported is None else reported,
                tie,
                min(attempt, MOST_ATTEMPTS),
                OUTCOME_CODES[outcome] | ROLE_CODES[role],
                message.reports,
            )
        )
        if message.message_id:
            details.append(_detail(index, message))
    parts[0] = HEAD.pack(
        MIXED if mixed else VERSION,
        len(state.messages) | _stands(state.flag),
        state.confirmed_at,
        NO_TIME if state.clear_at is None else state.clear_at,
    )
    if tail := _tail(state, details, mixed=mixed):
        parts.append(orjson.dumps(tail))
    return b"".join(parts)


def _stands(flag: Flag | None) -> int:
    if flag is None:
        return 0
    return _SIDE_CODES[flag.side] | (_SUPPRESS if flag.suppress_recommended else 0)


def _detail(index: int, message: Message) -> list[Any]:
    session, bounce = message.session, message.bounce
    refused = session.failure if session else None
    return [
        index,
        message.message_id,
        None if refused is None else list(refused),
        None
        if bounce is None
        else [bounce.at, bounce.tie, bounce.reporting_mta, list(bounce.failure)],
    ]


def _tail(state: AddressState, details: list[Any], *, mixed: bool) -> list[Any]:
    """Answer what the fixed part cannot say, without empty places at the end."""
    flag = state.flag
    standing = None
    if flag is not None:
        fields: list[Any] = list(flag)
        fields[_EVIDENCE] = [list(e) for e in flag.evidence]
        standing = [
            fields,
            state.cause_at,
            state.late_by,
            state.accepted_since,
        ]
    marker = None if state.marker is None else list(state.marker)
    customer: Any = state.customer_id
    if mixed:
        customer = [customer, *(m.customer_id for m in state.messages)]
    tail = [customer, state.revision, marker, standing, details]
    while tail and not tail[-1]:
        tail.pop()
    return tail


_EVIDENCE = Flag._fields.index("evidence")


def decode(value: bytes) -> AddressState:
    """Read a state of this or any older version.

    Raises:
        UnreadableState: the version is newer than this program, or none, or nobody
            can have written this.
    """
    reader = _READERS.get(value[0]) if value else None
    if reader is None:
        message = (
            f"a state of version {value[0] if value else 'none'} cannot be read:"
            f" this program reads up to version {MIXED}; run the newer one again"
        )
        raise UnreadableState(message)
    try:
        return reader(value)
    except _DAMAGED:
        message = "a state is damaged: restore its changelog, or start it anew"
        raise UnreadableState(message) from None


def _read(value: bytes) -> AddressState:
    _, code, confirmed_at, _ = HEAD.unpack_from(value)
    count = code & LOW
    end = HEAD.size + count * MESSAGE.size
    fixed = MESSAGE.iter_unpack(value[HEAD.size : end])
    if end == len(value):
        messages = [_message(None, *fields) for fields in fixed]
        return AddressState(tuple(messages), None, None, confirmed_at)
    tail = orjson.loads(value[end:])
    tail += [None] * (5 - len(tail))
    customer, revision, marker, standing, details = tail
    customers = customer if value[0] == MIXED else [customer] * (count + 1)
    customer_id, *of_messages = customers
    messages = [
        _message(whose, *fields)
        for whose, fields in zip(of_messages, fixed, strict=True)
    ]
    for index, message_id, refused, bounce in details or ():
        messages[index] = _with_detail(messages[index], message_id, refused, bounce)
    state = AddressState(
        messages=tuple(messages),
        marker=_marker(marker),
        customer_id=customer_id,
        confirmed_at=confirmed_at,
        revision=revision or 0,
    )
    if standing is None:
        return state
    fields, cause_at, late_by, accepted_since = standing
    return state._replace(
        flag=_flag(fields),
        cause_at=cause_at,
        late_by=late_by,
        accepted_since=accepted_since,
        clear_at=due_at(value),
    )


def _message(  # noqa: PLR0913, PLR0917 - one argument a field of the layout
    customer_id: str | None,
    ref: int,
    at: int,
    reported: int,
    tie: int,
    attempt: int,
    code: int,
    reports: int,
) -> Message:
    outcome = _OUTCOMES[code & LOW]
    return Message(
        ref,
        "",
        None
        if outcome is None
        else Session(outcome, attempt, Instant(at), tie, None, _ROLES[code >> 4]),
        reports,
        None if reported == NO_TIME else Instant(reported),
        None,
        customer_id,
    )


def _with_detail(
    message: Message,
    message_id: str,
    refused: list[Any] | None,
    bounce: list[Any] | None,
) -> Message:
    session = message.session
    if refused is not None and session is not None:
        session = session._replace(failure=_failure(refused))
    return message._replace(
        message_id=message_id,
        session=session,
        bounce=None
        if bounce is None
        else Bounce(bounce[0], bounce[1], _failure(bounce[3]), bounce[2]),
    )


def _failure(fields: list[Any]) -> Failure:
    kind, side, policy, confidence, rule, permanent, phase, *rest = fields
    return Failure(
        FailureClass(kind),
        Side(side),
        AddressPolicy(policy),
        Confidence(confidence),
        rule,
        permanent,
        None if phase is None else Phase(phase),
        *rest,
    )


def _marker(fields: list[Any] | None) -> Marker | None:
    if fields is None:
        return None
    at, tie, cause, actor, reason = fields
    return Marker(at, tie, ClearedBy(cause), actor, reason)


def _flag(fields: list[Any]) -> Flag:
    flag = Flag(*fields)
    return flag._replace(
        failure_class=FailureClass(flag.failure_class),
        side=Side(flag.side),
        evidence=tuple(_evidence(e) for e in fields[_EVIDENCE]),
    )


def _evidence(fields: list[Any]) -> FlagEvidence:
    shown = FlagEvidence(*fields)
    return shown._replace(
        source=EvidenceSource(shown.source),
        phase=None if shown.phase is None else Phase(shown.phase),
    )


def standing(value: bytes) -> Standing | None:
    """Answer what stands, without reading the rest; None: not flagged."""
    return _STANDING[value[1] >> 4]


def due_at(value: bytes) -> Instant | None:
    """Answer when a pending clear becomes due, without reading the rest."""
    clear_at: int = HEAD.unpack_from(value)[3]
    return None if clear_at == NO_TIME else Instant(clear_at)


def newest(value: bytes) -> Instant | None:
    """Answer when the newest message was sent, without reading the rest."""
    if not value[1] & LOW:
        return None
    _, at, reported_at, *_ = MESSAGE.unpack_from(value, HEAD.size)
    return Instant(reported_at if at == NO_TIME else at)


_READERS: dict[int, Callable[[bytes], AddressState]] = {VERSION: _read, MIXED: _read}
