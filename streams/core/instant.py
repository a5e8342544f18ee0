"""Points in time as integer milliseconds since 1970-01-01 UTC.

Everything that is ordered, stored or merged uses this one exact unit: it packs
into eight bytes, has no time zone to forget and compares in nanoseconds. On the
wire an instant is RFC 3339 with a zone.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType

Instant = NewType("Instant", int)
"""Milliseconds since the epoch, UTC."""

EARLIEST = Instant(946_684_800_000)
"""2000-01-01: before it a clock was never set."""
LATEST = Instant(4_102_444_800_000)
"""2100-01-01: from it on a unit was mistaken."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY = 86_400_000
_MINUTE = 60_000
_FIRST_DAY = (datetime.min.replace(tzinfo=UTC) - _EPOCH).days
_LAST_DAY = (datetime.max.replace(tzinfo=UTC) - _EPOCH).days
"""A zone can push a time of the first or the last day out of what can be written."""
_ON_TIME = "00+00:00"
_SECONDS = tuple(f"{second:02}." for second in range(60))
_MILLISECONDS = tuple(f"{millisecond:03}Z" for millisecond in range(1000))


def from_datetime(moment: datetime) -> Instant:
    """Answer the instant of an aware `moment`, rounded down to a millisecond."""
    return Instant((moment - _EPOCH) // _MILLISECOND)


def believable(instant: Instant) -> bool:
    """Say whether a clock that was ever set can have shown this."""
    return EARLIEST <= instant < LATEST


def to_datetime(instant: Instant) -> datetime:
    """Answer the aware UTC datetime of an instant."""
    return _EPOCH + instant * _MILLISECOND


def parse(text: str) -> Instant | None:
    """Read an RFC 3339 timestamp; None when it is not one or has no zone."""
    try:
        since = datetime.fromisoformat(text) - _EPOCH
    except ValueError:
        # RFC 3339 section 5.6 allows `t` and `z`; Python reads capitals only.
        capital = text.upper()
        return parse(capital) if capital != text else None
    except TypeError:  # no zone
        return None
    if not _FIRST_DAY <= since.days <= _LAST_DAY:
        return None
    return Instant(
        since.days * _DAY + since.seconds * 1000 + since.microseconds // 1000
    )


def render(instant: Instant) -> str:
    """Write an instant as RFC 3339 in UTC with milliseconds and `Z`.

    Instants are read and written several times an event, so what repeats is
    looked up: the minute, the second and the millisecond.
    """
    minute, rest = divmod(instant, _MINUTE)
    return _minute(minute) + _SECONDS[rest // 1000] + _MILLISECONDS[rest % 1000]


@lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    return to_datetime(Instant(minute * _MINUTE)).isoformat().removesuffix(_ON_TIME)
