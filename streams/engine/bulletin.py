"""A small topic that every worker knows as a whole.

Stages read it synchronously; on Kafka a follower keeps it up to date, offline
whoever replays applies the records himself.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from streams.core.instant import Instant


class Bulletin:
    """The newest value of each key of a topic, in memory."""

    def __init__(
        self,
        topic: str,
        *,
        max_age: timedelta | None = None,
        keep: Callable[[bytes], bool] | None = None,
    ) -> None:
        """Start empty; `topic` is the logical name.

        With `max_age`, records older than that when the worker starts need not be
        read. A value for which `keep` says no removes its key, as no value does.
        """
        self.topic = topic
        self.max_age = max_age
        self._keep = keep
        self.revision = 0
        """Grows with every applied record, so a reader sees that it must look."""
        self.reached: Instant | None = None
        """Timestamp of the newest record applied."""
        self._values: dict[bytes, bytes] = {}
        self._changed: dict[bytes, None] = {}

    def get(self, key: bytes) -> bytes | None:
        """Answer the newest value of a key."""
        return self._values.get(key)

    def values(self) -> Iterator[bytes]:
        """Go through the newest value of every key, in no order."""
        return iter(self._values.values())

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Go through all keys with their newest values, in no order."""
        return iter(self._values.items())

    def take_changed(self) -> Iterable[bytes]:
        """Take the keys whose value is another since the last call, or gone.

        For the one reader that keeps something about each of them: what he does
        then costs what has changed, and not what there is.
        """
        changed, self._changed = self._changed, {}
        return changed

    def __len__(self) -> int:
        """Answer the number of keys."""
        return len(self._values)

    def apply(self, key: bytes | None, value: bytes | None, at: Instant) -> None:
        """Take one record of the topic; no value removes the key."""
        self.revision += 1
        self.reached = at
        if key is None:
            return
        self._changed[key] = None
        if value is None or (self._keep is not None and not self._keep(value)):
            self._values.pop(key, None)
        else:
            self._values[key] = value

    def clear(self) -> None:
        """Forget everything, to be read again from the start."""
        self.revision += 1
        self._changed |= dict.fromkeys(self._values)
        self._values.clear()
