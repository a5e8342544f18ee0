"""What others publish becomes evidence, or a dead letter with its reason."""

import base64
from dataclasses import dataclass, field

import orjson
import pytest

from streams.agents import tally
from streams.agents.classifying import Classifiers
from streams.agents.fuse import FuseBlown
from streams.agents.ingest import IngestStage
from streams.core.evidence import Action, Attempt, Command, Outcome, Report
from streams.core.failure import AddressPolicy, FailureClass, PeerRole, Side
from streams.core.instant import Instant, parse
from streams.core.policy import PolicyBook
from streams.engine.stage import Batch
from streams.engine.table import NoTable
from streams.wire import dead_letter, evidence, policy_file, rulebook
from streams.wire.reject import Reject
from streams.wire.topic import Topic

NOW = parse("2026-11-20T12:00:00Z")


@dataclass
class Arrival:
    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    offset: int = 7
    timestamp: int = field(default=NOW)


def attempt(**members) -> dict:
    return {
        "id": "a-1",
        "time": "2026-11-20T11:59:00Z",
        "tenant_id": "t-1",
        "address": "Ada@Example.COM",
        "message_id": "<m-1@mail.example.org>",
        "outcome": "accepted",
    } | members


def dsn(**members) -> dict:
    return {
        "id": "d-1",
        "time": "2026-11-20T11:59:00Z",
        "tenant_id": "t-1",
        "address": "ada@example.com",
        "message_id": "m-1@mail.example.org",
        "action": "failed",
        "status": "5.1.1",
        "diagnostic": "smtp; 550 5.1.1 User unknown",
    } | members


def flag_command(**members) -> dict:
    return {
        "id": "c-1",
        "time": "2026-11-20T11:59:00Z",
        "tenant_id": "t-1",
        "address": "ada@example.com",
        "action": "clear",
        "reason": "customer_request",
        "actor": "support-7",
    } | members


def without(event: dict, *members: str) -> dict:
    return {k: v for k, v in event.items() if k not in members}


@pytest.fixture(scope="module")
def rules():
    return rulebook.load()


@pytest.fixture
def ingest(rules):
    return IngestStage(Classifiers(rules, PolicyBook()))


def messages(stage, topic, *records, now=NOW):
    return stage.process(Batch(topic, 3, records), NoTable(), now).messages


def one(stage, topic, event, **arrival):
    found = messages(stage, topic, Arrival(orjson.dumps(event), **arrival))
    assert len(found) == 1
    return found[0]


def made(stage, topic, event, **arrival):
    message = one(stage, topic, event, **arrival)
    assert message.topic == Topic.EVIDENCE
    piece = evidence.decode(message.value)
    assert not isinstance(piece, Reject), piece
    assert message.key == f"{piece.tenant_id}/{piece.address}".encode()
    return piece


def test_an_accepted_attempt_becomes_evidence_under_its_canonical_key(ingest):
    piece = made(ingest, Topic.SEND_ATTEMPTS, attempt())
    assert isinstance(piece, Attempt)
    assert piece.address == "ada@example.com"
    assert piece.message_id == "m-1@mail.example.org"
    assert piece.outcome is Outcome.ACCEPTED
    assert piece.failure is None


def test_a_failed_attempt_carries_its_class_and_the_servers_words(ingest):
    smtp = {
        "phase": "auth",
        "code": 535,
        "enhanced": "5.7.8",
        "text": "535 5.7.8 Authentication credentials invalid",
        "peer": "relay.example.org",
        "peer_role": "relay",
    }
    event = without(attempt(smtp=smtp), "outcome")
    piece = made(ingest, Topic.SEND_ATTEMPTS, event)
    assert piece.outcome is Outcome.FAILED
    assert piece.failure.failure_class is FailureClass.SUBMISSION_AUTH_FAILED
    assert piece.failure.side is Side.SENDER_CONFIG
    assert piece.failure.code == 535
    assert "credentials invalid" in piece.failure.text
    assert piece.peer_role is PeerRole.RELAY


def test_an_attempt_without_a_reply_is_deferred_and_its_error_is_classified(ingest):
    event = without(attempt(error="connect to mx.example.com: timed out"), "outcome")
    piece = made(ingest, Topic.SEND_ATTEMPTS, event)
    assert piece.outcome is Outcome.DEFERRED
    assert piece.failure.failure_class is FailureClass.NETWORK_ERROR
    assert not piece.failure.permanent


