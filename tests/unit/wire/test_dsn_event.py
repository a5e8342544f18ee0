"""A report is read as parsed fields, or as the raw message."""

import base64

import orjson

from streams.core.evidence import Action
from streams.wire import dsn_event
from streams.wire.dsn_event import ParsedDsn, RawDsn
from streams.wire.reject import Reject, RejectReason

GOOD = {"id": "d-1", "time": "2026-03-02T08:15:02Z"}


def decode(**members):
    return dsn_event.decode(orjson.dumps(GOOD | members))


def test_every_member_of_a_parsed_report_is_read():
    read = decode(
        tenant_id="t-42",
        customer_id="c-1",
        address="karl@example.org",
        message_id="m-1",
        envelope_id="e-1",
        original_recipient="rfc822;karl@example.org",
        final_recipient="rfc822; k@mail.example.org",
        action="failed",
        status="5.1.1",
        diagnostic="smtp; 550 5.1.1 User unknown",
        reporting_mta="dns; mx.example.org",
        remote_mta="dns; mail.example.org",
        arrival_date="2026-03-02T08:14:08Z",
        last_attempt_date="2026-03-02T08:15:01Z",
    )
    assert read == ParsedDsn(
        id="d-1",
        at=1772439302000,
        tenant_id="t-42",
        customer_id="c-1",
        address="karl@example.org",
        message_id="m-1",
        envelope_id="e-1",
        original_recipient="rfc822;karl@example.org",
        final_recipient="rfc822; k@mail.example.org",
        action=Action.FAILED,
        status="5.1.1",
        diagnostic="smtp; 550 5.1.1 User unknown",
        reporting_mta="dns; mx.example.org",
        remote_mta="dns; mail.example.org",
        arrival_date=1772439248000,
        last_attempt_date=1772439301000,
    )


def test_a_report_that_knows_only_its_action_is_read():
    read = decode(action="delivered", tenant_id=None, status="", arrival_date="")
    assert read.action is Action.DELIVERED
    assert set(read[2:]) == {None, Action.DELIVERED}


def test_a_raw_report_is_read_as_its_bytes():
    message = b"From: <>\r\n\r\nCaf\xe9"
    read = decode(raw=base64.b64encode(message).decode(), tenant_id="t-42")
    assert read == RawDsn(
        id="d-1",
        at=1772439302000,
        tenant_id="t-42",
        customer_id=None,
        address=None,
        message_id=None,
        envelope_id=None,
        raw=message,
    )


def test_the_raw_message_goes_before_what_was_read_out_of_it():
    read = decode(raw="UUo=", action="failed")
    assert isinstance(read, RawDsn)


def test_a_date_as_in_a_mail_header_is_a_bad_time():
    for member in ("arrival_date", "last_attempt_date"):
        read = decode(action="failed", **{member: "Mon, 2 Mar 2026 09:15:00 +0100"})
        assert read == Reject(RejectReason.BAD_TIME, f"/{member}")
