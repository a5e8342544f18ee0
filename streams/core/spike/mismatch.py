"""Servers whose failures are untrue: the mail that they refused arrived.

One contradiction happens; a pattern, several customers within a week, is a
server whose administrator has to be told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from streams.core.activity import Contradiction
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.sample import Sample
from streams.core.spike import calibration as cal
from streams.core.spike.evidence import SHOWN, TEXT
from streams.core.spike.incident import Turn, alert_key


@dataclass(slots=True)
class Liar:
    """One server that contradicts what happens to one tenant's mail."""

    server: str
    customers: dict[int, Instant] = field(default_factory=dict)
    """Customer -> when its contradiction was last heard of."""
    classes: dict[FailureClass, int] = field(default_factory=dict)
    """What the server said, how often."""
    samples: tuple[Sample, ...] = ()
    since: Instant = Instant(0)  # noqa: RUF009  # a number with a name
    opened_at: Instant | None = None
    told_at: Instant = Instant(0)  # noqa: RUF009  # the same

    @property
    def last_seen_at(self) -> Instant:
        """Answer when it was last contradicted."""
        return max(self.customers.values(), default=self.since)

    @property
    def cause(self) -> FailureClass:
        """Answer what the server says most."""
        return min(self.classes, key=lambda c: (-self.classes[c], c))


class Mismatch(NamedTuple):
    """A finding about a server, and what became of it."""

    turn: Turn
    tenant_id: str
    liar: Liar
    resolved_at: Instant | None

    @property
    def key(self) -> str:
        """Identity, the same after every restart."""
        opened_at = self.liar.opened_at or Instant(0)
        owner = f"{self.tenant_id}/{self.liar.server}"
        return alert_key(owner, self.liar.since, opened_at)


class Liars:
    """The servers that contradict one tenant."""

    __slots__ = ("by_server",)

    def __init__(self, liars: Iterable[Liar] = ()) -> None:
        """Start from a snapshot's, or from none."""
        self.by_server = {liar.server: liar for liar in liars}

    def hear(
        self,
        tenant_id: str,
        contradicted: Mapping[tuple[str, int], Contradiction],
        now: Instant,
    ) -> list[Mismatch]:
        """Count a batch's contradictions; answer what has become a pattern."""
        heard = {}
        for (server, customer), told in contradicted.items():
            if not server:
                continue  # nobody to tell
            liar = self._liar(server)
            if liar is None:
                continue
            if len(liar.customers) < cal.LIED_TO_KEPT or customer in liar.customers:
                liar.customers[customer] = now
            liar.classes[told.failure_class] = (
                liar.classes.get(told.failure_class, 0) + 1
            )
            if liar.opened_at is None:  # later on it is a part of what it is known by
                liar.since = min(liar.since or told.at, told.at)
            liar.samples = (*liar.samples[1 - SHOWN :], _sample(told, server))
            heard[server] = liar
        told_of = (self._tell(tenant_id, liar, now) for liar in heard.values())
        return [mismatch for mismatch in told_of if mismatch is not None]

    def forget(self, tenant_id: str, now: Instant) -> list[Mismatch]:
        """Drop what is older than a week; answer which patterns are over."""
        over = []
        for server, liar in list(self.by_server.items()):
            if now - liar.last_seen_at < cal.LIE_MEMORY:
                continue
            del self.by_server[server]
            if liar.opened_at is not None:
                over.append(Mismatch(Turn.RESOLVED, tenant_id, liar, now))
        return over

    def due_at(self) -> Instant | None:
        """Say when a pattern may be over."""
        due = [
            liar.last_seen_at + cal.LIE_MEMORY
            for liar in self.by_server.values()
            if liar.opened_at is not None
        ]
        return Instant(min(due)) if due else None

    def _liar(self, server: str) -> Liar | None:
        """Answer a server's record; the least suspicious one makes room."""
        liar = self.by_server.get(server)
        if liar is not None:
            return liar
        if len(self.by_server) >= cal.LIARS_KEPT:
            idle = [one for one in self.by_server.values() if one.opened_at is None]
            if not idle:
                return None
            least = min(idle, key=lambda o: (len(o.customers), o.last_seen_at))
            del self.by_server[least.server]
        liar = self.by_server[server] = Liar(server)
        return liar

    @staticmethod
    def _tell(tenant_id: str, liar: Liar, now: Instant) -> Mismatch | None:
        lately = [at for at in liar.customers.values() if now - at < cal.LIE_MEMORY]
        if liar.opened_at is None:
            if len(lately) < cal.LIED_TO:
                return None
            liar.opened_at = now
            turn = Turn.OPENED
        elif now - liar.told_at < cal.TELL_EVERY:
            return None
        else:
            turn = Turn.CHANGED
        liar.told_at = now
        copy = replace(liar, customers=dict(liar.customers), classes=dict(liar.classes))
        return Mismatch(turn, tenant_id, copy, None)


def _sample(told: Contradiction, server: str) -> Sample:
    return Sample(
        told.at, told.code, told.enhanced, told.text[:TEXT], server, None, None
    )
