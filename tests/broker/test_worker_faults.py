"""Workers and brokers die, freeze, come and go; what comes out is as if none had."""

import random
import time
from collections import Counter

import pytest
from fault_proxy import END_TXN, INIT_PRODUCER_ID, PRODUCE, FaultProxy
from mail_audit import Audit, audit, audit_subscriber, compacted
from mail_deployment import wait_for
from mail_traffic import HOUR, MINUTE, Mail, Person, Traffic

from streams.core.flag import ClearedBy
from streams.engine.exits import ExitCode
from streams.wire import flag as flag_wire
from streams.wire.topic import Topic

pytestmark = pytest.mark.broker

ON_ACCEPTED = '[default]\nclear_on = "accepted"\n'
BACKLOG = 1500


@pytest.fixture
def traffic(request):
    """Mail that is the same in every run of one test."""
    seed = sum(request.node.name.encode())
    return Traffic(seed, now=int(time.time() * 1000), people=150)


def started(deployment, count=2, **options):
    workers = [deployment.start(**options) for _ in range(count)]
    for worker in workers:
        worker.wait_ready()
    return workers


def finish(deployment, traffic):
    """Send what is left, let it come through, and hold it against the oracle."""
    deployment.send(traffic.rest())
    deployment.settle(supervise=True)
    found = audit(deployment, traffic.lives)
    assert found.clean, f"{found}\nexits: {deployment.exits}"
    assert not [w.text for w in deployment.workers if "@" in w.text]


@pytest.mark.stores
def test_workers_killed_at_any_moment_lose_and_repeat_nothing(deploy, traffic):
    deployment = deploy(policy=ON_ACCEPTED)
    started(deployment)
    rnd = random.Random(11)
    for _ in range(4):
        deployment.send(traffic.take(BACKLOG))
        moment = time.monotonic() + rnd.uniform(0.0, 1.5)
        deployment.play(traffic, lambda end=moment: time.monotonic() > end)
        victim = rnd.choice(deployment.running)
        victim.kill()
        deployment.replace(victim)
    finish(deployment, traffic)


def test_a_worker_that_wakes_after_its_session_ended_does_no_harm(deploy, traffic):
    deployment = deploy(policy=ON_ACCEPTED)
    sleeper, heir = started(deployment)
    deployment.send(traffic.take(BACKLOG))
    sleeper.freeze()
    assert deployment.play(traffic, lambda: heir.lanes == deployment.lanes)
    sleeper.thaw()
    assert deployment.play(traffic, lambda: 0 < sleeper.lanes < deployment.lanes)
    finish(deployment, traffic)
    assert sleeper.alive


def test_workers_that_come_and_go_hand_over_in_good_order(deploy, traffic):
    deployment = deploy()
    (first,) = started(deployment, 1)
    deployment.send(traffic.take(BACKLOG))
    second = deployment.start()
    assert deployment.play(traffic, lambda: first.lanes and second.lanes)
    deployment.send(traffic.take(BACKLOG))
    assert first.stop() == ExitCode.OK
    third = deployment.start()
    assert deployment.play(traffic, lambda: second.lanes and third.lanes)
    deployment.send(traffic.take(BACKLOG))
    assert second.stop() == ExitCode.OK
    finish(deployment, traffic)
    assert third.alive


def test_a_broker_that_dies_and_returns_costs_nothing(deploy, traffic, fragile):
    deployment = deploy()
    started(deployment)
    deployment.send(traffic.take(BACKLOG))
    deployment.flush()
    fragile.kill()
    fragile.start()
    deployment.send(traffic.take(BACKLOG))
    finish(deployment, traffic)


def test_lost_answers_leave_no_doubt_behind(deploy, traffic, fragile):
    with FaultProxy(fragile.proxy_port, fragile.proxied_port) as proxy:
        way = f"127.0.0.1:{fragile.proxy_port}"
        deployment = deploy(workers_kafka=way)
        started(deployment)
        kinds = (PRODUCE, INIT_PRODUCER_ID, END_TXN)
        proxy.lose = dict.fromkeys(kinds, 0.1)
        proxy.cut = dict.fromkeys(kinds, 0.05)
        done = proxy.done

        def enough():
            deployment.restart_the_dead()
            return min(done["lose", PRODUCE], done["lose", END_TXN]) >= 3

        assert deployment.play(traffic, enough)
        proxy.calm()
        finish(deployment, traffic)


@pytest.mark.stores
def test_a_clear_that_waits_for_its_time_survives_the_worker(deploy, traffic):
    deployment = deploy(
        policy='[default]\nclear_on = "settled"\nclear_late_bounce_after = "8s"\n'
    )
    (first,) = started(deployment, 1)
    rnd, now = random.Random(5), int(time.time() * 1000)
    people = [Person(rnd, "acme", number) for number in range(40)]
    for person in people:
        late = Mail(rnd, person, now - HOUR)
        late.accepted()
        late.bounced(MINUTE)
        deployment.send(traffic.publish(late.events))
    deployment.settle()
    for person in people:
        good = Mail(rnd, person, int(time.time() * 1000))
        good.accepted()
        deployment.send(traffic.publish(good.events))
    deployment.settle()
    rows = deployment.read()
    assert len(rows[Topic.FLAG_CHANGES]) == len(compacted(rows[Topic.FLAGS])) == 40
    first.kill()
    deployment.replace(first)
    changes = deployment.tails[Topic.FLAG_CHANGES]
    assert wait_for(lambda: len(changes.read()) >= 80)
    deployment.settle()
    rows, found = deployment.read(), Audit()
    audit_subscriber(found, rows, complete=True)
    assert found.clean, str(found)
    assert not compacted(rows[Topic.FLAGS])
    told = [flag_wire.decode_change(row.value) for row in rows[Topic.FLAG_CHANGES]]
    assert Counter(change.cleared_by for change in told) == {
        None: 40,
        ClearedBy.ACCEPTED: 40,
    }


def test_a_flood_of_poison_stops_the_worker_until_a_person_says_go_on(deploy, traffic):
    deployment = deploy()
    (one,) = started(deployment, 1, dead_letter_run=30)
    deployment.send(traffic.take(500))
    attempt = (p for p in traffic.poisons() if p.topic is Topic.SEND_ATTEMPTS)
    flood = next(attempt)._replace(lot=1)
    deployment.send([flood] * 60)
    deployment.flush()
    assert wait_for(lambda: not one.alive)
    assert one.code == ExitCode.STAGE_FAILED
    told = one.said("worker_failed")[-1]
    assert told["error"] == "FuseBlown"
    assert "mailflag dlq" in told["detail"]
    one.asked_to_stop = True
    deployment.start(dead_letter_run=0, dead_letter_share=1)
    finish(deployment, traffic)
