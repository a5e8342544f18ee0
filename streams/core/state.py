"""What is kept about one address, and how evidence is folded into it.

Merging is associative, commutative and idempotent, so any order and any
repetition of the same evidence leads to the same state; the only limit is that
a message older than the six newest is gone.
"""

from typing import NamedTuple

from streams.core.attribution import DERIVED
from streams.core.evidence import Attempt, Command, CommandAction, Evidence, Report
from streams.core.flag import ClearedBy, Flag
from streams.core.instant import Instant
from streams.core.message import (
    UNPLACED,
    Message,
    fate,
    from_attempt,
    from_proof,
    from_report,
    is_dated,
    merge,
    tie,
)

REMEMBERED = 6
"""How many of the newest messages are kept."""


class Marker(NamedTuple):
    """A decision from outside, newer than every message before it."""

    at: Instant
    tie: int
    cause: ClearedBy
    actor: str | None
    reason: str | None


class AddressState(NamedTuple):
    """Everything that is kept about one address."""

    messages: tuple[Message, ...] = ()
    """Newest first, at most `REMEMBERED`."""
    marker: Marker | None = None
    customer_id: str | None = None
    """Of the newest message of which it is known, remembered or forgotten."""
    confirmed_at: Instant = Instant(0)
    """The newest success that is not among the messages any more."""
    revision: int = 0
    flag: Flag | None = None
    """As it was last announced."""
    cause_at: Instant = Instant(0)
    """When the newest failed message behind the flag was sent."""
    late_by: int | None = None
    """Milliseconds between 250 and bounce, when a late bounce set the flag."""
    accepted_since: Instant | None = None
    """The oldest accepted message after the flag's failures."""
    clear_at: Instant | None = None
    """When a pending clear becomes due."""


EMPTY = AddressState()


class Folded(NamedTuple):
    """The state after one piece of evidence, and what is worth counting."""

    state: AddressState
    message: Message | None
    """The message as it is now; None when it was too old to be kept, or for a
    decision about the address."""
    before: Message | None
    """The message as it was before."""
    liar: str | None
    """Host whose answer this evidence has just contradicted."""


def fold(state: AddressState, evidence: Evidence) -> Folded:
    """Fold one piece of evidence into the state."""
    match evidence:
        case Attempt():
            return _fold_message(state, from_attempt(evidence))
        case Report():
            new = from_report(evidence)
            named = not evidence.message_id.startswith(DERIVED)
            if named and not is_dated(evidence):
                new = _placed(state, new)
            return _fold_message(state, new)
        case Command(action=CommandAction.DELIVERED, message_id=str()):
            return _fold_message(state, _placed(state, from_proof(evidence)))
        case Command():
            return Folded(mark(state, _marker(evidence)), None, None, None)


def _placed(state: AddressState, new: Message) -> Message:
    """Mark a message that may well be older than all that are remembered.

    It is named, but there is no word of when it was sent; the memory is full and its
    newest message is known by its attempt. Then this one has most likely been
    forgotten, and must not count as the newest; if it overtook its attempt, that
    will come. Where there are reports only, each is as new as it says.
    """
    messages = state.messages
    newest = next((m for m in messages if not m.reports & UNPLACED), None)
    if len(messages) < REMEMBERED or newest is None or newest.session is None:
        return new
    if any(m.ref == new.ref for m in messages):
        return new
    return new._replace(reports=new.reports | UNPLACED)


def _fold_message(state: AddressState, new: Message) -> Folded:
    ref = new.ref
    before = next((m for m in state.messages if m.ref == ref), None)
    message = new if before is None else merge(before, new)
    if message == before:
        return Folded(state, message, before, None)
    messages = [m for m in state.messages if m.ref != ref]
    messages.append(message)
    if len(messages) > 1:
        messages.sort(key=_order, reverse=True)
    confirmed = state.confirmed_at
    if len(messages) > REMEMBERED:
        gone = messages.pop()
        if gone is message and before is None:
            return Folded(state, None, None, None)
        if fate(gone).reached:
            confirmed = max(confirmed, gone.at)
    state = AddressState(
        tuple(messages),
        state.marker,
        next((m.customer_id for m in messages if m.customer_id), state.customer_id),
        confirmed,
        state.revision,
        state.flag,
        state.cause_at,
        state.late_by,
        state.accepted_since,
        state.clear_at,
    )
    return Folded(state, message, before, _new_liar(before, message))


def _order(message: Message) -> tuple[Instant, int]:
    session = message.session
    if session is not None:
        return session.at, message.ref
    return message.order


def _new_liar(before: Message | None, after: Message) -> str | None:
    """Answer the host whose answer has just turned out to be untrue."""
    if not after.reports:
        return None
    known = None if before is None else fate(before).liar
    return fate(after).liar if known is None else None


def _marker(command: Command) -> Marker:
    cause = (
        ClearedBy.OPERATOR
        if command.action is CommandAction.CLEAR
        else ClearedBy.DELIVERED
    )
    return Marker(command.at, tie(command.id), cause, command.actor, command.reason)


def mark(state: AddressState, marker: Marker) -> AddressState:
    """Fold a decision from outside into the state; the newest one counts."""
    old = state.marker
    if old is not None and (old.at, old.tie) >= (marker.at, marker.tie):
        return state
    return state._replace(marker=marker)
