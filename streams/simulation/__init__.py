"""Labelled mail traffic by the second: what detection is judged and shown on.

Pure and seeded: the same scenario, volume and seed give the same events. It
shares no code with the detector, and knows classes only as labels of truth.
"""

from streams.simulation import incidents, quiet
from streams.simulation.label import label
from streams.simulation.scenario import SCENARIOS, play

__all__ = ["SCENARIOS", "incidents", "label", "play", "quiet"]
