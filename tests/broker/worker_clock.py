"""Clocks of workers, to be set wrong while these run."""

import os
import signal
from collections import Counter
from pathlib import Path

from mail_deployment import Deployment, MailWorker

WRAPPED = Path(__file__).with_name("jumping_clock")
CHANGED = signal.SIGRTMIN + 3


class WorkerClocks:
    """The clocks of a deployment's workers; all that start after this have one."""

    def __init__(self, deployment: Deployment) -> None:
        self.ahead: Counter[int] = Counter()
        """Milliseconds, by process id; negative: behind."""
        self._folder = deployment.folder
        paths = [str(WRAPPED), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        deployment.environment |= {
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "CLOCK_FOLDER": str(self._folder),
        }

    def set(self, worker: MailWorker, ahead: int) -> None:
        """Let a worker that was ready once be so many milliseconds ahead."""
        pid = worker.process.pid
        self.ahead[pid] = ahead
        fresh = self._folder / "clock-to-be"
        fresh.write_text(str(ahead))
        fresh.replace(self._folder / f"clock-{pid}")
        worker.signal(CHANGED)
