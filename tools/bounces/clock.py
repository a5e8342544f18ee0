"""A clock that stands still until it is told: libfaketime over a file.

Postfix reads it at every look at the time, so that five days in a queue pass in a
moment, and two runs give the same dates.
"""

from datetime import datetime, timedelta
from pathlib import Path

_PLACES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
)


def library() -> Path | None:
    """Find libfaketime, the Debian package `libfaketime`."""
    return next((Path(p) for p in _PLACES if Path(p).exists()), None)


class Clock:
    """The time of all who were started with `environment`."""

    def __init__(self, path: Path) -> None:
        """Keep the time in the file `path`."""
        self._path = path

    def set(self, moment: datetime) -> None:
        """Stand at `moment` from now on."""
        self.now = moment
        fresh = self._path.with_suffix(".new")
        fresh.write_text(f"{moment:%Y-%m-%d %H:%M:%S}\n")
        fresh.chmod(0o644)
        fresh.replace(self._path)

    def advance(self, step: timedelta) -> None:
        """Let time pass."""
        self.set(self.now + step)

    def environment(self) -> dict[str, str]:
        """Answer the variables that make a program use this clock."""
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "TZ": "UTC",
        }