@pytest.mark.parametrize(
    "error",
    [
        "connect to smtp.example.org[192.0.2.7]:587: Connection refused",
        "connect to smtp.example.org[2001:db8::7]:465: Connection timed out",
        "Could not connect to SMTP host: smtp.example.org, port: 465",
        "dial tcp 192.0.2.7:587: connect: connection refused",
    ],
)
def test_where_only_our_own_relay_listens_nobody_else_can_be_to_blame(ingest, error):
    smtp = {"phase": "connect", "peer": "smtp.example.org"}
    event = without(attempt(error=error, smtp=smtp), "outcome")
    piece = made(ingest, Topic.SEND_ATTEMPTS, event)
    assert piece.peer_role is PeerRole.RELAY
    assert piece.failure.failure_class is FailureClass.SUBMISSION_CONNECT_FAILED


@pytest.mark.parametrize("where", ["mx.example.com[192.0.2.7]:25", "mx:5870", "a587"])
def test_another_port_says_nothing_about_whose_server_it_is(ingest, where):
    event = attempt(error=f"connect to {where}: Connection refused")
    piece = made(ingest, Topic.SEND_ATTEMPTS, without(event, "outcome"))
    assert piece.peer_role is None
    assert piece.failure.failure_class is FailureClass.NETWORK_ERROR


def test_no_time_is_believed_beyond_the_arrival(ingest):
    event = attempt(time="2026-12-24T00:00:00Z")
    record = Arrival(orjson.dumps(event))
    output = ingest.process(Batch(Topic.SEND_ATTEMPTS, 0, [record]), NoTable(), NOW)
    piece = evidence.decode(output.messages[0].value)
    assert piece.at == piece.arrived_at == NOW
    assert output.tallies[("clock_skewed_events", Topic.SEND_ATTEMPTS)] == 1


def test_the_brokers_time_of_arrival_goes_before_our_clock(ingest):
    piece = made(ingest, Topic.SEND_ATTEMPTS, attempt(), timestamp=NOW - 5_000)
    assert piece.arrived_at == NOW - 5_000
    unstamped = made(ingest, Topic.SEND_ATTEMPTS, attempt(), timestamp=-1)
    assert unstamped.arrived_at == NOW


def test_a_tenants_own_relay_is_known_from_its_policy(rules):
    book = policy_file.parse(
        '[tenant."t-1".own]\nrelay_hosts = ["relay.example.org"]\n', "policy.toml"
    )
    stage = IngestStage(Classifiers(rules, book))
    event = attempt(smtp={"code": 250, "peer": "smtp1.relay.example.org"})
    assert made(stage, Topic.SEND_ATTEMPTS, event).peer_role is PeerRole.RELAY


def test_a_report_becomes_evidence_about_the_address_that_was_sent_to(ingest):
    event = dsn(final_recipient="rfc822; forwarded@example.net")
    piece = made(ingest, Topic.DSN_EVENTS, event)
    assert isinstance(piece, Report)
    assert piece.address == "ada@example.com"
    assert piece.action is Action.FAILED
    assert piece.failure.failure_class is FailureClass.BAD_MAILBOX
    assert piece.failure.permanent


def test_without_an_address_orcpt_then_envelope_id_then_final_recipient_count(ingest):
    known = dsn(
        original_recipient="rfc822;Orcpt@example.com",
        envelope_id="t-1/envid@example.com/m-9",
        final_recipient="rfc822;final@example.com",
    )
    event = without(known, "address")
    assert made(ingest, Topic.DSN_EVENTS, event).address == "orcpt@example.com"
    event = without(event, "original_recipient")
    assert made(ingest, Topic.DSN_EVENTS, event).address == "envid@example.com"
    event = without(event, "envelope_id")
    assert made(ingest, Topic.DSN_EVENTS, event).address == "final@example.com"


def test_an_envelope_id_of_ours_names_tenant_and_message(ingest):
    event = without(
        dsn(envelope_id="t-9/eve@example.com/m-9"),
        *("tenant_id", "address", "message_id"),
    )
    piece = made(ingest, Topic.DSN_EVENTS, event)
    assert (piece.tenant_id, piece.message_id) == ("t-9", "m-9")


def test_an_envelope_id_of_another_tenant_says_nothing(ingest):
    bare = without(dsn(), "address", "message_id")
    bounced = {"final_recipient": "rfc822; ada@example.com"}
    forged = {"envelope_id": "t-2/victim@example.com/m-9"}
    piece = made(ingest, Topic.DSN_EVENTS, bare | bounced | forged)
    assert piece.tenant_id == "t-1"
    assert piece.address == "ada@example.com"
    assert piece.message_id != "m-9"


