"""What a mail reports: structure first, words second."""

import json
from pathlib import Path

import pytest

import streams.demo
from streams.core import dsn, instant
from streams.core.address import canonical
from streams.core.classify import Classifier
from streams.core.dsn import ReportKind
from streams.core.evidence import Action
from streams.core.failure import AddressPolicy, Phase
from streams.wire import rulebook

BOUNCES = Path(streams.demo.__file__).parent / "bounces"
"""Real reports: Postfix against a server that answers what a script says."""
INDEX = json.loads((BOUNCES / "index.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def classifier():
    return Classifier(rulebook.load())


def mail(body, *, sender="Mail Delivery System <mailer-daemon@example.net>", **headers):
    fields = {"From": sender, "To": "bounces@example.net", "MIME-Version": "1.0"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\n" for name, value in fields.items())
    return f"{head}\n{body}".encode()


def report(status, text="Your message could not be delivered.", returned="", **headers):
    """Answer a report as RFC 3464 has it."""
    parts = [
        f"Content-Type: text/plain; charset=utf-8\n\n{text}",
        f"Content-Type: message/delivery-status\n\n{status}",
    ]
    if returned:
        parts.append(f"Content-Type: text/rfc822-headers\n\n{returned}")
    body = "".join(f"--x\n{part}\n" for part in parts) + "--x--\n"
    kind = 'multipart/report; report-type=delivery-status; boundary="x"'
    return mail(body, Content_Type=kind, **headers)


def only(raw):
    parsed = dsn.parse(raw)
    assert len(parsed.reports) == 1
    return parsed.reports[0]


def recipients(raw):
    return [found.recipient for found in dsn.parse(raw).reports]


ONE = """Reporting-MTA: dns; mta.example.net
Original-Envelope-Id: t-1/a@example.com/m-1
Arrival-Date: Mon, 2 Mar 2026 10:00:00 +0100

Original-Recipient: rfc822;A@example.com
Final-Recipient: rfc822; b@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; MX.example.org
Diagnostic-Code: smtp; 550 5.1.1 <b@example.org>: Recipient address rejected:
 User unknown
Last-Attempt-Date: Mon, 2 Mar 2026 10:00:05 +0100
"""


def test_all_fields_of_a_report_are_read():
    found = only(report(ONE, returned="Message-ID: <m-1@example.net>\nTo: x\n"))
    assert found.action is Action.FAILED
    assert found.original_recipient == "A@example.com"
    assert found.final_recipient == "b@example.org"
    assert found.recipient == "A@example.com"
    assert found.status == "5.1.1"
    assert found.diagnostic.endswith("Recipient address rejected: User unknown")
    assert found.remote_mta == "mx.example.org"
    assert found.reporting_mta == "mta.example.net"
    assert found.envelope_id == "t-1/a@example.com/m-1"
    assert found.message_id == "<m-1@example.net>"
    assert instant.render(found.arrival_date) == "2026-03-02T09:00:00.000Z"
    assert instant.render(found.last_attempt_date) == "2026-03-02T09:00:05.000Z"
    assert found.reply.code == 550


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("failed", "4.4.7", "bounce"),
        ("Failed", "5.1.1", "bounce"),
        ("failure", "5.0.0", "bounce"),
        ("error", "5.0.0", "bounce"),
        ("delayed", "4.4.1", "delayed"),
        ("delayed", "5.0.0", "delayed"),
        ("delivered", "2.0.0", "delivered"),
        ("relayed", "2.0.0", "relayed"),
        ("expanded (to a list)", "2.0.0", "expanded"),
        ("", "5.1.1", "bounce"),
        ("", "4.4.1", "delayed"),
        ("", "2.0.0", "delivered"),
        ("odd", "5.1.1", "bounce"),
    ],
)
def test_action_is_read_before_status(action, status, kind):
    text = (
        f"Final-Recipient: rfc822;a@example.com\nAction: {action}\nStatus: {status}\n"
    )
    parsed = dsn.parse(report(text, text=""))
    assert parsed.kind == kind
    assert parsed.reports[0].kind == kind


def test_a_delay_never_speaks_against_an_address(classifier):
    text = "Final-Recipient: rfc822;a@example.com\nAction: delayed\nStatus: 5.1.1\n"
    verdict = classifier.classify_report(only(report(text))).verdict
    assert verdict.address_policy is AddressPolicy.NEVER


def test_each_recipient_is_a_report_of_its_own(classifier):
    parsed = dsn.parse(
        report(
            "Reporting-MTA: dns; mta.example.net\n\n"
            "Final-Recipient: rfc822;a@example.com\nAction: failed\nStatus: 5.1.1\n\n"
            "Final-Recipient: rfc822;b@example.com\nAction: delayed\nStatus: 4.4.1\n\n"
            "Final-Recipient: rfc822;c@example.com\nAction: failed\nStatus: 5.2.2\n"
        )
    )
    assert parsed.kind is ReportKind.BOUNCE
    verdicts = [classifier.classify_report(r).verdict for r in parsed.reports]
    assert [r.kind for r in parsed.reports] == ["bounce", "delayed", "bounce"]
    assert [v.failure_class for v in verdicts] == [
        *("bad_mailbox", "network_error", "mailbox_full")
    ]


def test_one_recipient_told_twice_is_one_report():
    block = "Final-Recipient: rfc822;{}@example.com\nAction: failed\nStatus: 5.1.1\n\n"
    twice = block.format("Anna") + block.format("anna")
    assert recipients(report(twice)) == ["Anna@example.com"]


def test_blocks_without_a_blank_line_between_them_are_parted():
    block = "Final-Recipient: rfc822;{}@example.com\nAction: failed\nStatus: 5.1.1\n"
    both = block.format("a") + block.format("b")
    assert recipients(report(both)) == ["a@example.com", "b@example.com"]


def test_fields_may_come_in_any_order():
    text = "Status: 5.1.1\nAction: failed\nFinal-Recipient: rfc822;a@example.com\n"
    assert only(report(text)).status == "5.1.1"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("rfc822;a@example.com", "a@example.com"),
        ("RFC822; <a@example.com>", "a@example.com"),
        ("rfc822; rfc822;a@example.com", "a@example.com"),
        ("utf-8; j\\x{FC}rgen@example.com", "j\u00fcrgen@example.com"),
        ("a@example.com", "a@example.com"),
        ("rfc822;a@example.com (Anna)", "a@example.com"),
        ("unknown;nobody", None),
        ("rfc822;", None),
    ],
)
def test_recipient_fields_are_read_in_every_spelling(field, expected):
    text = f"Original-Recipient: {field}\nAction: failed\nStatus: 5.1.1\n"
    assert only(report(text, text="")).original_recipient == expected


