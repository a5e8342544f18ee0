"""Our own topics: what is read there is what was written, or a reject."""

# ruff: noqa: PLR2004 - chances are numbers

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import orjson

from benchmarks.fuzz import events, examples, mutation
from benchmarks.fuzz.target import Target, fair, hold
from streams.adapters import notice
from streams.core.evidence import Attempt
from streams.core.instant import Instant
from streams.wire import activity, alert, dead_letter, digest, evidence, flag
from streams.wire.dead_letter import DeadLetter
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import Topic


class Codec(NamedTuple):
    """How records of one kind are read and written."""

    schema: str
    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]


CODECS = (
    Codec("evidence", evidence.decode, evidence.encode),
    Codec("flag", flag.decode_flag, flag.encode_flag),
    Codec("flag-change", flag.decode_change, flag.encode_change),
    Codec("tenant-activity", activity.decode, activity.encode),
    Codec("spike-digest", digest.decode, digest.encode),
)


def through(codec: Codec) -> Callable[[bytes], bool]:
    """Answer what reads, writes and reads again."""

    def feed(raw: bytes) -> bool:
        read = codec.decode(raw)
        if isinstance(read, Reject):
            fair(read)
            return False
        again = codec.decode(codec.encode(read))
        hold(again == read, "read again it is something else")
        if isinstance(read, Attempt):
            hold(isinstance(read.at, int), "an instant that is no number")
        return True

    return feed


def _alert(raw: bytes) -> bool:
    """Read an alert, and say it as Alertmanager wants to have it."""
    read = alert.decode(raw)
    if isinstance(read, Reject):
        fair(read)
        return False
    told = notice.notice(read, "https://grafana.example.org/d/x")
    for now in (Instant(0), examples.NOW):
        hold(orjson.dumps(notice.payload(told, now)), "nothing to post")
    return True


def _letter(raw: bytes) -> bool:
    """Read a dead letter, and write it again."""
    record = events.unframed(raw)
    letter = dead_letter.read(record)
    if isinstance(letter, Reject):
        fair(letter)
        return False
    hold(isinstance(letter, DeadLetter), "neither a letter nor a reject")
    hold(letter.value == record.value, "a letter is not what was sent")
    hold(letter.topic.dead_letters.endswith(".dlq"), "a letter of no topic")
    return True


class _From(NamedTuple):
    topic: str = Topic.SEND_ATTEMPTS
    partition: int = 3


def _letters(chance: Random) -> bytes:
    value = chance.choice(examples.events("send-attempt"))
    reject = Reject(chance.choice(list(RejectReason)), "/time")
    record = events.Arrived(b"k", value, [("ce_id", b"a-1")])
    made = dead_letter.build(_From(), record, reject, examples.NOW)
    headers = [n.encode() + b"\x1f" + v for n, v in made.headers]
    whole = b"\x1e".join([value, *headers])
    return mutation.garbled(chance, whole, [whole]) if chance.random() < 0.9 else whole


def targets() -> list[Target]:
    """Answer the kinds of records that only we write."""
    found = [
        Target(
            f"{codec.schema} record",
            mutation.documents(examples.events(codec.schema)),
            through(codec),
            share=5,
        )
        for codec in CODECS
    ]
    alerts = mutation.documents(examples.events("alert"))
    return [
        *found,
        Target("alert record", alerts, _alert, share=5),
        Target("dead letter", _letters, _letter, share=4),
    ]
