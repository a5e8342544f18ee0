"""What tables keep: a state is read back as it was, or said to be unreadable."""

# ruff: noqa: PLR2004 - chances are numbers

import zlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from benchmarks.fuzz import events, examples, mutation
from benchmarks.fuzz.target import Target, hold
from streams.agents.flags import FlagsStage
from streams.agents.ingest import IngestStage
from streams.core.spike import rollup_snapshot, snapshot
from streams.core.spike.detector import step
from streams.core.spike.rollup import Rollup
from streams.core.spike.tenant import Tenant
from streams.core.spike.word import Digest
from streams.engine.stage import Batch
from streams.engine.table import MemoryTable, NoTable
from streams.wire import address_state
from streams.wire.topic import Topic


def _addresses() -> Iterator[bytes]:
    """Answer states of addresses, as the stages make them of the examples."""
    ingest, flags = IngestStage(examples.classifiers()), FlagsStage()
    table = MemoryTable(flags.due_at)
    for schema, topic in (
        ("send-attempt", Topic.SEND_ATTEMPTS),
        ("dsn-event", Topic.DSN_EVENTS),
        ("flag-command", Topic.FLAG_COMMANDS),
    ):
        records = [events.Arrived(None, e, ()) for e in examples.events(schema)]
        made = ingest.process(Batch(topic, 0, records), NoTable(), examples.NOW)
        onward = [
            events.Arrived(m.key, m.value, ())
            for m in made.messages
            if m.topic == Topic.EVIDENCE
        ]
        flags.process(Batch(Topic.EVIDENCE, 0, onward), table, examples.NOW)
        yield from (value for _, value in table.scan())


def _tenants_and_rollups() -> tuple[list[bytes], list[bytes]]:
    """Answer snapshots, every ten minutes of an incident."""
    tenant, rollup = Tenant("t-42", examples.NOW), Rollup()
    tenants, rollups = [], []
    for number, (now, activity) in enumerate(examples.activities()):
        digest = Digest()
        digest.add(step(tenant, activity, now), activity)
        rollup.step([digest], now)
        if number % 10 == 0:
            tenants.append(snapshot.dump(tenant))
            rollups.append(rollup_snapshot.dump(rollup))
    return tenants, rollups


def _address(raw: bytes) -> bool:
    try:
        address_state.decode(raw)
    except address_state.UnreadableState:
        return False
    address_state.standing(raw)
    address_state.due_at(raw)
    return True


def _packed(
    load: Callable[[bytes], Any], dump: Callable[[Any], bytes]
) -> Callable[[bytes], bool]:
    def feed(raw: bytes) -> bool:
        read = load(raw)
        if read is not None:
            written = dump(read)
            hold(dump(load(written)) == written, "not what it was")
        return read is not None

    return feed


def _inside(snapshots: list[bytes]) -> Callable[[Random], bytes]:
    """Answer a maker that changes what is packed, and seldom the packing."""
    plain = [zlib.decompress(one) for one in snapshots]

    def make(chance: Random) -> bytes:
        if chance.random() < 0.1:
            return mutation.garbled(chance, chance.choice(snapshots), snapshots)
        if chance.random() < 0.001:
            return zlib.compress(bytes(200 << 20))
        found = mutation.garbled(chance, chance.choice(plain), plain)
        return zlib.compress(found, 1)

    return make


def targets() -> list[Target]:
    """Answer the states of all stages."""
    tenants, rollups = _tenants_and_rollups()
    of_tenants = _packed(snapshot.load, snapshot.dump)
    of_all = _packed(rollup_snapshot.load, rollup_snapshot.dump)
    addresses = mutation.bytes_like(list(dict.fromkeys(_addresses())))
    return [
        Target("address state", addresses, _address, share=5),
        Target("tenant snapshot", _inside(tenants), of_tenants, share=3),
        Target("roll-up snapshot", _inside(rollups), of_all, share=3),
    ]
