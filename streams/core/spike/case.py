"""A tenant's open incident, as the roll-up keeps it until it is over."""

from dataclasses import dataclass

from streams.core.spike.incident import Incident
from streams.core.spike.verdict import Figures


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


@dataclass(slots=True)
class Waiting:
    """An incident whose page waits: until when, and for how many failures."""

    until: int
    failures: int
