"""Whatever stands in a record of an input topic: a value comes back, no exception."""

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.wire import attempt, command, contract, dsn_event
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import Topic

INPUTS = {
    Topic.SEND_ATTEMPTS: attempt.decode,
    Topic.DSN_EVENTS: dsn_event.decode,
    Topic.FLAG_COMMANDS: command.decode,
}
GOOD = {
    "id": "a-1",
    "time": "2026-03-02T08:14:07Z",
    "tenant_id": "t-42",
    "address": "karl@example.org",
    "message_id": "m-1",
    "outcome": "accepted",
    "action": "delivered",
    "reason": "other",
    "actor": "support:mmeier",
}
"""Good on every input topic."""

every_input = pytest.mark.parametrize("topic", INPUTS)


def decode(topic, **members):
    return INPUTS[topic](orjson.dumps(GOOD | members))


@every_input
def test_a_good_event_is_no_reject(topic):
    assert not isinstance(decode(topic), Reject)


@every_input
@pytest.mark.parametrize("value", [None, b""])
def test_a_record_without_a_value_is_empty(topic, value):
    assert INPUTS[topic](value).reason is RejectReason.EMPTY_VALUE


@every_input
@pytest.mark.parametrize(
    "value",
    [
        b"550 5.1.1 User unknown",
        b"{",
        b'{"id": NaN}',
        b'{"id": Infinity}',
        b'{"id": 1e999}',
        b"\xff\xfe{}",
        b'{"id": "\xc3\x28"}',
        b'{"id": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"{'id': 'a'}",
        b"[" * 2000 + b"]" * 2000,
    ],
)
def test_what_is_not_json_is_not_json(topic, value):
    assert INPUTS[topic](value).reason is RejectReason.NOT_JSON


@every_input
@pytest.mark.parametrize("value", [b"null", b"1", b'"text"', b"[]", b"true"])
def test_json_that_is_no_object_breaks_the_schema(topic, value):
    reject = INPUTS[topic](value)
    assert reject == Reject(RejectReason.SCHEMA_VIOLATION, "/: type")


@every_input
def test_deep_nesting_in_a_member_that_is_read_is_rejected(topic):
    deep = b"[" * 900 + b"]" * 900
    value = orjson.dumps(GOOD)[:-1] + b',"id":' + deep + b"}"
    assert isinstance(INPUTS[topic](value), Reject)


@every_input
def test_deep_nesting_in_an_unknown_member_is_not_looked_at(topic):
    deep = b"[" * 900 + b"]" * 900
    value = orjson.dumps(GOOD)[:-1] + b',"notes":' + deep + b"}"
    assert INPUTS[topic](value) == decode(topic)


@every_input
def test_two_megabytes_are_too_large_whatever_they_hold(topic):
    limit = contract.manifest(topic).value_max_bytes
    for value in (
        orjson.dumps(GOOD | {"notes": "x" * 2_000_000}),
        b"[" * 2_000_000,
        b"\xff" * 2_000_000,
    ):
        reject = INPUTS[topic](value)
        assert reject == Reject(RejectReason.TOO_LARGE, f"more than {limit} bytes")


@every_input
def test_the_largest_allowed_value_is_read(topic):
    limit = contract.manifest(topic).value_max_bytes
    value = orjson.dumps(GOOD)
    value = value[:-1] + b" " * (limit - len(value)) + b"}"
    assert len(value) == limit
    assert INPUTS[topic](value) == decode(topic)
    assert INPUTS[topic](value + b" ").reason is RejectReason.TOO_LARGE


@every_input
def test_of_duplicate_members_the_last_one_counts(topic):
    value = b'{"tenant_id": "t/1", ' + orjson.dumps(GOOD)[1:]
    assert INPUTS[topic](value) == decode(topic)
    value = orjson.dumps(GOOD)[:-1] + b', "tenant_id": "t/1"}'
    assert INPUTS[topic](value).reason is RejectReason.BAD_TENANT


@every_input
@pytest.mark.parametrize(
    "time",
    [
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "1970-01-01T00:00:00Z",
        "1999-12-31T23:59:59.999Z",
        "2100-01-01T00:00:00Z",
        "2026-03-02T08:14:07",
        "2026-03-02",
        "2026-02-30T08:14:07Z",
        "Mon, 2 Mar 2026 09:14:07 +0100",
        "1772439247",
        "",
        "\x00",
        "2" * 65,
    ],
)
def test_a_time_that_cannot_be_is_a_bad_time(topic, time):
    reject = decode(topic, time=time)
    assert reject.reason is RejectReason.BAD_TIME
    assert reject.detail.startswith("/time")


