"""How a process ends that must not go on.

An open transaction is aborted by whoever takes the partition over, or by the
broker after its time-out, so ending at once is always safe. What can be done in
good order is tried first, within a bound: abort, so that readers are not held
back, and leave the group, so that others take over at once.
"""

import asyncio
import logging
import os
import threading
import traceback
from collections.abc import Awaitable, Callable
from typing import NoReturn

from aiokafka.errors import KafkaError

from streams.engine.event import Event, note
from streams.engine.exits import ExitCode
from streams.errors import MailflagError

PARTING_LIMIT = 3.0
"""Seconds for leaving in good order before the process ends all the same."""


def end_now(
    code: ExitCode, reason: str, error: BaseException | None = None
) -> NoReturn:
    """End the process, whatever else is going on in it.

    Not `sys.exit`: that is an exception in one task, which Faust or aiokafka may
    swallow, and it waits for threads.
    """
    note(
        Event.WORKER_FAILED,
        logging.CRITICAL,
        exit_code=int(code),
        exit_name=code.name,
        reason=reason,
        **({} if error is None else describe(error)),
    )
    for handler in logging.getLogger().handlers:
        handler.flush()
    os._exit(code)


def describe(error: BaseException) -> dict[str, object]:
    """Say what was raised and where, without what it was about.

    A `KeyError` of a table names an address, so only the text of errors that
    cannot carry any is told: our own and Kafka's.
    """
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    told: dict[str, object] = {
        "error": type(error).__name__,
        "where": [f"{f.filename}:{f.lineno} {f.name}" for f in frames],
    }
    if isinstance(error, MailflagError | KafkaError):
        told["detail"] = str(error)
    return told


class Ending:
    """The one way out of a worker: the first failure wins."""

    def __init__(self) -> None:
        """Start without a failure."""
        self.failed = False
        self.parting: Callable[[], Awaitable[None]] | None = None
        """What to do in good order; set by the worker."""
        self._task: asyncio.Task[None] | None = None
        self._limit: threading.Timer | None = None

    def fail(
        self, code: ExitCode, reason: str, error: BaseException | None = None
    ) -> None:
        """End the process soon; nothing is committed from here on."""
        if self.failed:
            return
        self.failed = True
        self._task = asyncio.ensure_future(self._part(code, reason, error))

    def limit_stop(self, seconds: float) -> None:
        """End the process if it has not stopped after so many seconds.

        By a thread of its own: aiokafka and mode can hang in a stop while the
        broker is away, and the event loop with them.
        """
        if self._limit is None:
            self._limit = threading.Timer(
                seconds, end_now, [ExitCode.STOP_TIMED_OUT, "the stop takes too long"]
            )
            self._limit.daemon = True
            self._limit.start()

    def stopped(self) -> None:
        """Note that the worker has stopped in time."""
        if self._limit is not None:
            self._limit.cancel()

    async def _part(
        self, code: ExitCode, reason: str, error: BaseException | None
    ) -> None:
        try:
            if self.parting is not None:
                async with asyncio.timeout(PARTING_LIMIT):
                    await self.parting()
        except BaseException as trouble:  # noqa: BLE001 - it ends here anyway
            note(Event.WORKER_FAILED, logging.WARNING, error=type(trouble).__name__)
        end_now(code, reason, error)
