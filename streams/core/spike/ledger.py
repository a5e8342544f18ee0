"""The good mails of one tenant by the time they were tried: the denominators.

Buckets are minutes while young, then 5 minutes, then hours. The biggest
providers have counters of their own in each; the rest is known as the total
less these.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import NamedTuple

from streams.core.spike import calibration as cal

REST = ""
"""Stands for all providers without counters of their own."""


class Bucket:
    """Mails that were tried in one span and did well."""

    __slots__ = ("by_mx", "by_relay", "of", "submitted")

    def __init__(self) -> None:
        """Start empty."""
        self.submitted = 0
        """Passed our own hop."""
        self.by_mx = 0
        """Taken by an MX."""
        self.by_relay = 0
        """Taken by a relay of ours; may still bounce."""
        self.of: dict[str, list[int]] = {}
        """Provider -> taken by an MX, by a relay."""


class Passed(NamedTuple):
    """One provider's good mails of one minute."""

    minute: int
    provider: str
    submitted: int
    by_mx: int
    by_relay: int


def width(age: int) -> int:
    """Answer how wide a bucket of this age is, in milliseconds."""
    if age < cal.FINE:
        return cal.MINUTE
    return 5 * cal.MINUTE if age < cal.MIDDLE else cal.HOUR


class Ledger:
    """Buckets by their start, oldest first."""

    __slots__ = ("buckets", "starts", "tracked")

    def __init__(self) -> None:
        """Start empty."""
        self.starts: list[int] = []
        self.buckets: dict[int, Bucket] = {}
        self.tracked: dict[str, int] = {}
        """Providers with counters of their own -> since when."""

    def bucket(self, minute: int, now: int) -> tuple[int, Bucket]:
        """Answer the bucket of a minute and its start; made when missing."""
        found = self.buckets.get(minute)
        if found is not None:
            return minute, found
        if self.starts and minute < self.starts[-1]:
            minute -= minute % width(now - minute)
            found = self.buckets.get(minute)
            if found is not None:
                return minute, found
        found = self.buckets[minute] = Bucket()
        insort(self.starts, minute)
        return minute, found

    def add(self, passed: Passed, now: int) -> None:
        """Count good mails."""
        minute, provider, submitted, by_mx, by_relay = passed
        _, bucket = self.bucket(minute, now)
        bucket.submitted += submitted
        bucket.by_mx += by_mx
        bucket.by_relay += by_relay
        if provider not in self.tracked or not (by_mx or by_relay):
            return
        own = bucket.of.get(provider)
        if own is None:
            bucket.of[provider] = [by_mx, by_relay]
        else:
            own[0] += by_mx
            own[1] += by_relay

    def since(self, start: int) -> list[int]:
        """Answer the buckets that do not begin before `start`, oldest first."""
        return self.starts[bisect_left(self.starts, start) :]

    def track(self, providers: Iterable[str], now: int) -> None:
        """Give these providers, and no others, counters from now on."""
        self.tracked = {p: self.tracked.get(p, now) for p in providers}

    def compact(self, now: int) -> dict[int, int]:
        """Join what has grown old; answer where each bucket's mail now stands.

        Counters of providers that are not counted any more go: a small one that is
        counted now and then would leave some in every hour.
        """
        old = self.buckets
        self.buckets, moved = {}, {}
        for start in self.starts:
            age = now - start
            if age > cal.KEEP:
                continue
            to = moved[start] = start - start % width(age)
            self._join(self.buckets.setdefault(to, Bucket()), old[start])
        self.starts = sorted(self.buckets)
        return moved

    def _join(self, into: Bucket, other: Bucket) -> None:
        into.submitted += other.submitted
        into.by_mx += other.by_mx
        into.by_relay += other.by_relay
        for provider, (by_mx, by_relay) in other.of.items():
            if provider not in self.tracked:
                continue
            own = into.of.setdefault(provider, [0, 0])
            own[0] += by_mx
            own[1] += by_relay
