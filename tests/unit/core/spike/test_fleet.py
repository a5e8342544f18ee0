"""Which hosts of ours an incident goes through, told of all mail and not of samples."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.activity import MINUTE, Hop
from streams.core.spike.fleet import (
    DELIVERING,
    KEPT,
    UNKNOWN,
    Deliveries,
    Fleet,
    Hosts,
    joint,
)

START = 1_767_571_200_000
NAMES = [f"app{n}.example.net" for n in range(KEPT)]
FAILURES = st.lists(
    st.tuples(
        st.sampled_from(["", *NAMES[:-1]]),
        st.integers(0, 30).map(lambda n: START + n * MINUTE),
        st.integers(1, 5),
    ),
    max_size=40,
)


def fleet(failures, *, by_session=True):
    made = Fleet()
    for host, bucket, trials in failures:
        made.fail(host, bucket, trials, by_session=by_session)
        made.thin()
    return made


def contents(made):
    return {
        host: (dict(through.trials), through.by_session)
        for host, through in made.by_host.items()
    }


@given(FAILURES, st.randoms(use_true_random=False), st.integers(0, 40))
def test_no_order_and_no_cut_changes_what_failed_through_which_host(failures, rng, at):
    straight = fleet(failures)
    mixed = list(failures)
    rng.shuffle(mixed)
    parts = fleet(mixed[:at])
    parts.add(fleet(mixed[at:]))
    assert contents(parts) == contents(straight)
    assert parts.told({}) == straight.told({})


@given(FAILURES, st.integers(0, 31))
def test_what_is_forgotten_leaves_what_failed_since(failures, minute):
    start = START + minute * MINUTE
    made = fleet(failures)
    made.forget(start)
    assert contents(made) == contents(fleet(f for f in failures if f[1] >= start))


@given(FAILURES)
def test_joining_old_minutes_keeps_every_mail(failures):
    calm, settled = fleet(failures), fleet(failures)
    hours = {bucket: START for _, bucket, _ in failures}
    calm.move(hours, settled=False)
    settled.move({}, settled=True)
    assert calm.told({}) == settled.told({}) == fleet(failures).told({})
    assert all(len(t.trials) == 1 for t in settled.by_host.values())
    calm.move({}, settled=False)
    assert calm.told({}) == UNKNOWN


def test_of_very_many_hosts_the_worst_are_named_and_all_mails_are_counted():
    rng = Random(1)
    many = [(f"h{n}.example.net", START, 1) for n in range(300)]
    many += [("broken.example.net", START + MINUTE, 1)] * 40
    rng.shuffle(many)
    made = Fleet()
    for at in range(0, len(many), 40):
        for host, bucket, trials in many[at : at + 40]:
            made.fail(host, bucket, trials, by_session=True)
        made.thin()
    told = made.told({})
    assert len(told.failing) == KEPT
    assert told.failing[0][0] == "broken.example.net"
    assert told.failing[0][1] >= 35
    assert told.traced == 340


def test_hosts_without_failures_deliver_and_a_rare_failure_hides_none():
    broken, healthy, slow, idle = NAMES[:4]
    made = fleet(
        [
            (broken, START + 5 * MINUTE, 90),
            (healthy, START + 3 * MINUTE, 2),
            (slow, START + 6 * MINUTE, 2),
        ]
    )
    last = dict.fromkeys([broken, healthy, slow, idle], START + 5 * MINUTE)
    told = made.told(last)
    assert told.failing == ((broken, 90), (healthy, 2), (slow, 2))
    # The slow one has failed since it last delivered: it may be broken, too.
    assert told.delivering == (healthy, idle)


def test_a_host_that_fails_as_others_do_does_not_deliver():
    made = fleet([(NAMES[0], START, 9), (NAMES[1], START, 5)])
    assert made.told({NAMES[1]: START + MINUTE}).delivering == ()


def test_a_relay_that_reports_is_not_compared_with_hosts_that_hand_in_there():
    made = fleet([("relay.example.net", START, 9)], by_session=False)
    told = made.told({NAMES[0]: START + MINUTE})
    assert told == Hosts((("relay.example.net", 9),), 9, ())


def delivered(*rows):
    made = Deliveries()
    for host, place, minute in rows:
        made.hear({host: {place: START + minute * MINUTE}})
    return made


def test_who_delivers_is_asked_of_the_place_that_fails():
    made = delivered(
        ("app1", "relay", 5),
        ("app2", "google", 6),
        ("app3", "mx", 7),
        ("app4", "mx", 0),
    )

    def hosts(hop, provider):
        return sorted(made.since(START, hop, provider))

    assert hosts(Hop.SUBMISSION, None) == ["app1", "app2", "app3"]
    assert hosts(Hop.MX, None) == ["app2", "app3"]
    assert hosts(Hop.MX, "google") == ["app2"]
    assert hosts(Hop.MX, "isp.test") == []


@given(st.randoms(use_true_random=False))
def test_no_order_changes_which_deliveries_are_remembered(rng):
    rows = [
        (f"app{rng.randrange(DELIVERING)}", rng.choice(["mx", "google"]), minute)
        for minute in range(150)
    ]
    straight = delivered(*rows)
    rng.shuffle(rows)
    assert delivered(*rows).newest == straight.newest


@given(st.randoms(use_true_random=False))
def test_of_very_many_hosts_those_that_delivered_last_are_remembered(rng):
    rows = [(f"app{rng.randrange(99)}", "mx", minute) for minute in range(300)]
    last = dict.fromkeys(host for host, _, _ in reversed(rows))
    rng.shuffle(rows)
    assert delivered(*rows).newest.keys() == set([*last][:DELIVERING])


def test_old_deliveries_are_forgotten():
    made = delivered(("app1", "mx", 5), ("app2", "google", 6))
    made.forget(START + 6 * MINUTE)
    assert made.newest == {"app2": {"google": START + 6 * MINUTE}}


@pytest.mark.parametrize("turned", [False, True])
def test_a_host_that_fails_for_one_tenant_alone_delivers_for_none(turned):
    first = Hosts((("shared", 7), ("app1", 1)), 9, ("app1", "app2"))
    second = Hosts((("shared", 5),), 5, ("app1", "shared"))
    third = Hosts((("shared", 5),), 5, ("app3",))
    parts = [third, second, first] if turned else [first, second, third]
    told = joint(parts)
    assert told.failing == (("shared", 17), ("app1", 1))
    assert told.traced == 19
    assert told.delivering == ("app1", "app2", "app3")
    assert told.incidents == 3
    assert joint([UNKNOWN, first, UNKNOWN]).incidents == 1
