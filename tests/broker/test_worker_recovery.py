"""A worker that starts on a big table: ready, complete, and right in what follows."""

import itertools
import random
import time

import pytest
from confluent_kafka import Producer
from mail_audit import audit, compacted
from mail_deployment import wait_for
from mail_traffic import DAY, Mail, Person, Traffic, arrives, has_no_mailbox

from streams.agents.classifying import Classifiers
from streams.agents.ingest import IngestStage
from streams.app import FLAGS_TABLE
from streams.core.flags import Context, decide
from streams.core.instant import Instant
from streams.core.policy import FlagPolicy, PolicyBook
from streams.core.state import EMPTY, fold
from streams.engine.partitioner import partition_of
from streams.engine.recovery import OFFSET_KEY
from streams.engine.stage import Batch
from streams.engine.table import NoTable
from streams.wire import address_state, rulebook
from streams.wire import evidence as evidence_wire
from streams.wire.topic import Topic

pytestmark = pytest.mark.broker

ADDRESSES = 200_000
FLAGGED = 20_000
CHANGED = 300


class Arrived:
    """One event as a record of its topic, as ingest would read it."""

    key, headers, offset = None, (), 0

    def __init__(self, value, at):
        self.value = value
        self.timestamp = at


class Population:
    """Addresses as a table has them after some mail: most reached, some flagged."""

    def __init__(self, now):
        self.now = now
        self.rnd = random.Random(3)
        self.ingest = IngestStage(Classifiers(rulebook.load([]), PolicyBook()))
        self.traffic = Traffic(3, now=now)
        people = [Person(self.rnd, "acme", number) for number in range(ADDRESSES)]
        self.flagged, self.reached = people[:FLAGGED], people[FLAGGED:]

    def table(self):
        """Answer key and encoded state of everybody.

        What is kept of a reached address does not say which one it is, so a few
        such states stand for all.
        """
        kinds = [self.state(self.reached[n], arrives) for n in range(50)]
        for person in self.reached:
            yield person.key, self.rnd.choice(kinds)
        for person in self.flagged:
            yield person.key, self.state(person, has_no_mailbox)

    def state(self, person, story):
        """Fold a mail into the state of an address, as the flags stage does."""
        mail = Mail(self.rnd, person, self.now - self.rnd.randrange(DAY, 3 * DAY))
        story(mail)
        records = [
            Arrived(sending.value, mail.at)
            for sending in self.traffic.publish(mail.events)
        ]
        batch = Batch(Topic.SEND_ATTEMPTS, 0, records)
        state = EMPTY
        for message in self.ingest.process(
            batch, NoTable(), Instant(self.now)
        ).messages:
            piece = evidence_wire.decode(message.value)
            context = Context(
                piece.tenant_id, piece.address, FlagPolicy(), (), piece.at
            )
            state = decide(fold(state, piece).state, context).state
        return address_state.encode(state)


def write_changelog(deployment, table):
    """Write a table as its worker would have; answer it by partition."""
    count = deployment.counts[Topic.EVIDENCE]
    tables = {partition: {} for partition in range(count)}
    name = f"{deployment.prefix}{deployment.app_id}-{FLAGS_TABLE}-changelog"
    told = {"bootstrap.servers": deployment.kafka, "linger.ms": 20, "log_level": 0}
    producer = Producer({**told, "queue.buffering.max.messages": 2 * ADDRESSES})
    for key, value in table:
        partition = partition_of(key, count)
        tables[partition][key] = value
        producer.produce(name, value, key, partition)
    for partition in range(count):
        producer.produce(name, b"0", OFFSET_KEY, partition)
    assert producer.flush(60) == 0
    return tables


def keys(worker):
    """Answer how many addresses the flags stage has in its tables."""
    series = worker.metric("mailflag_table_keys").items()
    return sum(value for labels, value in series if 'stage="flags"' in labels)


def total(worker, metric):
    return sum(worker.metric(metric).values())


@pytest.mark.stores
def test_a_worker_recovers_200_000_addresses_and_goes_on_with_them(deploy):
    deployment = deploy()
    population = Population(int(time.time() * 1000))
    tables = write_changelog(deployment, population.table())
    one = deployment.start().wait_ready()
    assert wait_for(lambda: keys(one) == ADDRESSES)
    assert wait_for(lambda: total(one, "mailflag_flags_standing") == FLAGGED)

    good, bad = population.flagged[:CHANGED], population.reached[:CHANGED]
    for person, story in itertools.chain(
        ((person, arrives) for person in good),
        ((person, has_no_mailbox) for person in bad),
    ):
        mail = Mail(population.rnd, person, int(time.time() * 1000))
        story(mail)
        deployment.send(population.traffic.publish(mail.events))
    deployment.settle()
    rows = deployment.read()
    found = audit(deployment, rows=rows, tables=tables)
    assert found.clean, str(found)
    assert len(rows[Topic.FLAG_CHANGES]) == 2 * CHANGED
    assert compacted(rows[Topic.FLAGS]).keys() == {person.key for person in bad}
    assert wait_for(lambda: total(one, "mailflag_flags_standing") == FLAGGED)
