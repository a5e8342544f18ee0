"""The flag of an address: is it flagged, why, and what of that is news.

Only the newest decided message counts: an older one tells how the address used
to be. A decision depends on the state alone, not on the order in which the
evidence came, so a replay ends where the first run ended.
"""

from typing import NamedTuple

from streams.core.advice import advise
from streams.core.evidence import Command, Failure, Outcome
from streams.core.failure import Confidence
from streams.core.flag import (
    ChangeType,
    ClearedBy,
    EvidenceSource,
    Flag,
    FlagChange,
    FlagEvidence,
)
from streams.core.history import FailedMessage, History, history_of
from streams.core.instant import Instant
from streams.core.message import Fate
from streams.core.policy import (
    ClearOn,
    FlagPolicy,
    OpenIncident,
    suppress_recommended,
)
from streams.core.state import AddressState

SHOWN = 3
"""How many failures a flag carries as evidence."""
PERSISTENT_FAILURES = 3
PERSISTENT_SPAN = 24 * 3_600_000
"""Milliseconds between the first and the last failure of a persistent flag."""


def is_calm(state: AddressState) -> bool:
    """Say that there is surely nothing to decide, without a closer look.

    Nearly every address is like this nearly always: not flagged, and the newest
    message was accepted without a word from anybody else.
    """
    if state.flag is not None or not state.messages:
        return False
    newest = state.messages[0]
    session = newest.session
    return (
        session is not None
        and session.outcome is Outcome.ACCEPTED
        and not newest.reports
    )


class Context(NamedTuple):
    """What a decision depends on besides the state."""

    tenant_id: str
    address: str
    policy: FlagPolicy
    incidents: tuple[OpenIncident, ...]
    """Open incidents of the tenant."""
    at: Instant
    """When what is being decided on reached us: the time that events carry.

    Revisions grow from it, and not from when it happened: of an address that was
    forgotten meanwhile, something older can come to be known at any time.
    """
    command: Command | None = None
    """What is being decided on, when a person said it: whose clear it will be."""


class Decision(NamedTuple):
    """The state after a decision, and what is to be told about it."""

    state: AddressState
    change: FlagChange | None
    """For the changes topic."""
    flag: Flag | None
    """For the state topic when `restated`: the flag, or None for a tombstone."""
    restated: bool


def decide(state: AddressState, context: Context) -> Decision:
    """Say whether the address is flagged, and what that changes.

    The newest decided message rules. Undecided ones change nothing, and after a
    late bounce an accepted message waits until its own bounce would have come.
    Proof waits for nothing, be it of the flagged message and come after a newer one
    was accepted.
    """
    history = history_of(state)
    newest = history.newest
    if newest is None:
        return _decide_without_news(state, history, context)
    if newest.failure is not None:
        return _announce(state, history, context)
    if state.flag is None:
        return Decision(_calm(state), None, None, restated=False)
    if history.proven is not None:
        return _clear_by_proof(state, history.proven, context)
    clear_on = context.policy.clear_on
    if clear_on is ClearOn.DELIVERED:
        return Decision(_calm(state), None, None, restated=False)
    if clear_on is ClearOn.ACCEPTED or state.late_by is None:
        return _clear(state, ClearedBy.ACCEPTED, context)
    return _settle(state, history, context)


def _clear_by_proof(state: AddressState, proven: Fate, context: Context) -> Decision:
    """Clear by a delivery, and name whose answer it contradicts."""
    cause = ClearedBy.DELIVERED
    if proven.liar is not None:
        cause = ClearedBy.RESPONSE_MISMATCH
    said = context.command
    return _clear(
        state,
        cause,
        context,
        blamed=proven.liar or None,
        by=None if said is None else (said.actor, said.reason),
    )


def _settle(state: AddressState, history: History, context: Context) -> Decision:
    """Clear after a late bounce once an accepted message has settled."""
    since = history.accepted_since or state.accepted_since or context.at
    due = Instant(since + context.policy.wait_after_late_bounce(state.late_by or 0))
    if context.at >= due:
        return _clear(state, ClearedBy.ACCEPTED, context)
    pending = state._replace(accepted_since=since, clear_at=due)
    return Decision(pending, None, None, restated=False)


def _decide_without_news(
    state: AddressState, history: History, context: Context
) -> Decision:
    """Clear by the marker when no message newer than it says anything.

    The failure behind the flag may be newer than the marker and forgotten only
    when the memory is full of messages that are newer still. The accepted message
    of a pending clear may be forgotten, too: the clear still becomes due.
    """
    marker = state.marker
    forgotten = history.open_ended and marker is not None and marker.at < state.cause_at
    if marker is not None and state.flag is not None and not forgotten:
        by = (marker.actor, marker.reason)
        return _clear(state, marker.cause, context, by=by)
    if state.clear_at is not None and context.policy.clear_on is not ClearOn.DELIVERED:
        return _settle(state, history, context)
    return Decision(_calm(state), None, None, restated=False)


