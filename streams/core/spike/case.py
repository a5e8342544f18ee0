"""A tenant's open incident, as the roll-up keeps it until it is over."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.provider import provider
from streams.core.spike import calibration as cal
from streams.core.spike.incident import Incident, Turn
from streams.core.spike.verdict import Figures, Verdict

_PART = 4
"""A quarter of the customers: fewer may have failed by chance."""


@dataclass(slots=True)
class Waiting:
    """An incident whose page waits: until when, and for how many failures."""

    until: int
    failures: int


class Fault(NamedTuple):
    """What is asked of an incident, to find the fault that it is part of."""

    incident: Incident
    causes: Sequence[FailureClass] = ()
    """The classes that make up a good part of it."""
    operators: AbstractSet[str] = frozenset()
    """Whose servers gave the answers that are shown."""


@dataclass(slots=True)
class Case:
    """A tenant's open incident, as the roll-up knows it."""

    incident: Incident
    figures: Figures
    failures: int = 0
    """Batches with failures since it was opened."""
    told: bool = False
    parent: str | None = None
    revision: int = 0

    @property
    def fault(self) -> Fault:
        """Answer what fails, as far as it may be another's fault, too."""
        customers = self.figures.customers
        named = [
            pair for pair in self.figures.causes if pair[0] is not FailureClass.UNKNOWN
        ]
        causes = [c for c, n in named if _PART * n >= customers]
        peers = [sample.peer for sample in self.figures.samples if sample.peer]
        operators = {provider(peer, peer) for peer in peers}
        return Fault(self.incident, causes, operators)

    def orphaned(self, now: Instant) -> Waiting:
        """Answer what a page waits for when another's covered it so far: more of it."""
        return Waiting(now + cal.ORPHAN, self.failures + cal.CUSTOMERS)

    def verdict(self, turn: Turn) -> Verdict:
        """Answer what the tenant said last, as a turn of the incident."""
        return Verdict(turn, self.incident, self.figures)
