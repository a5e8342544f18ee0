"""Keeps a bulletin up to date from its topic, on every worker."""

import asyncio
import logging
import time

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.core.instant import Instant
from streams.engine.bulletin import Bulletin
from streams.engine.client import log_reader, started
from streams.engine.config import EngineConfig
from streams.engine.ending import Ending
from streams.engine.event import Event, note
from streams.engine.failure import exit_code_of

RETRY_PAUSE = 1.0
FETCH_WAIT_MS = 500


class Follower:
    """Reads the whole topic, without a group, committed records only."""

    def __init__(
        self, config: EngineConfig, bulletin: Bulletin, ending: Ending
    ) -> None:
        """Prepare; nothing is connected before `start`."""
        self._config = config
        self._bulletin = bulletin
        self._ending = ending
        self._read = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def informed(self) -> bool:
        """Say whether the topic was read to its end once."""
        return self._read.is_set()

    async def ready(self) -> None:
        """Wait until the topic was read to its end once; start when needed."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        await self._read.wait()

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            await self._follow()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends here
            reason = f"bulletin {self._bulletin.topic} cannot be followed"
            self._ending.fail(exit_code_of(error), reason, error)

    async def _follow(self) -> None:
        purpose = f"bulletin-{self._bulletin.topic}"
        reader = await started(
            lambda: log_reader(self._config, purpose, wait_ms=FETCH_WAIT_MS),
            self._config,
        )
        try:
            left = await self._begin(reader)
            while True:
                fetched = await reader.getmany(timeout_ms=200 if left else 1000)
                for records in fetched.values():
                    for record in records:
                        self._bulletin.apply(
                            record.key, record.value, Instant(record.timestamp)
                        )
                for tp in list(left):
                    if await reader.position(tp) >= left[tp]:
                        del left[tp]
                if not left and not self._read.is_set():
                    self._read.set()
                    note(Event.BULLETIN_READ, keys=len(self._bulletin))
        finally:
            await reader.stop()

    async def _begin(self, reader: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """Assign every partition, seek, and answer where each one ends now."""
        name = self._config.topic(self._bulletin.topic)
        partitions = await self._partitions(reader, name)
        tps = [TopicPartition(name, number) for number in sorted(partitions)]
        ends: dict[TopicPartition, int] = await reader.end_offsets(tps)
        begins = await reader.beginning_offsets(tps)
        if self._bulletin.max_age is not None:
            since = int((time.time() - self._bulletin.max_age.total_seconds()) * 1000)
            found = await reader.offsets_for_times(dict.fromkeys(tps, since))
            begins |= {tp: at.offset if at else ends[tp] for tp, at in found.items()}
        reader.assign(tps)
        for tp in tps:
            reader.seek(tp, begins[tp])
        return {tp: ends[tp] for tp in tps if ends[tp] > begins[tp]}

    async def _partitions(self, reader: AIOKafkaConsumer, name: str) -> set[int]:
        while True:
            await reader._client.set_topics([name])  # noqa: SLF001 - no public way
            found: set[int] | None = reader.partitions_for_topic(name)
            if found:
                return found
            note(Event.BULLETIN_READ, logging.WARNING, missing=self._bulletin.topic)
            await asyncio.sleep(RETRY_PAUSE)
