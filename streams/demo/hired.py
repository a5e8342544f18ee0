"""The worker that the demo hires: a process of its own, stopped by its pid."""

import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Self

from streams.errors import MailflagError
from streams.settings import Settings

_STOP = 30.0
"""Seconds that a worker may take to finish (`mailflag worker --help`)."""
_SHOWN = 15
"""Lines of the log that are shown when something fails."""


class WorkerFailed(MailflagError):
    """The worker ended, or does nothing; with the last it said."""


class HiredWorker:
    """`mailflag worker`, as anybody would start it."""

    def __init__(self, settings: Settings, *, embedded: bool) -> None:
        """Prepare; an embedded Kafka cannot say how its topics are set up.

        A worker of the embedded Kafka inherits no variable, so that no setting
        meant for another deployment reaches it.
        """
        self._command = [
            *(sys.executable, "-m", "streams.cli.main", "worker"),
            *("--bootstrap-servers", settings.bootstrap_servers),
            *("--topic-prefix", settings.topic_prefix),
            *("--app-id", settings.app_id),
            *("--web-port", "0", "--log-format", "console"),
            *("--follow-records", "--no-check-topics"),
            *(["--no-check-crcs"] if embedded else []),
        ]
        self._environment = {"PYTHONUTF8": "1"} if embedded else None

    def __enter__(self) -> Self:
        """Start it."""
        self._log: IO[bytes] = TemporaryFile()
        self._process = subprocess.Popen(  # noqa: S603  # our own command
            self._command,
            env=self._environment,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the demo, which then stops the worker.
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it: politely, and after half a minute not."""
        self._process.terminate()
        try:
            self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # Also after a second Ctrl-C.
            self._process.kill()
            self._process.wait()
            self._log.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def check(self) -> None:
        """Raise `WorkerFailed` when it has ended by itself."""
        code = self._process.poll()
        if code is not None:
            what = f"the worker ended with exit code {code}"
            raise self.failure(what)

    def failure(self, what: str) -> WorkerFailed:
        """Answer an exception that says `what`, and what the worker said last."""
        said = "".join(f"\n    {line}" for line in self.last_lines())
        return WorkerFailed(f"{what}; the last it said:{said or ' nothing'}")

    def last_lines(self) -> Sequence[str]:
        """Answer the end of its log."""
        self._log.seek(0)
        lines = deque((line.rstrip() for line in self._log), _SHOWN)
        return [line.decode(errors="replace") for line in lines]
