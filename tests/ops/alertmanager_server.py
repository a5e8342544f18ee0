"""An Alertmanager of our own, with the routes that are published."""

import asyncio
import shutil
import subprocess
import tempfile
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web
from kafka_broker import free_port

CONFIG = Path(__file__).parents[2] / "grafana" / "alertmanager" / "alertmanager.yml"
PROGRAM = "prometheus-alertmanager"
START_LIMIT = 30.0
GROUP_WAIT, GROUP_INTERVAL = "1s", "1s"
"""Shorter than published, so that a test need not wait."""


class Pager:
    """Takes the notifications of every receiver."""

    def __init__(self):
        self.notes = []
        """Receiver, status, and key of each alert that somebody was told of."""
        self._runner = None
        self.port = 0

    async def start(self):
        app = web.Application()
        app.router.add_post("/{receiver}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self):
        await self._runner.cleanup()

    def told(self, receiver):
        """Answer status and key of what one receiver was told."""
        return [(status, key) for name, status, key in self.notes if name == receiver]

    async def _take(self, request):
        for one in (await request.json())["alerts"]:
            note = (request.match_info["receiver"], one["status"], one["labels"]["key"])
            self.notes.append(note)
        return web.Response()


class AlertmanagerServer:
    """One process without peers; it can be stopped and started again."""

    def __init__(self, pager_port=None):
        """Send notifications to a pager, or to nobody, as published."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = Path(tempfile.mkdtemp(prefix="mailflag-alertmanager-"))
        config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
        config["route"] |= {"group_wait": GROUP_WAIT, "group_interval": GROUP_INTERVAL}
        for receiver in config["receivers"] if pager_port else ():
            url = f"http://127.0.0.1:{pager_port}/{receiver['name']}"
            if receiver["name"] != "nobody":
                receiver["webhook_configs"] = [{"url": url, "send_resolved": True}]
        (self.folder / "config.yml").write_text(yaml.safe_dump(config), "utf-8")
        self._process = None

    async def start(self):
        """Start the process and wait until it answers."""
        self._spawn()
        async with asyncio.timeout(START_LIMIT):
            while not await self._ready():  # noqa: ASYNC110 - a process tells nobody
                await asyncio.sleep(0.05)

    def _spawn(self):
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    PROGRAM,
                    f"--config.file={self.folder / 'config.yml'}",
                    f"--storage.path={self.folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--cluster.listen-address=",
                    "--log.level=debug",
                ],
                stdout=log,
                stderr=log,
            )

    async def _ready(self):
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{self.url}/-/ready") as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def stop(self):
        self._process.terminate()
        self._process.wait(20)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def alerts(self):
        """Answer what is firing there, by key."""
        return {one["labels"]["key"]: one for one in await self.every_alert()}

    async def every_alert(self):
        """Answer all that is firing there."""
        return await self._ask("GET", "alerts")

    async def post(self, alerts):
        """Post alerts by hand; answer the status."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/api/v2/alerts", json=alerts) as answer,
        ):
            return answer.status

    async def silence(self, silence):
        await self._ask("POST", "silences", json=silence)

    async def _ask(self, method, path, **more):
        url = f"{self.url}/api/v2/{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, **more) as answer,
        ):
            answer.raise_for_status()
            return await answer.json()
