"""Back-pressure: how many writes may wait for their commit, over all lanes."""

import asyncio


class Budget:
    """Counts pending writes; a lane that finds no room waits for others' commits.

    The limit is soft: a batch that has been processed is always accepted, and
    then its agent waits.
    """

    def __init__(self, limit: int) -> None:
        """Start with nothing pending."""
        self.pending = 0
        self._limit = limit
        self._room = asyncio.Event()
        self._room.set()

    @property
    def exhausted(self) -> bool:
        """Say whether a lane should wait before it takes more."""
        return self.pending > self._limit

    def take(self, writes: int) -> None:
        """Note writes that wait from now on."""
        self.pending += writes
        if self.pending > self._limit:
            self._room.clear()

    def give_back(self, writes: int) -> None:
        """Note that writes are durable, or given up."""
        self.pending -= writes
        if self.pending <= self._limit:
            self._room.set()

    async def room(self) -> None:
        """Wait until there is room."""
        await self._room.wait()