def test_a_status_part_in_utf_8_is_read():
    text = "Final-Recipient: utf-8; j\u00fcrgen@b\u00fccher.example\nAction: failed\n"
    raw = report(text).replace(b"message/delivery-", b"message/global-delivery-")
    assert recipients(raw) == ["j\u00fcrgen@xn--bcher-kva.example"]


def test_a_status_part_that_is_encoded_is_read():
    raw = report("RmluYWwtUmVjaXBpZW50OiByZmM4MjI7YUBleGFtcGxlLmNvbQpBY3Rpb246IGZhaWxl"
                 "ZApTdGF0dXM6IDUuMS4xCg==\n")  # fmt: skip
    raw = raw.replace(
        b"delivery-status\n\n",
        b"delivery-status\nContent-Transfer-Encoding: base64\n\n",
    )
    assert recipients(raw) == ["a@example.com"]


def test_the_servers_own_code_beats_the_status_field(classifier):
    text = ONE.replace("550 5.1.1", "552 5.2.2").replace("User unknown", "no")
    found = only(report(text))
    assert found.status == "5.1.1"
    assert found.reply.enhanced == "5.2.2"
    assert classifier.classify_report(found).verdict.failure_class == "mailbox_full"


def test_the_text_adds_what_the_fields_leave_out(classifier):
    text = (
        "This is the mail system at host mta.example.net.\n\n"
        "<a@example.com>: host mx.example.com[192.0.2.1] said: 550 5.0.0 no such user"
        " (in reply to\n    RCPT TO command)\n"
    )
    status = "Final-Recipient: rfc822;a@example.com\nAction: failed\nStatus: 5.0.0\n"
    found = only(report(status, text))
    assert found.reply.phase is Phase.RCPT
    assert found.reply.peer == "mx.example.com"
    assert classifier.classify_report(found).verdict.failure_class == "bad_mailbox"


