"""How long reports of one tenant take: which mail has had time to bounce.

A relay's 250 proves little while the report about the mail may still come, so
good trials count by the share of reports that are back after their age.
"""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from streams.core.spike import calibration as cal

_LAST = len(cal.LAG_EDGES) - 1


class Lags:
    """Counts of reports by lag, mixed with a prior."""

    __slots__ = ("counts", "curve")

    def __init__(
        self,
        counts: Iterable[float] | None = None,
        curve: Iterable[float] | None = None,
    ) -> None:
        """Start from a snapshot, or from the prior alone."""
        self.counts = (
            [cal.LAG_WEIGHT * share for share in cal.LAG_PRIOR]
            if counts is None
            else list(counts)
        )
        if curve is None:
            self.learn()
        else:
            self.curve = list(curve)

    def add(self, seconds: int) -> None:
        """Count one report; the curve follows at the next `learn`."""
        self.counts[min(_LAST, bisect_left(cal.LAG_EDGES, seconds))] += 1

    def learn(self) -> None:
        """Make the curve follow the counts."""
        total = sum(self.counts)
        self.curve = [count / total for count in accumulate(self.counts)]

    def fade(self) -> None:
        """Let a part of the prior come back, once a day."""
        keep = 1 - cal.LAG_LEARN
        self.counts = [
            count * keep + cal.LAG_LEARN * cal.LAG_WEIGHT * share
            for count, share in zip(self.counts, cal.LAG_PRIOR, strict=True)
        ]

    def matured(self, age: int) -> float:
        """Say which share of the reports is back `age` milliseconds after the mail."""
        seconds = age / cal.SECOND
        at = bisect_left(cal.LAG_EDGES, seconds)
        if at > _LAST:
            return 1.0
        before, share = (cal.LAG_EDGES[at - 1], self.curve[at - 1]) if at else (0, 0.0)
        step = max(0.0, seconds - before) / (cal.LAG_EDGES[at] - before)
        return share + (self.curve[at] - share) * step


_PRIOR = tuple(accumulate(cal.LAG_PRIOR))


def usually_matured(age: int) -> float:
    """Say the same for tenants whose own lags are not at hand, by the prior."""
    at = bisect_left(cal.LAG_EDGES, age / cal.SECOND)
    return 1.0 if at > _LAST else _PRIOR[at]


def reckoned(so_far: float, lag: int) -> float:
    """Say with which lag to reckon, in seconds, after one more failure's."""
    if lag > so_far > 0:
        return so_far + cal.LAG_RISE * (lag - so_far)
    return max(float(lag), so_far * cal.LAG_DECAY)


def bounced_until(now: int, lag: float) -> int:
    """Say up to when mail was tried that would have bounced by now.

    Args:
        now: the time of asking.
        lag: how long the incident's reports took lately, in seconds; 0 when only
            replies told of it.
    """
    if not lag:
        return now
    spread = min((cal.LAGS - 1) * lag * cal.SECOND, cal.LAG_SPREAD)
    return int(now - lag * cal.SECOND - spread - cal.LAG_MARGIN)
