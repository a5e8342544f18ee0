"""Replies as mailers log them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.failure import Phase
from streams.core.reply import MAX_TEXT, VAGUE, parse, with_status


@pytest.mark.parametrize(
    ("text", "code", "enhanced", "said"),
    [
        ("550 5.1.1 User unknown", 550, "5.1.1", "User unknown"),
        (
            "550-5.1.1 The account 550 5.1.1 is gone",
            550,
            "5.1.1",
            "The account is gone",
        ),
        ("550-Two\n550 lines", 550, None, "Two lines"),
        ("smtp; 550 #5.1.0 Address rejected.", 550, "5.1.0", "Address rejected."),
        ("553 sorry, no mailbox here (#5.1.1)", 553, "5.1.1", None),
        ("552 5.2.3 Too large", 552, "5.2.3", "Too large"),
        ("550: 5.1.1 <a@example.com>... User Unknown", 550, "5.1.1", None),
        ("421", 421, None, ""),
        ("User unknown", None, None, "User unknown"),
        ("", None, None, ""),
        ("message size 41378 exceeds 20480", None, None, None),
        ("550 mail from 5.1.1.10 refused", 550, None, None),
        ("451 Resources unavailable [#4.16.1].", 451, None, None),
        ("550 5.4.316 Message expired", 550, "5.4.316", "Message expired"),
        ("250 2.1.5 Ok", 250, "2.1.5", "Ok"),
    ],
)
def test_codes_are_read_and_taken_off_the_text(text, code, enhanced, said):
    reply = parse(text)
    assert (reply.code, reply.enhanced) == (code, enhanced)
    assert said is None or reply.text == said


@pytest.mark.parametrize(
    "around",
    [
        "mx.test does not like recipient.\nRemote host said: {}\nGiving up on mx.test.",
        "Connected to 192.0.2.1 but sender was rejected.\nRemote host said: {}",
        "mx.example.com failed after I sent the message.\nRemote host said: {}",
    ],
)
def test_what_qmail_says_around_a_reply_is_no_part_of_it(around):
    reply = parse(around.format("550 Mailbox unavailable"))
    assert (reply.code, reply.text) == (550, "Mailbox unavailable")


@pytest.mark.parametrize(
    ("text", "phase", "peer", "code"),
    [
        (
            (
                "host mx.example.com[192.0.2.1] said: 550 5.1.1 <a@example.com>... User"
                " Unknown (in reply to RCPT TO command)"
            ),
            *(Phase.RCPT, "mx.example.com", 550),
        ),
        (
            (
                "host MX.example.com[192.0.2.1] said: 554 spam (in reply to end of DATA"
                " command)"
            ),
            *(Phase.DATA_END, "mx.example.com", 554),
        ),
        (
            "host mx.example.com[192.0.2.1] refused to talk to me: 554 Blocked",
            *(Phase.BANNER, "mx.example.com", 554),
        ),
        (
            (
                "SMTP error from remote mail server after MAIL FROM:<a@example.net>"
                " SIZE=9: host mx.example.com [192.0.2.1]: 501 5.1.8 Sender rejected"
            ),
            *(Phase.MAIL, "mx.example.com", 501),
        ),
        (
            (
                "host mx.example.com [192.0.2.1] SMTP error from remote mail server"
                " after end of data: 550 no"
            ),
            *(Phase.DATA_END, "mx.example.com", 550),
        ),
        (
            "mx.example.com [192.0.2.1] did not like our RCPT TO: 550 5.1.1 no",
            *(Phase.RCPT, "mx.example.com", 550),
        ),
        (
            (
                "Connected to 192.0.2.1 but my name was rejected. Remote host said: 501"
                " 5.0.0 Invalid domain name"
            ),
            *(Phase.EHLO, None, 501),
        ),
        (
            "192.0.2.1 does not like recipient. Remote host said: 550 5.1.1 no",
            *(Phase.RCPT, None, 550),
        ),
        (
            "lost connection with mx.example.com[192.0.2.1] while sending RCPT TO",
            *(Phase.RCPT, "mx.example.com", None),
        ),
        (
            (
                "conversation with mx.example.com[192.0.2.1] timed out while receiving"
                " the initial server greeting"
            ),
            *(Phase.BANNER, "mx.example.com", None),
        ),
        (
            (
                "lost connection with mx.example.com[192.0.2.1] while sending end of"
                " data -- message may be sent more than once"
            ),
            *(Phase.DATA_END, "mx.example.com", None),
        ),
    ],
)
def test_a_mailers_wrapping_tells_phase_and_peer(text, phase, peer, code):
    reply = parse(text)
    assert (reply.phase, reply.peer, reply.code) == (phase, peer, code)


def test_what_is_given_wins_over_what_the_text_says():
    text = "host mx.example.com[192.0.2.1] said: 550 5.1.1 no (in reply to RCPT TO)"
    reply = parse(text, 421, "4.7.0", Phase.MAIL, "Other.example.com")
    assert reply.code == 421
    assert reply.phase is Phase.MAIL
    assert reply.peer == "other.example.com"


def test_a_vague_code_gives_way_to_a_telling_one_in_the_text():
    assert parse("550 5.2.2 full", enhanced="5.0.0").enhanced == "5.2.2"
    assert parse("5.1.0 - Unknown '5.2.2 full'").enhanced == "5.2.2"
    assert parse("550 5.2.2 full", enhanced="5.1.1").enhanced == "5.1.1"


@pytest.mark.parametrize(
    ("given", "read"),
    [("5.1.1 (bad mailbox)", "5.1.1"), ("x", None), ("", None), ("9.9.9", None)],
)
def test_a_given_enhanced_code_is_read_like_any_text(given, read):
    assert parse("550 no", enhanced=given).enhanced == read


def test_of_vague_codes_the_given_one_stays():
    assert parse("550 5.7.1 no", enhanced="5.0.0").enhanced == "5.0.0"
    assert "5.7.1" in VAGUE


CODES = ["", "5.1.1", "5.0.0", "4.4.7", "5.7.1", "5.12.3", "9.9.9"]


@pytest.mark.parametrize("status", CODES)
@pytest.mark.parametrize("own", ["", "5.0.0", "4.4.7", "5.7.1 5.0.0"])
def test_a_status_given_later_is_the_same_as_one_given_at_once(status, own):
    text = f"550 {own} no"
    assert with_status(parse(text), status) == parse(text, enhanced=status)


@pytest.mark.parametrize(
    ("code", "enhanced", "severity"),
    [
        (550, "5.1.1", 5),
        (550, "4.4.7", 4),
        (421, "5.7.1", 4),
        (550, None, 5),
        (None, "4.2.2", 4),
        (None, None, None),
        (250, None, None),
    ],
)
def test_the_milder_of_two_codes_counts(code, enhanced, severity):
    assert parse("x", code, enhanced).severity == severity


def test_words_that_look_like_a_host_are_no_peer():
    assert parse("550 5.1.2 Host unknown").peer is None
    assert parse("550 Host rejected: bad name").text == "Host rejected: bad name"


def test_no_more_than_8_kib_are_looked_at():
    assert len(parse("x " * MAX_TEXT).text) <= MAX_TEXT


@given(
    st.text(max_size=300),
    st.none() | st.integers(0, 999),
    st.none() | st.text(max_size=9),
)
def test_any_text_can_be_read(text, code, enhanced):
    reply = parse(text, code, enhanced)
    assert code is None or reply.code == code
    assert reply.severity in {None, 4, 5}
    assert reply.enhanced is None or reply.enhanced.count(".") == 2


@pytest.mark.parametrize(
    "text",
    ["5", "55", "5 1", "5\u0661\u0662 no", "said: 55\u0663", "\u0665\u0665\u0660 no"],
)
def test_a_code_has_three_digits_that_servers_write(text):
    assert parse(text).code is None


def test_an_enhanced_code_has_digits_that_servers_write():
    assert parse("550 5.1.\u0661 no").enhanced is None


@pytest.mark.parametrize(
    ("rest", "code", "phase"),
    [
        ("connect to mx.example.com[192.0.2.1]:25: Connection timed out", None, None),
        (
            "host mx.example.com[192.0.2.1] refused to talk to me: 421 busy",
            *(421, Phase.BANNER),
        ),
        (
            (
                "conversation with mx.example.com[192.0.2.1] timed out while receiving"
                " the initial server greeting"
            ),
            *(None, Phase.BANNER),
        ),
    ],
)
def test_that_a_mailer_waits_is_no_part_of_what_it_was_told(rest, code, phase):
    waiting = parse(f"delivery temporarily suspended: {rest}")
    assert waiting == parse(rest)
    assert (waiting.code, waiting.phase) == (code, phase)


def test_a_mailer_that_only_waits_was_told_nothing():
    assert parse("delivery temporarily suspended").text == ""
