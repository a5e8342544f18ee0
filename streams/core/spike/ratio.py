"""Sequential likelihood ratios over buckets: is it broken, does it work again.

A ratio grows with each failing customer, shrinks with each good mail and never
falls below zero (a CUSUM, Page 1954): near the shortest delay there is for a
given rate of false alarms, for 5 mails a day and for a million alike.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from streams.core.spike import calibration as cal
from streams.core.spike.channel import CALM, OF_ALL, Rise
from streams.core.spike.rate import Hypothesis

Row = tuple[int, float, float]
"""One bucket: its start, good mails and failed ones, weighed."""


class Slopes(NamedTuple):
    """What one failing customer adds and one good mail takes."""

    up: float
    down: float


def slopes(base: float, share: float) -> Slopes:
    """Answer the log-likelihoods of `share` against `base`."""
    return Slopes(math.log(share / base), math.log((1 - base) / (1 - share)))


def weak_share(base: float) -> float:
    """Answer the alternative of a creeping incident."""
    return min(cal.WEAK_CAP, max(cal.WEAK_SHARE, cal.WEAK_FACTOR * base))


def rises(
    goods: Sequence[tuple[int, float]],
    votes: Mapping[int, Sequence[float]],
    hypotheses: Iterable[Hypothesis],
    cap: float,
    matured_until: int | None,
) -> tuple[Rise, Rise]:
    """Answer the highest strong and weak ratio among the hypotheses.

    Args:
        goods: (bucket, good trials), oldest first, from the first vote on.
        votes: bucket -> weights of new customers: sender classes, others.
        hypotheses: what is tested.
        cap: where the strong ratio stops; the weak one stops two higher.
        matured_until: bucket of the oldest vote by report, when reports are
            among the newest votes: the best ratio at or after it counts, since
            younger mail has not had time to bounce. None: the last one counts.
    """
    strong = weak = CALM
    for hypothesis in hypotheses:
        weights = _votes(goods, votes, hypothesis.votes)
        base = hypothesis.base
        for share, limit, is_strong in (
            (hypothesis.share, cap, True),
            (weak_share(base), cap + 2, False),
        ):
            ratio, since = _climb(
                goods, weights, slopes(base, share), limit, matured_until
            )
            if is_strong and ratio > strong.ratio:
                strong = Rise(ratio, since, hypothesis.votes)
            elif not is_strong and ratio > weak.ratio:
                weak = Rise(ratio, since, hypothesis.votes)
    return strong, weak


def _votes(
    goods: Sequence[tuple[int, float]],
    votes: Mapping[int, Sequence[float]],
    which: int,
) -> list[float]:
    found = [votes.get(bucket) for bucket, _ in goods]
    if which == OF_ALL:
        return [0.0 if pair is None else pair[0] + pair[1] for pair in found]
    return [0.0 if pair is None else pair[which] for pair in found]


def _climb(
    goods: Sequence[tuple[int, float]],
    weights: Sequence[float],
    by: Slopes,
    limit: float,
    matured_until: int | None,
) -> tuple[float, int]:
    """Answer the ratio and the bucket in which it left zero."""
    up, down = by
    ratio, since = 0.0, 0
    best = (0.0, 0)
    for (bucket, good), weight in zip(goods, weights, strict=True):
        if weight:
            if ratio <= 0:
                since = bucket
            ratio += weight * up
        ratio -= good * down
        if ratio < 0:
            ratio = 0.0
        elif ratio > limit:
            ratio = limit
        if matured_until is not None and bucket >= matured_until:
            best = max(best, (ratio, since))
    return (ratio, since) if matured_until is None else best


def rows(goods: Iterable[tuple[int, float]], failed: Mapping[int, float]) -> list[Row]:
    """Answer the failed mails of each bucket beside its good ones."""
    return [(bucket, good, failed.get(bucket, 0)) for bucket, good in goods]


def works_again(
    trials: Sequence[Row], base: float, until: float
) -> tuple[float, float]:
    """Answer the reversed ratio, and the good mails since it left zero.

    The alternative is the share that failed while it lasted, taken up to the
    last failure.

    Args:
        trials: buckets of the incident, oldest first.
        base: the usual failing share.
        until: younger mail may still come back: it is not asked.
    """
    if not any(goods for _, goods, _ in trials):
        return 0.0, 0.0  # what failures alone come to
    up, down = slopes(base, _failing_share(trials, base))
    ratio = good = 0.0
    for bucket, goods, failures in trials:
        if bucket > until:
            break
        ratio += goods * down - failures * up
        ratio = min(ratio, cal.RECOVERED_CAP)
        if ratio > 0:
            good += goods
        else:
            ratio = good = 0.0
    return ratio, good


def _failing_share(trials: Sequence[Row], base: float) -> float:
    share = 0.5
    lasted = len(trials)
    while lasted and not trials[lasted - 1][2]:
        lasted -= 1
    if lasted:
        failures = sum([failed for _, _, failed in trials[:lasted]])
        goods = sum([goods for _, goods, _ in trials[:lasted]])
        share = failures / max(1.0, goods + failures) * failures / (failures + 3.0)
    return min(0.97, max(cal.RECOVERY_FACTOR * base, cal.RECOVERY_SHARE, share))
