"""The whole program as users run it: records in, flags, changes, dead letters out."""

import random
import time
from collections import Counter

import orjson
import pytest
from mail_audit import audit
from mail_deployment import Deployment
from mail_traffic import Traffic

from streams.engine.exits import ExitCode
from streams.wire import dead_letter
from streams.wire.reject import RejectReason
from streams.wire.topic import INPUTS, Topic

pytestmark = pytest.mark.broker

BEFORE_A_DECODER = RejectReason.OUTPUT_TOO_LARGE
"""The one reason that no single bad record can have."""


class Played:
    """A finished run: two workers, hostile producers, then an orderly stop."""

    def __init__(self, kafka):
        self.deployment = Deployment(kafka)
        self.traffic = Traffic(7, now=int(time.time() * 1000), people=150)
        workers = [self.deployment.start() for _ in range(2)]
        for worker in workers:
            worker.wait_ready()
        self.deployment.send(self.traffic.take(1500))
        self.deployment.send(self.traffic.poisons())
        self.deployment.send(self.traffic.rest())
        self.deployment.settle()
        self.lanes = [worker.lanes for worker in workers]
        self.codes = [worker.stop() for worker in workers]
        self.rows = self.deployment.read()
        self.found = self.audit()

    def audit(self, rows=None):
        return audit(self.deployment, self.traffic.lives, rows=rows or self.rows)


@pytest.fixture(scope="module")
def played(broker):
    one = Played(broker.address)
    yield one
    one.deployment.close()


def test_everything_that_went_in_came_out_right(played):
    assert played.found.clean, str(played.found)
    assert played.found.counts[Topic.FLAG_CHANGES] > 300


def test_workers_share_all_partitions_and_stop_when_asked(played):
    assert sum(played.lanes) == played.deployment.lanes
    assert all(played.lanes)
    assert played.codes == [ExitCode.OK, ExitCode.OK]


def test_every_reason_to_reject_a_record_was_met(played):
    reasons = {
        dead_letter.read(row).reject.reason
        for topic in INPUTS
        for row in played.rows[topic.dead_letters]
    }
    assert reasons == set(RejectReason) - {BEFORE_A_DECODER}


def test_no_address_is_in_the_log(played):
    assert not [w.text for w in played.deployment.workers if "@" in w.text]


def lose(rows, rnd):
    """Take away a record that no other one makes up for, as what came twice does."""
    said = Counter(_says(row) for row in rows)
    alone = [place for place, row in enumerate(rows) if said[_says(row)] == 1]
    rows.pop(rnd.choice(alone))


def _says(row):
    try:
        return row.key, orjson.loads(row.value)["id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return row.partition, row.offset


def repeat(rows, rnd):
    again = rnd.choice(rows)
    rows.append(again._replace(offset=rows[-1].offset + 1, partition=again.partition))
    rows.sort()


def swap(rows, rnd):
    """Let two records of one key change places."""
    by_key = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    first, second = rnd.choice([of for of in by_key.values() if len(of) > 1])[:2]
    places = rows.index(first), rows.index(second)
    rows[places[0]] = first._replace(value=second.value, headers=second.headers)
    rows[places[1]] = second._replace(value=first.value, headers=first.headers)


def falsify(rows, rnd):
    """Let a record say what another one says."""
    valued = [row for row in rows if row.value]
    one, other = rnd.sample(valued, 2)
    rows[rows.index(one)] = one._replace(value=other.value)


DAMAGES = [
    *[(topic, lose) for topic in (Topic.EVIDENCE, Topic.FLAG_CHANGES, Topic.FLAGS)],
    (Topic.TENANT_ACTIVITY, lose),
    (Topic.SEND_ATTEMPTS.dead_letters, lose),
    *[(topic, repeat) for topic in (Topic.FLAG_CHANGES, Topic.FLAGS)],
    (Topic.TENANT_ACTIVITY, repeat),
    (Topic.FLAG_CHANGES, swap),
    (Topic.FLAGS, swap),
    (Topic.EVIDENCE, falsify),
    (Topic.FLAG_CHANGES, falsify),
    (Topic.SEND_ATTEMPTS.dead_letters, falsify),
]


@pytest.mark.parametrize(
    ("topic", "damage"), DAMAGES, ids=[f"{d.__name__} {t}" for t, d in DAMAGES]
)
def test_the_audit_notices_damage(played, topic, damage):
    damaged = {name: list(rows) for name, rows in played.rows.items()}
    damage(damaged[topic], random.Random(3))
    assert played.audit(damaged).findings != played.found.findings
