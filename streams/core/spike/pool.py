"""One provider's mail over all tenants: a refusal that no tenant can see alone."""

from collections import Counter
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from streams.core.failure import FailureClass
from streams.core.sample import Sample, order
from streams.core.spike import calibration as cal
from streams.core.spike.evidence import SHOWN
from streams.core.spike.lag import usually_matured
from streams.core.spike.ratio import slopes

Voter = tuple[str, int]
"""Tenant and customer."""
Votes = dict[Voter, tuple[FailureClass, str | None]]
"""Customer -> what it fails with, and at whom."""
NOBODY: AbstractSet[str] = frozenset()
"""No tenant."""


class Voice(NamedTuple):
    """A customer that fails at a provider."""

    minute: int
    failure_class: FailureClass


class Pool:
    """Mail to one provider."""

    __slots__ = (
        "check_at",
        "goods",
        "matured_until",
        "minutes",
        "news",
        "operators",
        "samples",
        "voices",
        "votes",
    )

    def __init__(self) -> None:
        """Start empty."""
        self.minutes: dict[int, list[int]] = {}
        """Minute -> taken by an MX, by a relay, new failing customers."""
        self.voices: dict[Voter, Voice] = {}
        self.operators: Counter[str] = Counter()
        """Who refused, as reports named them."""
        self.samples: list[Sample] = []
        """The newest answers to failing mail."""
        self.goods = 0.0
        """Good mails, faded; bounces of mail from before take back more."""
        self.votes = 0.0
        """Failing customers while calm, faded."""
        self.news = 0
        """New customers since the last look."""
        self.matured_until: int | None = None
        """Oldest minute of a report among them."""
        self.check_at = 0

    def minute(self, at: int) -> list[int]:
        """Answer the counts of a minute; the oldest make room."""
        counts = self.minutes.get(at)
        if counts is None:
            counts = self.minutes[at] = [0, 0, 0]
            if len(self.minutes) > cal.POOL_MINUTES:
                for old in sorted(self.minutes)[: cal.POOL_MINUTES // 4]:
                    del self.minutes[old]
        return counts

    def show(self, sample: Sample) -> None:
        """Keep an answer, if it is one of the newest and says something new."""
        words = [(kept.code, kept.text) for kept in self.samples]
        if (sample.code, sample.text) not in words:
            self.samples = sorted([*self.samples, sample], key=order)[-SHOWN:]

    def forget(self) -> None:
        """Nothing is left to explain, or it has been explained."""
        self.voices.clear()
        self.operators.clear()
        self.samples.clear()
        for counts in self.minutes.values():
            counts[2] = 0

    def base(self) -> float:
        """Answer the share that fails while all is well."""
        share = (self.votes + 0.2) / (max(0.0, self.goods) + 20)
        return max(cal.POOL_FLOOR, min(cal.POOL_CAP, 1.5 * share))

    def climb(self, now: int, besides: AbstractSet[str] = NOBODY) -> tuple[float, int]:
        """Answer the ratio against the weak alternative, and since when.

        Args:
            now: the time of asking.
            besides: tenants whose failing customers are left out.
        """
        base = self.base()
        share = max(cal.POOL_SHARE, cal.POOL_SHARE_FACTOR * base)
        by = slopes(base, share)
        ratio, since = 0.0, 0
        best = (0.0, 0)
        first = min((voice.minute for voice in self.voices.values()), default=now)
        left_out = Counter(
            voice.minute for (t, _), voice in self.voices.items() if t in besides
        )
        for at in sorted(m for m in self.minutes if m >= first):
            by_mx, by_relay, failing = self.minutes[at]
            failing -= left_out[at]
            if failing and ratio <= 0:
                since = at
            goods = max(0.0, by_mx + by_relay * usually_matured(now - at))
            ratio = max(0.0, ratio + failing * by.up - goods * by.down)
            matured = self.matured_until
            if matured is not None and at >= matured and ratio > best[0]:
                best = (ratio, since)
        return max(best, (ratio, since))

    def heard(self, since: int) -> dict[Voter, Voice]:
        """Answer the customers that fail since then: who failed before says nothing."""
        return {
            voter: voice
            for voter, voice in self.voices.items()
            if voice.minute >= since - cal.MINUTE
        }

    def operator(self) -> str | None:
        """Answer who refuses most customers, None when nobody is refused."""
        return self.operators.most_common(1)[0][0] if self.operators else None

    def trials(self, since: int) -> int:
        """Count good mails and failing customers."""
        return sum(max(0, sum(n)) for at, n in self.minutes.items() if at >= since)
