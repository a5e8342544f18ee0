"""What workers say of themselves while they run, and may not live to say at the end."""

import threading
from collections import Counter

from mail_deployment import Deployment

EVERY = 1.0
"""Seconds between two looks."""
ABORTED = "mailflag_transactions_aborted_total"


class WorkerWitness:
    """Reads a counter of all workers again and again: at least so much was counted."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._seen: dict[int, dict[str, float]] = {}
        """Newest values by process and labels."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        for worker in self._deployment.running:
            if said := worker.metric(ABORTED):
                self._seen[worker.process.pid] = said

    @property
    def aborted(self) -> dict[str, int]:
        """Answer how many transactions were given up, by reason."""
        reasons: Counter[str] = Counter()
        for said in list(self._seen.values()):
            for labels, count in said.items():
                reasons[labels.partition('reason="')[2].partition('"')[0]] += int(count)
        return {reason: n for reason, n in sorted(reasons.items()) if n}

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self.look()
