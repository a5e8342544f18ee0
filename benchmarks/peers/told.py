"""What a contender is told, as JSON on its command line."""

import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


class Told(NamedTuple):
    """Where to read and write, and how."""

    kafka: str
    prefix: str
    app: str
    """Consumer group, and first part of changelogs."""
    input: str
    """Input topic of ingest, without the prefix."""
    partitions: int
    job: str = "rules"
    """`rules`: mailflag's own stages; `set-clear`: see `job.py`."""
    success_memory_days: int = 60
    only: str = ""
    """One of our own stages alone: ingest or flags."""
    state: str = ""
    """Folder for state, where a contender needs one."""

    @property
    def changelog(self) -> str:
        """Real name of the changelog."""
        return f"{self.prefix}{self.app}-flags-changelog"


def told(arguments: list[str] | None = None) -> Told:
    """Read the command line."""
    given: dict[str, Any] = orjson.loads((arguments or sys.argv[1:])[0])
    return Told(**given)


def now() -> int:
    """Answer milliseconds since 1970."""
    return int(time.time() * 1000)


def ready() -> None:
    """Say that records are taken from now on."""
    print("READY", flush=True)
