"""What inputs are made from: the committed examples, and what stages make of them."""

# ruff: noqa: PLR2004 - chances are numbers

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import streams.demo
from streams.agents.classifying import Classifiers
from streams.core.activity import MINUTE, Activity, Hop, Trial
from streams.core.classify import Classifier
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.policy import PolicyBook
from streams.core.rule import RuleBook
from streams.wire import contract, rulebook

NOW = Instant(1_772_439_300_000)
"""Just after the examples: 2026-03-02."""
CHECKOUT = Path(__file__).parents[2]
_MAIL = (".eml", ".txt", ".msg", "")


@cache
def events(schema: str) -> list[bytes]:
    """Answer the examples of a schema, `send-attempt` or so; few that break it."""
    folder = contract.folder() / "examples" / schema
    valid = [file.read_bytes() for file in sorted(folder.glob("*/*.json"))]
    invalid = [file.read_bytes() for file in sorted(folder.glob("*/invalid/*.json"))]
    return valid * (4 * len(invalid) // len(valid) + 1) + invalid


@cache
def mails(corpus: Path | None = None) -> list[bytes]:
    """Answer bounces that servers wrote."""
    folders = [Path(streams.demo.__file__).parent / "bounces"]
    folders += [CHECKOUT / "tests" / "data"] + ([corpus] if corpus else [])
    files = [file for folder in folders for file in sorted(folder.rglob("*"))]
    return [f.read_bytes() for f in files if f.is_file() and f.suffix in _MAIL]


@cache
def rules() -> RuleBook:
    """Answer the built-in rules."""
    return rulebook.load()


@cache
def classifier() -> Classifier:
    """Answer a classifier with the built-in rules."""
    return Classifier(rules())


@cache
def classifiers() -> Classifiers:
    """Answer the classifiers of all tenants."""
    return Classifiers(rules(), PolicyBook())


def said() -> list[str]:
    """Answer what servers say, and the words that rules look for."""
    return [text for rule in rules().rules for text in (*rule.examples, *rule.say)]


def activities() -> Iterator[tuple[Instant, Activity]]:
    """Answer a tenant's minutes: all is well, then its login fails."""
    for minute in range(1, 90):
        now = Instant(NOW + minute * MINUTE)
        made = Activity()
        for number in range(20):
            made.accept(now, now, ("google", "isp.test")[number % 2], Hop.MX)
        for number in range(10 if minute > 60 else 0):
            made.add(_failure(now, f"c-{minute}-{number}@example.org"))
        yield now, made


def _failure(now: Instant, customer: str) -> Trial:
    return Trial(
        arrived_at=now,
        at=now,
        tried_at=now,
        customer=customer,
        reported=False,
        attempt=1,
        final=True,
        counted=None,
        hop=Hop.SUBMISSION,
        failure_class=FailureClass.SUBMISSION_AUTH_FAILED,
        provider="google",
        known=True,
    )
