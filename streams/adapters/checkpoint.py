"""What has been put back already: a file that a second run asks before it starts.

Lines are only ever added, each when the brokers have acknowledged what it names,
so that a run that was killed has lost a moment at most. The first line says which
cluster the offsets belong to: in another one they mean other records.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple, Self

import orjson

from streams.adapters.dead_letters import Place
from streams.errors import ConfigurationError

_BEGINNING = b'{"cluster":'
_BEYOND = 1 << 63
"""Larger than any offset."""


class Stretch(NamedTuple):
    """Consecutive offsets of a partition: from `first` up to, not including, `end`."""

    topic: str
    partition: int
    first: int
    end: int


class Checkpoint:
    """Which dead letters need not be put back again."""

    def __init__(self, path: Path, cluster_id: str, topic_prefix: str) -> None:
        """Read the file, or begin a new one.

        Raises:
            ConfigurationError: it cannot be used, or belongs to other topics.
        """
        owner = {"cluster": cluster_id, "topic_prefix": topic_prefix}
        try:
            path.touch()
            self._file: IO[bytes] = path.open("r+b")
            whole = self._file.read()
            # What follows the last line break was cut off by a kill: it was not
            # promised to anybody. But first make sure that the file is one of ours.
            kept = whole.rfind(b"\n") + 1
            lines = whole[:kept].splitlines()
            if not (lines or whole.startswith(_BEGINNING[: len(whole)])):
                raise _no_line(path, 1)
            self._done = _by_partition(_stretches(path, lines, owner))
            self._file.seek(kept)
            self._file.truncate()
            if not lines:
                self._write([owner])
        except OSError as error:
            message = f"--checkpoint: {path} cannot be used: {error.strerror}"
            raise ConfigurationError(message) from error

    def __enter__(self) -> Self:
        """Answer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def __contains__(self, place: object) -> bool:
        """Say whether an earlier run has put a dead letter back."""
        if not isinstance(place, Place):
            return False
        done = self._done.get((place.topic, place.partition), [])
        position = bisect_right(done, (place.offset, _BEYOND)) - 1
        return position >= 0 and place.offset < done[position][1]

    def add(self, places: Sequence[Place]) -> None:
        """Note what the brokers have acknowledged."""
        self._write([stretch._asdict() for stretch in joined(places)])

    def _write(self, documents: Iterable[object]) -> None:
        for document in documents:
            self._file.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
        self._file.flush()


def joined(places: Iterable[Place]) -> list[Stretch]:
    """Answer places as the fewest stretches."""
    stretches: list[Stretch] = []
    for place in sorted(places):
        if stretches and place == (*stretches[-1][:2], stretches[-1].end):
            stretches[-1] = stretches[-1]._replace(end=place.offset + 1)
        else:
            stretches.append(Stretch(*place, place.offset + 1))
    return stretches


def _stretches(
    path: Path, lines: Sequence[bytes], owner: dict[str, str]
) -> Iterator[Stretch]:
    for number, line in enumerate(lines, start=1):
        try:
            document = orjson.loads(line)
            if number > 1:
                stretch = Stretch(**document)
                yield stretch._replace(first=int(stretch.first), end=int(stretch.end))
                continue
        except (ValueError, TypeError):
            raise _no_line(path, number) from None
        if document != owner:
            message = (
                f"--checkpoint: {path} belongs to another cluster or topic prefix;"
                " name another file"
            )
            raise ConfigurationError(message)


def _no_line(path: Path, number: int) -> ConfigurationError:
    return ConfigurationError(
        f"--checkpoint: {path}:{number} is no line of a checkpoint; name another file"
    )


def _by_partition(
    stretches: Iterable[Stretch],
) -> dict[tuple[str, int], list[tuple[int, int]]]:
    """Answer the stretches of each partition, sorted and not overlapping."""
    found: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for stretch in stretches:
        found[stretch.topic, stretch.partition].append((stretch.first, stretch.end))
    done: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for place, some in found.items():
        merged = done.setdefault(place, [])
        for first, end in sorted(some):
            if merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((first, end))
    return done
