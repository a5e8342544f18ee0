"""Who is told of incidents in a chaos run: Alertmanager, or what stands in for it."""

import asyncio
import shutil
import sys
import threading
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, Protocol

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "ops"), str(TESTS / "component")]

from alertmanager_double import AlertmanagerDouble  # noqa: E402 - through the path above
from alertmanager_server import PROGRAM, AlertmanagerServer  # noqa: E402

from streams.core.instant import Instant, parse  # noqa: E402


class Pager(Protocol):
    """An Alertmanager that can be away for a while."""

    url: str
    name: str

    def leave(self) -> None:
        """Stop; what it knew it may forget."""

    def come_back(self) -> None:
        """Answer again, where it did before."""

    def ends(self) -> dict[str, Instant]:
        """Answer when each alert that it knows is over, by key."""

    def close(self) -> None:
        """Stop for good."""


def hire() -> Pager:
    """Start the real one where it is installed, else the double."""
    return Real() if shutil.which(PROGRAM) else Double()


class Real:
    """Prometheus' Alertmanager with the routes that are published, as a process."""

    name = "Alertmanager"

    def __init__(self) -> None:
        self._server = AlertmanagerServer()
        self.url = self._server.url
        self.come_back()

    def leave(self) -> None:
        self._server.stop()

    def come_back(self) -> None:
        asyncio.run(self._server.start())

    def ends(self) -> dict[str, Instant]:
        return _ends(asyncio.run(self._server.every_alert()))

    def close(self) -> None:
        self._server.close()


class Double:
    """The tests' double, in a thread."""

    name = "a double of Alertmanager"

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._double = AlertmanagerDouble()
        self.come_back()
        self.url = self._double.url

    def leave(self) -> None:
        self._do(self._double.stop())

    def come_back(self) -> None:
        self._do(self._double.start())

    def ends(self) -> dict[str, Instant]:
        return _ends(list(self._double.taken.values()))

    def close(self) -> None:
        self.leave()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(30)


def _ends(alerts: Iterable[dict[str, Any]]) -> dict[str, Instant]:
    """Answer the last end of each key: a change of labels ends one and begins one."""
    found: dict[str, Instant] = {}
    for alert in alerts:
        key, end = alert["labels"]["key"], parse(alert["endsAt"])
        found[key] = max(end, found.get(key, end))
    return found