def test_the_address_that_was_expanded_is_the_one_that_was_sent_to():
    text = "<b@inside.example> (expanded from <a@example.com>): no such user\n"
    status = "Final-Recipient: rfc822;b@inside.example\nAction: failed\nStatus: 5.1.1\n"
    found = only(report(status, text))
    assert found.recipient == "a@example.com"
    assert found.final_recipient == "b@inside.example"


def test_a_forwarded_report_is_read_as_if_it_had_come_by_itself():
    inner = report(ONE, returned="Message-ID: <m-1@example.net>\n").decode()
    parts = (
        "Content-Type: text/plain\n\nSee below.",
        f"Content-Type: message/rfc822\n\n{inner}",
    )
    body = "".join(f"--y\n{part}\n" for part in parts) + "--y--\n"
    raw = mail(body, Content_Type='multipart/mixed; boundary="y"')
    found = only(raw)
    assert found.recipient == "A@example.com"
    assert found.message_id == "<m-1@example.net>"


def test_a_bounce_in_words_that_a_person_sends_on_is_read(classifier):
    inner = mail("<a@example.com>:\nmailbox full\n", Subject="failure notice").decode()
    body = f"--y\nContent-Type: message/rfc822\n\n{inner}\n--y--\n"
    kind = 'multipart/mixed; boundary="y"'
    sent_on = mail(body, sender="b@example.net", Subject="Fwd", Content_Type=kind)
    found = only(sent_on)
    assert found.recipient == "a@example.com"
    assert classifier.classify_report(found).verdict.failure_class == "mailbox_full"


def test_a_bounce_that_a_mailer_returns_is_not_about_its_recipient():
    inner = mail("<a@example.com>:\nmailbox full\n", Subject="failure notice").decode()
    body = (
        "--y\n\nNot delivered:\n\nb@example.org\n"
        f"--y\nContent-Type: message/rfc822\n\n{inner}\n--y--\n"
    )
    raw = mail(body, Subject="Returned", Content_Type='multipart/mixed; boundary="y"')
    assert recipients(raw) == ["b@example.org"]


@pytest.mark.parametrize("lost", ["Content-Type", "boundary"])
@pytest.mark.parametrize("boundary", ["x", "--=_x!'()+_,-./:=?"])
def test_parts_are_found_though_the_header_lost_their_boundary(lost, boundary):
    raw = report(ONE).decode().replace("--x", f"--{boundary}").replace("boundary", lost)
    if lost == "Content-Type":
        raw = raw.replace("Content-Type: multipart", "X-Old-Type: multipart")
    assert recipients(raw.encode()) == ["A@example.com"]


def test_parts_of_a_returned_message_are_not_the_bounces():
    text = (
        "<a@example.com>:\nno such user\n\n--- Below this line is a copy.\n\n"
        "To: a@example.com\nContent-Type: multipart/mixed; boundary=z\n\n"
        "--z\nContent-Type: text/plain\n\nb@example.org is full\n--z--\n"
    )
    assert recipients(mail(text, Subject="failure notice")) == ["a@example.com"]


def test_a_report_about_a_bounce_is_not_the_bounce():
    inner = report(ONE.replace("A@example.com", "c@example.com")).decode()
    inner = inner.replace("--x", "--z").replace('"x"', '"z"')
    raw = report(ONE).replace(
        b"--x--\n", f"--x\nContent-Type: message/rfc822\n\n{inner}\n--x--\n".encode()
    )
    assert recipients(raw) == ["A@example.com"]


