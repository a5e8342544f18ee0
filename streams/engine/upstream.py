"""Corrections to aiokafka 0.14.0 that have no public place; applied once.

Each class or function replaces one of aiokafka's by name and says what is wrong
there. `streams.engine.pins` makes sure that it is the version they were read in.
"""

import asyncio
from typing import Any, TypeAlias

from aiokafka import errors
from aiokafka.client import ConnectionGroup
from aiokafka.consumer import fetcher, group_coordinator
from aiokafka.producer import sender

from streams.engine.fetched import Fetched, bound_unpacking

Untyped: TypeAlias = Any
"""A value of a library that has no types, or whose types say too little."""

FIRST_BACKOFF = 0.003
LONGEST_BACKOFF = 0.024
TOPICS_BACKOFF = 0.1
TOPICS_INTERVAL = 1.0
HANDED_OUT = 4 << 20
"""Bytes of one partition's records handed out at a time: as many as are fetched."""

_raw_topics: set[str] = set()
_inputs: set[str] = set()


class LightRecords(fetcher.PartitionRecords):  # type: ignore[misc] # untyped upstream
    """Hands out the C record itself for the engine's topics.

    fetcher.py:298 wraps every record into a dataclass of eleven fields, about a
    microsecond each: a third of what the engine spends on an event.
    """

    def __init__(
        self, tp: Untyped, records: Fetched, *args: Untyped, **kwargs: Untyped
    ) -> None:
        """Decide once for the partition."""
        records.stand_in = tp.topic in _inputs
        super().__init__(tp, records, *args, **kwargs)
        if tp.topic in _raw_topics:
            self._consumer_record = lambda _tp, record: record


class MeasuredResult(fetcher.FetchResult):  # type: ignore[misc] # untyped upstream
    """Hands out a few megabytes at a time, however many records are asked for.

    fetcher.py:134 counts records only. A fetch of four megabytes may unpack to
    gigabytes, a batch at a time, and a stage that is given a thousand mails of a
    megabyte keeps every other lane waiting for minutes.
    """

    _partition_records: Untyped

    def getall(self, max_records: int | None = None) -> list[Untyped]:
        """Answer the next records, at least one if there is any."""
        taken: list[Untyped] = []
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return taken
        left = HANDED_OUT
        for record in self._partition_records:
            taken.append(record)
            left -= len(record.value or b"") + len(record.key or b"")
            for name, value in record.headers:
                left -= len(name) + len(value or b"")
            if left <= 0 or len(taken) == max_records:
                self._update_position()
                return taken
        self._update_position()
        self._partition_records = None
        return taken


class SteadyAddPartitions(sender.AddPartitionsToTxnHandler):  # type: ignore[misc]
    """Backs off 3, 6, 12, 24 ms while the last transaction's markers are written.

    sender.py:33 waits a fixed 20 ms (KAFKA-5477), which a transaction every few
    milliseconds always pays in full.
    """

    def handle_response(self, response: Untyped) -> float | None:
        """Answer the back-off in seconds, None when all partitions were added."""
        backoff: float | None = super().handle_response(response)
        if backoff != sender.BACKOFF_OVERRIDE:
            self._sender.marker_waits = 0
            return backoff
        waits = getattr(self._sender, "marker_waits", 0)
        self._sender.marker_waits = waits + 1
        return float(min(FIRST_BACKOFF * 2**waits, LONGEST_BACKOFF))


class WatchedEndTxn(sender.EndTxnHandler):  # type: ignore[misc]
    """Remembers that a request to end a transaction got no answer.

    sender.py:377 just sends it again. The second one's answer is the truth about
    this transaction, but the first one may still reach the coordinator during the
    next transaction of the same epoch and end that one half-written: the old
    protocol's requests do not say which transaction they mean (KIP-890). So the
    producer must not be used again; see `StatefulLane`.
    """

    group = ConnectionGroup.COORDINATION

    async def do(self, node_id: int) -> bool:
        """Send it; False when it must be tried again."""
        client = self._sender.client
        request = self.create_request()
        try:
            response = await client.send(node_id, request, group=self.group)
        except errors.NodeNotReadyError:  # nothing was sent
            await asyncio.sleep(self.handle_error())
            return False
        except errors.RequestTimedOutError:
            self._sender.end_unanswered = True
            await asyncio.sleep(self.handle_error())
            return False
        except errors.KafkaError:
            self._sender.end_unanswered = True
            await asyncio.sleep(self._default_backoff)
            return False
        backoff = self.handle_response(response)
        if backoff is None:
            return True
        await asyncio.sleep(backoff)
        return False


