"""What a mail library writes before an answer is not what the server said."""

import pytest

from streams.core.classify import Classifier
from streams.core.failure import FailureClass, PeerRole, Phase
from streams.core.reply import MAX_TEXT, parse
from streams.wire import rulebook

GATE = "550 5.7.1 Sorry, the crocodile gate is shut"
FULL = "4.3.1 Insufficient system storage"
DOTNET = "Mailbox unavailable. The server response was: "
MSMTP = "msmtp: recipient address b@example.net not accepted by the server\nmsmtp: "
PHP = (
    "SMTP Error: data not accepted.SMTP server error: DATA END command failed Detail: "
)
REFUSED = "smtplib.SMTPRecipientsRefused: {'b@example.net': (550, b'User unknown')}"
JAVA = "javax.mail.SendFailedException: Invalid Addresses;\n  nested exception is:\n\t"


@pytest.fixture(scope="module")
def classifier():
    return Classifier(rulebook.load())


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        (f"{JAVA}com.sun.mail.smtp.SMTPAddressFailedException: {GATE}", Phase.RCPT),
        (f"Mail command failed: {GATE}", Phase.MAIL),
        (f"Can't send mail - all recipients were rejected: {GATE}", Phase.RCPT),
        (f"Message failed: {GATE}", Phase.DATA_END),
        (f"Invalid login: {GATE}", Phase.AUTH),
        (f"Invalid greeting. response={GATE}", Phase.BANNER),
        (
            f"SMTP Error: The following recipients failed: b@example.net: {GATE}",
            Phase.RCPT,
        ),
        (f"SmtpFailedRecipientException: {DOTNET}{GATE}", Phase.RCPT),
        (f"System.Net.Mail.SmtpException: {DOTNET}{GATE}", None),
        (f"{MSMTP}server message: {GATE}\nmsmtp: could not send mail", Phase.RCPT),
        (f"{PHP}{GATE}", Phase.DATA_END),
    ],
)
def test_only_what_comes_after_a_heading_is_the_servers(text, phase):
    reply = parse(text)
    assert reply.text == "Sorry, the crocodile gate is shut"
    assert (reply.code, reply.enhanced, reply.phase) == (550, "5.7.1", phase)


def test_phpmailer_writes_the_codes_behind_the_answer():
    reply = parse(
        "The following From address failed: a@example.com : MAIL FROM command failed,"
        "Insufficient system storage,452,4.3.1"
    )
    assert reply == (452, "4.3.1", "Insufficient system storage", Phase.MAIL, None)


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("{'b@example.net': (550, b'User unknown')}", Phase.RCPT),
        (REFUSED, Phase.RCPT),
        ('smtplib.SMTPDataError: (550, b"User unknown\\nhere")', Phase.DATA_END),
        ("(550, b'User unknown', 'a@example.com')", Phase.MAIL),
        ("(550, b'User unknown')", None),
    ],
)
def test_the_bytes_of_python_are_words(text, phase):
    reply = parse(text)
    assert "User unknown" in reply.text
    assert "b'" not in reply.text
    assert (reply.code, reply.phase) == (550, phase)


def test_javamail_says_what_was_sent_back_once():
    twice = "com.sun.mail.smtp.SMTP{}FailedException: 550 Not from here"
    text = f"{twice.format('Send')}\n;\n nested exception is: {twice.format('Sender')}"
    reply = parse(text)
    assert reply.text.count("Not from here") == 1
    assert reply.phase is Phase.MAIL


@pytest.mark.parametrize(
    "text",
    [
        f"{JAVA}com.sun.mail.smtp.SMTPAddressFailedException: 451 4.3.2 try later",
        f"{DOTNET}{FULL}",
        f"MAIL FROM command failed,{FULL},452,4.3.1",
    ],
)
def test_a_heading_makes_no_class(classifier, text):
    verdict = classifier.classify(parse(text), PeerRole.RELAY)
    assert verdict.failure_class is FailureClass.LOCAL_CONFIG_ERROR


@pytest.mark.parametrize("text", [DOTNET, GATE])
def test_a_heading_without_an_answer_stays(text):
    assert parse(text).text.startswith(("Mailbox unavailable", "Sorry"))


@pytest.mark.parametrize(
    "unit",
    [
        "(550, b'", "'a@", " b'a@b', ", "MAIL FROM command failed,", ",550", " b' (",
        "SMTPSendFailedException: ", "nested exception is: ", "server message: msmtp ",
        "recipientexception: the server response was: ",
    ],
)  # fmt: skip
def test_no_heading_takes_long_however_often_it_is_there(unit):
    assert len(parse(unit * MAX_TEXT).text) <= MAX_TEXT
