"""What the search for incidents costs: CPU an outcome, and bytes a tenant.

    nice -n 5 .venv/bin/python benchmarks/detector_cost.py [--sizes-only] [--profile]

CPU is of all that detection adds to a mail: folding its outcome into the activity of a
batch, writing that, reading it, the detector's step, and its journal. A batch is what
one worker reads at once of one tenant; each round is the least disturbed of some.
Bytes are of a tenant's state as it is written, at its largest within a day that ends
in an incident; the days before are mail by the minute.
"""

import argparse
import cProfile
import json
import math
import pstats
import time
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from random import Random

from rig import machine

from streams.agents.spikes import SpikesStage
from streams.core.activity import MINUTE, Activity, Hop, Trial
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike.detector import step
from streams.core.spike.snapshot import dump
from streams.core.spike.tenant import Tenant
from streams.engine.stage import Batch, Record
from streams.engine.table import MemoryTable
from streams.wire import activity as activity_wire
from streams.wire.topic import Topic

START = Instant(1_767_571_200_000)
DAY = 24 * 60 * MINUTE
PROVIDERS = [*("google", "microsoft", "yahoo", "gmx", "apple", "t-online", "orange")]
PROVIDERS += [f"isp{number}.test" for number in range(33)]
SHARES = [0.36, 0.2, 0.1, 0.08, 0.07, 0.05, 0.04, *([0.1 / 33] * 33)]
CALM, BROKEN = 0.01, 1.0
BATCHES = (1, 10, 100, 1_000)
OUTCOMES = 100_000
"""A day of the tenant whose CPU is measured."""
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


def outcomes(failing: float) -> Iterator[tuple[Instant, str, Trial | None]]:
    """Go through the outcomes of one tenant, a day's by the day."""
    rng, number = Random(1), 0
    while True:
        at = Instant(START + number * DAY // OUTCOMES)
        provider = rng.choices(PROVIDERS, SHARES)[0]
        failed = rng.random() < failing
        ours = failing == BROKEN
        yield at, provider, refusal(rng, at, provider, ours=ours) if failed else None
        number += 1


def folded(batch: list[tuple[Instant, str, Trial | None]]) -> Activity:
    activity = Activity()
    for at, provider, trial in batch:
        if trial is None:
            activity.accept(at, at, provider, Hop.MX)
        else:
            activity.add(trial)
    return activity


def cpu(size: int, failing: float, count: int) -> dict[str, float]:
    """Answer the CPU microseconds an outcome, by what they are spent on.

    The clock is asked between the parts only: where it is slow, it costs more than a
    batch does.
    """
    stage = SpikesStage()
    table = MemoryTable(stage.due_at)
    load = outcomes(failing)
    batches = [list(islice(load, size)) for _ in range(count // size)]
    times = [time.process_time()]
    activities = [folded(batch) for batch in batches]
    times.append(time.process_time())
    made = [
        activity_wire.message("t-1", activity, 0, number)
        for number, activity in enumerate(activities)
    ]
    times.append(time.process_time())
    for number, (batch, record) in enumerate(zip(batches, made, strict=True)):
        pieces: list[Record] = [Piece(record.key, record.value, number)]
        now = batch[-1][0]
        stage.process(Batch(Topic.TENANT_ACTIVITY, 0, pieces), table, now)
        table.take_changes()
    times.append(time.process_time())
    spent = (after - before for before, after in pairwise(times))
    parts = ("fold", "write", "detect")
    return {part: s * 1e6 / count for part, s in zip(parts, spent, strict=True)}


def cheapest(size: int, failing: float, rounds: int) -> dict[str, float]:
    count = min(OUTCOMES, max(4_000, 300 * size))
    found = [cpu(size, failing, count) for _ in range(rounds)]
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
    profile = cProfile.Profile()
    figures = []
    if not options.sizes_only:
        if options.profile:
            profile.enable()
        print(f"{'':10}{'batch':>7}{'fold':>8}{'write':>8}{'detect':>8}{'all':>8}   us")
        for name, failing in (("calm", CALM), ("broken", BROKEN)):
            for size in BATCHES:
                spent = cheapest(size, failing, options.rounds)
                cells = "".join(f"{spent[part]:8.2f}" for part in spent)
                print(f"{name:10}{size:7}{cells}{sum(spent.values()):8.2f}")
                figures.append({"load": name, "batch": size, **spent})
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
