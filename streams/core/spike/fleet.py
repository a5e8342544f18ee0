"""Which hosts of ours a fault goes through, and which get mail through meanwhile.

One of a pool may be broken, or all of it: that is where on-call looks first. Sums
and maxima, so that no order matters while at most `KEPT` hosts fail and `DELIVERING`
get mail through; of more, the least telling go.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.core.activity import RELAY, Hop

KEPT = 10
"""Failing hosts of an incident that have counts of their own."""
DELIVERING = 24
"""Hosts of a tenant of which the newest mail that got through is remembered."""
_MINOR = 10
"""A host with a tenth of the failures of the worst one may fail by chance."""
_OTHERS = ""
"""Stands for hosts without counts of their own, and for those that nobody named."""


class Hosts(NamedTuple):
    """What is told of the hosts of an incident."""

    failing: tuple[tuple[str, int], ...] = ()
    """Host and failed mails, the most first."""
    traced: int = 0
    """Failed mails that these were counted of."""
    delivering: tuple[str, ...] = ()
    """Hosts that get mail through at the same place, by name."""
    incidents: int = 1
    """So many incidents are told of, which are one fault."""


UNKNOWN = Hosts()


class Through:
    """What failed through one host."""

    __slots__ = ("by_session", "trials")

    def __init__(self) -> None:
        """Start with nothing."""
        self.trials: dict[int, int] = {}
        """Bucket in which the mail was tried -> failed trials."""
        self.by_session = False
        """It speaks to servers itself; else only its reports are known."""

    def add(self, other: "Through") -> None:
        """Add what failed through the same host elsewhere."""
        for bucket, trials in other.trials.items():
            self.trials[bucket] = self.trials.get(bucket, 0) + trials
        self.by_session |= other.by_session


class Fleet:
    """What failed of one hypothesis, by host of ours."""

    __slots__ = ("by_host",)

    def __init__(self) -> None:
        """Start without failures."""
        self.by_host: dict[str, Through] = {}

    def fail(self, host: str, bucket: int, trials: int, *, by_session: bool) -> None:
        """Count failed trials; an empty name is a host that nobody named."""
        through = self.by_host.get(host)
        if through is None:
            through = self.by_host[host] = Through()
        through.trials[bucket] = through.trials.get(bucket, 0) + trials
        through.by_session |= by_session

    def add(self, other: "Fleet") -> None:
        """Add what failed of another hypothesis."""
        for host, through in other.by_host.items():
            self.by_host.setdefault(host, Through()).add(through)
        self.thin()

    def copy(self) -> "Fleet":
        """Answer another that counts the same so far."""
        made = Fleet()
        made.add(self)
        return made

    def forget(self, start: int) -> None:
        """Drop what failed before `start`."""
        for host, through in list(self.by_host.items()):
            kept = {b: n for b, n in through.trials.items() if b >= start}
            if kept:
                through.trials = kept
            else:
                del self.by_host[host]

    def move(self, moved: Mapping[int, int], *, settled: bool) -> None:
        """Follow buckets that were joined.

        Args:
            moved: where each bucket that is still kept now stands.
            settled: nothing is forgotten any more, so that sums will do.
        """
        for host, through in list(self.by_host.items()):
            old, through.trials = through.trials, {}
            newest = max(old)
            for bucket, trials in old.items():
                to = newest if settled else moved.get(bucket)
                if to is not None:
                    through.trials[to] = through.trials.get(to, 0) + trials
            if not through.trials:
                del self.by_host[host]

    def thin(self) -> None:
        """Keep counts of the hosts that fail most."""
        if len(self.by_host) <= KEPT:
            return
        surplus = self._ranked()[KEPT:]
        for host, _ in surplus:
            others = self.by_host.setdefault(_OTHERS, Through())
            others.add(self.by_host.pop(host))

    def told(self, delivered: Mapping[str, int]) -> Hosts:
        """Answer which hosts fail, and which deliver.

        Args:
            delivered: host -> newest minute of mail that it got through at the
                same place since the fault began.
        """
        ranked = self._ranked()
        traced = sum(sum(t.trials.values()) for t in self.by_host.values())
        if not ranked or not self.by_host[ranked[0][0]].by_session:
            return Hosts(tuple(ranked), traced)
        failing, worst = dict(ranked), ranked[0][1]
        delivering = [
            host
            for host, minute in delivered.items()
            if host not in failing
            or (
                _MINOR * failing[host] <= worst
                and minute >= max(self.by_host[host].trials)
            )
        ]
        return Hosts(tuple(ranked), traced, tuple(sorted(delivering)))

    def _ranked(self) -> list[tuple[str, int]]:
        counts = [
            (host, sum(through.trials.values()))
            for host, through in self.by_host.items()
            if host != _OTHERS
        ]
        return sorted(counts, key=lambda pair: (-pair[1], pair[0]))


class Deliveries:
    """When each host of a tenant last got mail through, and where."""

    __slots__ = ("newest",)

    def __init__(self) -> None:
        """Start with none known."""
        self.newest: dict[str, dict[str, int]] = {}
        """Host -> place -> newest minute."""

    def hear(self, delivered: Mapping[str, Mapping[str, int]]) -> None:
        """Take in what a batch saw."""
        for host, places in delivered.items():
            known = self.newest.setdefault(host, {})
            for place, minute in places.items():
                known[place] = max(minute, known.get(place, minute))
            if not known:
                del self.newest[host]
        if len(self.newest) > DELIVERING:
            last = sorted((max(p.values()), host) for host, p in self.newest.items())
            for _, host in last[:-DELIVERING]:
                del self.newest[host]

    def forget(self, start: int) -> None:
        """Drop what is older than `start`."""
        for host, places in list(self.newest.items()):
            kept = {
                place: minute for place, minute in places.items() if minute >= start
            }
            if kept:
                self.newest[host] = kept
            else:
                del self.newest[host]

    def since(self, start: int, hop: Hop, provider: str | None) -> dict[str, int]:
        """Answer the newest minute of each host that got mail through after `start`.

        What a relay of ours took has not arrived yet, and what one provider takes
        another may refuse.
        """
        found = {}
        for host, places in self.newest.items():
            minutes = [
                minute
                for place, minute in places.items()
                if hop is Hop.SUBMISSION
                or (place != RELAY if provider is None else place == provider)
            ]
            newest = max(minutes, default=start)
            if newest > start:
                found[host] = newest
        return found


def joint(parts: Iterable[Hosts]) -> Hosts:
    """Answer what is told of the hosts of several incidents that are one fault."""
    failing: Counter[str] = Counter()
    delivering: set[str] = set()
    broken: set[str] = set()
    traced = known = 0
    for part in parts:
        known += bool(part.failing)
        names = dict(part.failing)
        failing.update(names)
        delivering |= set(part.delivering)
        broken |= names.keys() - set(part.delivering)
        traced += part.traced
    ranked = sorted(failing.items(), key=lambda pair: (-pair[1], pair[0]))
    told = tuple(ranked[:KEPT]), traced, tuple(sorted(delivering - broken))
    return Hosts(*told, incidents=known)