def test_copies_of_a_report_that_names_no_message_are_one(ingest):
    event = without(dsn(), "message_id")
    first = made(ingest, Topic.DSN_EVENTS, event)
    copy = made(ingest, Topic.DSN_EVENTS, event | {"id": "d-2"})
    assert first.message_id == copy.message_id


def test_a_delay_notice_says_why_and_never_speaks_against_the_address(ingest):
    said = "smtp; connect to mx.example.com[192.0.2.1]:25: Connection timed out"
    for diagnostic in (said, "smtp; 550 5.1.1 User unknown"):
        notice = dsn(action="delayed", status="4.4.1", diagnostic=diagnostic)
        piece = made(ingest, Topic.DSN_EVENTS, notice)
        assert piece.action is Action.DELAYED
        assert piece.failure.address_policy is AddressPolicy.NEVER
        assert not piece.failure.permanent
    notice = dsn(action="delayed", status="4.4.1", diagnostic=said)
    piece = made(ingest, Topic.DSN_EVENTS, notice)
    assert piece.failure.failure_class is FailureClass.NETWORK_ERROR


def test_a_command_becomes_evidence(ingest):
    piece = made(ingest, Topic.FLAG_COMMANDS, flag_command())
    assert isinstance(piece, Command)
    assert piece.actor == "support-7"
    named = made(
        ingest,
        Topic.FLAG_COMMANDS,
        flag_command(action="delivered", message_id="<m-1@mail.example.org>"),
    )
    assert named.message_id == "m-1@mail.example.org"


DEEP = b'{"id":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
BAD = {
    "null value": (Topic.SEND_ATTEMPTS, None, "empty_value"),
    "no bytes": (Topic.SEND_ATTEMPTS, b"", "empty_value"),
    "no JSON": (Topic.SEND_ATTEMPTS, b"{nonsense", "not_json"),
    "invalid UTF-8": (Topic.SEND_ATTEMPTS, b'{"id":"\xff\xfe"}', "not_json"),
    "NaN": (Topic.SEND_ATTEMPTS, b'{"attempt":NaN}', "not_json"),
    "deep nesting": (Topic.SEND_ATTEMPTS, DEEP, "not_json"),
    "a list": (Topic.SEND_ATTEMPTS, b"[]", "schema_violation"),
    "missing member": (
        Topic.SEND_ATTEMPTS,
        orjson.dumps(without(attempt(), "message_id")),
        "schema_violation",
    ),
    "wrong type": (
        Topic.SEND_ATTEMPTS,
        orjson.dumps(attempt(attempt="three")),
        "schema_violation",
    ),
    "2 MB of JSON": (
        Topic.SEND_ATTEMPTS,
        orjson.dumps(attempt(error="x" * 2_000_000)),
        "too_large",
    ),
    "bad address": (
        Topic.SEND_ATTEMPTS,
        orjson.dumps(attempt(address="nobody")),
        "bad_address",
    ),
    "year 9999": (
        Topic.SEND_ATTEMPTS,
        orjson.dumps(attempt(time="9999-12-31T23:59:59Z")),
        "bad_time",
    ),
    "1970": (
        Topic.SEND_ATTEMPTS,
        orjson.dumps(attempt(time="1970-01-01T00:00:00Z")),
        "bad_time",
    ),
    "time without zone": (
        Topic.SEND_ATTEMPTS,
        orjson.dumps(attempt(time="2026-11-20T11:59:00")),
        "bad_time",
    ),
    "tenant with a slash": (
        Topic.SEND_ATTEMPTS,
        orjson.dumps(attempt(tenant_id="a/b")),
        "bad_tenant",
    ),
    "report about nobody": (
        Topic.DSN_EVENTS,
        orjson.dumps(without(dsn(), "address")),
        "unattributable",
    ),
    "report of no tenant": (
        Topic.DSN_EVENTS,
        orjson.dumps(without(dsn(), "tenant_id")),
        "unattributable",
    ),
    "raw that is no mail": (
        Topic.DSN_EVENTS,
        orjson.dumps(
            without(dsn(raw=base64.b64encode(b"hello").decode()), "action", "status")
        ),
        "dsn_unparseable",
    ),
    "command without actor": (
        Topic.FLAG_COMMANDS,
        orjson.dumps(without(flag_command(), "actor")),
        "schema_violation",
    ),
}


