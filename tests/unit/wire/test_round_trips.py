"""What we write we read back exactly, and it keeps its own schema."""

import json
import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core import instant
from streams.core.activity import (
    HOSTS,
    Activity,
    Contradiction,
    Failed,
    Hop,
    Weighed,
)
from streams.core.evidence import (
    Action,
    Attempt,
    Command,
    CommandAction,
    Failure,
    Outcome,
    Report,
)
from streams.core.failure import (
    AddressPolicy,
    Confidence,
    FailureClass,
    PeerRole,
    Phase,
    Side,
)
from streams.core.flag import (
    ChangeType,
    ClearedBy,
    EvidenceSource,
    Flag,
    FlagChange,
    FlagEvidence,
)
from streams.core.sample import Sample
from streams.wire import activity, contract, evidence, flag
from streams.wire.activity import TenantActivity
from streams.wire.reject import Reject, RejectReason


def texts(longest, shortest=0):
    anything = st.characters(exclude_categories=["Cs"])
    return st.text(anything, min_size=shortest, max_size=min(longest, 40))


INSTANTS = st.integers(946_684_800_000, 4_102_444_799_999)
TENANTS = st.from_regex(re.compile(r"[^/\x00-\x1f\x7f]{1,20}"), fullmatch=True).filter(
    lambda t: t.isprintable()
)
ADDRESSES = st.builds("{}@{}.example".format, texts(64, 1), texts(60, 1))
CODES = st.integers(200, 599)
NAMES = st.none() | texts(255)
REVISIONS = st.integers(1, 2**53 - 1)
FAILURES = st.builds(
    Failure,
    failure_class=st.sampled_from(FailureClass),
    side=st.sampled_from(Side),
    address_policy=st.sampled_from(AddressPolicy),
    confidence=st.sampled_from(Confidence),
    rule=texts(128),
    permanent=st.booleans(),
    phase=st.none() | st.sampled_from(Phase),
    peer=NAMES,
    code=st.none() | CODES,
    enhanced=st.none() | texts(32),
    text=texts(500),
)
ATTEMPTS = st.builds(
    Attempt,
    id=texts(255, 1),
    tenant_id=TENANTS,
    address=ADDRESSES,
    customer_id=NAMES,
    message_id=texts(998, 1),
    at=INSTANTS,
    arrived_at=INSTANTS,
    attempt=st.integers(1, 1_000_000),
    outcome=st.sampled_from(Outcome),
    failure=st.none() | FAILURES,
    peer_role=st.none() | st.sampled_from(PeerRole),
    provider=texts(255),
    template_id=NAMES,
    host=NAMES,
)
REPORTS = st.builds(
    Report,
    id=texts(255, 1),
    tenant_id=TENANTS,
    address=ADDRESSES,
    customer_id=NAMES,
    message_id=texts(998, 1),
    at=INSTANTS,
    arrived_at=INSTANTS,
    message_at=st.none() | INSTANTS,
    action=st.sampled_from(Action),
    failure=st.none() | FAILURES,
    reporting_mta=NAMES,
    provider=texts(255),
)
COMMANDS = st.builds(
    Command,
    id=texts(255, 1),
    tenant_id=TENANTS,
    address=ADDRESSES,
    at=INSTANTS,
    arrived_at=INSTANTS,
    action=st.sampled_from(CommandAction),
    message_id=st.none() | texts(998),
    reason=texts(64),
    note=texts(500),
    actor=texts(255),
)
FLAGS = st.builds(
    Flag,
    tenant_id=TENANTS,
    address=ADDRESSES,
    customer_id=NAMES,
    since=INSTANTS,
    updated_at=INSTANTS,
    revision=REVISIONS,
    failure_class=st.sampled_from(FailureClass),
    side=st.sampled_from(Side),
    summary=texts(500, 1),
    where_to_check=texts(500, 1),
    what_to_do=texts(500, 1),
    suppress_recommended=st.booleans(),
    persistent=st.booleans(),
    consecutive_failures=st.integers(1, 6),
    first_failure_at=INSTANTS,
    last_failure_at=INSTANTS,
    evidence=st.lists(
        st.builds(
            FlagEvidence,
            message_id=texts(998, 1),
            at=INSTANTS,
            source=st.sampled_from(EvidenceSource),
            phase=st.none() | st.sampled_from(Phase),
            peer=NAMES,
            code=st.none() | CODES,
            enhanced=st.none() | texts(32),
            text=texts(500),
            rule=texts(128),
        ),
        max_size=3,
    ).map(tuple),
    incident=NAMES,
)
SETS_AND_UPDATES = st.builds(
    FlagChange,
    type=st.sampled_from([ChangeType.SET, ChangeType.UPDATED]),
    flag=FLAGS,
    revision=REVISIONS,
    at=INSTANTS,
    cleared_by=st.none(),
    flagged_for_ms=st.none(),
    actor=st.none(),
    reason=st.none(),
    blamed=st.none(),
)
CLEARS = st.builds(
    FlagChange,
    type=st.just(ChangeType.CLEARED),
    flag=FLAGS,
    revision=REVISIONS,
    at=INSTANTS,
    cleared_by=st.sampled_from(ClearedBy),
    flagged_for_ms=st.integers(0, 2**42),
    actor=NAMES,
    reason=st.none() | texts(64),
    blamed=NAMES,
)
CLASSES = st.sampled_from(FailureClass)
HOPS = st.sampled_from(Hop)
MINUTES = INSTANTS.map(lambda at: at - at % 60_000)
CUSTOMERS = st.integers(0, 2**32 - 1)
COUNTS = st.integers(0, 10_000)
ACTIVITIES = st.builds(
    Activity,
    outcomes=COUNTS,
    lag=st.none() | COUNTS,
    passed=st.dictionaries(
        st.tuples(MINUTES, texts(255, 1)),
        st.lists(st.integers(-1000, 1000), min_size=3, max_size=3),
        max_size=4,
    ),
    failed=st.dictionaries(
        st.builds(Failed, MINUTES, HOPS, texts(255, 1), CLASSES, CUSTOMERS),
        st.builds(
            Weighed,
            st.sampled_from([0.5, 1.0]),
            COUNTS,
            COUNTS,
            host=texts(255),
        ),
        max_size=4,
    ),
    delivered=st.dictionaries(
        texts(255, 1),
        st.dictionaries(
            st.sampled_from(["google", "yahoo", "relay", "mx"]), MINUTES, min_size=1
        ),
        max_size=4,
    ),
    samples=st.dictionaries(
        st.tuples(HOPS, CLASSES, texts(255, 1)),
        st.lists(
            st.builds(
                Sample,
                at=INSTANTS,
                code=st.none() | CODES,
                enhanced=st.none() | texts(32),
                text=texts(300),
                peer=NAMES,
                host=NAMES,
                template_id=NAMES,
            ),
            min_size=1,
            max_size=3,
        ),
        max_size=3,
    ),
    contradicted=st.lists(
        st.tuples(
            CUSTOMERS,
            st.builds(
                Contradiction,
                arrived_at=INSTANTS,
                at=INSTANTS,
                customer=st.just(""),
                server=texts(255),
                failure_class=CLASSES,
                code=st.none() | CODES,
                enhanced=st.none() | texts(32),
                text=texts(300),
            ),
        ),
        max_size=3,
    ).map(lambda told: {(c.server, customer): c for customer, c in told}),
)


