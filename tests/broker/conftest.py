"""Fixtures of the tests on a real Kafka."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kafka_broker import KafkaBroker, KafkaMissing


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
