"""Flags, dead letters and a clean environment for the tests of the commands."""

import os
from typing import NamedTuple

import pytest

from streams.adapters.dead_letters import find
from streams.adapters.kafka_reader import KafkaRecord
from streams.core.failure import FailureClass, Phase, Side
from streams.core.flag import EvidenceSource, Flag, FlagEvidence
from streams.core.instant import parse
from streams.settings import PREFIX
from streams.wire import dead_letter
from streams.wire.reject import Reject, RejectReason

NOW = parse("2025-11-25T12:00:00Z")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture
def seen():
    """The moment of looking."""
    return NOW


@pytest.fixture
def evidence():
    return FlagEvidence(
        message_id="m-7@shop.example",
        at=parse("2025-11-24T12:00:00Z"),
        source=EvidenceSource.SESSION,
        phase=Phase.RCPT,
        peer="mx1.example.com",
        code=550,
        enhanced="5.1.1",
        text="No such user here",
        rule="mailbox.unknown",
    )


@pytest.fixture
def flag(evidence):
    return Flag(
        tenant_id="t-42",
        address="ada@example.com",
        customer_id="K-17",
        since=parse("2025-11-23T12:00:00Z"),
        updated_at=parse("2025-11-24T12:00:00Z"),
        revision=7,
        failure_class=FailureClass.BAD_MAILBOX,
        side=Side.RECIPIENT,
        summary="There is no such mailbox.",
        where_to_check="The address, as the customer wrote it.",
        what_to_do="Ask the customer for another address.",
        suppress_recommended=True,
        persistent=False,
        consecutive_failures=2,
        first_failure_at=parse("2025-11-23T12:00:00Z"),
        last_failure_at=parse("2025-11-24T12:00:00Z"),
        evidence=(evidence,),
        incident=None,
    )


class Read(NamedTuple):
    """A record of an input topic."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    offset: int


class Source(NamedTuple):
    """The partition that it was read from."""

    topic: str
    partition: int


@pytest.fixture
def dead():
    """Make a dead letter as it is found on its topic."""

    def make(  # noqa: PLR0913  # a dead letter has so many parts
        value=b'{"address": 7}',
        *,
        key=b"k",
        headers=(),
        reason=RejectReason.SCHEMA_VIOLATION,
        topic="mail.send-attempts.v1",
        offset=11,
        at=NOW - 60_000,
        place=(0, 5),
        prefix="",
    ):
        reject = Reject(reason, "/address: type")
        read = Read(key, value, headers, offset)
        letter = dead_letter.build(Source(topic, 3), read, reject, at)
        record = KafkaRecord(
            prefix + letter.topic, *place, at, letter.key, letter.value, letter.headers
        )
        return find(record, lambda name: name.removeprefix(prefix))

    return make