def follows(schema, value):
    """Validate with formats, as a strict reader of the published schema does."""
    contract.validator(schema).validate(json.loads(value))


@given(piece=ATTEMPTS | REPORTS | COMMANDS)
def test_evidence_is_read_back_as_it_was_written(piece):
    value = evidence.encode(piece)
    follows("evidence.v1", value)
    assert evidence.decode(value) == piece


@given(one=FLAGS)
def test_a_flag_is_read_back_as_it_was_written(one):
    value = flag.encode_flag(one)
    follows("flag.v1", value)
    assert flag.decode_flag(value) == one


@given(change=SETS_AND_UPDATES | CLEARS)
def test_a_change_is_read_back_as_it_was_written(change):
    value = flag.encode_change(change)
    follows("flag-change.v1", value)
    assert flag.decode_change(value) == change


@given(tenant=TENANTS, told=ACTIVITIES, partition=COUNTS, offset=COUNTS)
def test_activity_is_read_back_as_it_was_written(tenant, told, partition, offset):
    record = activity.message(tenant, told, partition, offset)
    follows("tenant-activity.v1", record.value)
    assert record.key == tenant.encode()
    assert activity.decode(record.value) == TenantActivity(
        tenant, partition, offset, told
    )


def test_only_the_first_contradictions_carry_the_servers_words():
    told = Activity()
    for customer in range(1000):
        told.contradicted["mx.example.org", customer] = Contradiction(
            1,
            1,
            "",
            "mx.example.org",
            FailureClass.UNKNOWN,
            550,
            None,
            "\U0001f4e7" * 300,
        )
    record = activity.message("t-42", told, 0, 0)
    limit = contract.manifest(record.topic).value_max_bytes
    assert len(record.value) < limit
    read = activity.decode(record.value).activity.contradicted
    assert len(read) == 1000
    assert sum(bool(c.text) for c in read.values()) == 100


