"""What a replay of dead letters puts back, and what it leaves alone and why."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from streams.adapters.dead_letters import SUFFIX, Choice, Found, Place
from streams.wire.reject import RejectReason


@dataclass
class Plan:
    """Every dead letter that was asked for, under what becomes of it."""

    chosen: dict[Place, RejectReason] = field(default_factory=dict)
    """What is put back, in the order of reading, and why it was rejected."""
    left_out: dict[Place, tuple[Place, int]] = field(default_factory=dict)
    """Values too large for a dead letter: where the record was read, and its size."""
    not_ours: int = 0
    """Not written by mailflag: where they came from is not known."""
    already: int = 0
    """Put back by an earlier run."""
    superseded: int = 0
    """Put back before, and come back since as a newer dead letter."""
    beyond: int = 0
    """More than the limit."""

    def inputs(self) -> set[str]:
        """Answer the logical names of the topics that records are put back on."""
        return {place.topic.removesuffix(SUFFIX) for place in self.chosen}


def decide(
    every: Iterable[Found], choice: Choice, already: Container[Place], limit: int | None
) -> Plan:
    """Decide about each dead letter whether it is put back.

    A record that was put back and failed again is two dead letters. Only the newer
    one counts: else every replay would double what cannot be mended.
    """
    plan = Plan()
    come_back: set[str] = set()
    for found in every:
        letter = found.letter
        if letter is not None and found.replayed_from is not None:
            come_back.add(found.replayed_from)
        if not choice.takes(found):
            continue
        if letter is None:
            plan.not_ours += 1
        elif letter.value_bytes is not None:
            source = Place(letter.topic, letter.partition, letter.offset)
            plan.left_out[found.place] = (source, letter.value_bytes)
        elif found.place in already:
            plan.already += 1
        else:
            plan.chosen[found.place] = letter.reject.reason
    if come_back:
        for place in [place for place in plan.chosen if str(place) in come_back]:
            del plan.chosen[place]
            plan.superseded += 1
    for place in list(plan.chosen)[limit:] if limit is not None else ():
        del plan.chosen[place]
        plan.beyond += 1
    return plan