@pytest.mark.parametrize(("topic", "value", "reason"), BAD.values(), ids=BAD)
def test_bad_input_goes_to_the_dead_letters_unchanged_with_its_reason(
    ingest, topic, value, reason
):
    record = Arrival(value, b"any key", (("trace", b"1"), ("trace", b"2")))
    (message,) = messages(ingest, topic, record)
    assert message.topic == topic.dead_letters
    assert message.key == b"any key"
    letter = dead_letter.read(
        Arrival(message.value, message.key, message.headers, offset=0)
    )
    assert letter.reject.reason == reason
    assert (letter.topic, letter.partition, letter.offset) == (topic, 3, 7)
    assert letter.headers == record.headers
    if letter.value_bytes is None:
        assert letter.value == value
    else:
        assert letter.value_bytes == len(value)
    assert "example.com" not in letter.reject.detail


def test_duplicate_members_count_by_their_last(ingest):
    value = orjson.dumps(attempt())[:-1] + b',"tenant_id":"t-2"}'
    (message,) = messages(ingest, Topic.SEND_ATTEMPTS, Arrival(value))
    assert evidence.decode(message.value).tenant_id == "t-2"


def test_good_records_around_a_bad_one_are_not_lost(ingest):
    good = Arrival(orjson.dumps(attempt()))
    found = messages(ingest, Topic.SEND_ATTEMPTS, good, Arrival(b"x"), good)
    assert [m.topic for m in found] == [
        Topic.EVIDENCE,
        Topic.SEND_ATTEMPTS.dead_letters,
        Topic.EVIDENCE,
    ]


def test_the_fuse_stops_a_bad_deployment_but_not_another_partition(rules):
    stage = IngestStage(Classifiers(rules, PolicyBook()), dead_letter_run=3)
    bad = [Arrival(b"x")] * 2
    for partition in range(5):
        stage.process(Batch(Topic.SEND_ATTEMPTS, partition, bad), NoTable(), NOW)
    with pytest.raises(FuseBlown, match="partition 4"):
        stage.process(Batch(Topic.SEND_ATTEMPTS, 4, bad), NoTable(), NOW)


@pytest.mark.parametrize("mail", [b"Subject: buy this\n\nnow\n", None])
def test_mails_that_anybody_can_write_never_blow_the_fuse(rules, mail):
    stage = IngestStage(Classifiers(rules, PolicyBook()), dead_letter_run=3)
    content = base64.b64encode(mail).decode() if mail else bounce()
    event = raw(content, tenant_id=None)
    spam = [Arrival(orjson.dumps(event))] * 10
    found = stage.process(Batch(Topic.DSN_EVENTS, 0, spam), NoTable(), NOW)
    assert [m.topic for m in found.messages] == [Topic.DSN_EVENTS.dead_letters] * 10
    assert stage.charges() == {(Topic.DSN_EVENTS, 0): 0.0}
    bad = [Arrival(orjson.dumps(dsn(tenant_id=None)))] * 3
    with pytest.raises(FuseBlown):
        stage.process(Batch(Topic.DSN_EVENTS, 0, bad), NoTable(), NOW)


def test_an_answer_is_cut_before_it_is_kept(ingest):
    event = attempt(outcome="failed", smtp={"code": 550, "text": "x" * 5000})
    piece = made(ingest, Topic.SEND_ATTEMPTS, event)
    assert len(piece.failure.text) == 500


def test_instants_are_whole_milliseconds(ingest):
    piece = made(
        ingest, Topic.SEND_ATTEMPTS, attempt(time="2026-11-20T11:59:00.123456+01:00")
    )
    assert piece.at == Instant(parse("2026-11-20T10:59:00.123Z"))


def bounce(said: str = "", returned: str = "Subject: hello") -> str:
    """Answer a raw report in which a hostile server wrote what it likes."""
    mail = f"""\
From: MAILER-DAEMON@mx.example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
{said}

Final-Recipient: rfc822; ada@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: text/rfc822-headers

{returned}

--b--
"""
    return base64.b64encode(mail.replace("\n", "\r\n").encode()).decode()


def raw(content: str, **members) -> dict:
    about = {"id": "d-1", "time": "2026-11-20T11:59:00Z", "tenant_id": "t-1"}
    return about | {"raw": content} | members


