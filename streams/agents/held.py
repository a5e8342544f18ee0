"""Which flags carry the key of an incident, so that they can go with it.

A memory of what this worker has set or seen, not the truth: every key is looked at
again in the table, and what was set before a restart comes by with housekeeping.
"""

from collections.abc import Callable
from weakref import WeakKeyDictionary

from streams.core.instant import Instant
from streams.engine.stage import PartitionTable

_Keys = dict[bytes, None]


class Held:
    """Keys of flagged addresses by incident, for each table."""

    def __init__(self) -> None:
        """Start with none."""
        self._tables: WeakKeyDictionary[PartitionTable, dict[str, _Keys]] = (
            WeakKeyDictionary()
        )

    def note(self, table: PartitionTable, incident: str, key: bytes) -> None:
        """Note that the flag of a key carries an incident."""
        self._tables.setdefault(table, {}).setdefault(incident, {})[key] = None

    def take(
        self,
        table: PartitionTable,
        resolved_at: Callable[[str], Instant | None],
        limit: int,
    ) -> list[bytes]:
        """Take some keys whose incident is over, in the order they were noted."""
        incidents = self._tables.get(table, {})
        taken: list[bytes] = []
        for incident in list(incidents):
            if len(taken) >= limit:
                break
            if resolved_at(incident) is None:
                continue
            keys = incidents[incident]
            some = list(keys)[: limit - len(taken)]
            for key in some:
                del keys[key]
            if not keys:
                del incidents[incident]
            taken += some
        return taken
