"""What an alert shows: answers of servers, and the hosts that were involved.

Kept apart from the votes, small whatever happens, and never a part of a
decision.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.core.activity import Hop
from streams.core.failure import FailureClass
from streams.core.sample import Sample

KINDS = 8
"""Answers kept per tenant: one of each kind, the newest kinds."""
TEXT = 200
"""Characters of an answer: an alert is read on a telephone."""
SHOWN = 3
"""Answers in an alert."""


class Kind(NamedTuple):
    """Answers of one sort, of which the newest is kept."""

    hop: Hop
    failure_class: FailureClass
    provider: str


class Evidence:
    """The newest answer of each of the newest kinds."""

    __slots__ = ("samples",)

    def __init__(self, samples: Mapping[Kind, Sample] | None = None) -> None:
        """Start from a snapshot's samples, or empty."""
        self.samples: dict[Kind, Sample] = dict(samples or {})

    def add(
        self, samples: Mapping[tuple[Hop, FailureClass, str], Iterable[Sample]]
    ) -> None:
        """Keep the newest of what a batch has seen."""
        for where, said in samples.items():
            kind = Kind(*where)
            first, *others = said
            newest = first
            for sample in others:
                if _younger(sample, newest):
                    newest = sample
            old = self.samples.get(kind)
            if old is None or _younger(newest, old):
                if len(newest.text) > TEXT:
                    newest = newest._replace(text=newest.text[:TEXT])
                self.samples[kind] = newest
        if len(self.samples) > KINDS:
            by_age = sorted(self.samples, key=lambda k: (self.samples[k].at, k))
            for kind in by_age[:-KINDS]:
                del self.samples[kind]

    def about(
        self, hop: Hop, provider: str | None, cause: FailureClass
    ) -> list[Sample]:
        """Answer what to show for an incident: its cause first, newest first."""
        fitting = [
            (kind.failure_class == cause, sample.at, repr(sample), sample)
            for kind, sample in self.samples.items()
            if kind.hop is hop and provider in {None, kind.provider}
        ]
        return [entry[-1] for entry in sorted(fitting, reverse=True)[:SHOWN]]


def _younger(one: Sample, other: Sample) -> bool:
    """Say whether an answer came later; of two at once the words decide."""
    if one.at != other.at:
        return one.at > other.at
    return repr(one) > repr(other)
