"""What is folded from the topics, and what a person is shown of it."""

import io

import orjson
import pytest
from rich.console import Console

from streams.core.failure import Side
from streams.demo import summary
from streams.demo.player import Moment
from streams.demo.progress import Progress
from streams.demo.story import Story, words
from streams.demo.summary import PROMISES, Run
from streams.demo.view import picture
from streams.wire.topic import Topic

RUN = Run(1, 3000, 12.5, 900.0, "the embedded Kafka")


def flag(address="ada@example.com", **more):
    return {
        "tenant_id": "t-1",
        "address": address,
        "class": "mailbox_full",
        "side": "recipient",
        "since": "2026-03-02T09:00:00.000Z",
        "first_failure_at": "2026-03-02T09:00:00.000Z",
        "last_failure_at": "2026-03-02T09:00:00.000Z",
        "summary": "The mailbox is full.",
        "where_to_check": "Nowhere.",
        "what_to_do": "Wait.",
        "suppress_recommended": False,
        "persistent": False,
        "consecutive_failures": 1,
        "evidence": [
            {
                "peer": "mx.example.com",
                "code": 552,
                "enhanced": "5.2.2",
                "text": "5.2.2 Over quota",
            }
        ],
        **more,
    }


def change(kind="flag-set", of=None, **more):
    document = {"type": kind, "at": "2026-03-02T09:00:01.000Z", "flag": of or flag()}
    return orjson.dumps(document | more)


def cleared(by, of=None):
    return change("flag-cleared", of, cleared_by=by, cleared_at="2026-03-02T10:00:00Z")


def told(*changes):
    story = Story()
    for each in changes:
        story.observe(Topic.FLAG_CHANGES, b"key", each)
    return story


def test_a_tombstone_takes_the_flag_down():
    story = Story()
    story.observe(Topic.FLAGS, b"t-1/ada@example.com", orjson.dumps(flag()))
    assert story.standing[Side.RECIPIENT] == 1
    story.observe(Topic.FLAGS, b"t-1/ada@example.com", None)
    assert sum(story.standing.values()) == 0


def test_a_dead_letter_is_counted_once_by_its_reason():
    story = Story()
    topic = Topic.SEND_ATTEMPTS.dead_letters
    for offset in (b"7", b"7", b"8"):
        headers = [
            ("dlq-reason", b"bad_time"),
            ("dlq-topic", b"mail.send-attempts.v1"),
            ("dlq-partition", b"0"),
            ("dlq-offset", offset),
        ]
        story.observe(topic, None, b"{}", headers)
    assert story.rejected == {"bad_time": 2}


def test_a_clear_is_counted_by_its_cause():
    story = told(change(), cleared("accepted"), change(), cleared("operator"))
    assert story.cleared_by == {"accepted": 1, "operator": 1}


def test_the_cause_that_hit_most_customers_is_the_widest():
    by_password = [
        flag(f"{n}@example.com", side="sender_config", **{"class": "tls_failed"})
        for n in range(3)
    ]
    alone = flag("z@example.com", side="sender_config", **{"class": "relay_denied"})
    story = told(*(change(of=f) for f in [alone, *by_password, by_password[0]]))
    group, flags = story.widest(Side.SENDER_CONFIG)
    assert group.failure_class == "tls_failed"
    assert len(flags) == 3


def test_who_recovered_alone_is_shown_rather_than_one_of_many():
    many = [flag(f"{n}@example.com", side="transient") for n in range(5)]
    alone = flag("z@example.com", side="transient", tenant_id="t-2")
    story = told(*(change(of=f) for f in [*many, alone]))
    for each in [*many, alone]:
        story.observe(Topic.FLAG_CHANGES, b"key", cleared("accepted", each))
    assert story.recovery()["flag"]["address"] == "z@example.com"


