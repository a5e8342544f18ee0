"""When an event of a file reached us, if it does not say so itself."""

import json

import pytest

from streams.adapters.offline import Offline
from streams.core.instant import parse, render
from streams.engine.stage import Output

HOUR = 3_600_000
DAY = 24 * HOUR
NOON = parse("2026-11-20T12:00:00Z")
FAR = parse("2099-01-01T00:00:00Z")


class Noting:
    """A stage that notes when records arrived."""

    def __init__(self):
        self.arrivals = []

    def process(self, batch, table, now):
        self.arrivals += [record.timestamp for record in batch.records]
        return Output()

    def due_at(self, key, value):
        return None

    def due(self, table, now):
        return Output()


def arrivals(*times, told=None):
    """Answer when events of these times arrived; `told` says so of some."""
    stage, refused = Noting(), []
    offline = Offline({"mail.send-attempts.v1": stage}, print, refused.append)
    lines = [{"type": "send-attempt", "time": render(time)} for time in times]
    for number, at in (told or {}).items():
        lines[number]["arrived_at"] = render(at)
    for _ in offline.run(json.dumps(line).encode() for line in lines):
        pass
    assert not refused
    return stage.arrivals


def test_an_event_arrives_when_it_was_made_or_with_the_one_before():
    times = [NOON, NOON + HOUR, NOON + 1, NOON + 2 * HOUR]
    assert arrivals(*times) == [NOON, NOON + HOUR, NOON + HOUR, NOON + 2 * HOUR]


@pytest.mark.parametrize("where", range(5))
def test_one_clock_far_ahead_takes_nobody_along(where):
    times = [NOON + n * HOUR for n in range(5)]
    wrong = [*times[:where], FAR, *times[where:]]
    believed = times[max(0, where - 1)]
    assert arrivals(*wrong) == [*times[:where], believed, *times[where:]]


def test_a_host_with_its_clock_ahead_takes_nobody_along():
    times = [NOON + n * HOUR // 10 for n in range(60)]
    wrong = [FAR if n % 3 == 1 else time for n, time in enumerate(times)]
    assert max(arrivals(*wrong)) == max(t for t in wrong if t < FAR)


def test_a_clock_less_than_a_day_ahead_is_the_files_time():
    assert arrivals(NOON, NOON + DAY, NOON + 2) == [NOON, NOON + DAY, NOON + DAY]


@pytest.mark.parametrize("after", [0, 1, 20])
def test_a_gap_in_the_file_is_a_gap(after):
    times = [NOON, *(NOON + 40 * DAY + n for n in range(1 + after))]
    assert arrivals(*times) == times


def test_a_gap_that_ends_with_some_late_events_is_a_gap():
    later = NOON + 40 * DAY
    times = [NOON, later, NOON + 1, NOON + 2, *(later + n for n in range(1, 9))]
    assert arrivals(*times) == [NOON, later, later, later, *times[4:]]


def test_what_is_said_about_the_arrival_is_believed():
    told = {1: FAR}
    assert arrivals(NOON, NOON, NOON + 1, told=told) == [NOON, FAR, FAR]
    told = {2: NOON + 9 * DAY}
    assert arrivals(NOON, FAR, NOON + 1, told=told)[1] == NOON