@pytest.mark.parametrize(
    "said",
    [
        "Arrival-Date: Fri, 31 Dec 9999 23:00:00 -0900",
        "Arrival-Date: Thu, 1 Jan 1970 00:00:00 +0100",
    ],
)
def test_a_date_that_no_clock_shows_is_not_believed(ingest, said):
    piece = made(ingest, Topic.DSN_EVENTS, raw(bounce(said)))
    assert piece.message_at is None
    assert piece.failure.failure_class is FailureClass.BAD_MAILBOX


@pytest.mark.parametrize(
    ("said", "returned"),
    [
        (f"Original-Envelope-Id: {'e' * 1500}", "Subject: hello"),
        (f"Original-Envelope-Id: t-1/ada@example.com/{'m' * 1500}", "Subject: hello"),
        (f"Reporting-MTA: dns; {'x' * 900}", f"Message-ID: <{'m' * 1500}@example.org>"),
    ],
)
def test_ids_of_any_length_in_a_bounce_make_evidence_that_can_be_read(
    ingest, said, returned
):
    content = bounce(said, returned)
    piece = made(ingest, Topic.DSN_EVENTS, raw(content, id="d" * 255))
    assert piece.address == "ada@example.com"
    assert made(ingest, Topic.DSN_EVENTS, raw(content, id="d" * 255)) == piece


def test_the_longest_ids_and_addresses_make_evidence_that_can_be_read(ingest):
    address = f"{'a' * 200}@{'.'.join(['b' * 50] * 2)}.example.com"
    piece = made(ingest, Topic.DSN_EVENTS, dsn(id="d" * 255, address=address))
    assert piece.address == address


def test_a_tenant_that_no_contract_allows_cannot_come_from_an_envelope_id(ingest):
    said = "Original-Envelope-Id: t+0A1/ada@example.com/m"
    message = one(ingest, Topic.DSN_EVENTS, without(raw(bounce(said)), "tenant_id"))
    assert dict(message.headers)["dlq-reason"] == b"unattributable"


def several(*blocks: tuple[str, str]) -> str:
    """Answer a raw report about several recipients: (address, action)."""
    status = "\n\n".join(
        f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: 5.1.1"
        for address, action in blocks
    )
    whole = base64.b64decode(bounce()).decode().replace("\r\n", "\n")
    start, end = whole.index("Final-Recipient"), whole.index("--b\nContent-Type: text")
    mail = f"{whole[:start]}{status}\n\n{whole[end:]}"
    return base64.b64encode(mail.replace("\n", "\r\n").encode()).decode()


def told(stage, event):
    found = messages(stage, Topic.DSN_EVENTS, Arrival(orjson.dumps(event)))
    return [
        evidence.decode(m.value).address for m in found if m.topic == Topic.EVIDENCE
    ]


BOTH = several(("bob@example.com", "failed"), ("ada@example.com", "failed"))


def test_each_recipient_of_a_report_is_evidence(ingest):
    assert told(ingest, raw(BOTH)) == ["bob@example.com", "ada@example.com"]


def test_a_stated_address_is_all_that_a_report_can_be_about(ingest):
    assert told(ingest, raw(BOTH, address="Ada@example.com")) == ["ada@example.com"]


def test_reports_about_the_members_of_an_alias_speak_for_it_when_they_agree(ingest):
    alias = {"address": "team@example.com"}
    assert told(ingest, raw(BOTH, **alias)) == ["team@example.com"]
    mixed = several(("bob@example.com", "failed"), ("ada@example.com", "relayed"))
    assert told(ingest, raw(mixed, **alias)) == []


TIMED_OUT = {
    "status": "4.4.1",
    "diagnostic": "smtp; connect to smtp.example.net: Connection timed out",
}


@pytest.mark.parametrize(
    "spelled",
    [
        *("smtp.example.net", "dns; smtp.example.net", "dns;SMTP.Example.NET."),
        *(" DNS ; smtp.example.net (192.0.2.7)", "dns; [192.0.2.7]", "192.0.2.7"),
        *("x-ip; 192.0.2.7", "dns; [IPv6:2001:DB8::7]", "2001:db8::7"),
    ],
)
def test_our_own_relay_is_known_in_every_spelling_of_a_parsed_report(rules, spelled):
    policy = """
[tenant."t-1".own]
relay_hosts = ["Smtp.example.net.", "[192.0.2.7]", "2001:db8::7"]
"""
    book = policy_file.parse(policy, "policy.toml")
    stage = IngestStage(Classifiers(rules, book))
    piece = made(stage, Topic.DSN_EVENTS, dsn(remote_mta=spelled, **TIMED_OUT))
    assert piece.failure.failure_class is FailureClass.SUBMISSION_CONNECT_FAILED
    assert piece.failure.side is Side.SENDER_CONFIG