class _CheckingCoordinator:
    """The coordinator, except that group-level errors of an answer are raised."""

    def __init__(self, coordinator: Untyped) -> None:
        self._coordinator = coordinator

    def __getattr__(self, name: str) -> Untyped:
        return getattr(self._coordinator, name)

    async def _send_req(self, request: Untyped) -> Untyped:
        response = await self._coordinator._send_req(request)  # noqa: SLF001
        code = getattr(response, "error_code", 0)
        if not code:
            return response
        error = errors.for_code(code)
        if error in (
            errors.NotCoordinatorForGroupError,
            errors.GroupCoordinatorNotAvailableError,
        ):
            self._coordinator.coordinator_dead()
        raise error()


_fetch_offsets = group_coordinator.GroupCoordinator._do_fetch_commit_offsets  # noqa: SLF001


async def _fetch_committed(self: Untyped, partitions: Untyped) -> Untyped:
    """Fetch committed offsets without mistaking an error for "none committed".

    group_coordinator.py:1195 ignores the group-level error of OffsetFetch v2 and
    v3. "Coordinator is loading" then reads as "no offset": everything from the
    beginning again, or, with `auto_offset_reset=latest`, data lost.
    """
    return await _fetch_offsets(_CheckingCoordinator(self), partitions)


_perform_assignment = group_coordinator.GroupCoordinator._perform_assignment  # noqa: SLF001


async def _assign_all(self: Untyped, response: Untyped) -> Untyped:
    """Share out, as the group's leader, only what is known of every topic.

    group_coordinator.py:425 takes the metadata as they are. A broker that has just
    started answers before it knows its topics: nobody gets a partition then, and
    nothing asks again for five minutes. So it is asked again, here for as long as the
    group can wait, and then once a second until the change brings a rebalance.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + self._session_timeout_ms / 3000
    while True:
        shares = await _perform_assignment(self, response)
        if all(self._metadata_snapshot.values()):
            return shares
        if loop.time() > end:
            _ask_for_topics(self, loop)
            return shares
        await asyncio.sleep(TOPICS_BACKOFF)
        await self._client.force_metadata_update()


def _ask_for_topics(self: Untyped, loop: asyncio.AbstractEventLoop) -> None:
    """Have the metadata read again until no topic is missing."""
    if not self._closing.done() and not all(self._metadata_snapshot.values()):
        self._client.force_metadata_update()
        loop.call_later(TOPICS_INTERVAL, _ask_for_topics, self, loop)


_close = fetcher.Fetcher.close


async def _close_calmly(self: Untyped) -> None:
    """Close a fetcher without being ended by its own fetches.

    fetcher.py:457 awaits each fetch that it has just cancelled. One that was waiting
    to try again, because a broker was away, raises that: the consumer's thread ends
    in the middle of its stop, and the worker waits for it until its limit.
    """
    self._fetch_task.cancel()
    await asyncio.gather(self._fetch_task, return_exceptions=True)
    fetches, self._pending_tasks = self._pending_tasks, set()
    for fetch in fetches:
        fetch.cancel()
    await asyncio.gather(*fetches, return_exceptions=True)
    await _close(self)


def apply_corrections() -> None:
    """Put the corrections in place; doing it twice does nothing more."""
    fetcher.MemoryRecords = Fetched
    fetcher.PartitionRecords = LightRecords
    fetcher.FetchResult = MeasuredResult
    fetcher.Fetcher.close = _close_calmly
    bound_unpacking()
    sender.BACKOFF_OVERRIDE = FIRST_BACKOFF
    sender.AddPartitionsToTxnHandler = SteadyAddPartitions
    sender.EndTxnHandler = WatchedEndTxn
    coordinator = group_coordinator.GroupCoordinator
    coordinator._do_fetch_commit_offsets = _fetch_committed  # noqa: SLF001
    coordinator._perform_assignment = _assign_all  # noqa: SLF001


def hand_out_raw_records(inputs: set[str], logs: set[str]) -> None:
    """Let readers of these topics (by real name) get the records unwrapped.

    In an input a record stands in for a batch that unpacks to too much: anybody may
    have written it, and what cannot be used is no reason to stop. In a log of ours
    it is one, since a table without it would be wrong.
    """
    _raw_topics.update(inputs | logs)
    _inputs.update(inputs)


def end_was_unanswered(producer: Untyped) -> bool:
    """Say whether a request to end a transaction got no answer."""
    return getattr(producer._sender, "end_unanswered", False)  # noqa: SLF001
