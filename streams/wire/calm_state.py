"""One more accepted mail of an address that only ever receives mail, as bytes.

Nearly every event of a day is one. To read the state, fold the mail in and write
the state again gives the same bytes and takes three times as long; a test compares
the two for any mail and any state.
"""

import orjson

from streams.core.evidence import Attempt, Outcome
from streams.core.message import fingerprint, tie
from streams.core.state import REMEMBERED
from streams.wire.address_state import (
    HEAD,
    LOW,
    MESSAGE,
    MOST_ATTEMPTS,
    NO_TIME,
    OUTCOME_CODES,
    ROLE_CODES,
    VERSION,
)

_ACCEPTED = OUTCOME_CODES[Outcome.ACCEPTED]
_FIRST = HEAD.size
"""Where the newest message begins."""


def with_accepted(value: bytes | None, attempt: Attempt) -> bytes | None:
    """Answer the state's bytes after an accepted attempt; None: look closer.

    That is where anything else is known of the address than accepted mails of one
    customer, all of them older than this one.
    """
    if attempt.outcome is not Outcome.ACCEPTED or attempt.failure is not None:
        return None
    customer = attempt.customer_id
    tail = orjson.dumps([customer]) if customer else b""
    ref = fingerprint(attempt.message_id)
    kept = _NOTHING if value is None else _kept(value, tail, attempt.at, ref)
    if kept is None:
        return None
    older, confirmed_at = kept
    message = MESSAGE.pack(
        ref,
        attempt.at,
        NO_TIME,
        tie(attempt.id),
        min(attempt.attempt, MOST_ATTEMPTS),
        _ACCEPTED | ROLE_CODES[attempt.peer_role],
        0,
    )
    count = len(older) // MESSAGE.size + 1
    head = HEAD.pack(VERSION, count, confirmed_at, NO_TIME)
    return head + message + older + tail


_NOTHING = (b"", 0)


def _kept(value: bytes, tail: bytes, at: int, ref: int) -> tuple[bytes, int] | None:
    """Answer the messages that stay, and the newest success that is not among them.

    None when the state is not one of accepted mails before `at`.
    """
    end = len(value) - len(tail)
    if end < _FIRST or value[end:] != tail:
        return None
    version, count, confirmed_at, clear_at = HEAD.unpack_from(value)
    sized = end == _FIRST + count * MESSAGE.size  # else more is known, or it is flagged
    if not (sized and version == VERSION and clear_at == NO_TIME):
        return None
    if count > REMEMBERED or ref.to_bytes(8, "little") in value:
        return None  # most likely another attempt of a mail that is remembered
    if count:
        newest, newest_at, *_ = MESSAGE.unpack_from(value, _FIRST)
        if newest_at == NO_TIME or (at, ref) <= (newest_at, newest):
            return None
    if count == REMEMBERED:
        end -= MESSAGE.size
        _, gone_at, _, _, _, code, _ = MESSAGE.unpack_from(value, end)
        if code & LOW != _ACCEPTED:
            return None
        confirmed_at = max(confirmed_at, gone_at)
    return value[_FIRST:end], confirmed_at