def test_of_the_persistent_flags_the_longest_row_of_failures_is_shown():
    story = Story()
    for number, address in enumerate(("a@example.com", "b@example.com"), 3):
        lasting = flag(
            address,
            persistent=True,
            suppress_recommended=True,
            consecutive_failures=number,
        )
        story.observe(Topic.FLAGS, address.encode(), orjson.dumps(lasting))
    assert story.persistence()["address"] == "b@example.com"


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ({"code": 552, "text": "5.2.2 Over quota"}, "552 5.2.2 Over quota"),
        ({"code": 552, "enhanced": "5.2.2", "text": "Full"}, "552 5.2.2 Full"),
        ({"code": 550, "text": "550 No"}, "550 No"),
        ({"text": "Connection\n timed out"}, "Connection timed out"),
        ({"code": 450}, "nothing"),
    ],
)
def test_the_servers_words_are_shown_with_their_codes_once(evidence, said):
    assert words(flag(evidence=[evidence])) == said


def test_a_day_that_shows_nothing_is_missing_all_promises():
    assert summary.missing(summary.examples(Story())) == list(PROMISES.values())


def test_the_summary_fits_a_terminal_and_names_every_promise(story):
    text = summary.text(story, RUN)
    assert max(map(len, text.splitlines())) <= 100
    for title in PROMISES.values():
        assert title in text
    for label in ("server said", "where to check", "what to do"):
        assert text.count(label) == len(PROMISES)


def test_the_summary_for_programs_has_the_same_counts(story):
    document = orjson.loads(orjson.dumps(summary.document(story, RUN)))
    assert document["flags"]["set"] == story.changes["flag-set"]
    assert document["flags"]["standing"] == len(story.flags)
    assert document["examples"].keys() == PROMISES.keys()
    for example in document["examples"].values():
        assert example["server_said"]
        assert example["where_to_check"]
        assert example["flag"]["evidence"]


def drawn(story, width):
    console = Console(width=width, height=40, record=True, file=io.StringIO())
    moment = Moment(
        total=100, started=0.0, heard=0.0, published=60, first_done=1.0, last_done=2.0
    )
    moment.progress = Progress(50, 48, 40, calm=False)
    console.print(picture(story, moment, console))
    return console.export_text()


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_picture_shows_changes_with_the_servers_words(width):
    picture_of = drawn(told(change(), cleared("accepted")), width)
    assert "CLEARED" in picture_of
    assert "SET" in picture_of
    assert "552 5.2.2" in picture_of
    assert "40 of 100 events" in picture_of
    assert max(map(len, picture_of.splitlines())) <= width


def test_a_servers_words_cannot_steer_the_terminal():
    evil = flag(evidence=[{"text": "\x1b[2J\x1b[31mboo \u202e [bold]x[/bold]"}])
    picture_of = drawn(told(change(of=evil)), 200)
    assert "\x1b" not in picture_of
    assert "\u202e" not in picture_of
    assert "[bold]x[/bold]" in picture_of


@pytest.mark.parametrize(
    ("severity", "first"),
    [
        ("critical", "Page: Mail fails."),
        ("warning", "Warning: Mail fails."),
        ("info", "Part of another: Mail fails."),
    ],
)
def test_an_alert_says_first_whether_anybody_is_woken(severity, first):
    alert = {
        "type": "alert-opened",
        "key": "k",
        "kind": "spike",
        "severity": severity,
        "summary": "Mail fails.",
        "opened_at": "2026-03-02T10:01:20.404Z",
        "resolved_at": None,
    }
    story = Story()
    story.observe(Topic.ALERTS, b"k", orjson.dumps(alert))
    assert f"alert           {first} Opened 10:01 UTC" in summary.text(story, RUN)
    assert first in drawn(story, 100)


def test_a_beat_is_over_when_all_is_done_and_nothing_more_is_told():
    assert Progress(50, 60, 60, calm=True).is_heard(50)
    assert not Progress(49, 60, 60, calm=True).is_heard(50)
    assert not Progress(50, 60, 60, calm=False).is_heard(50)
