"""What was fetched, within bounds: no producer can exhaust or stop a reader.

`max.message.bytes` limits a batch as it was sent. How much it inflates to is limited
by nobody: 33 kB of zstd can be a gigabyte, which Kafka stores and aiokafka would put
into memory at once. And Kafka does not look into the names of headers, which aiokafka
reads as UTF-8 or not at all. So one record would end every worker that meets it.
"""

import zlib
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any, NamedTuple, TypeAlias

import cramjam
from aiokafka import codec
from aiokafka.record import default_records, legacy_records, memory_records
from aiokafka.record.default_records import _DefaultRecordBatchPy

_Untyped: TypeAlias = Any

INFLATED_LIMIT = 64 << 20
"""Bytes of a batch after unpacking: sixty times what a producer sends by default."""
SHOWN = 4 << 20
"""So much of a larger batch is handed out, in one record: more than any value of ours
may have, so that it is rejected for its size."""

_FIRST_GUESS = 1 << 16
_USUAL_RATIO = 8
_LENGTH = Struct(">i")
_LENGTH_AT = 8
_LOG_OVERHEAD = 12
"""Base offset and length come before what the length counts."""
_XERIAL_HEADER = 16


class Inflated(Exception):
    """A batch unpacks to more than the limit; holds its beginning."""

    def __init__(self, beginning: bytes) -> None:
        """Keep what may be shown of it."""
        super().__init__(f"a batch unpacks to more than {INFLATED_LIMIT} bytes")
        self.beginning = beginning


class StandIn(NamedTuple):
    """One record in the place of a batch that cannot be unpacked."""

    offset: int
    timestamp: int
    value: bytes
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_type: int = 0
    checksum: None = None


class Fetched:
    """Records of one partition as aiokafka's `MemoryRecords` has them, bounded."""

    def __init__(self, data: bytes) -> None:
        """Take the bytes of a fetch; nothing is unpacked yet."""
        self._data = memoryview(data)
        self._at = 0
        self._records = memory_records.MemoryRecords(data)
        self.stand_in = False
        """Whether a record stands in for what cannot be unpacked; else it raises."""

    def has_next(self) -> bool:
        """Say whether there is another whole batch."""
        return bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        """Answer how much was fetched."""
        return int(self._records.size_in_bytes())

    def next_batch(self) -> "FetchedBatch":
        """Answer the next batch."""
        (length,) = _LENGTH.unpack_from(self._data, self._at + _LENGTH_AT)
        end = self._at + _LOG_OVERHEAD + length
        raw, self._at = self._data[self._at : end], end
        return FetchedBatch(self._records.next_batch(), raw, stand_in=self.stand_in)


class FetchedBatch:
    """A batch; its records are aiokafka's own wherever it can read them."""

    __slots__ = ("_batch", "_raw", "_stand_in")

    def __init__(self, batch: _Untyped, raw: memoryview, *, stand_in: bool) -> None:
        """Take aiokafka's batch and the bytes that it was read from."""
        self._batch = batch
        self._raw = raw
        self._stand_in = stand_in

    def __getattr__(self, name: str) -> _Untyped:
        """Answer what aiokafka's batch says."""
        return getattr(self._batch, name)

    def __next__(self) -> _Untyped:
        """Answer the next record; only control batches are read like this."""
        return next(self._batch)

    def __iter__(self) -> Iterator[_Untyped]:
        """Go through the records.

        A batch with the name of a header that is not UTF-8 begins anew when that is
        found; the reader passes over the offsets that it has had.
        """
        try:
            yield from self._batch
        except UnicodeDecodeError:
            yield from _AnyNames(self._raw)
        except Inflated as inflated:
            if not self._stand_in:
                raise
            batch = self._batch
            yield StandIn(batch.base_offset, batch.max_timestamp, inflated.beginning)


class _AnyNames(_DefaultRecordBatchPy):  # type: ignore[misc] # final, and untyped
    """aiokafka's reader in Python, with names of headers that are any bytes."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _AnyText(self._buffer)


class _AnyText(bytearray):
    """Bytes whose pieces can be read as text, whatever they are."""

    def __getitem__(self, place: _Untyped) -> _Untyped:
        found = super().__getitem__(place)
        return _AnyText(found) if isinstance(place, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "") -> str:
        """Answer the text; not `surrogateescape`, which no producer could write."""
        del errors
        return super().decode(encoding, "backslashreplace")


def gunzip(data: _Untyped) -> bytes:
    """Unpack gzip within the limit."""
    found = bytearray()
    left = bytes(data)
    while left and len(found) <= INFLATED_LIMIT:  # several members are one content
        stream = zlib.decompressobj(wbits=31)
        found += stream.decompress(left, INFLATED_LIMIT + 1 - len(found))
        if not stream.eof and len(found) <= INFLATED_LIMIT:
            message = "a batch ends in the middle"
            raise EOFError(message)
        left = stream.unused_data
    if len(found) > INFLATED_LIMIT:
        raise Inflated(bytes(found[:SHOWN]))
    return bytes(found)


def _unpacking(unpack_into: Callable[..., int]) -> Callable[[_Untyped], bytearray]:
    """Answer a function that unpacks into a buffer that grows up to the limit."""

    def unpack(data: _Untyped) -> bytearray:
        size = max(_FIRST_GUESS, _USUAL_RATIO * len(data))
        while True:
            found = bytearray(min(size, INFLATED_LIMIT))
            try:
                del found[unpack_into(data, found) :]
            except cramjam.DecompressionError:
                if size >= INFLATED_LIMIT:
                    raise Inflated(bytes(found[:SHOWN])) from None
                size *= 4
            else:
                return found

    return unpack


_upstream_snappy: Callable[[bytes], bytes] = codec.snappy_decode


def _unsnap(data: _Untyped) -> bytes:
    """Unpack snappy, whose blocks say before how long they will be."""
    packed = bytes(data)
    total = 0
    if codec._detect_xerial_stream(packed):  # noqa: SLF001 - the reader's own test
        at = _XERIAL_HEADER
        while at < len(packed) and total <= INFLATED_LIMIT:
            (size,) = _LENGTH.unpack_from(packed, at)
            block = packed[at + _LENGTH.size : at + _LENGTH.size + size]
            total += cramjam.snappy.decompress_raw_len(block)
            at += _LENGTH.size + max(size, 0)
    else:
        total = cramjam.snappy.decompress_raw_len(packed)
    if total > INFLATED_LIMIT:
        raise Inflated(bytes(SHOWN))
    return _upstream_snappy(packed)


_BOUNDED = {
    "gzip_decode": gunzip,
    "lz4_decode": _unpacking(cramjam.lz4.decompress_into),
    "snappy_decode": _unsnap,
    "zstd_decode": _unpacking(cramjam.zstd.decompress_into),
}


def bound_unpacking() -> None:
    """Let every reader of batches unpack within the limit.

    They look the functions up in their own modules when they need them.
    """
    readers: list[_Untyped] = [default_records, legacy_records]
    try:
        from aiokafka.record import _crecords  # noqa: PLC0415 - not everywhere
    except ImportError:
        pass
    else:
        readers += [_crecords.default_records, _crecords.legacy_records]
    for reader in readers:
        for name, bounded in _BOUNDED.items():
            if hasattr(reader, name):
                setattr(reader, name, bounded)
