"""Input that misleads a detector, through a replay: no false page, no blindness."""

import json
import random

import pytest

from streams.adapters.offline import Offline
from streams.app import build_stages
from streams.core.instant import Instant, render
from streams.settings import load
from streams.wire.topic import Topic

START = 1_795_161_600_000
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
BROKEN_AT = 180
"""Minute in which the password expires, if it does."""
REFUSED = {
    "phase": "auth",
    "code": 535,
    "enhanced": "5.7.8",
    "text": "Error: authentication failed",
}
BLOCKED = {
    "phase": "rcpt",
    "code": 554,
    "enhanced": "5.7.1",
    "text": "Client host [192.0.2.1] blocked using zen.example.org",
}
TAKEN = {"phase": "data_end", "code": 250, "text": "OK"}


def mail(number, minute, *, refused=None, says=0, **changes):
    """Answer an event that arrives in a minute; its clock is `says` ms wrong."""
    arrived = START + int(minute * MINUTE)
    customer = f"c{number % 211}"
    smtp = {"peer": "smtp.example.net", "peer_role": "relay", **(refused or TAKEN)}
    return {
        "type": "send-attempt",
        "id": f"e-{number}-{minute}",
        "time": render(Instant(max(0, arrived - 500 + says))),
        "arrived_at": render(Instant(arrived)),
        "tenant_id": "t-1",
        "customer_id": customer,
        "address": f"{customer}@example.com",
        "message_id": f"m-{number}-{minute}@example.org",
        "outcome": "failed" if refused else "accepted",
        "smtp": smtp,
        **changes,
    }


def day(until, *, broken=False, **changes):
    """Answer three mails a minute; the password has expired from BROKEN_AT on."""
    return [
        mail(
            minute * 3 + n,
            minute + n / 3,
            refused=REFUSED if broken and minute >= BROKEN_AT else None,
            **changes,
        )
        for minute in range(until)
        for n in range(3)
    ]


def alerts(events):
    """Answer what a replay says of incidents; nothing of the input may be refused."""
    stages = build_stages(load({}))
    told, refused = [], []
    offline = Offline(
        stages.by_topic(), told.append, refused.append, stages.bulletins()
    )
    events = sorted(events, key=lambda event: event["arrived_at"])
    for _ in offline.run(json.dumps(event).encode() for event in events):
        pass
    assert refused == []
    return [json.loads(one.value) for one in told if one.topic == Topic.ALERTS]


def pages(events):
    """Answer the first word of each page."""
    first = {}
    for alert in alerts(events):
        if alert["severity"] == "critical":
            first.setdefault(alert["key"], alert)
    return list(first.values())


def minutes(page):
    """Answer how long after the password expired a page came."""
    broken = render(Instant(START + BROKEN_AT * MINUTE))
    assert page["at"] >= broken
    return _minute(page["at"]) - _minute(broken)


def _minute(said):
    hours, minute = said[11:16].split(":")
    return int(hours) * 60 + int(minute)


@pytest.mark.parametrize("ahead", [30 * DAY, 3_650 * DAY])
def test_events_from_the_future_page_nobody(ahead):
    events = day(BROKEN_AT)
    events += [
        mail(9_000 + n, 60 + n * 10, refused=REFUSED, says=ahead) for n in range(3)
    ]
    assert pages(events) == []


@pytest.mark.parametrize("clock", [30 * DAY, 3_650 * DAY, -7 * 60 * SECOND])
def test_a_host_with_a_wrong_clock_hides_no_incident(clock):
    events = day(BROKEN_AT + 20, broken=True)
    wrong = day(BROKEN_AT + 20, broken=True, says=clock)
    pairs = zip(events, wrong, strict=True)
    mixed = [one if n % 2 else two for n, (one, two) in enumerate(pairs)]
    (page,) = pages(mixed)
    assert page["cause"] == "submission_auth_failed"
    assert minutes(page) <= 4


