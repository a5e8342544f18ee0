"""Fixtures of the contract tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from contract_guard import Contracts

from streams.wire import contract


@pytest.fixture(scope="session")
def contracts():
    """The published contracts, as files."""
    return Contracts(contract.folder())
