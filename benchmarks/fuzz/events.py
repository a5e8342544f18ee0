"""The input topics: a record of anybody's, through every stage of a worker.

Whatever comes in: what one stage writes the next one reads, subscribers read it by
the published schema, it fits its topic, and what is not used is kept as it was.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

import orjson

from benchmarks.fuzz import examples, mutation
from benchmarks.fuzz.target import Target, fair, hold
from streams.agents.flags import FlagsStage
from streams.agents.ingest import IngestStage
from streams.agents.rollup import RollupStage
from streams.agents.spikes import SpikesStage
from streams.core.instant import Instant
from streams.engine.stage import Batch, Message, Output, Stage
from streams.engine.table import MemoryTable, NoTable
from streams.wire import (
    activity,
    address_state,
    alert,
    attempt,
    command,
    contract,
    dead_letter,
    digest,
    dsn_event,
    evidence,
    flag,
)
from streams.wire.reject import Reject
from streams.wire.topic import Topic

_FIELD, _VALUE = b"\x1e", b"\x1f"
_LATER = Instant(examples.NOW + 40 * 86_400_000)
_NAMES = (b"ce_id", b"ce_time", b"ce_time", b"dlq-reason", b"", b"\xff\xfe", b"x" * 999)
_SAID = (b"", b"\0", b"\xff", b"2026-03-02T08:14:07Z", b"a-1", b"9" * 5_000, b"@a.test")
_DECODE = {
    Topic.SEND_ATTEMPTS: attempt.decode,
    Topic.DSN_EVENTS: dsn_event.decode,
    Topic.FLAG_COMMANDS: command.decode,
}
_READ: dict[str, Callable[[bytes], object]] = {
    Topic.EVIDENCE: evidence.decode,
    Topic.TENANT_ACTIVITY: activity.decode,
    Topic.SPIKE_DIGESTS: digest.decode,
    Topic.FLAGS: flag.decode_flag,
    Topic.FLAG_CHANGES: flag.decode_change,
    Topic.ALERTS: alert.decode,
}


class Arrived(NamedTuple):
    """A record as it was fetched."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    offset: int = 7
    timestamp: int = examples.NOW


def framed(chance: Random, value: bytes) -> bytes:
    """Answer a value and, sometimes, headers as one input."""
    headers = (
        chance.choice(_NAMES) + _VALUE + chance.choice(_SAID)
        for _ in range(chance.choice((0, 0, 0, 1, 2, 50)))
    )
    return _FIELD.join((value, *headers))


def unframed(raw: bytes) -> Arrived:
    """Answer the record that an input stands for."""
    value, *pieces = raw.split(_FIELD)
    headers = []
    for piece in pieces:
        name, _, said = piece.partition(_VALUE)
        headers.append((name.decode(errors="backslashreplace"), said))
    key = value[:40] if pieces else None
    return Arrived(key, value or None, headers)


def through(topic: Topic) -> Callable[[bytes], bool]:
    """Answer what takes a record through all stages."""

    def feed(raw: bytes) -> bool:
        record = unframed(raw)
        event = _DECODE[topic](record.value, record.headers)
        if isinstance(event, Reject):
            fair(event)
        ingest = IngestStage(examples.classifiers())
        made = ingest.process(Batch(topic, 1, [record]), NoTable(), examples.NOW)
        onward = _checked(made, record)
        if isinstance(event, Reject):
            hold(len(onward) == 1, "a rejected record has become more than a letter")
        for stage, source in (
            (FlagsStage(), Topic.EVIDENCE),
            (SpikesStage(), Topic.TENANT_ACTIVITY),
            (RollupStage(), Topic.SPIKE_DIGESTS),
        ):
            onward = _staged(stage, source, onward)
        return not isinstance(event, Reject)

    return feed


def _staged(stage: Stage, source: Topic, messages: list[Message]) -> list[Message]:
    """Take what the stage before has written; answer what this one writes."""
    table = MemoryTable(stage.due_at)
    records = [
        Arrived(m.key, m.value, m.headers, number)
        for number, m in enumerate(messages)
        if m.topic == source
    ]
    made: list[Message] = []
    if records:
        made += _checked(stage.process(Batch(source, 0, records), table, examples.NOW))
    for key, value in table.scan():
        hold(len(value) < 1 << 20, "a state too large for its changelog")
        stage.due_at(key, value)
        if isinstance(stage, FlagsStage):
            again = address_state.encode(address_state.decode(value))
            hold(again == value, "a state is not what it was")
    return made + _checked(stage.due(table, _LATER))


def _checked(output: Output, source: Arrived | None = None) -> list[Message]:
    """Answer what was written, all of which its readers must be able to read."""
    for message in output.messages:
        manifest = contract.manifest(message.topic)
        value = message.value
        hold(len(value or b"") <= manifest.value_max_bytes, "too large for its topic")
        if message.topic in _READ:
            if value is not None:
                read = _READ[message.topic](value)
                hold(not isinstance(read, Reject), f"{message.topic} cannot be read")
                hold(_follows(manifest.schema, value), f"{message.topic}: its schema")
            continue
        hold(source is not None, "a stage rejects what a stage has written")
        letter = dead_letter.read(Arrived(message.key, value, message.headers))
        hold(isinstance(letter, dead_letter.DeadLetter), "a letter of nobody")
        if source is not None and isinstance(letter, dead_letter.DeadLetter):
            fair(letter.reject)
            hold(letter.offset == source.offset, "a letter from elsewhere")
            if letter.value_bytes is None:
                kept = (letter.key, letter.value, letter.headers)
                was = (source.key, source.value, tuple(source.headers))
                hold(kept == was, "a letter is not what was sent")
    return output.messages


def _follows(schema: str | None, value: bytes) -> bool:
    return schema is None or contract.validator(schema).is_valid(orjson.loads(value))


def targets() -> list[Target]:
    """Answer the input topics, each with all that follows."""
    return [
        Target(schema, _maker(schema), through(topic), share=share)
        for schema, topic, share in (
            ("send-attempt", Topic.SEND_ATTEMPTS, 12),
            ("dsn-event", Topic.DSN_EVENTS, 8),
            ("flag-command", Topic.FLAG_COMMANDS, 4),
        )
    ]


def _maker(schema: str) -> Callable[[Random], bytes]:
    make = mutation.documents(examples.events(schema))
    return lambda chance: framed(chance, make(chance))
