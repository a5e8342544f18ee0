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


class Row(NamedTuple):
    """One bucket: good mails and failed ones, weighed."""

    bucket: int
    goods: float
    failures: float


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
        if weight and ratio <= 0:
            since = bucket
        ratio = min(limit, max(0.0, ratio + weight * up - good * down))
        if matured_until is not None and bucket >= matured_until:
            best = max(best, (ratio, since))
    return (ratio, since) if matured_until is None else best


def works_again(rows: Sequence[Row], base: float, until: float) -> tuple[float, float]:
    """Answer the reversed ratio, and the good mails since it left zero.

    The alternative is the share that failed while it lasted, taken up to the
    last failure.

    Args:
        rows: buckets of the incident, oldest first.
        base: the usual failing share.
        until: younger mail may still come back: it is not asked.
    """
    by = slopes(base, _failing_share(rows, base))
    ratio = good = 0.0
    for bucket, goods, failures in rows:
        if bucket > until:
            break
        change = goods * by.down - failures * by.up
        ratio = min(cal.RECOVERED_CAP, max(0.0, ratio + change))
        good = good + goods if ratio > 0 else 0.0
    return ratio, good


def _failing_share(rows: Sequence[Row], base: float) -> float:
    last = max((row.bucket for row in rows if row.failures), default=None)
    share = 0.5
    if last is not None:
        lasted = [row for row in rows if row.bucket <= last]
        failures = sum(row.failures for row in lasted)
        trials = sum(row.goods for row in lasted) + failures
        share = failures / max(1.0, trials) * failures / (failures + 3.0)
    return min(0.97, max(cal.RECOVERY_FACTOR * base, cal.RECOVERY_SHARE, share))
