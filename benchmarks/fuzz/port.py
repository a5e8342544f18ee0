"""Bytes on the wire: to the worker's web port, and from an Alertmanager.

The port is the real worker's, served in a thread; whatever one client sends, another
one's /healthz is answered.
"""

# ruff: noqa: PLR2004 - chances are numbers

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from types import SimpleNamespace
from typing import Any

from aiohttp import ClientSession, ClientTimeout, web

from benchmarks.fuzz import examples, mutation
from benchmarks.fuzz.target import Target, hold
from streams.adapters.alertmanager import Notifier
from streams.adapters.notice import Notice
from streams.engine.config import EngineConfig
from streams.engine.worker import build
from streams.obs import health
from streams.obs.metrics import Delivery, Metrics

HOST = "127.0.0.1"
PATIENCE = 5.0
"""Seconds for an answer that must come."""
_MOMENT = 0.05
"""Seconds without a byte after which nothing more is expected."""
NAMED = b"Host: a.test\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
ASKED = b"GET /healthz HTTP/1.1\r\n" + NAMED + b"Connection: close\r\n\r\n"
_SOCKET = b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\xff"
_REQUESTS = (
    ASKED,
    b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n\r\n",
    b"GET /readyz HTTP/1.0\r\n\r\n",
    b"POST /healthz HTTP/1.1\r\n" + NAMED + b"Content-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\n" + _CHUNKED + b"\r\n5\r\nhello\r\n0\r\n\r\n",
    # Smuggling: two lengths, and a request in the body of another.
    b"POST / HTTP/1.1\r\nContent-Length: 4\r\n" + _CHUNKED + b"\r\n0\r\n\r\n" + ASKED,
    b"GET /healthz HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + _SOCKET,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    b"OPTIONS * HTTP/1.1\r\n" + NAMED + b"Expect: 100-continue\r\n\r\n",
    b"GET http://b.test:99999/healthz HTTP/1.1\r\n" + NAMED + b"\r\n",
    b"GET //../%2e%2e/%00/healthz?%ff#x HTTP/1.1\r\nHost: \xff\r\n\r\n",
    b"CONNECT b.test:443 HTTP/1.1\r\nHost: b.test\r\n\r\n\x16\x03\x01\0\0",
)
_LINES = (
    *(b"Content-Length: -1\r\n", b"Content-Length: +5\r\n", b"Content-Length: 1_0\r\n"),
    *(
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked, x\r\n",
    ),
    *(b"Transfer-Encoding : chunked\r\n", b" folded\r\n", b":\r\n", b"X\0: y\r\n"),
    *(b"Accept: " + b"a/b;q=9e9," * 300 + b"\r\n", b"Accept: \xff;q=\xff\r\n"),
    *(
        b"Range: bytes=9-1\r\n",
        b"If-Modified-Since: Mon, 99 Foo 99\r\n",
        b"Cookie: =\r\n",
    ),
    *(b"Content-Encoding: gzip\r\n", b"Connection: keep-alive, close, upgrade\r\n"),
    *(b"X: " + b"x" * 9_000 + b"\r\n", b"X: y\r\n" * 500, b"\r\n", b"\n", b"\r"),
    *(b"FFFFFFFFFFFFFFFF\r\n", b"0;" + b"x" * 9_000 + b"\r\n\r\n", b"G" * 70_000),
)
_EXPECTS_BYTES = re.compile(
    rb"^expect:[^\r\n]*[\x80-\xff]", re.IGNORECASE | re.MULTILINE
)
"""What aiohttp quotes to its sender and cannot encode (web_urldispatcher.py:334),
before any code of ours: that client alone gets a 500."""
_ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b'HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\n{"code":1',
    b"HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlater",
    b"HTTP/1.1 302 Found\r\nLocation: http://a.test/\r\nSet-Cookie: a=b\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0",
    b"HTTP/9.9 999 " + b"x" * 9_000 + b"\r\n\r\n",
)


def _lines(examples_: tuple[bytes, ...]) -> Callable[[Random], bytes]:
    """Answer a maker of messages with lines between their lines."""

    def make(chance: Random) -> bytes:
        lines = chance.choice(examples_).splitlines(keepends=True)
        for _ in range(chance.choice((0, 0, 1, 2, 5))):
            lines.insert(chance.randrange(len(lines) + 1), chance.choice(_LINES))
        raw = b"".join(lines) * chance.choice((1, 1, 2, 40))
        if chance.random() < 0.3:
            raw = mutation.garbled(chance, raw, examples_)
        return raw[: 1 << 18]

    return make


