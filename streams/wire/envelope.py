"""The envelope of what we publish: CloudEvents 1.0, Kafka binding, binary mode.

`ce_id` follows from key, type and revision alone, so whatever is announced again,
by a replay or by another worker, has the id that it had before.
"""

from typing import NamedTuple
from uuid import UUID, uuid5

from streams.core.instant import Instant, render
from streams.wire import contract

Headers = tuple[tuple[str, bytes], ...]

_IDS = UUID("9b0f5f0e-4f0a-5f0c-8a53-8f1f0c6b7d11")
"""Namespace of our event ids (RFC 9562 section 5.5); never changed."""


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
        return (
            ("content-type", b"application/json"),
            ("ce_specversion", b"1.0"),
            ("ce_id", event_id(self.key, self.type, self.revision).encode()),
            ("ce_source", self.source.encode()),
            ("ce_type", self.type.encode()),
            ("ce_time", render(self.at).encode()),
            ("ce_subject", self.key),
            ("ce_dataschema", contract.schema_id(self.schema).encode()),
            ("ce_revision", str(self.revision).encode()),
        )


def event_id(key: bytes, event_type: str, revision: int) -> str:
    """Answer the id of an event: UUIDv5 of its key, type and revision."""
    return str(uuid5(_IDS, f"{key.decode()}\n{event_type}\n{revision}"))
