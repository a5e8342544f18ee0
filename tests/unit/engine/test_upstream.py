"""Corrections to aiokafka: what is wrong there, and that it is right here."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition, errors
from aiokafka.consumer import fetcher, group_coordinator
from aiokafka.producer import sender

from streams.engine import upstream
from streams.engine.assignment import StickyAssignor
from streams.engine.upstream import (
    FIRST_BACKOFF,
    LONGEST_BACKOFF,
    SteadyAddPartitions,
    WatchedEndTxn,
    apply_corrections,
    end_was_unanswered,
)

apply_corrections()
CONCURRENT_TRANSACTIONS = 51


class Coordinator(group_coordinator.GroupCoordinator):
    """A group coordinator that answers what it is told to."""

    def __init__(self, answer):
        self.group_id = "group"
        self.answer = answer
        self.dead = False

    def coordinator_dead(self):
        self.dead = True

    async def _send_req(self, request):
        return self.answer

    def __del__(self):
        """There is nothing to close."""

    async def ask(self, *partitions):
        return await self._do_fetch_commit_offsets(list(partitions))


async def offsets(code, topics=()):
    one = Coordinator(SimpleNamespace(error_code=code, topics=topics))
    found = await one.ask(TopicPartition("t", 0))
    return one, found


@pytest.mark.parametrize("code", [14, 15, 16])
async def test_an_error_of_the_whole_group_is_not_taken_for_no_offset(code):
    with pytest.raises(errors.for_code(code)) as raised:
        await offsets(code)
    assert raised.value.retriable, "aiokafka asks again"


@pytest.mark.parametrize(("code", "dead"), [(14, False), (15, True), (16, True)])
async def test_a_coordinator_that_moved_is_looked_for_again(code, dead):
    one = Coordinator(SimpleNamespace(error_code=code, topics=()))
    with pytest.raises(errors.KafkaError):
        await one.ask()
    assert one.dead is dead


async def test_committed_offsets_are_answered_as_before():
    _, found = await offsets(0, [("t", [(0, 42, "", 0)])])
    assert found[TopicPartition("t", 0)].offset == 42


class Cluster:
    """Metadata of a broker that knows its topics after some questions only."""

    def __init__(self, unknowing):
        self.unknowing = unknowing
        self.asked = 0
        self.known = asyncio.Event()

    def partitions_for_topic(self, topic):
        return None if self.asked < self.unknowing else {0, 1, 2}

    def set_topics(self, topics):
        pass

    async def _maybe_wait_metadata(self):
        pass

    def force_metadata_update(self):
        self.asked += 1
        if self.asked >= self.unknowing:
            self.known.set()
        self.listener()
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(True)
        return answer


class Leader(Coordinator):
    """The only member of a group; it reads one topic."""

    def __init__(self, cluster, session_ms):
        super().__init__(None)
        self._client = self._cluster = cluster
        self._subscription = SimpleNamespace(subscribed_pattern=None)
        self._assignors = [StickyAssignor()]
        self._session_timeout_ms = session_ms
        self._closing = asyncio.get_running_loop().create_future()
        cluster.listener = self.hear

    async def share_out(self):
        metadata = StickyAssignor().metadata(["t"]).encode()
        joined = SimpleNamespace(
            group_protocol=StickyAssignor.name,
            members=[("me", metadata)],
            API_VERSION=2,
        )
        shares = await self._perform_assignment(joined)
        return shares["me"].assignment

    def hear(self):
        self._metadata_snapshot = self._get_metadata_snapshot()


async def test_a_broker_that_does_not_know_its_topics_yet_is_asked_again(monkeypatch):
    monkeypatch.setattr(upstream, "TOPICS_BACKOFF", 0)
    cluster = Cluster(unknowing=3)
    assert await Leader(cluster, 600_000).share_out() == [("t", [0, 1, 2])]
    assert cluster.asked == 3


async def test_topics_that_stay_unknown_hold_up_no_group_and_are_asked_for(monkeypatch):
    monkeypatch.setattr(upstream, "TOPICS_INTERVAL", 0)
    cluster = Cluster(unknowing=10)
    assert await Leader(cluster, -1).share_out() == []
    await cluster.known.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    assert cluster.asked == 10


def adding(code):
    """Answer a handler and the answer of a broker to its request."""
    manager = SimpleNamespace(
        txn_partitions=set(), partition_added=lambda tp: None, transactional_id="id"
    )
    owner = SimpleNamespace(
        _txn_manager=manager, _retry_backoff=0.02, _coordinator_dead=lambda _: None
    )
    answer = SimpleNamespace(errors=[("t", [(0, code)])])
    return SteadyAddPartitions(owner, set()), answer


def test_waiting_for_the_last_transactions_markers_grows_from_small_to_bounded():
    handler, answer = adding(CONCURRENT_TRANSACTIONS)
    waits = [handler.handle_response(answer) for _ in range(6)]
    assert waits == [
        FIRST_BACKOFF,
        2 * FIRST_BACKOFF,
        4 * FIRST_BACKOFF,
        LONGEST_BACKOFF,
        LONGEST_BACKOFF,
        LONGEST_BACKOFF,
    ]


def test_the_next_transaction_begins_with_the_small_wait_again():
    handler, answer = adding(CONCURRENT_TRANSACTIONS)
    for _ in range(4):
        handler.handle_response(answer)
    _, fine = adding(0)
    assert handler.handle_response(fine) is None
    assert handler.handle_response(answer) == FIRST_BACKOFF


class Client:
    """Answers a request to end a transaction, or raises."""

    def __init__(self, outcome):
        self.outcome = outcome

    async def send(self, node_id, request, group):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return SimpleNamespace(error_code=self.outcome)


async def ending(outcome):
    manager = SimpleNamespace(
        transactional_id="id",
        producer_id=1,
        producer_epoch=1,
        complete_transaction=lambda: None,
    )
    owner = SimpleNamespace(
        client=Client(outcome),
        _txn_manager=manager,
        _retry_backoff=0.0,
        _coordinator_dead=lambda _: None,
    )
    done = await WatchedEndTxn(owner, 1).do(0)
    return done, end_was_unanswered(SimpleNamespace(_sender=owner))


async def test_an_answered_end_leaves_no_doubt():
    assert await ending(0) == (True, False)


async def test_a_coordinator_that_is_loading_has_not_ended_anything():
    assert await ending(14) == (False, False)


async def test_a_request_that_was_never_sent_leaves_no_doubt():
    assert await ending(errors.NodeNotReadyError()) == (False, False)


@pytest.mark.parametrize(
    "error", [errors.RequestTimedOutError(), errors.KafkaConnectionError()]
)
async def test_a_request_without_an_answer_puts_the_producer_in_doubt(error):
    assert await ending(error) == (False, True)


async def test_a_fenced_end_is_raised():
    with pytest.raises(errors.ProducerFenced):
        await ending(47)


class Fetching(fetcher.Fetcher):
    """A fetcher of which one fetch waits to try again, as while a broker is away."""

    def __init__(self):
        self.waiting = asyncio.create_task(asyncio.sleep(60))
        self._fetch_task = asyncio.create_task(asyncio.sleep(60))
        self._pending_tasks, self._fetch_waiters = {self.waiting}, set()
        self._closed = False

    @property
    def closed(self):
        return self._closed


async def test_a_fetch_that_waits_to_try_again_does_not_end_who_closes_the_fetcher():
    one = Fetching()
    await one.close()
    assert one.waiting.cancelled()
    assert one.closed


def test_the_corrections_are_in_place():
    assert sender.EndTxnHandler is WatchedEndTxn
    assert sender.AddPartitionsToTxnHandler is SteadyAddPartitions
