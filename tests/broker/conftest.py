"""Fixtures of the tests on a real Kafka."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import stores
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


def pytest_generate_tests(metafunc):
    """Run a test with the mark `stores` on each of them."""
    marked = metafunc.definition.get_closest_marker("stores")
    if marked and len(stores.BOTH) > 1:
        metafunc.parametrize("store", stores.BOTH, indirect=True)


@pytest.fixture
def store(request):
    """Where workers keep their tables."""
    return getattr(request, "param", stores.DEFAULT)


@pytest.fixture
def worker(broker, store):
    """Make workers; all of them are ended after the test."""
    made = []

    def start(flow, kafka=broker.address, **told):
        told = {**flow.told, "store": store, **told}
        one = WorkerProcess(kafka, flow.app, **told)
        made.append(one)
        return one

    yield start
    for one in made:
        one.clean_up()


@pytest.fixture
def deploy(broker, store):
    """Make deployments of the whole program; their workers end with the test."""
    made = []

    def make(**told):
        made.append(Deployment(broker.address, **told))
        made[-1].store = store
        return made[-1]

    yield make
    for one in made:
        one.close()