_asked_badly = _lines(_REQUESTS)
SAFE = (
    b"Accept: text/plain\r\n",
    b"Accept-Encoding: gzip, br;q=0.5\r\n",
    b"X-Request-Id: \xc3\xa9\r\n",
    b"Cookie: a=b; c\r\n",
    b"Range: bytes=0-9\r\n",
    b"If-None-Match: *\r\n",
    b"User-Agent: " + b"x" * 1_000 + b"\r\n",
)


def _request(chance: Random) -> bytes:
    """Answer a request; one in three is right, but for a little."""
    return asked(chance) if chance.random() < 1 / 3 else _asked_badly(chance)


def asked(chance: Random) -> bytes:
    """Answer a right request with some more headers; one in four has a byte changed."""
    page = chance.choice((b"/healthz", b"/readyz", b"/metrics"))
    query = chance.choice((b"", b"", b"?", b"?name[]=up", b"?%F0%9F%93%A7=1&a"))
    version = chance.choice((b"1.1", b"1.1", b"1.0"))
    headers = [NAMED, *chance.sample(SAFE, chance.randrange(4))]
    chance.shuffle(headers)
    if chance.random() < 0.3:
        headers = [name.lower() if chance.random() < 0.5 else name for name in headers]
    start = b"GET " + page + query + b" HTTP/" + version + b"\r\n"
    raw = bytearray(start + b"".join(headers) + b"Connection: close\r\n\r\n")
    if chance.random() < 0.25:
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return bytes(raw)


def exchanged(port: int, raw: bytes, moment: float) -> bytes:
    """Send bytes; answer what comes back until nothing does for a moment."""
    answer = bytearray()
    with socket.create_connection((HOST, port), timeout=PATIENCE) as client:
        with suppress(ConnectionError, TimeoutError):
            client.sendall(raw)
        client.settimeout(moment)
        with suppress(ConnectionError, TimeoutError):
            while piece := client.recv(1 << 16):
                answer += piece
    return bytes(answer)


@contextmanager
def serving() -> Iterator[int]:
    """Serve a worker's pages as it does; nothing connects to any Kafka."""
    metrics = Metrics()
    config = EngineConfig(bootstrap_servers=f"{HOST}:1", app_id="fuzz", web_port=1)
    worker = build(config, (), metrics)
    health.install(worker, metrics)
    pages: Any = worker.app.web
    pages.init_server()
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(pages.web_app, access_log=None)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, HOST, 0).start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield runner.addresses[0][1]
    finally:
        cleaned = asyncio.run_coroutine_threadsafe(runner.cleanup(), loop)
        cleaned.result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


@contextmanager
def _alertmanager() -> Iterator[Callable[[bytes], bool]]:
    """Answer what lets a notifier hear given bytes."""
    answer = b""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read(1 << 16)
            writer.write(answer)
            await writer.drain()
        writer.close()

    async def post(port: int) -> tuple[Delivery, int | None]:
        meter = SimpleNamespace(notifies=lambda _: None)
        url = f"http://{HOST}:{port}"
        notifier = Notifier([url], None, meter)  # type: ignore[arg-type] # not asked
        notice = Notice((("alertname", "x"),), 1, examples.NOW, None, {}, "")
        timeout = ClientTimeout(total=PATIENCE)
        async with ClientSession(timeout=timeout, trust_env=False) as session:
            return await notifier._post(session, 0, [notice])  # noqa: SLF001 - one request

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(say, HOST, 0))
    port = server.sockets[0].getsockname()[1]

    def feed(raw: bytes) -> bool:
        nonlocal answer
        answer = raw
        result, status = loop.run_until_complete(post(port))
        hold(isinstance(result, Delivery), "no result")
        hold(status is None or isinstance(status, int), "no status")
        return result is Delivery.DELIVERED

    try:
        yield feed
    finally:
        server.close()
        loop.run_until_complete(server.wait_closed())
        loop.close()


@contextmanager
def targets() -> Iterator[list[Target]]:
    """Answer the web port and the Alertmanager; both serve on loopback meanwhile."""
    with serving() as port, _alertmanager() as hear:

        def feed(raw: bytes) -> bool:
            answer = exchanged(port, raw, _MOMENT)
            hold(answer[:5] in {b"", b"HTTP/"}, "no HTTP")
            inside = b" 500 Internal" in answer and not _EXPECTS_BYTES.search(raw)
            hold(not inside, "an error inside")
            alive = exchanged(port, ASKED, PATIENCE)
            hold(alive.startswith(b"HTTP/1.1 200 "), "/healthz is not answered")
            # An HTTP/1.0 request is answered in HTTP/1.0.
            return answer[:13] in {b"HTTP/1.1 200 ", b"HTTP/1.0 200 "}

        yield [
            Target("web port", _request, feed, share=7),
            Target("Alertmanager", _lines(_ANSWERS), hear),
        ]