def test_hosts_of_a_parsed_report_are_kept_without_their_type(ingest):
    hosts = {"reporting_mta": "dns; MX1.Example.com.", "remote_mta": "dns;mx.test."}
    piece = made(ingest, Topic.DSN_EVENTS, dsn(**hosts))
    assert piece.reporting_mta == "mx1.example.com"
    assert piece.failure.peer == "mx.test"
    untyped = made(ingest, Topic.DSN_EVENTS, dsn(remote_mta="mx.test"))
    assert piece.provider == untyped.provider


@pytest.mark.parametrize(
    "spelled",
    [
        *("rfc822;Ada@example.com", "RFC822 ; <ada@example.com> (Ada)"),
        *("utf-8; ada@example.com", "X-LOCAL; ada@example.com"),
    ],
)
def test_the_recipients_of_a_parsed_report_may_have_any_type(ingest, spelled):
    event = without(dsn(original_recipient=spelled), "address")
    assert made(ingest, Topic.DSN_EVENTS, event).address == "ada@example.com"


def test_the_type_of_a_diagnostic_is_no_word_of_the_server(ingest):
    typed = dsn(status="5.1.1 (unknown)", diagnostic="X-Postfix; no such user here")
    piece = made(ingest, Topic.DSN_EVENTS, typed)
    assert piece.failure.text == "no such user here"
    assert piece.failure.enhanced == "5.1.1"
    program = dsn(status="5.3.0", diagnostic="x-unix; 67")
    assert made(ingest, Topic.DSN_EVENTS, program).failure.text == "x-unix; 67"


def test_fields_published_parsed_say_what_the_raw_report_says(ingest):
    raw = b"""\
From: <>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx1.example.com.

Original-Recipient: rfc822;Ada@example.com
Final-Recipient: rfc822; inbox@example.net
Action: failed
Status: 5.0.0 (gone)
Remote-MTA: dns; Mailbox7.example.com.
Diagnostic-Code: smtp; 550 5.1.1 User unknown
--b--
"""
    fields = {
        "reporting_mta": "dns; mx1.example.com.",
        "original_recipient": "rfc822;Ada@example.com",
        "final_recipient": "rfc822; inbox@example.net",
        "status": "5.0.0 (gone)",
        "remote_mta": "dns; Mailbox7.example.com.",
        "diagnostic": "smtp; 550 5.1.1 User unknown",
    }
    parsed = made(ingest, Topic.DSN_EVENTS, without(dsn(**fields), "address"))
    whole = without(dsn(raw=base64.b64encode(raw).decode()), "address", "action")
    assert made(ingest, Topic.DSN_EVENTS, whole) == parsed


def test_a_recipient_that_is_no_address_is_counted_while_the_others_are_used(ingest):
    mixed = several(("nobody", "failed"), ("ada@example.com", "failed"))
    record = Arrival(orjson.dumps(raw(mixed)))
    output = ingest.process(Batch(Topic.DSN_EVENTS, 3, [record]), NoTable(), NOW)
    assert [m.topic for m in output.messages] == [Topic.EVIDENCE]
    assert output.tallies[tally.NAMELESS] == 1


@pytest.mark.parametrize("members", [{}, {"address": "ada@example.com"}])
def test_a_recipient_that_is_nobodys_question_is_not_missed(ingest, members):
    record = Arrival(orjson.dumps(raw(BOTH, **members)))
    output = ingest.process(Batch(Topic.DSN_EVENTS, 3, [record]), NoTable(), NOW)
    assert tally.NAMELESS not in output.tallies


def test_a_report_of_which_no_recipient_is_an_address_is_a_dead_letter(ingest):
    nobody = several(("nobody", "failed"), ("no one", "relayed"))
    record = Arrival(orjson.dumps(raw(nobody)))
    output = ingest.process(Batch(Topic.DSN_EVENTS, 3, [record]), NoTable(), NOW)
    assert [dict(m.headers)["dlq-reason"] for m in output.messages] == [
        b"unattributable"
    ]
    assert tally.NAMELESS not in output.tallies
