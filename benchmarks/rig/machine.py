"""The machine and its processes: what a figure was measured on, and what it cost.

Reads `/proc`, so the benchmarks on processes need Linux.
"""

import contextlib
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_STARTED_WITH = 11
"""Fields of /proc/PID/stat between the state and utime."""
_COMPILER = "CompilerThre"
"""In the names of the threads that do it; Linux cuts names off."""
_MIB = 1 << 20


class Usage(NamedTuple):
    """CPU seconds and resident bytes of a process so far."""

    cpu: float
    rss: int
    peak: int


def usage(pid: int) -> Usage:
    """Answer what a process has used."""
    folder = Path("/proc") / str(pid)
    # The name may contain anything, so count from the parenthesis that ends it.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    user, system = fields[_STARTED_WITH : _STARTED_WITH + 2]
    sizes = dict(
        line.split(":", 1) for line in (folder / "status").read_text().splitlines()
    )
    return Usage(
        (int(user) + int(system)) / _TICKS,
        _kib(sizes["VmRSS"]),
        _kib(sizes["VmHWM"]),
    )


def compiling(pid: int) -> float:
    """Answer the CPU seconds in which a Java process has compiled itself so far.

    A broker that was just started takes almost half of its CPU for that, one that has
    run for a day next to none.
    """
    ticks = 0
    for task in (Path("/proc") / str(pid) / "task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended
            name, _, rest = (task / "stat").read_text().rpartition(")")
            if _COMPILER in name:
                user, system = rest.split()[_STARTED_WITH : _STARTED_WITH + 2]
                ticks += int(user) + int(system)
    return ticks / _TICKS


def _kib(text: str) -> int:
    return int(text.split(maxsplit=1)[0]) << 10


def load() -> float:
    """Answer how many processes wanted to run in the last minute."""
    return round(os.getloadavg()[0], 1)


def described() -> dict[str, Any]:
    """Answer what must be known of the machine to judge a figure; no names."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = {
        line.partition(":")[2].strip()
        for line in lines
        if line.startswith("model name")
    }
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": ", ".join(sorted(models)) or platform.processor(),
        "cores": os.cpu_count(),
        "memory_mib": memory // _MIB,
        "kernel": platform.release().partition("-")[0],
        "python": platform.python_version(),
        "load_before": load(),
    }


def versions(*distributions: str) -> dict[str, str]:
    """Answer the installed versions of what is compared."""
    return {name: metadata.version(name) for name in distributions}
