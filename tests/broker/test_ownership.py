"""Partitions change hands: who paused, died or joined, nothing is lost or doubled."""

import os
import signal
import time

import pytest
from log_reader import read
from oracle import Flow
from worker_process import HOLD_LONG, HOLD_SHORT, wait_for

from streams.engine.exits import ExitCode

pytestmark = pytest.mark.broker


class Traffic:
    """Sends to every partition, a little at a time, while something goes wrong."""

    def __init__(self, flow, keys=80):
        self.flow = flow
        self.keys = keys
        self.number = 0

    def send(self, count=40):
        for _ in range(count):
            self.number += 1
            kind = b"set %d" % self.number if self.number % 3 else b"clear"
            key = b"tenant/user%d@mail.example" % (self.number * 7 % self.keys)
            self.flow.send(key, kind)
        self.flow.flush()

    def until(self, what, limit=30.0):
        """Send until something is so."""

        def sending():
            self.send(10)
            return what()

        return wait_for(sending, limit)

    def through(self, seconds):
        """Send for some time."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end, seconds + 5)

    def settle(self, limit=60.0):
        """Wait until everything sent is committed, and answer what differs."""
        wait_for(lambda: not self.flow.left, limit)
        assert not self.flow.left
        return self.flow.findings()


@pytest.fixture
def traffic(flow):
    return Traffic(flow)


def fenced(*workers):
    return [a for w in workers for a in w.said("aborted") if a["reason"] == "fenced"]


def serving(one, partitions):
    """Say whether a worker's newest generation has all of so many partitions."""
    opened = one.said("lanes_open")
    return bool(opened) and opened[-1]["all"] == partitions


def test_a_joining_worker_takes_its_share_and_keeps_the_order(flow, worker, traffic):
    first = worker(flow).wait_ready()
    traffic.send()
    second = worker(flow).wait_ready()
    traffic.until(lambda: serving(first, 2) and serving(second, 2))
    traffic.send()
    assert traffic.settle().nothing
    assert second.state["records"]


@pytest.mark.stores
def test_a_lane_that_stays_is_kept_with_its_table(flow, worker, traffic):
    first = worker(flow).wait_ready()
    traffic.send(200)
    wait_for(lambda: not flow.left)
    worker(flow).wait_ready()
    wait_for(lambda: serving(first, 2))
    assert first.said("lanes_open")[-1]["new"] == 0
    traffic.send(200)
    assert traffic.settle().nothing


@pytest.mark.stores
def test_a_killed_worker_is_replaced_from_its_changelog(flow, worker, traffic):
    first, second = worker(flow).wait_ready(), worker(flow).wait_ready()
    traffic.until(lambda: serving(first, 2) and serving(second, 2))
    traffic.send(100)
    first.kill()
    traffic.until(lambda: serving(second, 4))
    assert traffic.settle().nothing


def test_a_worker_paused_beyond_its_session_is_fenced_and_rejoins(
    flow, worker, traffic
):
    first, second = worker(flow).wait_ready(), worker(flow).wait_ready()
    traffic.until(lambda: serving(first, 2) and serving(second, 2))
    first.freeze()
    traffic.until(lambda: serving(second, 4))
    first.thaw()
    traffic.until(lambda: serving(first, 2) and serving(second, 2))
    assert traffic.settle().nothing
    assert first.alive


@pytest.mark.stores
def test_a_worker_paused_inside_a_transaction_cannot_finish_it(flow, worker, traffic):
    first, second = worker(flow).wait_ready(), worker(flow).wait_ready()
    traffic.until(lambda: serving(first, 2) and serving(second, 2))
    first.signal(HOLD_SHORT)
    traffic.until(lambda: first.said("holding"))
    first.freeze()
    traffic.until(lambda: serving(second, 4))
    first.thaw()
    traffic.until(lambda: fenced(first) or not first.alive)
    assert fenced(first)
    traffic.until(lambda: serving(first, 2))
    assert traffic.settle().nothing


