"""The engine's door: build the Faust app of a worker, and run it to its end."""

from collections.abc import Sequence
from typing import Any

from streams.engine.bulletin import Bulletin
from streams.engine.config import EngineConfig
from streams.engine.exits import ExitCode
from streams.engine.observer import Observer
from streams.engine.readiness import Readiness
from streams.engine.spec import LaneSpec


class Worker:
    """One worker: a Faust app whose agents are the lanes' stages."""

    app: Any
    """The `faust.App`, for web pages (`@worker.app.page("/readyz")`) and tasks."""

    def readiness(self) -> Readiness:
        """Say what the worker still waits for."""
        raise NotImplementedError

    def run(self) -> ExitCode:
        """Work until a signal or an error, and say why it ended.

        What cannot be ended in an orderly way ends the process itself, with
        another code of `ExitCode`.
        """
        raise NotImplementedError


def build(
    config: EngineConfig,
    specs: Sequence[LaneSpec],
    observer: Observer,
    *,
    bulletins: Sequence[Bulletin] = (),
) -> Worker:
    """Make a worker; nothing is connected before it runs.

    Raises:
        ConfigurationError: a setting or an installed version cannot work.
    """
    raise NotImplementedError
