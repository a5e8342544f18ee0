"""A tenant's open incident, as the roll-up keeps it until it is over."""

from dataclasses import dataclass

from streams.core.failure import FailureClass
from streams.core.spike.incident import Incident, Turn
from streams.core.spike.verdict import Figures, Verdict

_PART = 3
"""A third of the customers: fewer may have failed by chance."""


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
    def fault(self) -> tuple[Incident, list[FailureClass]]:
        """Answer the incident, and the classes that make up a good part of it."""
        customers = self.figures.customers
        named = [
            pair for pair in self.figures.causes if pair[0] is not FailureClass.UNKNOWN
        ]
        return self.incident, [c for c, n in named if _PART * n >= customers]

    def verdict(self, turn: Turn) -> Verdict:
        """Answer what the tenant said last, as a turn of the incident."""
        return Verdict(turn, self.incident, self.figures)


@dataclass(slots=True)
class Waiting:
    """An incident whose page waits: until when, and for how many failures."""

    until: int
    failures: int