def _announce(state: AddressState, history: History, context: Context) -> Decision:
    """Set the flag, or bring it up to date."""
    old = state.flag
    revision = max(state.revision + 1, context.at)
    flag = _flag(state, history, context, revision)
    newest = history.failures[0]
    same = old is not None and flag == old._replace(
        revision=flag.revision, updated_at=flag.updated_at
    )
    state = state._replace(
        cause_at=newest.message.at,
        late_by=newest.late_by,
        clear_at=None,
        accepted_since=None,
        flag=old if same else flag,
        revision=state.revision if same else revision,
    )
    if same:
        return Decision(state, None, None, restated=False)
    if old is not None and _told(old) == _told(flag):
        return Decision(state, None, flag, restated=True)
    kind = ChangeType.SET if old is None else ChangeType.UPDATED
    change = FlagChange(kind, flag, revision, context.at, None, None, None, None, None)
    return Decision(state, change, flag, restated=True)


def _told(flag: Flag) -> tuple[object, ...]:
    """Answer the part of a flag whose change is news to subscribers."""
    return flag.failure_class, flag.side, flag.suppress_recommended, flag.persistent


def _flag(
    state: AddressState, history: History, context: Context, revision: int
) -> Flag:
    """Answer the flag that the current run of failures makes."""
    failures = history.failures
    newest, old = failures[0], state.flag
    first_failure_at = min(f.failed_at for f in failures)
    if old is not None and history.open_ended:
        first_failure_at = min(first_failure_at, old.first_failure_at)
    last_failure_at = max(f.failed_at for f in failures)
    incident = _incident(newest.failure, context)
    told = advise(newest.failure)
    return Flag(
        tenant_id=context.tenant_id,
        address=context.address,
        customer_id=newest.message.customer_id or state.customer_id,
        since=context.at if old is None else old.since,
        updated_at=context.at,
        revision=revision,
        failure_class=newest.failure.failure_class,
        side=newest.failure.side,
        summary=told.summary,
        where_to_check=told.where_to_check,
        what_to_do=told.what_to_do,
        suppress_recommended=suppress_recommended(
            [f.failure for f in failures], context.policy, held=incident is not None
        ),
        persistent=len(failures) >= PERSISTENT_FAILURES
        and last_failure_at - first_failure_at >= PERSISTENT_SPAN,
        consecutive_failures=len(failures),
        first_failure_at=first_failure_at,
        last_failure_at=last_failure_at,
        evidence=tuple(_shown(f) for f in failures[:SHOWN]),
        incident=incident or (old.incident if old else None),
    )


def _shown(failed: FailedMessage) -> FlagEvidence:
    failure, bounce = failed.failure, failed.message.bounce
    by_report = bounce is not None and failure is bounce.failure
    return FlagEvidence(
        message_id=failed.message.message_id,
        at=failed.failed_at,
        source=EvidenceSource.DSN if by_report else EvidenceSource.SESSION,
        phase=failure.phase,
        peer=failure.peer,
        code=failure.code,
        enhanced=failure.enhanced,
        text=failure.text,
        rule=failure.rule,
    )


def _incident(failure: Failure, context: Context) -> str | None:
    """Answer the open incident that this failure belongs to."""
    for incident in context.incidents:
        if failure.failure_class in incident.classes:
            return incident.key
    if context.incidents and failure.confidence is Confidence.LOW:
        return context.incidents[0].key
    return None


def _clear(
    state: AddressState,
    cause: ClearedBy,
    context: Context,
    *,
    by: tuple[str | None, str | None] | None = None,
    blamed: str | None = None,
) -> Decision:
    """Clear the flag; the event carries the flag as it was.

    `by` is who cleared it, and that person's reason.
    """
    was = state.flag
    if was is None:
        return Decision(_calm(state), None, None, restated=False)
    revision = max(state.revision + 1, context.at)
    actor, reason = by or (None, None)
    change = FlagChange(
        type=ChangeType.CLEARED,
        flag=was,
        revision=revision,
        at=context.at,
        cleared_by=cause,
        flagged_for_ms=max(context.at - was.since, 0),
        actor=actor,
        reason=reason,
        blamed=blamed,
    )
    state = _calm(state)._replace(
        flag=None, revision=revision, cause_at=Instant(0), late_by=None
    )
    return Decision(state, change, None, restated=True)


def _calm(state: AddressState) -> AddressState:
    """Answer the state without a pending clear."""
    if state.clear_at is None and state.accepted_since is None:
        return state
    return state._replace(clear_at=None, accepted_since=None)
