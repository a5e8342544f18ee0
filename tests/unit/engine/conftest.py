"""Both kinds of table, and the log that they follow."""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from changelog import KINDS, Disks

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of the test's own is made in it


@pytest.fixture(scope="session")
def quick_folder():
    """A folder for databases, in memory where that is offered: they call fsync."""
    told = {"dir": MEMORY} if MEMORY.is_dir() else {}
    made = Path(tempfile.mkdtemp(prefix="mailflag-tables-", **told))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def disks(quick_folder):
    """Make tables on a disk of the test."""
    made = Disks(Path(tempfile.mkdtemp(dir=quick_folder)))
    yield made
    made.close()


@pytest.fixture(params=KINDS)
def make_table(request, disks):
    """Make a table of either kind, opened on an empty log."""

    def make(due_at):
        table = disks.make(request.param, due_at)
        table.resume(0, 0)
        table.recovered()
        return table

    return make
