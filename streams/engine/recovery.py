"""Recovery: read changelogs to their last stable offset.

From the beginning, or from where a table on disk left off if the log still holds the
very record that the table ended with. By position, not by counting or by comparing
record offsets with the end: control records, compacted tails and aborted batches take
up offsets and carry no data, so a reader that waits for "the last record" may wait
for ever (what Faust's own recovery does, tables/recovery.py:676).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.client import log_reader, started
from streams.engine.config import EngineConfig
from streams.engine.stage import Record
from streams.engine.table import Store

OFFSET_KEY = b"\x00offset"
"""Changelog key of the input position; no stage's key begins with a zero byte."""

Progress = Callable[[TopicPartition, int, int], None]
"""Told partition, records applied so far and positions left."""


class Recovered(NamedTuple):
    """What a changelog partition held."""

    records: int
    position: int | None
    """Next input offset, or None when nothing was ever committed."""


class RecoveryAbandoned(Exception):
    """A newer assignment makes this recovery pointless."""


async def recover(
    config: EngineConfig,
    stores: Mapping[TopicPartition, Store],
    *,
    wanted: Callable[[], bool],
    progress: Progress,
) -> dict[TopicPartition, Recovered]:
    """Fill the stores from their changelog partitions, all at once.

    Call it only after the partition's transactional producer was initialised:
    then no older owner can add to the log, and its open transaction is ended.

    Raises:
        RecoveryAbandoned: `wanted` answered no.
    """
    reader = await started(lambda: log_reader(config, "recovery"), config)
    try:
        return await _read(reader, stores, wanted, progress)
    finally:
        await reader.stop()


async def _read(
    reader: AIOKafkaConsumer,
    stores: Mapping[TopicPartition, Store],
    wanted: Callable[[], bool],
    progress: Progress,
) -> dict[TopicPartition, Recovered]:
    ends = await reader.end_offsets(list(stores))
    begins = await reader.beginning_offsets(list(stores))
    starts = {tp: stores[tp].resume(begins[tp], ends[tp]) for tp in stores}
    found = {tp: Recovered(0, store.position) for tp, store in stores.items()}
    for tp in stores:
        progress(tp, 0, ends[tp] - starts[tp])
    left = [tp for tp in stores if ends[tp] > starts[tp]]
    unproven = {tp for tp in left if starts[tp] > begins[tp]}
    if left:
        reader.assign(left)
        for tp in left:
            reader.seek(tp, starts[tp])
    while left:
        fetched = await reader.getmany(*left, timeout_ms=200)
        at = {tp: await reader.position(tp) for tp in left}
        over = {tp for tp in left if at[tp] >= ends[tp]}
        for tp in _refuted(unproven, fetched, stores, over):
            reader.seek(tp, begins[tp])
            at[tp], found[tp] = begins[tp], Recovered(0, None)
            fetched.pop(tp, None)
        for tp, records in fetched.items():
            found[tp] = _apply(records, stores[tp], found[tp])
        if not wanted():
            raise RecoveryAbandoned
        for tp, position in at.items():
            progress(tp, found[tp].records, max(0, ends[tp] - position))
        left = [tp for tp in left if at[tp] < ends[tp]]
        await asyncio.sleep(0)
    for store in stores.values():
        store.recovered()
    return found


def _refuted(
    unproven: set[TopicPartition],
    fetched: Mapping[TopicPartition, Sequence[Record]],
    stores: Mapping[TopicPartition, Store],
    at_end: set[TopicPartition],
) -> list[TopicPartition]:
    """Answer which tables do not belong to their logs and must be read anew.

    A log that was read to its end without a record holds no more what the table
    ended with, nor anything after it.
    """
    refuted = []
    for tp in list(unproven):
        if tp in fetched or tp in at_end:
            unproven.remove(tp)
            first = fetched[tp][0] if tp in fetched else None
            if not stores[tp].recognise(first):
                refuted.append(tp)
    return refuted


def _apply(records: Sequence[Record], store: Store, before: Recovered) -> Recovered:
    """Put records into the table, all but the lane's own position."""
    apply, position = store.apply, before.position
    for record in records:
        key, value = record.key, record.value
        if key == OFFSET_KEY:
            position = int(value or b"0")
        elif key is not None:
            apply(key, value)
    store.settle(records[-1], position)
    return Recovered(before.records + len(records), position)
