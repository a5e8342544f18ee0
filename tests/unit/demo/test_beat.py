"""A play waits where an incident may begin, and seldom where one lasts."""

from itertools import pairwise

import orjson
import pytest

from streams.core.instant import parse
from streams.demo.beat import SPAN, Beat, beats
from streams.demo.logbook import HOUR, MINUTE, SECOND, Event
from streams.demo.scenes import BLOCKED_FROM, PASSWORD_EXPIRES
from streams.wire.topic import Topic

START = parse("2026-03-02T00:00:00Z")


def attempt(at, customer, outcome="failed", tenant="t-1"):
    document = {
        "tenant_id": tenant,
        "address": f"{customer}@example.com",
        "outcome": outcome,
    }
    return Event(START + at, Topic.SEND_ATTEMPTS, None, orjson.dumps(document))


def failing(count, *, each=SECOND, **more):
    return [attempt(n * each, n, **more) for n in range(count)]


def firm(events):
    return [beat.end for beat in beats(events, START) if beat.firm]


def test_the_days_before_are_one_beat():
    before = [attempt(-HOUR + n * MINUTE, n) for n in range(50)]
    assert list(beats([*before, attempt(0, 99)], START)) == [
        Beat(50, firm=False),
        Beat(51, firm=True),
    ]


def test_a_day_on_which_nothing_fails_waits_every_ten_minutes():
    events = failing(60, each=MINUTE, outcome="accepted")
    ends = [beat.end for beat in beats(events, START)]
    assert ends == [10, 20, 30, 40, 50, 60]
    assert firm(events) == [60]


def test_a_crowd_of_failing_customers_is_waited_for_each_time_it_has_doubled():
    assert firm(failing(100)) == [8, 16, 32, 64, 100]


@pytest.mark.parametrize(
    "events",
    [
        [attempt(n * SECOND, 1) for n in range(50)],
        [attempt(n * SECOND, n, tenant=f"t-{n}") for n in range(50)],
        [attempt(n * 10 * MINUTE, n) for n in range(50)],
    ],
    ids=["one customer", "each of another tenant", "hours apart"],
)
def test_what_is_no_crowd_is_not_waited_for(events):
    assert firm(events) == [50]


def test_the_demos_day_goes_slowly_where_its_incidents_begin(events, start):
    played = list(beats(events, start))
    assert played[-1] == Beat(len(events), firm=True)
    assert all(a.end < b.end for a, b in pairwise(played))
    arrived = [events[beat.end - 1].arrived_at - start for beat in played if beat.firm]
    for hour in (PASSWORD_EXPIRES, BLOCKED_FROM):
        assert any(0 < at - hour * HOUR < HOUR for at in arrived)
    inside = [beat.end for beat in played][1:]
    spans = [
        events[b - 1].arrived_at - events[a].arrived_at for a, b in pairwise(inside)
    ]
    assert max(spans) <= SPAN
