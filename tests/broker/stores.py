"""Where the workers of a test keep their tables.

`MAILFLAG_TEST_STORE=rocksdb` runs all tests on that store. Without it they run in
memory, and those in which the store can make a difference run on both: they have
the mark `stores`.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

MEMORY, ROCKSDB = "memory", "rocksdb"
CHOSEN = os.environ.get("MAILFLAG_TEST_STORE")
BOTH = [CHOSEN] if CHOSEN else [MEMORY, ROCKSDB]
DEFAULT = CHOSEN or MEMORY
_folders: list[Path] = []


def directory(app_id: str) -> Path:
    """Answer where the workers of an application keep their tables on disk."""
    if not _folders:
        _folders.append(Path(tempfile.mkdtemp(prefix="mailflag-tables-")))
        atexit.register(shutil.rmtree, _folders[0], ignore_errors=True)
    return _folders[0] / app_id


def environment(store: str, app_id: str) -> dict[str, str]:
    """Answer the settings of a worker with that store."""
    if store == MEMORY:
        return {}
    place = str(directory(app_id))
    return {"MAILFLAG_STORE": store, "MAILFLAG_STORE_DIRECTORY": place}
