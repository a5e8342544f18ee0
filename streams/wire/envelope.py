"""The envelope of what we publish: CloudEvents 1.0, Kafka binding, binary mode.

`ce_id` follows from key, type and revision alone, so whatever is announced again,
by a replay or by another worker, has the id that it had before.
"""

from functools import cache
from hashlib import sha1
from typing import NamedTuple
from uuid import UUID

from streams.core.instant import Instant, render
from streams.wire import contract

Headers = tuple[tuple[str, bytes], ...]

_IDS = UUID("9b0f5f0e-4f0a-5f0c-8a53-8f1f0c6b7d11")
"""Namespace of our event ids (RFC 9562 section 5.5); never changed."""
_FIXED = 0xF000 << 64 | 0xC000 << 48
_VERSION_5 = 0x5000 << 64 | 0x8000 << 48
"""The bits of a UUID that say what it is, and what they say of ours."""


class Outgoing(NamedTuple):
    """A record to be published; the first members of the engine's `Message`."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class Envelope(NamedTuple):
    """What CloudEvents wants to know about an event besides its data."""

    source: str
    """Which stage says it: a URI reference, as `/mailflag/flags`."""
    type: str
    """What happened, with its version: `mailflag.flag-set.v1`."""
    key: bytes
    """The record key; the event's subject."""
    revision: int
    """Strictly growing per key."""
    at: Instant
    schema: str
    """Event and version of the data's schema, as `flag-change.v1`."""

    def headers(self) -> Headers:
        """Answer the record headers."""
        source, kind, schema = _kind(self.source, self.type, self.schema)
        return (
            *_ALWAYS,
            ("ce_id", event_id(self.key, self.type, self.revision).encode()),
            source,
            kind,
            ("ce_time", render(self.at).encode()),
            ("ce_subject", self.key),
            schema,
            ("ce_revision", b"%d" % self.revision),
        )


_ALWAYS = (("content-type", b"application/json"), ("ce_specversion", b"1.0"))


@cache
def _kind(source: str, kind: str, schema: str) -> Headers:
    """Answer what all events of a kind say, of which there are a handful."""
    return (
        ("ce_source", source.encode()),
        ("ce_type", kind.encode()),
        ("ce_dataschema", contract.schema_id(schema).encode()),
    )


def event_id(key: bytes, event_type: str, revision: int) -> str:
    """Answer the id of an event: UUIDv5 of its key, type and revision.

    What `uuid.uuid5` answers, without the object in between: two events of each
    change carry one, and that took twice as long.
    """
    name = b"%b\n%b\n%d" % (key, event_type.encode(), revision)
    digest = sha1(_IDS.bytes + name, usedforsecurity=False).digest()
    number = int.from_bytes(digest[:16], "big") & ~_FIXED | _VERSION_5
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
