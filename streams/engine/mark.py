"""How far a table on disk follows its changelog, and when that is not believed.

A mark names one record of the log. If the log holds that very record, all that the
table holds comes from this log, and all that it lacks comes after the record.
"""

from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

import orjson

from streams.core.instant import Instant
from streams.engine.stage import Record

FORMAT = 1
"""Of what lies on disk; a table of another one is made anew."""
BELIEVED_FOR = 12 * 3_600_000
"""Milliseconds for which a table that nobody wrote can be brought up to date.

A key that was deleted in the meantime is in the changelog, as a record without a
value, for a day at least (`delete.retention.ms`); without that the table would keep
it for ever. Half of it, because two clocks are compared.
"""


class Distrust(StrEnum):
    """Why a table on disk is made anew."""

    UNFINISHED = "unfinished"
    """It was not read to a known record, or another version of mailflag wrote it."""
    AGE = "age"
    """It was away for longer than deletions are kept in the log."""
    AHEAD = "ahead"
    """The log ends before what the table ended with."""
    COMPACTED = "compacted"
    """The log does not hold the record any more that the table ended with."""
    ANOTHER_LOG = "another_log"
    """Another record stands there: the topic was made anew, or lost records."""

    @property
    def ordinary(self) -> bool:
        """Say whether this happens to a table that was elsewhere for a while."""
        return self in {Distrust.AGE, Distrust.COMPACTED}


class Mark(NamedTuple):
    """How far a table follows its changelog."""

    offset: int
    """Of the last record in it."""
    digest: str
    """Of that record, to know the log by."""
    since: Instant
    """All deletions after it were in the log when the table was last up to date."""
    position: int | None
    """In the input."""
    keys: int | None
    """How many there are; None while the log is being read from its beginning."""

    def encode(self) -> bytes:
        """Write it; `decode` reads it back."""
        return orjson.dumps([FORMAT, *self])

    def doubt(self, first: int, end: int, now: Instant) -> Distrust | None:
        """Say why a table is of no use for a log of first to end; None: it may be."""
        if not 0 <= now - self.since <= BELIEVED_FOR:
            return Distrust.AGE
        if self.offset >= end:
            return Distrust.AHEAD
        return Distrust.COMPACTED if self.offset <= first else None

    def refute(self, record: Record | None) -> Distrust | None:
        """Say why the log is not the table's, by what stands at the mark; or None."""
        if record is None or record.offset != self.offset:
            return Distrust.COMPACTED
        return None if digest(record) == self.digest else Distrust.ANOTHER_LOG


def decode(value: bytes | None) -> Mark | None:
    """Read a mark; None when there is none that this version wrote."""
    version, *fields = orjson.loads(value) if value else (None,)
    return Mark(*fields) if version == FORMAT else None


def digest(record: Record) -> str:
    """Answer what tells a record from any other at the same offset."""
    told = blake2b(record.key or b"", digest_size=16)
    told.update(b"\0%d\0" % record.timestamp)
    told.update(record.value or b"")
    return told.hexdigest()