@every_input
@pytest.mark.parametrize(
    ("time", "milliseconds"),
    [
        ("2026-03-02T08:14:07Z", 1772439247000),
        ("2026-03-02t08:14:07z", 1772439247000),
        ("2026-03-02T09:14:07.312+01:00", 1772439247312),
        ("2026-03-02T08:14:07.312999Z", 1772439247312),
        ("2000-01-01T00:00:00Z", 946684800000),
        ("2099-12-31T23:59:59.999Z", 4102444799999),
    ],
)
def test_a_time_with_a_zone_is_read_to_the_millisecond(topic, time, milliseconds):
    assert decode(topic, time=time).at == milliseconds


@every_input
@pytest.mark.parametrize(
    "tenant", ["", "a/b", "/", "a\nb", "a\x00b", "a\x7f", "t" * 129]
)
def test_a_tenant_that_cannot_be_a_key_is_a_bad_tenant(topic, tenant):
    reject = decode(topic, tenant_id=tenant)
    assert reject.reason is RejectReason.BAD_TENANT
    assert reject.detail.startswith("/tenant_id: ")


@every_input
@pytest.mark.parametrize("member", GOOD)
@pytest.mark.parametrize("wrong", [17, 1.5, True, [], {}, ["x"], {"x": "y"}])
def test_a_member_of_a_wrong_type_breaks_the_schema(topic, member, wrong):
    if member not in contract.schema(contract.manifest(topic).schema)["properties"]:
        return
    reject = decode(topic, **{member: wrong})
    assert reject.reason is RejectReason.SCHEMA_VIOLATION
    assert reject.detail.startswith((f"/{member}: ", "/: anyOf"))


def json_values():
    return st.recursive(
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.integers(-(2**63), 2**64 - 1)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    )


@given(value=st.binary(max_size=300))
def test_any_bytes_give_a_value(value):
    for read in INPUTS.values():
        assert isinstance(read(value), Reject)


@given(data=st.data())
def test_any_json_in_any_member_gives_a_value_that_never_shows_it(data):
    topic = data.draw(st.sampled_from(list(INPUTS)))
    members = contract.schema(contract.manifest(topic).schema)["properties"]
    name = data.draw(st.sampled_from(list(members)))
    secret = "Q7-secret"
    wrong = data.draw(json_values() | st.just(secret))
    read = decode(topic, **{name: wrong})
    if isinstance(read, Reject):
        assert secret not in read.detail


@pytest.mark.parametrize(
    "headers",
    [
        [("ce_id", b"\xff"), ("ce_time", b"\xff")],
        [("ce_time", b"never")],
        [("ce_id", None), ("ce_time", None)],
        [("ce_id", b"x" * 300), ("ce_time", b"2026-03-02T08:14:07Z")],
    ],
)
@every_input
def test_headers_that_make_no_sense_are_rejected(topic, headers):
    body = {k: v for k, v in GOOD.items() if k not in {"id", "time"}}
    assert isinstance(INPUTS[topic](orjson.dumps(body), headers), Reject)


@pytest.mark.parametrize("data", [None, [], "text", 17, {}])
@every_input
def test_a_structured_event_without_an_event_is_rejected(topic, data):
    envelope = {"specversion": "1.0", "id": "a", "time": GOOD["time"], "data": data}
    reject = INPUTS[topic](orjson.dumps(envelope))
    assert reject.reason is RejectReason.SCHEMA_VIOLATION


@every_input
def test_an_events_own_id_and_time_go_before_those_of_its_envelope(topic):
    headers = [("ce_id", b"other"), ("ce_time", b"2001-01-01T00:00:00Z")]
    assert INPUTS[topic](orjson.dumps(GOOD), headers) == decode(topic)
    envelope = {
        "specversion": "1.0",
        "id": "other",
        "time": "2001-01-01T00:00:00Z",
        "data": GOOD,
    }
    assert INPUTS[topic](orjson.dumps(envelope)) == decode(topic)


def raw(message):
    body = {k: v for k, v in GOOD.items() if k != "action"}
    return dsn_event.decode(orjson.dumps(body | {"raw": message}))


def test_a_raw_report_of_one_mebibyte_is_read_also_with_line_breaks():
    message = bytes(range(256)) * 4096
    for text in (base64.b64encode(message), base64.encodebytes(message)):
        assert raw(text.decode()).raw == message


def test_a_raw_report_beyond_one_mebibyte_is_too_large():
    message = b"x" * ((1 << 20) + 1)
    reject = raw(base64.b64encode(message).decode())
    assert reject.reason is RejectReason.TOO_LARGE
    assert reject.detail.startswith("/raw")


@pytest.mark.parametrize(
    "text", ["ä", "====", "abc", "From: x@example.net", "QUJD\x00"]
)
def test_a_raw_report_that_is_not_base64_breaks_the_schema(text):
    reject = raw(text)
    assert reject == Reject(RejectReason.SCHEMA_VIOLATION, "/raw: contentEncoding")
