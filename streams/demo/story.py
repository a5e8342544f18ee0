"""What came of the day, folded from what subscribers of the topics are told.

Pure: records in, counts and examples out. The examples are those rows of the
product's promise that a person wants to see with the server's own words.
"""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from streams.core.failure import Side
from streams.core.spike.alert import Severity
from streams.wire.topic import INPUTS, Topic

Document = dict[str, Any]

_NEWEST = 40
_DEAD_LETTERS = frozenset(topic.dead_letters for topic in INPUTS)
_REASON = "dlq-reason"
_ORIGIN = ("dlq-topic", "dlq-partition", "dlq-offset")


class Group(NamedTuple):
    """Flags of one tenant that were set for one cause."""

    tenant_id: str
    failure_class: str
    side: str


class Story:
    """Counts and examples of a run."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.changes: Counter[str] = Counter()
        """flag-set, flag-updated, flag-cleared."""
        self.cleared_by: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        """Dead letters by reason."""
        self.alerts: list[Document] = []
        """As they came: opened, updated, resolved."""
        self.newest: deque[Document] = deque(maxlen=_NEWEST)
        """Changes, the newest first."""
        self.flags: dict[bytes, Document] = {}
        """The compacted topic as a subscriber holds it."""
        self._groups: dict[Group, dict[str, Document]] = {}
        self._origins: set[tuple[bytes | None, ...]] = set()
        self._mismatches: list[Document] = []
        self._recovered: list[Document] = []

    def observe(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
    ) -> None:
        """Take in one record of an output topic, by its logical name."""
        if topic in _DEAD_LETTERS:
            self._dead_letter(dict(headers))
        elif topic == Topic.FLAGS and key is not None:
            if value is None:
                self.flags.pop(key, None)
            else:
                self.flags[key] = orjson.loads(value)
        elif topic == Topic.FLAG_CHANGES and value is not None:
            self._change(orjson.loads(value))
        elif topic == Topic.ALERTS and value is not None:
            self.alerts.append(orjson.loads(value))

    def _dead_letter(self, headers: dict[str, bytes | None]) -> None:
        """Count a rejected record once, however often ingest has read it."""
        origin = tuple(headers.get(name) for name in _ORIGIN)
        if origin not in self._origins:
            self._origins.add(origin)
            self.rejected[(headers.get(_REASON) or b"unknown").decode()] += 1

    def _change(self, change: Document) -> None:
        kind, flag = change["type"], change["flag"]
        self.changes[kind] += 1
        self.newest.appendleft(change)
        if kind == "flag-cleared":
            self.cleared_by[change["cleared_by"]] += 1
            if change["cleared_by"] == "response_mismatch":
                self._mismatches.append(change)
            elif change["cleared_by"] == "accepted":
                self._recovered.append(change)
        elif kind == "flag-set":
            group = Group(flag["tenant_id"], flag["class"], flag["side"])
            self._groups.setdefault(group, {}).setdefault(flag["address"], flag)

    @property
    def standing(self) -> Counter[str]:
        """Flags that stand, by side."""
        sides = Counter({side.value: 0 for side in Side})
        sides.update(flag["side"] for flag in self.flags.values())
        return sides

    @property
    def suppressed(self) -> int:
        """Flags that recommend to stop writing."""
        return sum(bool(f["suppress_recommended"]) for f in self.flags.values())

    def open_alerts(self) -> list[Document]:
        """Answer the newest word about each alert that is not resolved."""
        by_key = {alert["key"]: alert for alert in self.alerts}
        return [a for a in by_key.values() if a["type"] != "alert-resolved"]

    def widest(self, side: Side) -> tuple[Group, list[Document]] | None:
        """Answer the cause of a side that hit most customers of one tenant."""
        found = [(g, list(f.values())) for g, f in self._groups.items()]
        of_side = [(group, flags) for group, flags in found if group.side == side]
        return max(of_side, key=lambda each: len(each[1]), default=None)

    def contradictions(self) -> list[Document]:
        """Answer the clears that proved a server wrong."""
        return self._mismatches

    def recovery(self) -> Document | None:
        """Answer the clear of a customer who was alone with a passing problem."""

        def alone(change: Document) -> int:
            flag = change["flag"]
            group = Group(flag["tenant_id"], flag["class"], flag["side"])
            return len(self._groups.get(group, ()))

        passing = [c for c in self._recovered if c["flag"]["side"] == Side.TRANSIENT]
        return min(passing or self._recovered, key=alone, default=None)

    def persistence(self) -> Document | None:
        """Answer the standing flag with the longest row of failures in it."""
        lasting = [
            flag
            for flag in self.flags.values()
            if flag["persistent"] and flag["suppress_recommended"]
        ]
        return max(lasting, key=_span, default=None)

    def told_alerts(self) -> Iterator[Document]:
        """Answer each alert once, with what was said last."""
        yield from {alert["key"]: alert for alert in self.alerts}.values()


def _span(flag: Document) -> tuple[int, str]:
    """Order flags by failures, then by how long ago the first was."""
    since = flag["first_failure_at"]
    return flag["consecutive_failures"], "".join(chr(0x7F - ord(c)) for c in since)


URGENCY = {
    Severity.CRITICAL: "Page",
    Severity.WARNING: "Warning",
    Severity.INFO: "Part of another",
}


def told(alert: Document) -> str:
    """Answer what an alert says, and first whether anybody is woken for it."""
    urgency = URGENCY[Severity(alert["severity"])]
    return f"{urgency}: {alert.get('summary') or alert['kind']}"


def words(flag: Document) -> str:
    """Answer what the server said, newest evidence first."""
    for piece in flag["evidence"]:
        text = piece.get("text") or ""
        if not text:
            continue
        codes = [str(piece[name]) for name in ("code", "enhanced") if piece.get(name)]
        missing = [code for code in codes if code not in text.split()[:2]]
        return " ".join([*missing, *text.split()])
    return "nothing"


def peer(flag: Document) -> str:
    """Answer who said it."""
    return next((p["peer"] for p in flag["evidence"] if p.get("peer")), "the network")
