"""An Alertmanager that answers as the test says, and remembers what it was told."""

import asyncio
import json

from aiohttp import web

BAD = "not-for-you"
"""The tenant whose alerts it does not like."""


class AlertmanagerDouble:
    """One replica, on a port of its own."""

    def __init__(self):
        self.answer = 200
        """Status; None: it never answers."""
        self.requests = []
        """The alerts of each request, whatever was answered."""
        self.taken = {}
        """Key -> newest alert that it has taken."""
        self._runner = None
        self.port = 0

    async def start(self):
        app = web.Application()
        app.router.add_post("/api/v2/alerts", self._post)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self):
        await self._runner.cleanup()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def _post(self, request):
        alerts = json.loads(await request.read())
        self.requests.append(alerts)
        if self.answer is None:
            await asyncio.Event().wait()
        if self.answer != 200:
            return web.Response(status=self.answer, headers={"Location": "/"})
        good = [one for one in alerts if one["labels"].get("tenant") != BAD]
        # As the real one: what is valid is taken although the answer is 400.
        for one in good:
            self.taken[one["labels"]["key"]] = one
        return web.Response(status=200 if good == alerts else 400)
