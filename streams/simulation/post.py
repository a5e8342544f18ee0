"""How events reach mailflag: late, twice, out of order, with wrong clocks."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any, NamedTuple

from streams.core.instant import Instant, parse, render
from streams.simulation.traffic import MONDAY, STRUCK, Event


class Held(NamedTuple):
    """Events of a span that come only after its end, as from a stuck partition."""

    start: float
    end: float
    share: float
    spread: float = 600.0
    """Seconds in which they then come."""
    kind: str | None = None
    """Only `send-attempt` or `dsn`."""


class Struck(NamedTuple):
    """A failure by a fault."""

    arrival: float
    tenant_id: str
    customer: str


@dataclass
class Post:
    """Delivers events; arrival is never before the event."""

    rng: Random
    latency: float = 1.5
    late_share: float = 0.01
    late_by: float = 60.0
    twice: float = 0.001
    """Share of events that come again within a minute."""
    copies: int = 1
    """How often again."""
    skews: dict[str, float] = field(default_factory=dict)
    """Sending host -> by how many seconds its clock is ahead."""
    held: tuple[Held, ...] = ()
    struck: list[Struck] = field(default_factory=list)
    """Failures by a fault, as they were delivered: for whoever judges."""
    _waiting: list[tuple[float, int, dict[str, Any]]] = field(default_factory=list)
    _number: Iterator[int] = field(default_factory=count)

    def take(self, event: Event) -> None:
        """Accept one event for delivery."""
        rng = self.rng
        arrival = event.at + rng.expovariate(1 / self.latency)
        if rng.random() < self.late_share:
            arrival += rng.expovariate(1 / self.late_by)
        for held in self.held:
            ours = held.kind in {None, event.body["type"]}
            stuck = ours and held.start <= event.at < held.end
            if stuck and rng.random() < held.share:
                arrival = held.end + rng.uniform(0, held.spread)
        body = event.body
        skew = self.skews.get(body.get("helo", ""))
        if skew:
            body["time"] = _shifted(body["time"], skew)
        self._put(arrival, body)
        if rng.random() < self.twice:
            for _ in range(self.copies):
                self._put(arrival + rng.uniform(0.5, 60), copy.deepcopy(body))

    def again(self, body: dict[str, Any], arrival: float) -> None:
        """Deliver an event once more, as it was."""
        self._put(arrival, copy.deepcopy(body))

    def due(self, until: float) -> Iterator[dict[str, Any]]:
        """Hand out what has arrived before `until`, in order of arrival."""
        while self._waiting and self._waiting[0][0] < until:
            arrival, _, body = heappop(self._waiting)
            if body.get(STRUCK):
                customer = body.get("customer_id") or body["original_recipient"]
                self.struck.append(Struck(arrival, body["tenant_id"], customer))
            arrived_at = render(Instant(MONDAY + int(arrival * 1000)))
            sent = {name: said for name, said in body.items() if name != STRUCK}
            yield {**sent, "arrived_at": arrived_at}

    def _put(self, arrival: float, body: dict[str, Any]) -> None:
        heappush(self._waiting, (arrival, next(self._number), body))


def _shifted(time: str, seconds: float) -> str:
    at = parse(time)
    return time if at is None else render(Instant(at + int(seconds * 1000)))
