"""One contender, measured as a process: warmed up, stopped, fed, let go, weighed.

The load is written while the contender stands still (SIGSTOP), so neither takes
CPU from the other; it has been warmed up before, so imports and first connections
are not part of the figure.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from tempfile import TemporaryFile
from typing import Any, NamedTuple

from rig import machine
from rig.bed import Bed

READY = b"READY"
"""What a contender prints when it takes records."""
START_LIMIT = 90.0


class Contender(NamedTuple):
    """A program to be measured."""

    name: str
    command: Sequence[str]
    page: str | None = None
    """URL that answers 200 once it is ready; None: it prints `READY`."""
    environment: Mapping[str, str] = {}


class Feed(NamedTuple):
    """What a contender is given, and by what its end is known."""

    warm: Callable[[], int]
    """Writes the warm-up and answers its number of events."""
    load: Callable[[], int]
    """Writes what is measured."""
    read: Sequence[str]
    """Topics that the group has read to their end when it is done."""
    written: Sequence[str]
    """Topics whose newest record is the end of the run."""


def end_cleanly() -> None:
    """Let SIGTERM end the program as Ctrl-C does: brokers and contenders go first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


class Running:
    """A contender's process."""

    def __init__(self, contender: Contender) -> None:
        """Start it."""
        self._contender = contender
        self._output = TemporaryFile()  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            list(contender.command),
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **contender.environment},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    def output(self) -> bytes:
        """Answer what it has printed."""
        self._output.seek(0)
        return self._output.read()

    def wait_ready(self) -> None:
        """Wait until it takes records.

        Raises:
            SystemExit: it ended, or never became ready.
        """
        end = time.monotonic() + START_LIMIT
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > end:
                told = self.output()[-3000:].decode(errors="replace")
                self.end()
                message = f"{self._contender.name} does not start:\n{told}"
                raise SystemExit(message)
            time.sleep(0.1)

    def _ready(self) -> bool:
        page = self._contender.page
        if page is None:
            return READY in self.output()
        try:
            with urllib.request.urlopen(page, timeout=2) as answer:  # noqa: S310 - ours
                return answer.status == 200  # noqa: PLR2004 - OK
        except (urllib.error.URLError, OSError):
            return False

    def freeze(self) -> None:
        """Let it stand still."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def end(self) -> None:
        """End it; it has been measured."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._output.close()


def measure(
    contender: Contender, bed: Bed, feed: Feed, broker_pid: int
) -> dict[str, Any]:
    """Answer what a contender makes of the load.

    Raises:
        SystemExit: it ended or never came to the end, with what it printed.
    """
    running = Running(contender)
    try:
        running.wait_ready()
        if feed.warm():
            bed.wait(bed.app_id, feed.read)
        running.freeze()
        count = feed.load()
        before, broker = machine.usage(running.pid), machine.usage(broker_pid)
        compiling = machine.compiling(broker_pid)
        began = time.time()
        running.thaw()
        bed.wait(bed.app_id, feed.read)
        after, broker_after = machine.usage(running.pid), machine.usage(broker_pid)
        compiling = machine.compiling(broker_pid) - compiling
        seconds = bed.last_write(feed.written) - began
    except (TimeoutError, FileNotFoundError) as error:
        told = running.output()[-3000:].decode(errors="replace")
        message = f"{contender.name}: {error}\n{told}"
        raise SystemExit(message) from error
    finally:
        running.end()
    return {
        "events": count,
        "seconds": round(seconds, 3),
        "events_per_second": round(count / seconds),
        "cpu_us": round((after.cpu - before.cpu) / count * 1e6, 2),
        "broker_us": round(
            (broker_after.cpu - broker.cpu - compiling) / count * 1e6, 2
        ),
        "broker_compiling_us": round(compiling / count * 1e6, 2),
        "peak_rss_mib": after.peak >> 20,
        "load": machine.load(),
    }
