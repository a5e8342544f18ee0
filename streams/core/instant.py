"""Points in time as integer milliseconds since 1970-01-01 UTC.

Everything that is ordered, stored or merged uses this one exact unit: it packs
into eight bytes, has no time zone to forget and compares in nanoseconds. On the
wire an instant is RFC 3339 with a zone.
"""

from datetime import UTC, datetime, timedelta
from typing import NewType

Instant = NewType("Instant", int)
"""Milliseconds since the epoch, UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def from_datetime(moment: datetime) -> Instant:
    """Answer the instant of an aware `moment`, rounded down to a millisecond."""
    return Instant((moment - _EPOCH) // _MILLISECOND)


def to_datetime(instant: Instant) -> datetime:
    """Answer the aware UTC datetime of an instant."""
    return _EPOCH + instant * _MILLISECOND


def parse(text: str) -> Instant | None:
    """Read an RFC 3339 timestamp; None when it is not one or has no zone.

    Source: RFC 3339 section 5.6. A lower-case `t` and `z` are allowed there.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    try:
        return from_datetime(moment)
    except OverflowError:
        return None


def render(instant: Instant) -> str:
    """Write an instant as RFC 3339 in UTC with milliseconds and `Z`."""
    text = to_datetime(instant).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
