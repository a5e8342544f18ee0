"""Workers as processes: started, waited for, and ended in every way there is."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import stores

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("worker_program.py")
HOLD_SHORT = signal.SIGRTMIN + 1
"""Makes a worker stay 1.5 s inside its next transaction."""
HOLD_LONG = signal.SIGRTMIN + 2
"""The same for 5 s, longer than the transaction time-out of tests."""

FAST = {
    "session_timeout": 4.0,
    "heartbeat_interval": 0.7,
    "rebalance_timeout": 8.0,
    "request_timeout": 8.0,
    "transaction_timeout": 3.0,
    "quiesce_limit": 4.0,
    "fence_grace": 4.0,
    "max_pending_records": 4000,
    "batch_max_records": 100,
    "commit_interval": 0.3,
}
"""Time-outs with which a fault shows in seconds."""


def wait_for(what: Callable[[], object], limit: float = 30.0) -> object:
    """Wait until `what` answers something true, and answer that."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    return what()


class WorkerProcess:
    """One worker; what it says is read back from a file."""

    def __init__(self, kafka: str, app: str, **told: object) -> None:
        self.told = told
        config = {"bootstrap_servers": kafka, "app_id": app, **FAST}
        config |= told.pop("config", {})
        if told.pop("store", stores.DEFAULT) == stores.ROCKSDB:
            told["tables"] = str(stores.directory(app))
        handle, name = tempfile.mkstemp(suffix=".log")
        self._out, self._log = os.fdopen(handle, "w"), Path(name)
        self._program = told.pop("program", PROGRAM)
        environment = {
            **os.environ,
            "WORKER": json.dumps({"config": config, **told}),
            "PYTHONPATH": str(CHECKOUT),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(self._program)],
            env=environment,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def text(self) -> str:
        return self._log.read_text(errors="replace")

    def said(self, what: str) -> list[dict]:
        """Answer every line of one kind."""
        found = []
        for line in self.text.splitlines():
            if line.startswith('{"what": "' + what):
                try:
                    one = json.loads(line)
                except ValueError:  # half written
                    continue
                if one["what"] == what:
                    found.append(one)
        return found

    @property
    def state(self) -> dict:
        """Answer what the worker said last about itself."""
        said = self.said("state")
        return said[-1] if said else {"ready": False, "records": 0, "tallies": {}}

    def wait_ready(self, limit: float = 30.0) -> "WorkerProcess":
        wait_for(lambda: self.state["ready"] or not self.alive, limit)
        assert self.state["ready"], self.text[-3000:]
        return self

    def wait_said(self, what: str, limit: float = 30.0) -> dict:
        wait_for(lambda: self.said(what) or not self.alive, limit)
        found = self.said(what)
        assert found, f"no {what} in {self.text[-3000:]}"
        return found[-1]

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.alive:
            self.thaw()
            self.process.kill()
        self.process.wait()

    def stop(self, limit: float = 40.0) -> int:
        """Ask it to stop and answer its exit code."""
        if self.alive:
            self.signal(signal.SIGTERM)
        return self.wait(limit)

    def wait(self, limit: float = 40.0) -> int:
        """Wait for its end and answer its exit code."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            message = f"did not end: {self.text[-3000:]}"
            raise AssertionError(message) from None

    def clean_up(self) -> None:
        self.kill()
        self._out.close()
        self._log.unlink(missing_ok=True)
