"""Bytes, texts and JSON changed by chance, from what is real to what never was."""

# ruff: noqa: PLR2004 - chances are numbers

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import orjson

LONGEST = 1 << 20

BYTES = (
    *(b"\0", b"\xff\xfe", b"\x80", b"\r\n\r\n", b"\n", b"\x1b[31m", b"\xe2\x80\xa8"),
    *(b'"', b"\\", b"\\u0000", b"\\ud800", b"{", b"[", b"]", b"}", b",", b":", b"null"),
    *(b"1e999", b"-0", b"NaN", b"9" * 400, b"[" * 300, b'{"a":' * 200, b" " * 300),
    *(b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xef\xbb\xbf", b"%n%s"),
)
TEXTS = (
    *("", " ", "\0", "\n", "\u2028", "\u202e", "\ufeff", "\U000e0001", "a" * 300),
    *("\U0001f4e7" * 200, "x" * 9_000, "\u0130", "\xdf", "\ufb03", "I\u0307" * 100),
    *(
        "karl@example.org",
        "<karl@example.org>",
        "rfc822;karl@example.org",
        "a@b@c.test",
    ),
    *('"a b"@example.org', "@a.test:b@example.org", "karl@[192.0.2.1]", "karl@", "@"),
    *(
        "karl@xn--nxasmq6b.example",
        "karl@b\xfccher.example",
        "utf-8;a\\x{110000}@x.test",
    ),
    *("2026-03-02T08:14:07Z", "2026-03-02T08:14:07", "9999-12-31T23:59:59-23:59", "1"),
    *("0001-01-01T00:00:00+23:59", "2026-W10-1T08:14:07Z", "20260302T081407Z"),
    *("2026-03-02T24:00:00Z", "2026-03-02T08:14:07.123456789Z", "2026-03-02T08:14:60Z"),
    *(
        "t/42",
        "t-42",
        "../..",
        "550 5.1.1 User unknown",
        "5.1.1",
        "9.9.9",
        "=?utf-8?q?",
    ),
    *("<id@example.org>", "<<>>", "t-42/karl@example.org/m-1", "t+2F42/+40/+00+ZZ"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 599, 600, 2**31, 2**32, 2**53, 2**63 - 1),
    *(-(2**63), 2**64 - 1, 0.5, -0.0, 1e300, 1e-300, [], {}, [[]], [None], {"": None}),
    *TEXTS,
)


def garbled(chance: Random, raw: bytes, others: Sequence[bytes]) -> bytes:
    """Answer bytes with a few places changed."""
    found = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(found) + 1)
        to = min(len(found), at + chance.choice((1, 1, 4, 10, 100, 2000)))
        match chance.randrange(9):
            case 0:
                del found[at:to]
            case 1:
                found[at:to] = found[at:to] * chance.choice((2, 10, 200))
            case 2 | 3:
                found[at:at] = chance.choice(BYTES)
            case 4:
                other = chance.choice(others)
                found[at:to] = other[chance.randrange(len(other) + 1) :][:2000]
            case 5:
                found[at:to] = chance.randbytes(to - at)
            case 6 if at < to:
                found[at] ^= 1 << chance.randrange(8)
            case 7:
                del found[at:]
            case _:
                found[at:to] = bytes(found[at:to]).swapcase()
        del found[LONGEST:]
    return bytes(found)


def written(chance: Random, parts: Sequence[str]) -> str:
    """Answer a text of pieces of texts."""
    pieces = []
    for _ in range(chance.choice((1, 2, 5))):
        text = chance.choice(TEXTS if chance.random() < 0.2 else parts)
        start = chance.randrange(len(text) + 1) if chance.random() < 0.5 else 0
        pieces.append(text[start:] * chance.choice((1, 1, 1, 2, 300)))
    return chance.choice(("", " ", "\n", "-")).join(pieces)[:20_000]


_Document = dict[str, Any] | list[Any]


def _places(document: _Document) -> list[tuple[Any, Any]]:
    """Answer every place of a document, as its container and key."""
    found: list[tuple[Any, Any]] = []
    left: list[Any] = [document]
    while left:
        container = left.pop()
        keys = container if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], dict | list):
                left.append(container[key])
    return found


def document(chance: Random, example: bytes, others: Sequence[bytes]) -> bytes:
    """Answer a JSON document with some members changed, and seldom broken bytes."""
    found: _Document = orjson.loads(example)
    for _ in range(chance.choice((0, 0, 1, 1, 1, 2, 5))):
        places = _places(found)
        if places:
            container, key = chance.choice(places)
            _change(chance, container, key, others)
    try:
        raw = orjson.dumps(found)
    except (TypeError, ValueError):  # an integer that has grown too large, or nesting
        raw = example
    return garbled(chance, raw, others) if chance.random() < 0.15 else raw


def _change(
    chance: Random,
    container: Any,  # noqa: ANN401 - an object or an array
    key: Any,  # noqa: ANN401 - its name or number
    others: Sequence[bytes],
) -> None:
    """Change one place of a document."""
    value = container[key]
    match chance.randrange(8), value:
        case 0, _:
            del container[key]
        case 1, _:
            container[key] = chance.choice(VALUES)
        case 2, str():
            container[key] = chance.choice(TEXTS)
        case 3, str():
            container[key] = written(chance, [value])
        case 4, int():
            container[key] += chance.choice((-1, 1, 1000, 10**9))
        case 5, list():
            container[key] = value * chance.choice((0, 2, 20))
        case 6, _ if isinstance(container, dict):
            container[chance.choice(TEXTS)] = chance.choice(VALUES)
        case 7, _:
            other, place = chance.choice(_places(orjson.loads(chance.choice(others))))
            container[key] = other[place]
        case _:
            container[key] = {"data": value, "specversion": "1.0"}


def documents(examples: Sequence[bytes]) -> Callable[[Random], bytes]:
    """Answer a maker of documents like these."""

    def make(chance: Random) -> bytes:
        return document(chance, chance.choice(examples), examples)

    return make


def bytes_like(examples: Sequence[bytes]) -> Callable[[Random], bytes]:
    """Answer a maker of bytes like these."""

    def make(chance: Random) -> bytes:
        return garbled(chance, chance.choice(examples), examples)

    return make


def texts_like(parts: Sequence[str]) -> Callable[[Random], bytes]:
    """Answer a maker of texts of such parts, in UTF-8."""

    def make(chance: Random) -> bytes:
        return written(chance, parts).encode(errors="surrogatepass")

    return make
