"""Send attempts as the mail platform publishes them: `mail.send-attempts.v1`."""

from typing import NamedTuple

from streams.core.evidence import Outcome
from streams.core.failure import PeerRole, Phase
from streams.core.instant import Instant
from streams.wire.event import TEXT_LIMIT, EventReader, Headers, moment
from streams.wire.reject import Reject
from streams.wire.topic import Topic


class SendAttempt(NamedTuple):
    """One SMTP delivery attempt as it was published, valid but not normalised."""

    id: str
    at: Instant
    """When the attempt was made, as the platform's clock says."""
    tenant_id: str
    customer_id: str | None
    address: str
    """As written; not canonical."""
    message_id: str
    attempt: int
    outcome: Outcome
    """As stated, else as follows from the reply."""
    envelope_id: str | None
    template_id: str | None
    phase: Phase | None
    code: int | None
    enhanced: str | None
    """As written; not checked."""
    text: str
    """The server's words, at most 8192 characters; empty without a reply."""
    peer: str | None
    peer_ip: str | None
    peer_role: PeerRole | None
    error: str | None
    """What went wrong when there was no reply, at most 8192 characters."""
    relay: str | None
    sending_ip: str | None
    mail_from: str | None
    helo: str | None


_READER = EventReader(Topic.SEND_ATTEMPTS)
_OUTCOMES: dict[str | None, Outcome] = {o.value: o for o in Outcome}
_PHASES: dict[str | None, Phase] = {p.value: p for p in Phase}
_ROLES: dict[str | None, PeerRole] = {r.value: r for r in PeerRole}
_NO_REPLY: dict[str, None] = {}
_SENT = frozenset({None, Phase.DATA, Phase.DATA_END, Phase.QUIT})
"""Phases in which a 2xx means that the message was taken."""
_INTERMEDIATE = 300
_PERMANENT = 500


def decode(value: bytes | None, headers: Headers = ()) -> SendAttempt | Reject:
    """Answer the attempt that a record tells of, or why it cannot be used."""
    event = _READER.read(value, headers)
    if isinstance(event, Reject):
        return event
    at = moment(event["time"], "time")
    if isinstance(at, Reject):
        return at
    get = event.get
    reply = (get("smtp") or _NO_REPLY).get
    phase = _PHASES.get(reply("phase"))
    code = reply("code")
    error = get("error") or None
    return SendAttempt(
        event["id"],
        at,
        event["tenant_id"],
        get("customer_id") or None,
        event["address"],
        event["message_id"],
        int(get("attempt") or 1),
        _OUTCOMES.get(get("outcome"))
        or _outcome(code, phase, failed=error is not None, final=bool(get("final"))),
        get("envelope_id") or None,
        get("template_id") or None,
        phase,
        None if code is None else int(code),
        reply("enhanced") or None,
        (reply("text") or "")[:TEXT_LIMIT],
        reply("peer") or None,
        reply("peer_ip") or None,
        _ROLES.get(reply("peer_role")),
        error and error[:TEXT_LIMIT],
        get("relay") or None,
        get("sending_ip") or None,
        get("mail_from"),
        get("helo") or None,
    )


def _outcome(
    code: int | None, phase: Phase | None, *, failed: bool, final: bool
) -> Outcome:
    """Say how an attempt ended whose outcome is not stated.

    A 2xx before the message was sent, or beside an error, is no acceptance: the
    session went on and broke. Calling it one would clear a flag.
    """
    if code is not None:
        if code >= _PERMANENT:
            return Outcome.FAILED
        if code < _INTERMEDIATE and phase in _SENT and not failed:
            return Outcome.ACCEPTED
    return Outcome.FAILED if final else Outcome.DEFERRED
