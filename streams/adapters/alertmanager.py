"""Keeps Alertmanagers fed with the open alerts, each replica on its own.

Any number of notifiers may do so at once: they say the same of the same labels. One
that is behind may say for a moment that an ended alert is firing, which is why its
end is repeated. Nothing is said at a stop, and nothing is kept.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

import aiohttp
import orjson

from streams.adapters.alert_feed import AlertFeed
from streams.adapters.notice import Notice, payload
from streams.adapters.replica import Replica
from streams.core.instant import Instant
from streams.obs.metrics import Delivery

PATH = "/api/v2/alerts"
TICK = 1.0
"""Seconds between two looks at what is due: an alert waits no longer than that."""
PATIENCE = 10.0
"""Seconds for an answer; Alertmanager needs milliseconds."""

_OK, _ELSEWHERE, _SERVER = 200, 300, 500
_LATER = frozenset({408, 425, 429})
"""Say that the request was right and the time was wrong."""
_CONTENT = frozenset({400, 413, 422})
"""Say that something in the request was wrong, so that part of it may be right."""

logger = logging.getLogger(__name__)


class Event(StrEnum):
    """Name of a log line."""

    ALERTMANAGER_TAKES = "alertmanager_takes"
    """It takes alerts: for the first time, or again."""
    ALERTMANAGER_REFUSES = "alertmanager_refuses"
    """It answers that what we send is wrong; `status` says how."""
    ALERTMANAGER_UNAVAILABLE = "alertmanager_unavailable"
    """It does not answer, or cannot now; tried again soon."""


_SAID = {
    Delivery.DELIVERED: (Event.ALERTMANAGER_TAKES, logging.INFO),
    Delivery.REFUSED: (Event.ALERTMANAGER_REFUSES, logging.ERROR),
    Delivery.UNAVAILABLE: (Event.ALERTMANAGER_UNAVAILABLE, logging.WARNING),
}


class Meter(Protocol):
    """Who counts the requests."""

    def notifies(self, replicas: int) -> None:
        """Note to how many Alertmanagers alerts are sent."""

    def notified(self, replica: int, result: Delivery) -> None:
        """Count a request to one of them."""


def wall() -> Instant:
    """Answer the time of day: what Alertmanager compares ends with."""
    return Instant(time.time_ns() // 1_000_000)


class Notifier:
    """Sends what is due to every Alertmanager."""

    def __init__(
        self,
        urls: Sequence[str],
        feed: AlertFeed,
        meter: Meter,
        *,
        clock: Callable[[], Instant] = wall,
    ) -> None:
        """Take where the Alertmanagers are; nothing is connected yet."""
        self._endpoints = [url.rstrip("/") + PATH for url in urls]
        self._feed = feed
        self._meter = meter
        self._clock = clock
        self._last: dict[int, tuple[Delivery, int | None]] = {}
        meter.notifies(len(urls))

    async def run(self, informed: Callable[[], bool]) -> None:
        """Send until cancelled, as soon as the topic was read to its end once."""
        # Of its own: the environment's proxies are for somebody else.
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            asyncio.TaskGroup() as group,
        ):
            for number in range(len(self._endpoints)):
                group.create_task(self._serve(session, number, informed))

    async def _serve(
        self,
        session: aiohttp.ClientSession,
        number: int,
        informed: Callable[[], bool],
    ) -> None:
        replica = Replica()
        while True:
            if informed():
                await self._send(session, number, replica)
            await asyncio.sleep(TICK)

    async def _send(
        self, session: aiohttp.ClientSession, number: int, replica: Replica
    ) -> None:
        """Make the requests that are due, up to the first that fails."""
        now = self._clock()
        for notices in replica.requests(self._feed.notices(now), now):
            result, status = await self._post(session, number, notices)
            self._meter.notified(number, result)
            self._note(number, result, status)
            answered = self._clock()
            match result:
                case Delivery.DELIVERED:
                    replica.took(notices, answered)
                case Delivery.REFUSED:
                    replica.refused(notices, answered, content=status in _CONTENT)
                case Delivery.UNAVAILABLE:
                    replica.failed(answered)
                    return

    async def _post(
        self, session: aiohttp.ClientSession, number: int, notices: Sequence[Notice]
    ) -> tuple[Delivery, int | None]:
        """Make a request; answer how it ended, and the status if there was one."""
        now = self._clock()
        body = orjson.dumps([payload(one, now) for one in notices])
        headers = {"Content-Type": "application/json"}
        try:
            # A redirect would make a GET of it.
            async with session.post(
                self._endpoints[number],
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Delivery.UNAVAILABLE, None
        if _OK <= status < _ELSEWHERE:
            return Delivery.DELIVERED, status
        if status >= _SERVER or status in _LATER:
            return Delivery.UNAVAILABLE, status
        return Delivery.REFUSED, status

    def _note(self, number: int, result: Delivery, status: int | None) -> None:
        """Log a change of the answer, once."""
        if self._last.get(number) == (result, status):
            return
        self._last[number] = result, status
        event, level = _SAID[result]
        facts = {"replica": number} | ({} if status is None else {"status": status})
        logger.log(level, event.value, extra=facts)