def test_a_worker_paused_in_a_rebalance_does_no_harm(flow, worker, traffic):
    first = worker(flow).wait_ready()
    traffic.send()
    second = worker(flow)
    wait_for(lambda: len(first.said("partitions_revoked")) > 1)
    first.freeze()  # between giving its partitions up and asking for new ones
    traffic.through(7.0)
    first.thaw()
    traffic.through(3.0)
    for one in (first, second):
        if not one.alive:  # the rightful owner may have been fenced: it is restarted
            assert one.wait() == ExitCode.FENCED
            worker(flow)
    assert traffic.settle().nothing


def test_a_transaction_held_beyond_its_time_out_is_aborted_by_the_broker(
    flow, worker, traffic
):
    one = worker(flow).wait_ready()
    traffic.send()
    one.signal(HOLD_LONG)
    traffic.until(lambda: one.said("holding"))
    traffic.until(lambda: not one.alive, 40)
    assert one.wait() == ExitCode.FENCED
    worker(flow).wait_ready()
    assert traffic.settle().nothing


def test_readers_are_held_back_by_a_dead_worker_until_its_successor_starts(
    flow, worker, traffic
):
    one = worker(flow).wait_ready()
    one.signal(HOLD_LONG)
    flow.send(b"tenant/user0@mail.example", b"set 1")
    flow.flush()
    one.wait_said("holding")
    one.kill()
    assert not read(flow.kafka, flow.out)
    assert len(read(flow.kafka, flow.out, "read_uncommitted")) == 1
    worker(flow).wait_ready()
    assert traffic.settle().nothing


def test_a_failing_stage_releases_readers_and_partitions_at_once(flow, worker, traffic):
    first, second = worker(flow).wait_ready(), worker(flow).wait_ready()
    traffic.until(lambda: serving(first, 2) and serving(second, 2))
    traffic.send(20)
    wait_for(lambda: not flow.left)
    flow.send(b"tenant/user1@mail.example", b"die")
    flow.flush()
    wait_for(lambda: not (first.alive and second.alive))
    died, other = (second, first) if first.alive else (first, second)
    assert died.wait() == ExitCode.STAGE_FAILED
    assert other.wait() == ExitCode.STAGE_FAILED, "it took over and met the same"
    gone, taken = died.said("worker_failed")[0], other.said("lanes_open")[-1]
    assert taken["at"] - gone["at"] < 4.0, "sooner than the session time-out"


def test_a_session_time_out_that_the_broker_refuses_ends_the_worker(flow, worker):
    one = worker(flow, config={"session_timeout": 0.5, "heartbeat_interval": 0.1})
    assert one.wait() == ExitCode.COORDINATION_FAILED


def test_a_stop_leaves_the_group_so_that_others_take_over_at_once(
    flow, worker, traffic
):
    first, second = worker(flow).wait_ready(), worker(flow).wait_ready()
    traffic.until(lambda: serving(first, 2) and serving(second, 2))
    began = time.monotonic()
    assert first.stop() == ExitCode.OK
    wait_for(lambda: serving(second, 4))
    assert time.monotonic() - began < 30
    assert second.said("partitions_revoked")
    assert traffic.settle().nothing


def test_an_interrupt_stops_as_a_term_does(flow, worker, traffic):
    one = worker(flow).wait_ready()
    traffic.send()
    os.kill(one.process.pid, signal.SIGINT)
    assert one.wait() == ExitCode.OK
    worker(flow).wait_ready()
    assert traffic.settle().nothing


def test_more_workers_than_partitions_leave_some_idle_but_ready(broker, worker):
    flow = Flow(broker.address, partitions=1)
    traffic = Traffic(flow)
    first, second = worker(flow).wait_ready(), worker(flow)
    second.wait_ready()
    traffic.send()
    assert traffic.settle().nothing
    wait_for(lambda: serving(first, 0) or serving(second, 0))
    assert first.state["ready"]
    assert second.state["ready"]