def test_a_report_that_names_nobody_is_about_the_only_one_the_mail_went_to():
    status = "Reporting-MTA: dns; mta.example.net\n"
    raw = report(status, "Delivery failed.", returned="To: a@example.com\nX: y\n")
    assert recipients(raw) == ["a@example.com"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("To: a@example.com\nDiagnostic-Code: 550 unknown user\n", "bad_mailbox"),
        ("Status: 5.2.2\nAction: failed\n", "mailbox_full"),
        (
            "Final-Recipient: rfc822;a@example.com\nStatus: Permanent - no such user\n",
            "bad_mailbox",
        ),
        (
            (
                "Final-Recipient: rfc822;a@example.com\nAction: failed\nStatus: 5.0.0\n"
                "Diagnostic-Code: X-Unix; 255\n"
            ),
            "recipient_system_error",
        ),
    ],
)
def test_a_status_with_little_in_it_is_read_for_what_it_says(
    classifier, status, expected
):
    found = only(report(status, "Report.", returned="To: a@example.com\nX: y\n"))
    assert found.recipient == "a@example.com"
    assert classifier.classify_report(found).verdict.failure_class == expected


def test_a_status_part_by_another_name_is_known_by_its_first_field():
    raw = report(ONE).replace(b"message/delivery-status", b"application/octet-stream")
    found = only(raw)
    assert (found.recipient, found.status) == ("A@example.com", "5.1.1")


def test_a_return_path_can_tell_the_recipient():
    raw = mail("Delivery failed: mailbox full.\n", Subject="Undeliverable")
    raw = raw.replace(b"bounces@", b"bounces+a=example.com@")
    assert recipients(raw) == ["a@example.com"]


WORDS = Path(__file__).parents[2] / "data" / "bounces-in-words"
"""Notifications as mail systems write them, after lines of whom they are about."""


@pytest.mark.parametrize("file", sorted(WORDS.iterdir()), ids=lambda file: file.stem)
def test_bounces_in_words_alone_are_read(classifier, file):
    head, _, body = file.read_text(encoding="utf-8").partition("\n\n")
    expected = dict(line.split()[1:] for line in head.splitlines())
    parsed = dsn.parse(mail(body, Subject="failure notice"))
    assert parsed.kind is ReportKind.BOUNCE
    verdicts = {
        report.recipient: classifier.classify_report(report).verdict.failure_class
        for report in parsed.reports
    }
    assert verdicts == expected


def test_words_in_html_alone_are_read():
    body = (
        "<html><head><style>a@style.example</style></head><body><p>Delivery to the"
        " following recipient failed permanently:</p><p>a@example.com</p></body></html>"
    )
    raw = mail(body, Subject="Undeliverable", Content_Type="text/html")
    assert recipients(raw) == ["a@example.com"]


def test_lines_of_html_are_lines_and_paragraphs_are_paragraphs():
    body = (
        "<div>a@example.com</div><div>550 5.1.1 user</div><div>unknown</div>"
        "<p>b@example.com</p><p>550 5.2.2 mailbox full</p>"
    )
    reports = dsn.parse(
        mail(body, Subject="Undeliverable", Content_Type="text/html")
    ).reports
    assert [(r.recipient, r.reply.text) for r in reports] == [
        ("a@example.com", "user unknown"),
        ("b@example.com", "mailbox full"),
    ]


def test_an_address_that_a_name_is_not_is_no_recipient():
    text = "Message frozen.\nThe sender is <b@example.net>.\n\n a@example.com: no\n"
    raw = mail(text, Subject="Message frozen: delivery failed")
    assert recipients(raw) == ["a@example.com"]


