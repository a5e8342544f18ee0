"""Base rates: which share of the mail fails while all is well.

Learnt only while a channel is calm, faded every day, and never believed to be
below a floor or above a cap.
"""

import math
from typing import NamedTuple

from streams.core.spike import calibration as cal
from streams.core.spike.channel import (
    BEYOND,
    OF_ALL,
    OF_OTHERS,
    OF_SENDER,
    SUBMISSION,
    Channel,
)


class Hypothesis(NamedTuple):
    """What a channel tests: these votes at a base rate or at an alternative."""

    votes: int
    base: float
    share: float


class Rate:
    """Good trials and new failing customers."""

    __slots__ = ("goods", "votes")

    def __init__(self, goods: float = 0.0, votes: float = 0.0) -> None:
        """Start from counts of a snapshot, or from nothing."""
        self.goods = goods
        """Below nothing when bounces take back what was counted before it began."""
        self.votes = votes

    def share(self, prior: float, trials: float) -> float:
        """Answer the share of failing customers, from so many prior ones on."""
        return (self.votes + prior) / (max(0.0, self.goods) + trials)

    def fade(self, keep: float) -> None:
        """Forget a part."""
        self.goods *= keep
        self.votes *= keep


class Rates:
    """All base rates of one tenant, and its thresholds, which hang on its volume."""

    __slots__ = (
        "beyond",
        "days",
        "mails",
        "of",
        "other_base",
        "others",
        "relearn_at",
        "sender_base",
        "submission",
        "submission_base",
        "threshold",
    )

    def __init__(self) -> None:
        """Start from the priors."""
        self.mails = 0.0
        """Attempts, faded."""
        self.days = 1.0
        """Days that `mails` stands for."""
        self.submission = Rate()
        self.beyond = Rate()
        """Sender classes behind our hop; its goods are those of the others, too."""
        self.others = Rate()
        self.of: dict[str, Rate] = {}
        """Provider -> all classes there."""
        self.relearn_at = 0.0
        """Volume at which `learn` is worth its time again."""
        self.learn()

    @property
    def mails_a_day(self) -> float:
        """Usual volume."""
        return self.mails / max(1.0, self.days)

    def learn(self) -> None:
        """Make bases and thresholds follow the counts."""
        volume = math.log(self.mails_a_day / cal.THRESHOLD_VOLUME + 1e-9)
        self.threshold = cal.THRESHOLD + max(0.0, volume)
        self.submission_base = _sender_base(self.submission, cal.SUBMISSION_FLOOR)
        self.sender_base = _sender_base(self.beyond, cal.SENDER_FLOOR)
        others = Rate(self.beyond.goods, self.others.votes)
        share = others.share(cal.OTHER_PRIOR, cal.PRIOR_TRIALS)
        self.other_base = _clip(
            cal.OTHER_FACTOR * share, cal.OTHER_FLOOR, cal.OTHER_CAP
        )
        self.relearn_at = self.mails + min(64.0, max(8.0, self.mails / 8))

    def fade(self, days: int) -> None:
        """Forget a part of everything, once a day."""
        keep = cal.DECAY**days
        self.days = self.days * keep + 1
        self.mails *= keep
        for rate in (self.submission, self.beyond, self.others, *self.of.values()):
            rate.fade(keep)
        for provider in self.biggest()[cal.RATES_KEPT :]:
            del self.of[provider]
        self.learn()

    def biggest(self) -> list[str]:
        """Answer the providers by their good mail, most first."""
        return sorted(self.of, key=lambda p: (-self.of[p].goods, p))

    def make(self, provider: str) -> Rate:
        """Answer the rate of a provider; the smallest makes room for a new one."""
        rate = self.of.get(provider)
        if rate is None:
            if len(self.of) >= cal.RATES:
                del self.of[min(self.of, key=lambda p: (self.of[p].goods, p))]
            rate = self.of[provider] = Rate()
        return rate

    def share_of(self, provider: str) -> float:
        """Answer the usual share of the mail that goes to a provider."""
        rate = self.of.get(provider)
        return max(0.0, rate.goods) / max(1.0, self.beyond.goods) if rate else 0.0

    def hypotheses(self, channel: Channel) -> list[Hypothesis]:
        """Say what a channel tests."""
        if channel.name == SUBMISSION:
            plain = [(OF_ALL, self.submission_base, cal.SUBMISSION_SHARE)]
        elif channel.name == BEYOND:
            plain = [
                (OF_SENDER, self.sender_base, cal.SENDER_SHARE),
                (OF_OTHERS, self.other_base, cal.OTHER_SHARE),
            ]
        else:
            base = self._provider_base(channel.name)
            plain = [(OF_ALL, base, cal.PROVIDER_SHARE)]
        return [
            Hypothesis(
                votes, base, max(share, min(cal.SHARE_CAP, cal.SHARE_FACTOR * base))
            )
            for votes, base, share in plain
        ]

    def _provider_base(self, provider: str) -> float:
        rate = self.of.get(provider) or Rate()
        usual = max(
            cal.PROVIDER_FLOOR, self.sender_base + self.other_base - cal.PROVIDER_SLACK
        )
        prior = cal.PROVIDER_TRIALS * usual * 0.6
        share = rate.share(prior, cal.PROVIDER_TRIALS)
        return _clip(cal.PROVIDER_FACTOR * share, 0.7 * usual, cal.PROVIDER_CAP)

    def limits(self, channel: Channel) -> tuple[float, int]:
        """Answer the ratio and the number of customers that open an incident."""
        if channel.of_provider:
            return self.threshold + cal.PROVIDER_EXTRA, cal.PROVIDER_CUSTOMERS
        return self.threshold, cal.CUSTOMERS


def _clip(value: float, floor: float, cap: float) -> float:
    return min(cap, max(floor, value))


def _sender_base(rate: Rate, floor: float) -> float:
    share = rate.share(cal.SENDER_PRIOR, cal.PRIOR_TRIALS)
    return _clip(cal.SENDER_FACTOR * share, floor, cal.SENDER_CAP)
