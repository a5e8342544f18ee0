"""The fuse: too many rejected records in a partition stop the worker.

A few bad records are bad data and go to the dead-letter topic. Most of them bad
is a bad deployment, ours or the producer's, and turning the whole stream into
dead letters would hide it.
"""

from collections import deque

from streams.errors import MailflagError

WINDOW = 1000
"""Records of a partition over which the share is taken."""


class FuseBlown(MailflagError):
    """Too many records of one partition were rejected."""


class Fuse:
    """Watches one partition of one input topic."""

    def __init__(self, where: str, *, share: float, run: int) -> None:
        """Take the limits; a share of 1 or a run of 0 switches that one off."""
        self._where = where
        self._share = share
        self._longest = run
        self._run = 0
        self._rejected = 0
        self._stretches: deque[tuple[int, bool]] = deque()
        self._seen = 0

    @property
    def charge(self) -> float:
        """How near it is: 0 without rejects, 1 when it blows."""
        run = self._run / self._longest if self._longest else 0.0
        share = self._rejected / WINDOW / self._share if self._share < 1 else 0.0
        return min(1.0, max(run, share))

    def accepted(self, records: int) -> None:
        """Note records that could be used."""
        if records:
            self._run = 0
            self._note(records, rejected=False)

    def rejected(self, reason: str) -> None:
        """Note a rejected record.

        Raises:
            FuseBlown: there have been too many.
        """
        self._run += 1
        self._note(1, rejected=True)
        if self._longest and self._run >= self._longest:
            self._blow(f"{self._run} records in a row were rejected", reason)
        full = self._seen >= WINDOW
        if self._share < 1 and full and self._rejected > self._share * self._seen:
            part = f"{self._rejected} of the last {self._seen} records were rejected"
            self._blow(part, reason)

    def _note(self, records: int, *, rejected: bool) -> None:
        self._stretches.append((records, rejected))
        self._seen += records
        self._rejected += records * rejected
        while self._seen - self._stretches[0][0] >= WINDOW:
            gone, was_rejected = self._stretches.popleft()
            self._seen -= gone
            self._rejected -= gone * was_rejected

    def _blow(self, what: str, reason: str) -> None:
        message = (
            f"{self._where}: {what}, the last as {reason}. This looks like a bad"
            " deployment, not bad data: look at the producer and at `mailflag dlq"
            " show`, then start again; MAILFLAG_DEAD_LETTER_SHARE and"
            " MAILFLAG_DEAD_LETTER_RUN set the limits"
        )
        raise FuseBlown(message)
