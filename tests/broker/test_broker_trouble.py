"""The broker dies, freezes, or does not answer: wait, or end with the right code."""

import time

import pytest
from fault_proxy import END_TXN, METADATA, TRANSACTIONS, FaultProxy
from test_ownership import Traffic
from worker_process import wait_for

from streams.engine.exits import ExitCode

pytestmark = pytest.mark.broker


@pytest.fixture
def traffic(flow):
    return Traffic(flow)


@pytest.fixture
def proxy(fragile):
    with FaultProxy(fragile.proxy_port, fragile.proxied_port) as one:
        yield one


def test_a_broker_that_dies_and_returns_is_waited_for(flow, worker, traffic, fragile):
    # The broker would abort, and so fence, what it found open for too long.
    one = worker(flow, config={"transaction_timeout": 60.0}).wait_ready()
    traffic.send(100)
    fragile.kill()
    fragile.start()
    traffic.send(100)
    wait_for(lambda: not flow.left or not one.alive, 60)
    assert one.alive, one.said("worker_failed")
    assert traffic.settle().nothing


def test_a_broker_that_stays_away_ends_the_worker(flow, worker, traffic, fragile):
    one = worker(flow, config={"commit_deadline": 3.0}).wait_ready()
    traffic.send()
    wait_for(lambda: not flow.left)
    flow.send(b"tenant/a@mail.example", b"set 1")
    flow.flush()
    fragile.freeze()
    flow.send(b"tenant/a@mail.example", b"set 2")
    code = one.wait() if wait_for(lambda: not one.alive, 15) else None
    fragile.thaw()
    if code is None:  # the event was committed before the broker froze
        flow.flush()
        assert traffic.settle().nothing
    else:
        assert code == ExitCode.UNAVAILABLE


def test_a_stop_while_the_broker_is_away_ends_within_its_limit(
    flow, worker, traffic, fragile
):
    one = worker(flow, config={"stop_limit": 6.0}).wait_ready()
    traffic.send()
    fragile.freeze()
    began = time.monotonic()
    code = one.stop()
    took = time.monotonic() - began
    fragile.thaw()
    assert code in (ExitCode.OK, ExitCode.STOP_TIMED_OUT)
    assert took < 20
    worker(flow).wait_ready()
    assert traffic.settle().nothing


@pytest.mark.stores
def test_a_commit_without_an_answer_is_recovered_from_the_log(
    flow, worker, traffic, fragile, proxy
):
    one = worker(flow, f"127.0.0.1:{fragile.proxy_port}").wait_ready()
    traffic.send()
    proxy.lose = {END_TXN: 1.0}
    traffic.until(lambda: proxy.done["lose", END_TXN])
    proxy.calm()
    traffic.until(lambda: one.said("lane_reopened") or not one.alive)
    assert one.said("lane_reopened")
    assert traffic.settle().nothing
    assert one.alive


def test_connections_cut_while_partitions_are_taken_over_end_no_worker(
    flow, worker, traffic, fragile, proxy
):
    one = worker(flow, f"127.0.0.1:{fragile.proxy_port}").wait_ready()
    other = worker(flow).wait_ready()
    traffic.send()
    proxy.cut = {METADATA: 1.0}  # no client can be started
    other.kill()
    traffic.until(lambda: proxy.done["cut", METADATA] > 10 or not one.alive)
    proxy.calm()
    assert traffic.settle().nothing
    assert one.alive


def test_slow_transactions_are_only_slow(flow, worker, traffic, fragile, proxy):
    one = worker(flow, f"127.0.0.1:{fragile.proxy_port}").wait_ready()
    proxy.delay = dict.fromkeys(TRANSACTIONS, 0.5)
    traffic.through(3.0)
    proxy.calm()
    assert traffic.settle().nothing
    assert one.alive
    assert proxy.done["delay", END_TXN]
