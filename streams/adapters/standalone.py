"""The notifier as a process of its own: it follows the topic, sends, shows its pages.

It belongs to no group and writes nothing, so any number may run, beside workers
that do the same or not.
"""

import asyncio
import signal

from streams.adapters.alert_feed import AlertFeed
from streams.adapters.alertmanager import Notifier
from streams.engine.config import EngineConfig
from streams.engine.ending import Ending
from streams.engine.follower import Follower
from streams.engine.preflight import check_topics, check_web_address
from streams.obs.metrics import Metrics
from streams.obs.pages import serving


class Standalone:
    """One process that keeps Alertmanagers fed."""

    def __init__(
        self,
        config: EngineConfig,
        feed: AlertFeed,
        notifier: Notifier,
        metrics: Metrics,
    ) -> None:
        """Take the parts; nothing is connected before it runs."""
        self._config = config
        self._feed = feed
        self._notifier = notifier
        self._metrics = metrics

    def run(self) -> None:
        """Send until SIGTERM or SIGINT.

        Raises:
            ConfigurationError: the web address or the topic cannot be used.
            Unavailable: no broker answers.
        """
        check_web_address(self._config)
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await check_topics(self._config, (), (self._feed,))
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        follower = Follower(self._config, self._feed, Ending())
        ways = [
            asyncio.create_task(self._follow(follower)),
            asyncio.create_task(self._notifier.run(lambda: follower.informed)),
        ]
        stop = asyncio.create_task(stopped.wait())
        async with serving(self._config, self._metrics, lambda: _missing(follower)):
            await asyncio.wait([stop, *ways], return_when=asyncio.FIRST_COMPLETED)
        await follower.stop()
        for way in [stop, *ways]:
            way.cancel()
        ended = await asyncio.gather(*ways, return_exceptions=True)
        for one in ended:
            if isinstance(one, Exception):
                raise one

    @staticmethod
    async def _follow(follower: Follower) -> None:
        """Follow for as long as the process runs."""
        await follower.ready()
        await asyncio.Event().wait()


def _missing(follower: Follower) -> list[str]:
    return [] if follower.informed else ["informed"]
