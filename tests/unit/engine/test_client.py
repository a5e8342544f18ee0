"""A client that cannot be started is started again, for a while."""

import pytest
from aiokafka import errors

from streams.engine import client
from streams.engine.client import started
from streams.engine.config import EngineConfig

PATIENT = EngineConfig(bootstrap_servers="x:1", app_id="app")
IMPATIENT = EngineConfig(bootstrap_servers="x:1", app_id="app", session_timeout=-1.0)


class Kafka:
    """Makes clients, of which the first ones do not start."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.made = []

    def __call__(self):
        self.made.append(One(self.outcomes.pop(0)))
        return self.made[-1]

    @property
    def open(self):
        """The clients that nobody has stopped."""
        return [one for one in self.made if not one.stopped]


class One:
    def __init__(self, outcome):
        self.outcome = outcome
        self.stopped = False

    async def start(self):
        if self.outcome is not None:
            raise self.outcome

    async def stop(self):
        self.stopped = True


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(client, "START_PAUSE", 0.0)


async def test_a_cut_connection_is_made_again_and_the_first_client_closed():
    kafka = Kafka(errors.KafkaConnectionError(), errors.KafkaConnectionError(), None)
    one = await started(kafka, PATIENT)
    assert len(kafka.made) == 3
    assert kafka.open == [one]


async def test_what_would_fail_again_is_not_tried_again():
    kafka = Kafka(errors.ProducerFenced(), None)
    with pytest.raises(errors.ProducerFenced):
        await started(kafka, PATIENT)
    assert len(kafka.made) == 1
    assert not kafka.open


async def test_patience_has_an_end():
    kafka = Kafka(errors.KafkaConnectionError(), None)
    with pytest.raises(errors.KafkaConnectionError):
        await started(kafka, IMPATIENT)
    assert not kafka.open
