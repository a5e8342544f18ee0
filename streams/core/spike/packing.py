"""Numbers and names to bytes and back, small numbers in few bytes.

A snapshot is one run of these; who reads must ask in the order of who wrote. What was
never written by a packer is an exception of `DAMAGED`, at no great cost.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

_DOUBLE = struct.Struct("<d")
_MORE = 0x80
_BITS = 7
_LOW = _MORE - 1

_LONGEST_NUMBER = 70
"""Bits; the greatest that is written has 64."""
_MOST = 32 << 20
"""Bytes of a snapshot unpacked; packed it fits a record."""

DAMAGED = (ValueError, LookupError, OverflowError, struct.error, zlib.error)
"""What reading raises when nobody can have written what is read."""

_WIDTHS = "bhiq"
"""Of a column, in `struct`'s letters: 1, 2, 4 or 8 bytes a number."""

T = TypeVar("T")


class Packer:
    """Writes."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        """Start empty."""
        self._bytes = bytearray()

    def done(self) -> bytes:
        """Answer what was written."""
        return bytes(self._bytes)

    def natural(self, number: int) -> None:
        """Write a number that is not negative: 7 bits a byte, low ones first."""
        while number > _LOW:
            self._bytes.append(number & _LOW | _MORE)
            number >>= _BITS
        self._bytes.append(number)

    def naturals(self, numbers: Iterable[int]) -> None:
        """Write several."""
        append = self._bytes.append
        for number in numbers:
            rest = number
            while rest > _LOW:
                append(rest & _LOW | _MORE)
                rest >>= _BITS
            append(rest)

    def integer(self, number: int) -> None:
        """Write any whole number: its sign in the lowest bit."""
        self.natural(number << 1 if number >= 0 else (-number << 1) - 1)

    def real(self, *numbers: float) -> None:
        """Write numbers exactly."""
        self._bytes += struct.pack(f"<{len(numbers)}d", *numbers)

    def text(self, text: str) -> None:
        """Write a text."""
        encoded = text.encode("utf-8", "surrogatepass")
        self.natural(len(encoded))
        self._bytes += encoded

    def maybe_text(self, text: str | None) -> None:
        """Write a text or its absence."""
        self.natural(text is not None)
        if text is not None:
            self.text(text)

    def maybe(self, number: int | None) -> None:
        """Write a whole number or its absence."""
        self.natural(number is not None)
        if number is not None:
            self.integer(number)

    def ascending(self, numbers: Iterable[int], unit: int) -> None:
        """Write whole multiples of a unit that grow, each as what it adds."""
        listed = [number // unit for number in numbers]
        steps = [b - a for a, b in zip([0, *listed], listed, strict=False)]
        self.natural(len(listed))
        self.naturals(map(_signed, steps))

    def column(self, numbers: Sequence[int]) -> None:
        """Write whole numbers of one kind: all as wide as the widest needs.

        A column of counts is written by one call and leaves much for compression to
        find; how many there are is not written.
        """
        for number, width in enumerate(_WIDTHS):
            try:
                column = struct.pack(f"<{len(numbers)}{width}", *numbers)
            except struct.error:  # one is too large
                continue
            self.natural(number)
            self._bytes += column
            return
        message = "a number that no column holds"
        raise ValueError(message)


class Unpacker:
    """Reads what a packer wrote."""

    __slots__ = ("_at", "_bytes")

    def __init__(self, packed: bytes) -> None:
        """Start at the first byte."""
        self._bytes = packed
        self._at = 0

    def natural(self) -> int:
        """Read a number that is not negative."""
        number = shift = 0
        while True:
            byte = self._bytes[self._at]
            self._at += 1
            number |= (byte & _LOW) << shift
            if byte < _MORE:
                return number
            shift += _BITS
            if shift > _LONGEST_NUMBER:
                message = "a number without an end"
                raise ValueError(message)

    def integer(self) -> int:
        """Read any whole number."""
        number = self.natural()
        return -((number + 1) >> 1) if number & 1 else number >> 1

    def real(self) -> float:
        """Read one number."""
        (number,) = _DOUBLE.unpack_from(self._bytes, self._at)
        self._at += _DOUBLE.size
        return float(number)

    def text(self) -> str:
        """Read a text."""
        size = self.natural()
        self._at += size
        if self._at > len(self._bytes):
            message = "a text without an end"
            raise ValueError(message)
        return self._bytes[self._at - size : self._at].decode("utf-8", "surrogatepass")

    def maybe_text(self) -> str | None:
        """Read a text or its absence."""
        return self.text() if self.natural() else None

    def maybe(self) -> int | None:
        """Read a whole number or its absence."""
        return self.integer() if self.natural() else None

    def column(self, count: int) -> tuple[int, ...]:
        """Read so many whole numbers of one kind."""
        form = f"<{count}{_WIDTHS[self.natural()]}"
        numbers = struct.unpack_from(form, self._bytes, self._at)
        self._at += struct.calcsize(form)
        return numbers

    def times(self) -> range:
        """Read how often something follows."""
        return range(self.natural())

    def ascending(self, unit: int) -> Iterator[int]:
        """Read numbers that grow."""
        last = 0
        numbers = []
        for _ in self.times():
            last += self.integer()
            numbers.append(last * unit)
        return iter(numbers)


def _signed(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


class Names:
    """A table of names, so that each is written once."""

    __slots__ = ("_index", "names")

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Take the names, in the order in which they are numbered."""
        self.names: list[str] = []
        self._index: dict[str, int] = {}
        for name in names:
            self.number(name)

    def number(self, name: str) -> int:
        """Answer the number of a name; a new one gets the next."""
        number = self._index.get(name)
        if number is None:
            number = self._index[name] = len(self.names)
            self.names.append(name)
        return number


def packed(*parts: Packer) -> bytes:
    """Answer what packers have written, as one snapshot."""
    return zlib.compress(b"".join(part.done() for part in parts))


def unpacked(snapshot: bytes) -> Unpacker:
    """Answer a reader of a snapshot.

    Raises:
        ValueError: it is larger than any that we write, or cut off.
        zlib.error: it is no snapshot.
    """
    stream = zlib.decompressobj()
    plain = stream.decompress(snapshot, _MOST)
    if not stream.eof:
        message = "a snapshot without an end"
        raise ValueError(message)
    return Unpacker(plain)
