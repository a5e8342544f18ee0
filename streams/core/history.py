"""What the remembered messages say, newest first: the current run of failures.

It ends at the newest success, remembered or forgotten, or at a decision from outside
that is newer than every message before it.
"""

from typing import NamedTuple

from streams.core.evidence import Failure
from streams.core.instant import Instant
from streams.core.message import Fate, Message, fate, fingerprint
from streams.core.state import REMEMBERED, AddressState


class FailedMessage(NamedTuple):
    """A failed message of the current run."""

    message: Message
    failure: Failure
    failed_at: Instant
    late_by: int | None


class History(NamedTuple):
    """What the remembered messages say, newest first."""

    newest: Fate | None
    """The newest decided message's fate."""
    failures: tuple[FailedMessage, ...]
    """Failed messages since the newest success."""
    open_ended: bool
    """The run of failures may have begun before what is remembered."""
    accepted_since: Instant | None
    """The oldest success since the newest failure."""
    proven: Fate | None
    """The newest proof since the newest failure that speaks against the flag."""


def history_of(state: AddressState) -> History:
    """Read the messages, newest first, back to the end of the current run."""
    newest: Fate | None = None
    failures: list[FailedMessage] = []
    accepted_since: Instant | None = None
    proven: Fate | None = None
    horizon = _horizon(state)
    earlier = state.accepted_since
    open_ended = len(state.messages) == REMEMBERED
    for message in state.messages:
        if message.at <= horizon:
            open_ended = False
            break
        answer = fate(message)
        if not answer.decided:
            continue
        newest = newest or answer
        if answer.failure is not None:
            if accepted_since is not None:
                if earlier is not None and earlier <= message.at:
                    earlier = None
                break
            failures.append(
                FailedMessage(message, answer.failure, answer.failed_at, answer.late_by)
            )
        elif failures:
            open_ended = False
            break
        else:
            accepted_since = message.at
            if answer.proven and (answer is newest or _is_news(message, state)):
                proven = proven or answer
    if accepted_since is not None and earlier is not None:
        accepted_since = min(accepted_since, earlier)
    return History(newest, tuple(failures), open_ended, accepted_since, proven)


def _horizon(state: AddressState) -> Instant:
    """Answer up to when messages say no more: a forgotten success, or a decision."""
    if state.marker is None:
        return state.confirmed_at
    return max(state.confirmed_at, state.marker.at)


def _is_news(message: Message, state: AddressState) -> bool:
    """Say that a delivery speaks against the flag: of its own message, or a newer."""
    if state.flag is None:
        return False
    behind = state.flag.evidence[0].message_id
    return message.at >= state.cause_at or message.ref == fingerprint(behind)
