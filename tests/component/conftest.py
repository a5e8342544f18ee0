"""Fixtures of the tests that put some parts together, without a real Kafka."""

import os
import sys
from pathlib import Path

import pytest

from streams.settings import PREFIX

sys.path.insert(0, str(Path(__file__).parents[1] / "broker"))
sys.path.insert(0, str(Path(__file__).parent))

from mock_kafka import MockKafka


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture
def kafka():
    """A broker in this process, without any topic."""
    return MockKafka()
