"""Answers of servers that may be shown to people: never with an address."""

import re
from typing import NamedTuple

from streams.core.instant import Instant

_TEXT = 300
"""Characters that are kept of an answer."""
_ADDRESS = re.compile(r"<?[^\s<>@]{1,64}@[^\s<>@]{1,255}>?")


class Sample(NamedTuple):
    """One answer to show in an alert, without addresses; ordered by time."""

    at: Instant
    code: int | None
    enhanced: str | None
    text: str
    peer: str | None
    """Host that gave the answer."""
    host: str | None
    """Host of ours that made the attempt or sent the report."""
    template_id: str | None


def order(sample: Sample) -> tuple[int, str]:
    """Answer what samples are ordered by: time, then what never changes."""
    return sample.at, repr(sample)


def without_addresses(text: str) -> str:
    """Answer a server's text cut to a sample's length, with no mail address."""
    words = text[: 2 * _TEXT]
    if "@" in words:
        words = _ADDRESS.sub("<address>", words)
    return words[:_TEXT]