def test_a_host_that_delivered_to_nobody_is_none_that_we_write():
    value = orjson.loads(activity.message("t-42", Activity(), 0, 0).value)
    at = "2026-03-02T08:14:00.000Z"
    value["delivered"] = [{"minute": at, "host": "app1.example.net", "to": []}]
    assert isinstance(activity.decode(orjson.dumps(value)), Reject)


def test_of_very_many_hosts_those_that_delivered_last_are_told():
    told = Activity()
    for number in range(500):
        host = f"h{number}.example.net"
        told.accept(number * 60_000, number * 60_000, "google", Hop.MX, host)
    told.accept(0, 0, "google", Hop.MX, "x" * 2_000)
    told.accept(500 * 60_000, 500 * 60_000, "google", Hop.MX, "y" * 2_000)
    value = activity.message("t-42", told, 0, 0).value
    follows("tenant-activity.v1", value)
    read = activity.decode(value).activity.delivered
    newest = {f"h{n}.example.net" for n in range(500 - HOSTS + 1, 500)}
    assert read.keys() == newest | {"y" * 255}


READERS = {
    "evidence": evidence.decode,
    "flag": flag.decode_flag,
    "change": flag.decode_change,
    "activity": activity.decode,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "value", [b"\xff", b"{", b"NaN", b"[" * 5000, b"null", b"[]", b"{}", b'{"a": 1}']
)
def test_what_we_cannot_have_written_is_a_reject(reader, value):
    assert isinstance(READERS[reader](value), Reject)


@given(value=st.binary(max_size=200))
def test_any_bytes_give_a_reject(value):
    for read in READERS.values():
        assert isinstance(read(value), Reject)


@given(data=st.data(), piece=ATTEMPTS | REPORTS | COMMANDS)
def test_evidence_with_a_wrong_member_gives_a_value(data, piece):
    body = json.loads(evidence.encode(piece))
    name = data.draw(st.sampled_from(list(body)))
    body[name] = data.draw(st.sampled_from([None, 7, [], {}, "x", True, [[]] * 3]))
    read = evidence.decode(orjson.dumps(body))
    assert isinstance(read, Attempt | Report | Command | Reject)


def test_evidence_of_a_class_that_only_a_newer_version_knows_keeps_its_side():
    failure = Failure(
        FailureClass.BAD_MAILBOX,
        Side.RECIPIENT,
        AddressPolicy.IMMEDIATE,
        Confidence.HIGH,
        "r",
        permanent=True,
        phase=None,
        peer=None,
        code=550,
        enhanced=None,
        text="",
    )
    piece = Attempt(
        "a", "t", "a@example.org", None, "m", 0, 0, 1, Outcome.FAILED, failure, None,
        "example.org", None, None,
    )  # fmt: skip
    newer = evidence.encode(piece).replace(b"bad_mailbox", b"gone_for_good")
    read = evidence.decode(newer)
    assert read.failure == failure._replace(failure_class=FailureClass.UNKNOWN)


def test_a_record_without_evidence_is_empty():
    assert evidence.decode(None).reason is RejectReason.EMPTY_VALUE


@given(at=st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_an_instant_is_written_as_rfc_3339_and_read_back(at):
    text = instant.render(at)
    moment = instant.to_datetime(at).isoformat(timespec="milliseconds")
    assert text == moment.replace("+00:00", "Z")
    assert instant.parse(text) == at


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "2026-03-02T08:14:07", "2026-03-02", "ß"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-00:01"),
    ],
)
def test_what_is_no_instant_is_none(text):
    assert instant.parse(text) is None
