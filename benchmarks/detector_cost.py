"""What the search for incidents costs: CPU an outcome, and bytes a tenant.

    nice -n 5 .venv/bin/python benchmarks/detector_cost.py [--sizes-only] [--profile]

CPU is of all that detection adds to a mail: folding its outcome into the activity of a
batch, writing that, reading it, the detector's step, and its journal; and, apart, what
the roll-up takes for what it is told. A batch is what one worker reads at once: so many
outcomes of each of so many tenants, one of 100,000 mails a day, or a thousand of 2,000
each. Each figure is of the least disturbed of some rounds.
Bytes are of a tenant's state as it is written, at its largest within a day that ends
in an incident; the days before are mail by the minute.
"""

import argparse
import cProfile
import gc
import json
import math
import pstats
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice, pairwise
from pathlib import Path
from random import Random

from rig import machine

from streams.agents.rollup import RollupStage
from streams.agents.spikes import SpikesStage
from streams.core.activity import MINUTE, Activity, Hop, Trial
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike.detector import step
from streams.core.spike.snapshot import dump
from streams.core.spike.tenant import Tenant
from streams.engine.stage import Batch, Message, Output, Record
from streams.engine.table import MemoryTable
from streams.wire import activity as activity_wire
from streams.wire.envelope import Outgoing
from streams.wire.topic import Topic

START = Instant(1_767_571_200_000)
DAY = 24 * 60 * MINUTE
PROVIDERS = [*("google", "microsoft", "yahoo", "gmx", "apple", "t-online", "orange")]
PROVIDERS += [f"isp{number}.test" for number in range(33)]
SHARES = [0.36, 0.2, 0.1, 0.08, 0.07, 0.05, 0.04, *([0.1 / 33] * 33)]
CALM, BROKEN = 0.01, 1.0
PARTS = ("fold", "write", "detect", "roll up")
BATCHES = ((1, 1), (1, 10), (1, 100), (1, 1_000), (1_000, 1), (1_000, 10))
"""Tenants, and the outcomes of each."""
ALONE, ONE_OF_MANY = 100_000, 2_000
"""A day of a tenant whose CPU is measured."""
MOST, OF_EACH = 100_000, 60
"""Outcomes of one tenant at most, and of each of many."""
PLATFORMS = (10, 100, 1_000)
"""Tenants with one incident."""
OPENING, STEPS, DOZEN, APART = 6, 200, 12, 15_000
LASTS, WATCHED = 400, 600
"""Minutes of the incident, and until its state is not looked at any more."""
VOLUMES = (20, 200, 2_000, 20_000, 200_000, 1_000_000)


class Piece:
    """A record of the activity topic."""

    def __init__(self, key: bytes | None, value: bytes | None, offset: int) -> None:
        self.key, self.value, self.offset = key, value, offset
        self.timestamp = START
        self.headers: tuple[tuple[str, bytes], ...] = ()


def refusal(rng: Random, at: Instant, provider: str, *, ours: bool) -> Trial:
    kinds = FailureClass.SENDER_BLOCKED, FailureClass.RATE_LIMITED
    return Trial(
        arrived_at=at,
        at=at,
        tried_at=at,
        customer=f"customer-{rng.randrange(1_000_000)}",
        provider=provider,
        hop=Hop.SUBMISSION if ours else Hop.MX,
        reported=False,
        attempt=1,
        final=True,
        failure_class=FailureClass.SUBMISSION_AUTH_FAILED
        if ours
        else rng.choice(kinds),
        known=True,
        counted=None,
        code=535 if ours else 550,
        enhanced="5.7.8" if ours else "5.7.1",
        text="Error: authentication failed" if ours else "blocked by our policy",
        peer="smtp.example.net",
        host=f"app{rng.randrange(4)}.example.net",
    )


Outcome = tuple[Instant, str, Trial | None]


