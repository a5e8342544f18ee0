"""CPU microseconds an event of ingest and flags, without Kafka: what our code costs.

    .venv/bin/python benchmarks/stages.py [--events N] [--profile] [--loads quiet]
    .venv/bin/python benchmarks/stages.py --store memory,rocksdb

The loads are those of `pipeline.py`; `known` is a second day of the same addresses.
Each figure is the best of some rounds, which is the least disturbed one.
"""

import argparse
import cProfile
import pstats
import time
from collections.abc import Sequence

from rig import dry
from rig.mail import LOADS, Load
from rig.tables import STORES, Tables

from streams.app import Stages, build_stages
from streams.engine.stage import Message
from streams.engine.table import NoTable, Store
from streams.settings import load as load_settings
from streams.wire.topic import Topic

KNOWN = "known"


def run(
    stages: Stages, kept: tuple[Store, Tables], load: Load, values: Sequence[bytes]
) -> tuple[float, float]:
    """Answer the CPU microseconds an event of ingest and of flags."""
    records = dry.arrivals((None, value) for value in values)
    made: list[Message] = []
    started = time.process_time()
    for batch in dry.batches(load.topic, records):
        made += stages.ingest.process(batch, NoTable(), dry.clock()).messages
    between = time.process_time()
    table, tables = kept
    evidence = dry.arrivals((m.key, m.value) for m in made)
    again = time.process_time()
    for batch in dry.batches(Topic.EVIDENCE, evidence):
        stages.flags.process(batch, table, dry.clock())
        tables.commit(table)
    ended = time.process_time()
    per = 1e6 / len(values)
    return (between - started) * per, (ended - again) * per


def best(
    load: Load, days: int, options: argparse.Namespace, profile: cProfile.Profile
) -> tuple[float, float]:
    """Answer the best figures of some rounds, of the last day each."""
    rounds = []
    count = round(options.events * load.scale)
    for _ in range(options.rounds):
        settings = load_settings({"success_memory_days": load.success_memory_days})
        stages = build_stages(settings)
        with Tables(options.store) as tables:
            kept = tables.make(stages.flags.due_at), tables
            for day in range(days):
                values = load.values(count, seed=day)
                if options.profile:
                    profile.enable()
                figures = run(stages, kept, load, values)
                profile.disable()
            kept[0].clear()
        rounds.append(figures)
    ingest, flags = zip(*rounds, strict=True)
    return min(ingest), min(flags)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loads", default=",".join([*LOADS, KNOWN]))
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--store", default=STORES[0], help=", ".join(STORES))
    options = parser.parse_args()
    profile, stores = cProfile.Profile(), options.store.split(",")
    print(f"{'load':12}{'ingest':>9}{'flags':>9}{'together':>10}   us CPU an event")
    for name in options.loads.split(","):
        load, days = (LOADS["quiet"], 2) if name == KNOWN else (LOADS[name], 1)
        for options.store in stores:
            ingest, flags = best(load, days, options, profile)
            figures = f"{ingest:9.1f}{flags:9.1f}{ingest + flags:10.1f}"
            print(f"{name:12}{figures}   {options.store}", flush=True)
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
