"""What is sent to one Alertmanager, and when."""

import pytest
from alerts_told import MINUTE, NOON, alert

from streams.adapters.notice import notice
from streams.adapters.replica import BATCH, LONGEST_PAUSE, REFRESH, Replica
from streams.core.instant import Instant


def told(key="k", **changes):
    return notice(alert(key=key, **changes), "")


@pytest.fixture
def replica():
    return Replica()


def at(milliseconds):
    return Instant(NOON + milliseconds)


def deliver(replica, notices, now):
    """Let all requests that are due succeed; answer how many alerts they had."""
    requests = replica.requests(notices, now)
    for request in requests:
        replica.took(request, now)
    return sum(len(request) for request in requests)


def test_a_new_alert_is_sent_at_once_and_repeated_every_minute(replica):
    notices = [told()]
    sent = [
        second for second in range(181) if deliver(replica, notices, at(second * 1000))
    ]
    assert sent == [0, 60, 120, 180]


def test_a_change_is_sent_at_once(replica):
    deliver(replica, [told(revision=1)], at(0))
    assert deliver(replica, [told(revision=2)], at(1000)) == 1
    assert deliver(replica, [told(revision=2)._replace(ended_at=at(1))], at(2000)) == 1
    assert deliver(replica, [told(revision=2)._replace(ended_at=at(1))], at(3000)) == 0


def test_an_alertmanager_that_was_away_for_an_hour_gets_each_alert_once(replica):
    notices = [told(f"k{number}") for number in range(100)]
    trials = 0
    for second in range(3600):
        if replica.requests(notices, at(second * 1000)):
            replica.failed(at(second * 1000))
            trials += 1
    assert trials < 130
    back = at(3600 * 1000 + LONGEST_PAUSE)
    assert deliver(replica, notices, back) == 100
    assert replica.requests(notices, at(3600 * 1000 + LONGEST_PAUSE + 1000)) == []


def test_pauses_grow_after_each_failure_and_end_with_a_success(replica):
    notices, pauses, now = [told()], [], 0
    for _ in range(8):
        replica.failed(at(now))
        before = now
        while not replica.requests(notices, at(now)):
            now += 500
        pauses.append((now - before) / 1000)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    deliver(replica, notices, at(now))
    replica.failed(at(now))
    assert replica.requests([*notices, told("n")], at(now + 1000))


def test_a_long_list_is_sent_in_parts_and_in_its_order(replica):
    notices = [told(f"k{number}") for number in range(2 * BATCH + 1)]
    requests = replica.requests(notices, at(0))
    assert [len(request) for request in requests] == [BATCH, BATCH, 1]
    assert [one for request in requests for one in request] == notices


def test_a_refused_request_of_several_is_sent_again_one_by_one(replica):
    notices = [told("a"), told("b"), told("c")]
    (request,) = replica.requests(notices, at(0))
    replica.refused(request, at(0), content=True)
    alone = replica.requests(notices, at(1000))
    assert alone == [[notices[0]], [notices[1]], [notices[2]]]
    replica.took(alone[0], at(1000))
    replica.refused(alone[1], at(1000), content=True)
    replica.took(alone[2], at(1000))
    assert replica.requests(notices, at(2000)) == []
    later = at(1000 + REFRESH)
    assert replica.requests(notices, later) == [
        [notices[0], notices[2]],
        [notices[1]],
    ]


def test_who_refuses_altogether_is_asked_again_a_minute_later_and_not_by_pieces(
    replica,
):
    notices = [told("a"), told("b")]
    replica.refused(notices, at(0), content=False)
    assert replica.requests(notices, at(REFRESH - 1)) == []
    assert replica.requests(notices, at(REFRESH)) == [notices]


def test_what_is_told_no_more_is_forgotten(replica):
    notices = [told("a"), told("b")]
    replica.refused(notices, at(0), content=True)
    assert deliver(replica, notices, at(1)) == 2
    replica.requests([], at(2))
    assert replica.requests(notices, at(3)) == [notices]


@pytest.mark.parametrize("back", [MINUTE, 60 * MINUTE])
def test_a_clock_that_is_set_back_does_not_silence_us(replica, back):
    notices = [told()]
    deliver(replica, notices, at(0))
    assert replica.requests(notices, at(-back)) == [notices]
    replica.failed(at(0))
    assert replica.requests(notices, at(-back)) == [notices]