def outcomes(failing: float, a_day: int) -> Iterator[Outcome]:
    """Go through the outcomes of one tenant."""
    rng, number = Random(1), 0
    while True:
        at = Instant(START + number * DAY // a_day)
        provider = rng.choices(PROVIDERS, SHARES)[0]
        failed = rng.random() < failing
        ours = failing == BROKEN
        yield at, provider, refusal(rng, at, provider, ours=ours) if failed else None
        number += 1


def batches(tenants: int, size: int, failing: float) -> list[dict[str, list[Outcome]]]:
    """Answer what comes at once, by tenant: all have mail at the same moments."""
    if tenants == 1:
        load, count = outcomes(failing, ALONE), min(MOST, max(4_000, 300 * size))
    else:
        load, count = outcomes(failing, ONE_OF_MANY), OF_EACH
    made = []
    for _ in range(count // size):
        moment = list(islice(load, size))
        made.append({f"t-{number}": moment for number in range(tenants)})
    return made


def folded(batch: list[Outcome]) -> Activity:
    activity = Activity()
    for at, provider, trial in batch:
        if trial is None:
            activity.accept(at, at, provider, Hop.MX)
        else:
            activity.add(trial)
    return activity


class Lane:
    """A stage with its table, which is given one batch after the other."""

    def __init__(self, stage: SpikesStage | RollupStage, topic: Topic) -> None:
        self.stage, self.topic = stage, topic
        self.table = MemoryTable(stage.due_at)
        self.offset = 0

    def take(self, messages: Sequence[Message | Outgoing], now: Instant) -> Output:
        pieces: list[Record] = []
        for message in messages:
            pieces.append(Piece(message.key, message.value, self.offset))
            self.offset += 1
        output = self.stage.process(Batch(self.topic, 0, pieces), self.table, now)
        self.table.take_changes()
        return output


def cpu(tenants: int, size: int, failing: float) -> dict[str, float]:
    """Answer the CPU microseconds an outcome, by what they are spent on.

    The clock is asked between the parts only: where it is slow, it costs more than a
    batch does.
    """
    spikes = Lane(SpikesStage(), Topic.TENANT_ACTIVITY)
    rollup = Lane(RollupStage(), Topic.SPIKE_DIGESTS)
    load = batches(tenants, size, failing)
    ends = [next(iter(batch.values()))[-1][0] for batch in load]
    times = [time.process_time()]
    activities = [{name: folded(batch[name]) for name in batch} for batch in load]
    times.append(time.process_time())
    made = [
        [activity_wire.message(name, told, 0, number) for name, told in each.items()]
        for number, each in enumerate(activities)
    ]
    times.append(time.process_time())
    digests = [
        spikes.take(messages, now).messages
        for messages, now in zip(made, ends, strict=True)
    ]
    times.append(time.process_time())
    for messages, now in zip(digests, ends, strict=True):
        if messages:
            rollup.take(messages, now)
    times.append(time.process_time())
    count = len(load) * tenants * size
    spent = (after - before for before, after in pairwise(times))
    return {part: s * 1e6 / count for part, s in zip(PARTS, spent, strict=True)}


def platform(tenants: int) -> float:
    """Answer the roll-up's CPU a step, in milliseconds, in an incident of so many.

    All of them have it; in each step a dozen fail again, in turn.
    """
    spikes = Lane(SpikesStage(), Topic.TENANT_ACTIVITY)
    rollup = Lane(RollupStage(), Topic.SPIKE_DIGESTS)
    rng, names = Random(1), [f"t-{number}" for number in range(tenants)]
    spent, offset, turns = 0.0, 0, cycle(names)
    everybody = [names] * OPENING
    some = [[next(turns) for _ in range(DOZEN)] for _ in range(STEPS)]
    for number, failing in enumerate([*everybody, *some]):
        steps = max(0, number - OPENING)
        now = Instant(START + (number - steps) * MINUTE + steps * APART)
        told = []
        for name in dict.fromkeys(failing):
            activity = Activity()
            activity.add(refusal(rng, now, "google", ours=True))
            told.append(activity_wire.message(name, activity, 0, offset))
            offset += 1
        digests = spikes.take(told, now).messages
        began = time.process_time()
        rollup.take(digests, now)
        if number >= OPENING:
            spent += time.process_time() - began
    return spent * 1_000 / STEPS


def cheapest(tenants: int, size: int, failing: float, rounds: int) -> dict[str, float]:
    found = [cpu(tenants, size, failing) for _ in range(rounds)]
    return min(found, key=lambda figures: sum(figures.values()))


def minute(rng: Random, now: Instant, mails: int, failing: float) -> Activity:
    """Make a minute's activity without going through its mails."""
    activity = Activity(outcomes=mails)
    good = mails
    for _ in range(min(200, _about(rng, mails * failing))):
        provider = rng.choices(PROVIDERS, SHARES)[0]
        activity.add(refusal(rng, now, provider, ours=failing == BROKEN))
        good -= 1
    for provider, share in zip(PROVIDERS, SHARES, strict=True):
        count = _about(rng, good * share)
        if count > 0:
            activity.passed[now - now % MINUTE, provider] = [count, count, 0]
    return activity


def _about(rng: Random, mean: float) -> int:
    whole = math.floor(mean)
    return whole + (rng.random() < mean - whole)


def sizes(volume: int) -> dict[str, int]:
    """Answer the bytes of a tenant's state: usually, and at most in an incident."""
    rng = Random(volume)
    tenant, now, mails = Tenant("t-1", START), START, volume / 1_440
    for _ in range(7 * 1_440):
        now = Instant(now + MINUTE)
        step(tenant, minute(rng, now, _about(rng, mails), CALM), now)
    usual, most = len(dump(tenant)), 0
    for number in range(WATCHED):
        now = Instant(now + MINUTE)
        failing = BROKEN if number < LASTS else CALM
        step(tenant, minute(rng, now, _about(rng, mails), failing), now)
        if number % 20 == 0:
            most = max(most, len(dump(tenant)))
    return {"usually": usual, "in an incident": most}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes-only", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    gc.set_threshold(50_000, 20, 50)  # as a worker does
    profile = cProfile.Profile()
    figures = []
    if not options.sizes_only:
        if options.profile:
            profile.enable()
        names = "".join(f"{name:>9}" for name in (*PARTS, "all"))
        print(f"{'':8}{'tenants':>8}{'of each':>8}{names}   us")
        for name, failing in (("calm", CALM), ("broken", BROKEN)):
            for tenants, size in BATCHES:
                spent = cheapest(tenants, size, failing, options.rounds)
                cells = "".join(f"{spent[part]:9.2f}" for part in spent)
                print(f"{name:8}{tenants:8}{size:8}{cells}{sum(spent.values()):9.2f}")
                said = {"load": name, "tenants": tenants, "batch": size}
                figures.append({**said, **spent})
        print(f"\n{'in an incident of':>20}{'roll-up':>10}   ms a step")
        for tenants in PLATFORMS:
            spent_a_step = min(platform(tenants) for _ in range(options.rounds))
            print(f"{tenants:12,} tenants{spent_a_step:10.2f}")
            figures.append({"platform": tenants, "step": spent_a_step})
        profile.disable()
    print(f"\n{'a day':>10}{'usually':>10}{'in an incident':>16}   bytes")
    for volume in VOLUMES:
        found = sizes(volume)
        cells = f"{found['usually']:10,}{found['in an incident']:16,}"
        print(f"{volume:10,}{cells}")
        figures.append({"volume": volume, **found})
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    if options.json:
        said = json.dumps({"machine": machine.described(), "figures": figures})
        Path(options.json).write_text(said + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
