"""What one Alertmanager has been told, and what to send to it now.

A pure state machine with time as an argument. Only what is true now is ever sent,
never what was to be sent before: however long an Alertmanager was away, it gets
each open alert once when it is back, and then once a minute.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.adapters.notice import Labels, Notice
from streams.core.instant import Instant

REFRESH = 60_000
"""Milliseconds after which an alert is repeated: a quarter of its life there."""
FIRST_PAUSE = 1_000
"""Milliseconds before a failed request is tried again; twice as long each time..."""
LONGEST_PAUSE = 30_000
"""...but well within an alert's life."""
BATCH = 64
"""Alerts in a request: some 200 kB, below what proxies allow."""


class _Told(NamedTuple):
    at: Instant
    revision: int
    ended_at: Instant | None


class Replica:
    """One Alertmanager, as far as we know it."""

    def __init__(self) -> None:
        """Start without knowing anything of it."""
        self._told: dict[Labels, _Told] = {}
        self._alone: set[Labels] = set()
        """Were part of a request that was refused: sent by themselves."""
        self._failures = 0
        self._retry_at = Instant(0)

    def requests(self, notices: Sequence[Notice], now: Instant) -> list[list[Notice]]:
        """Answer the requests to make now, in order."""
        known = {one.labels for one in notices}
        self._told = {k: told for k, told in self._told.items() if k in known}
        self._alone &= known
        # A clock that was set back must not make us wait for it.
        if 0 < self._retry_at - now <= LONGEST_PAUSE:
            return []
        due = [one for one in notices if self._is_due(one, now)]
        together = [one for one in due if one.labels not in self._alone]
        alone = [[one] for one in due if one.labels in self._alone]
        return [
            *(together[at : at + BATCH] for at in range(0, len(together), BATCH)),
            *alone,
        ]

    def took(self, notices: Iterable[Notice], now: Instant) -> None:
        """Note that it has taken a request."""
        self._answered(notices, now)
        self._alone -= {one.labels for one in notices}

    def refused(
        self, notices: Sequence[Notice], now: Instant, *, content: bool
    ) -> None:
        """Note that it has refused a request, for its `content` or altogether.

        A request of several is partly applied then and does not say which part, so
        each is sent again by itself. What is refused alone waits as if taken: to
        ask more often would not help, but who refused may be mended meanwhile.
        """
        if content and len(notices) > 1:
            self._failures = 0
            self._alone |= {one.labels for one in notices}
        else:
            self._answered(notices, now)

    def failed(self, now: Instant) -> None:
        """Note that it does not answer, or cannot now."""
        pause = FIRST_PAUSE << min(self._failures, 10)
        self._retry_at = Instant(now + min(pause, LONGEST_PAUSE))
        self._failures += 1

    def _answered(self, notices: Iterable[Notice], now: Instant) -> None:
        self._failures = 0
        for one in notices:
            self._told[one.labels] = _Told(now, one.revision, one.ended_at)

    def _is_due(self, one: Notice, now: Instant) -> bool:
        told = self._told.get(one.labels)
        if told is None or (told.revision, told.ended_at) != (
            one.revision,
            one.ended_at,
        ):
            return True
        return not 0 <= now - told.at < REFRESH
