"""Fixtures of the tests on a real Kafka."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kafka_broker import KafkaBroker, KafkaMissing
from mail_deployment import Deployment
from oracle import Flow
from worker_process import WorkerProcess


@pytest.fixture(scope="session")
def broker():
    """A Kafka for the whole session; the tests are skipped where there is none."""
    one = KafkaBroker()
    try:
        one.start()
    except KafkaMissing as missing:
        pytest.skip(f"no Kafka: {missing}")
    yield one
    one.close()


@pytest.fixture
def fragile(broker):
    """The broker, for tests that kill and freeze it."""
    if not broker.can_be_hurt:
        pytest.skip("the broker is not a process of the tests")
    yield broker
    broker.thaw()


@pytest.fixture
def flow(broker):
    """Fresh topics for one application, and the oracle for what is sent to them."""
    return Flow(broker.address)


@pytest.fixture
def worker(broker):
    """Make workers; all of them are ended after the test."""
    made = []

    def start(flow, kafka=broker.address, **told):
        one = WorkerProcess(kafka, flow.app, **{**flow.told, **told})
        made.append(one)
        return one

    yield start
    for one in made:
        one.clean_up()


@pytest.fixture
def deploy(broker):
    """Make deployments of the whole program; their workers end with the test."""
    made = []

    def make(**told):
        made.append(Deployment(broker.address, **told))
        return made[-1]

    yield make
    for one in made:
        one.close()
