"""Servers that refuse mail which arrives: when it is a pattern, and when it is over."""

import pytest

from streams.core.activity import Contradiction
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike.incident import Turn
from streams.core.spike.mismatch import Liars
from streams.core.spike.telling import mismatch_alert

NOW = Instant(1_790_000_000_000)
SERVER = "mx.example.com"


def told(customer, server=SERVER, at=NOW, failure_class=FailureClass.BAD_MAILBOX):
    contradiction = Contradiction(
        at, at, "", server, failure_class, 550, "5.1.1", "User unknown"
    )
    return {(server, customer): contradiction}


def hear(liars, customers, now=NOW, **more):
    return [m for c in customers for m in liars.hear("t-1", told(c, **more), now)]


def test_two_customers_are_a_coincidence_and_three_a_pattern():
    liars = Liars()
    assert hear(liars, [1, 2]) == []
    (found,) = hear(liars, [3])
    assert found.turn is Turn.OPENED
    assert found.liar.server == SERVER
    assert len(found.liar.customers) == 3


def test_one_customer_is_one_however_often():
    assert hear(Liars(), [1] * 50) == []


def test_three_customers_at_three_servers_are_no_pattern():
    liars = Liars()
    for n in range(3):
        assert hear(liars, [n], server=f"mx{n}.example.com") == []


def test_three_customers_in_more_than_a_week_are_no_pattern():
    liars = Liars()
    hear(liars, [1])
    hear(liars, [2], now=Instant(NOW + 4 * cal.DAY))
    assert hear(liars, [3], now=Instant(NOW + cal.LIE_MEMORY)) == []


def test_nobody_is_blamed_when_the_server_is_not_known():
    assert hear(Liars(), range(10), server="") == []


def test_a_pattern_is_told_anew_at_most_every_quarter_of_an_hour():
    liars = Liars()
    (opened,) = hear(liars, [1, 2, 3])
    assert hear(liars, [4], now=Instant(NOW + cal.TELL_EVERY - 1)) == []
    (changed,) = hear(liars, [5], now=Instant(NOW + cal.TELL_EVERY))
    assert changed.turn is Turn.CHANGED
    assert changed.key == opened.key
    assert len(changed.liar.customers) == 5


def test_older_mail_that_is_heard_of_later_makes_no_other_pattern_of_it():
    liars = Liars()
    (opened,) = hear(liars, [1, 2, 3])
    later = Instant(NOW + cal.TELL_EVERY)
    (changed,) = hear(liars, [4], at=Instant(NOW - cal.DAY), now=later)
    assert changed.turn is Turn.CHANGED
    assert changed.key == opened.key


def test_it_is_over_after_a_week_without_a_new_one():
    liars = Liars()
    (opened,) = hear(liars, [1, 2, 3])
    due = liars.due_at()
    assert due == NOW + cal.LIE_MEMORY
    assert liars.forget("t-1", Instant(due - 1)) == []
    (over,) = liars.forget("t-1", due)
    assert (over.turn, over.key, over.resolved_at) == (Turn.RESOLVED, opened.key, due)
    assert liars.due_at() is None
    assert liars.forget("t-1", due) == []


def test_what_was_told_does_not_change_any_more():
    liars = Liars()
    (opened,) = hear(liars, [1, 2, 3])
    hear(liars, range(10, 20))
    assert len(opened.liar.customers) == 3


def test_the_cause_is_what_the_server_says_most():
    liars = Liars()
    hear(liars, [1, 2], failure_class=FailureClass.MAILBOX_FULL)
    (found,) = hear(liars, [3])
    assert found.liar.cause is FailureClass.MAILBOX_FULL


def test_memory_is_bounded_and_open_patterns_are_not_pushed_out():
    liars = Liars()
    hear(liars, range(1000))
    assert len(liars.by_server[SERVER].customers) == cal.LIED_TO_KEPT
    for n in range(50):
        hear(liars, [n], server=f"mx{n}.example.net")
    assert len(liars.by_server) == cal.LIARS_KEPT
    assert SERVER in liars.by_server


@pytest.mark.parametrize(
    ("server", "provider"),
    [
        ("alt1.gmail-smtp-in.l.google.com", "google"),
        ("mx2.firm.example.net", "example.net"),
        ("192.0.2.25", "192.0.2.25"),
    ],
)
def test_a_servers_provider_is_called_as_in_all_other_alerts(server, provider):
    (found,) = hear(Liars(), range(3), server=server)
    assert mismatch_alert(found, parent=None, at=NOW).provider == provider