SES = {
    "notificationType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bouncedRecipients": [
            {
                "emailAddress": "a@example.com",
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
        ],
        "reportingMTA": "dsn; mta.example.net",
    },
    "mail": {"messageId": "ses-1", "commonHeaders": {"messageId": "<m-1@example.net>"}},
}


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_notification_of_amazon_ses_is_read(wrapped):
    event = {"Message": json.dumps(SES)} if wrapped else SES
    body = json.dumps(event) + "\n--\nIf you wish to stop receiving notifications\n"
    found = only(mail(body, sender="AWS <no-reply@sns.example>"))
    assert (found.recipient, found.status) == ("a@example.com", "5.1.1")
    assert found.message_id == "<m-1@example.net>"
    assert found.reporting_mta == "mta.example.net"
    assert found.reply.text == "user unknown"


def test_a_complaint_to_amazon_ses_is_a_complaint():
    body = json.dumps({"notificationType": "Complaint", "complaint": {}})
    assert dsn.parse(mail(body)).kind is ReportKind.COMPLAINT


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        (
            "A message that you sent has not yet been delivered to\n  a@example.com\n",
            "Warning: message 1 delayed 24 hours",
        ),
        (
            (
                "THIS IS A WARNING MESSAGE ONLY\n\n<a@example.com>... Deferred: 421\n"
                "Will keep trying until message is 5 days old\n"
            ),
            "Warning: could not send message for past 4 hours",
        ),
        (
            (
                "Delivery to the following recipient has been delayed:\n\n"
                "  a@example.com\n"
                "\nMessage will be retried for 2 more day(s)\n"
            ),
            "Delivery Status Notification (Delay)",
        ),
    ],
)
def test_a_delay_in_words_alone_is_no_bounce(text, subject):
    parsed = dsn.parse(mail(text, Subject=subject))
    assert parsed.kind is ReportKind.DELAYED
    assert parsed.reports[0].recipient == "a@example.com"


def test_a_success_in_words_alone_is_no_bounce():
    text = "Your message was successfully delivered to\n\n  a@example.com\n"
    parsed = dsn.parse(mail(text, Subject="Delivery receipt"))
    assert parsed.kind is ReportKind.DELIVERED


ARF = """--x
Content-Type: text/plain

This is an abuse report.
--x
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Reporter/1
--x
Content-Type: message/rfc822

To: a@example.com

Hello
--x--
"""


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (
            mail(
                ARF,
                Content_Type="multipart/report;boundary=x;report-type=feedback-report",
            ),
            "complaint",
        ),
        (
            mail("I am away.\n", sender="a@example.com", Subject="Out of office"),
            "auto_reply",
        ),
        (
            mail("Hi.\n", sender="a@example.com", Auto_Submitted="auto-replied"),
            "auto_reply",
        ),
        (
            mail(
                "This account is protected. Please click on the following link to have"
                " your address added to the allowed list.\n",
                sender="a@example.com",
            ),
            "challenge",
        ),
        (
            mail("Could you send it to b@example.com?\n", sender="a@example.com"),
            "not_a_bounce",
        ),
        (b"", "not_a_bounce"),
        (b"\0\xff", "not_a_bounce"),
    ],
)
def test_what_is_no_report_names_nobody(raw, kind):
    parsed = dsn.parse(raw)
    assert parsed.kind == kind
    assert parsed.reports == ()


@pytest.mark.parametrize("entry", INDEX, ids=lambda entry: entry["file"])
def test_what_postfix_really_wrote_is_read(classifier, entry):
    parsed = dsn.parse((BOUNCES / entry["file"]).read_bytes())
    assert parsed.kind == entry["kind"]
    found = {report.recipient: report for report in parsed.reports}
    assert set(found) == {str(canonical(r["address"])) for r in entry["recipients"]}
    for expected in entry["recipients"]:
        report = found[str(canonical(expected["address"]))]
        assert report.action == expected["action"]
        assert report.status == expected["status"]
        assert report.reporting_mta == entry["reporting_mta"]
        assert report.envelope_id == entry["envelope_id"]
        assert report.message_id == f"<{entry['message_id']}>"
        if expected.get("class"):
            verdict = classifier.classify_report(report).verdict
            assert verdict.failure_class == expected["class"]
