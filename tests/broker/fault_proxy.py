"""A proxy between workers and broker that delays, loses and cuts by kind of request.

The broker's second listener advertises the proxy's port, so everything a client
does through it goes through here.
"""

import asyncio
import contextlib
import random
import struct
import threading
from collections import Counter

PRODUCE, METADATA = 0, 3
INIT_PRODUCER_ID, ADD_PARTITIONS, END_TXN = 22, 24, 26
OFFSET_COMMIT, OFFSET_FETCH = 8, 9
FETCH, JOIN_GROUP, HEARTBEAT, SYNC_GROUP = 1, 11, 12, 14
NAMES = {
    PRODUCE: "Produce",
    FETCH: "Fetch",
    METADATA: "Metadata",
    OFFSET_COMMIT: "OffsetCommit",
    OFFSET_FETCH: "OffsetFetch",
    JOIN_GROUP: "JoinGroup",
    HEARTBEAT: "Heartbeat",
    SYNC_GROUP: "SyncGroup",
    INIT_PRODUCER_ID: "InitProducerId",
    ADD_PARTITIONS: "AddPartitionsToTxn",
    END_TXN: "EndTxn",
}
"""Names of the kinds in the protocol."""
TRANSACTIONS = (INIT_PRODUCER_ID, ADD_PARTITIONS, END_TXN)


class FaultProxy:
    """Listens on one loopback port and forwards to another.

    `delay`: seconds before a request of that API key is forwarded. `lose`: share
    of requests that are forwarded, but whose answer never comes and whose
    connection is cut. `cut`: share of requests that are not forwarded either.
    """

    def __init__(self, port: int, target: int, *, seed: int = 5) -> None:
        self.delay: dict[int, float] = {}
        self.lose: dict[int, float] = {}
        self.cut: dict[int, float] = {}
        self.done: Counter = Counter()
        self._port = port
        self._target = target
        self._random = random.Random(seed)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10), f"the proxy cannot listen on {self._port}"
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(5)

    def calm(self) -> None:
        """Forward everything faithfully."""
        self.delay, self.lose, self.cut = {}, {}, {}

    def _run(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._ready.set()
        await self._stopping.wait()
        server.close()

    async def _serve(self, client, to_client) -> None:
        try:
            broker, to_broker = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            to_client.close()
            return
        lost = asyncio.Event()
        ways = [
            asyncio.ensure_future(self._requests(client, to_broker, lost)),
            asyncio.ensure_future(self._answers(broker, to_client, lost)),
        ]
        with contextlib.suppress(asyncio.CancelledError):  # the proxy is closing
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for writer in (to_client, to_broker):
            with contextlib.suppress(OSError):
                writer.close()

    async def _requests(self, client, to_broker, lost) -> None:
        while True:
            head = await client.readexactly(4)
            body = await client.readexactly(struct.unpack(">i", head)[0])
            kind = struct.unpack(">h", body[:2])[0]
            if kind in self.delay:
                self.done["delay", kind] += 1
                await asyncio.sleep(self.delay[kind] * self._random.uniform(0.5, 1.5))
            if self._random.random() < self.cut.get(kind, 0):
                self.done["cut", kind] += 1
                return
            losing = self._random.random() < self.lose.get(kind, 0)
            if losing:
                lost.set()
                self.done["lose", kind] += 1
            to_broker.write(head + body)
            await to_broker.drain()
            if losing:
                await asyncio.sleep(0.3)
                return

    async def _answers(self, broker, to_client, lost) -> None:
        while data := await broker.read(1 << 16):
            if not lost.is_set():
                to_client.write(data)
                await to_client.drain()