@pytest.mark.parametrize("ago", [2 * HOUR, 5 * DAY, 40 * DAY, 3_650 * DAY])
def test_failures_from_the_past_page_nobody_and_hide_no_incident(ago):
    old = [mail(9_000 + n, 100 + n / 60, refused=REFUSED, says=-ago) for n in range(60)]
    assert pages(day(BROKEN_AT) + old) == []
    (page,) = pages(day(BROKEN_AT + 20, broken=True) + old)
    assert minutes(page) <= 4


def test_a_day_that_comes_again_pages_nobody_and_resolves_nothing():
    events = day(BROKEN_AT + 60, broken=True)
    again = [
        {**event, "arrived_at": render(Instant(START + 300 * MINUTE + n * 200))}
        for n, event in enumerate(events)
    ]
    once = alerts(events)
    twice = alerts(events + again)
    opened = [alert["key"] for alert in once if alert["severity"] == "critical"]
    assert {alert["key"] for alert in twice} == set(opened)
    assert [a for a in twice if a["resolved_at"]] == []
    assert max(a["mails_failed"] for a in twice) <= 180


def test_old_failures_under_new_ids_page_nobody():
    events = day(400)
    small = [mail(9_000 + n, 20 + 9 * n, refused=REFUSED) for n in range(12)]
    again = [
        {
            **event,
            "id": f"again-{n}",
            "arrived_at": render(Instant(START + 300 * MINUTE + n * SECOND)),
        }
        for n, event in enumerate(small)
    ]
    late = render(Instant(START + 300 * MINUTE))
    assert [p for p in pages(events + small + again) if p["at"] >= late] == []


def test_a_tenant_that_only_ever_fails_is_one_page():
    events = [mail(n, n * 5, refused=REFUSED) for n in range(600)]
    told = alerts(events)
    assert len({alert["key"] for alert in told}) == 1
    assert not any(alert["resolved_at"] for alert in told)
    assert told[0]["cause"] == "submission_auth_failed"
    assert told[0]["at"] < render(Instant(START + 60 * MINUTE))


@pytest.mark.parametrize("answer", [REFUSED, BLOCKED])
def test_a_tenant_with_one_customer_is_no_incident(answer):
    only = {"customer_id": "the-only-one", "address": "one@example.com"}
    events = [mail(n, n, **only) for n in range(60)]
    events += [mail(n, n * 5, refused=answer, **only) for n in range(60, 400)]
    assert pages(events) == []


@pytest.mark.parametrize(
    "name",
    [
        "Müller & Söhne",
        "株式会社 例え",
        "أبجد هوز",
        "🦊\u200d🦊",
        "a b  c",
        '"\\%s{}:|',
    ],
)
def test_ids_of_any_alphabet_are_told_apart_and_kept_as_they_are(name):
    events = [
        {
            **event,
            "tenant_id": name,
            "customer_id": f"{name} {event['customer_id']}",
            "message_id": f"{name}{event['message_id']}",
        }
        for event in day(BROKEN_AT + 12, broken=True)
    ]
    (page,) = pages(events)
    assert page["tenant_id"] == name
    assert minutes(page) <= 4
    assert page["customers_failing"] >= 3


def test_copies_and_disorder_change_no_figure():
    events = day(BROKEN_AT + 40, broken=True)
    chance = random.Random(1)
    copies = [
        {**event, "arrived_at": render(Instant(START + int(at) + late))}
        for event, at in ((e, _at(e)) for e in events)
        for late in (0, chance.randrange(5 * MINUTE), chance.randrange(5 * MINUTE))
    ]
    (page,) = pages(copies)
    assert page["cause"] == "submission_auth_failed"
    last = alerts(copies)[-1]
    assert last["customers_failing"] <= 120
    assert last["mails_failed"] <= 120


def _at(event):
    number = int(event["id"].split("-")[1])
    return number / 3 * MINUTE
