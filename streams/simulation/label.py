"""Labels of a play: what must be found in its events, for whoever judges a detector.

Known once all events were taken: until then nobody can say how many customers failed.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from streams.core.instant import Instant, render
from streams.simulation.play import Play, Truth
from streams.simulation.post import Struck
from streams.simulation.traffic import MONDAY

CUSTOMERS = 3
"""Fewer failing customers are no incident that anybody could be told of."""
_MISMATCH = "response_mismatch"


class Expected(StrEnum):
    """What on-call should hear of an incident."""

    PAGE = "page"
    """One page, `critical`."""
    WARNING = "warning"
    """One alert for office hours: the mail that is refused arrives."""
    NOTHING = "nothing"
    """Nothing: fewer than three customers failed."""


def label(scenario: str, volume: int, seed: int, made: Play) -> dict[str, Any]:
    """Answer the labels of a play whose events were taken, as JSON has them."""
    return {
        "scenario": scenario,
        "volume": volume,
        "seed": seed,
        "judged_from": _time(made.start),
        "until": _time(made.end),
        "incidents": [_incident(truth, made.post.struck) for truth in made.truths],
    }


def third_failure(truth: Truth, struck: Iterable[Struck]) -> float | None:
    """Answer when the failure of the third customer arrived, None when there is none.

    The earliest second of the play at which a rule that wants three customers can
    speak.
    """
    failing: set[tuple[str, str]] = set()
    for one in struck:
        if one.tenant_id in truth.tenants and truth.start <= one.arrival:
            failing.add((one.tenant_id, one.customer))
            if len(failing) == CUSTOMERS:
                return one.arrival
    return None


def _incident(truth: Truth, struck: Iterable[Struck]) -> dict[str, Any]:
    third = third_failure(truth, struck)
    return {
        "expected": _expected(truth, third),
        "scope": truth.scope,
        "provider": truth.provider,
        "tenants": sorted(truth.tenants),
        "causes": sorted(truth.causes),
        "since": _time(truth.start),
        "until": _time(truth.end),
        "third_customer_at": None if third is None else _time(third),
        "hard": truth.hard,
    }


def _expected(truth: Truth, third: float | None) -> Expected:
    if third is None:
        return Expected.NOTHING
    return Expected.WARNING if _MISMATCH in truth.causes else Expected.PAGE


def _time(seconds: float) -> str:
    return render(Instant(MONDAY + int(seconds * 1000)))
