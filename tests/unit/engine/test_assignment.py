"""Partitions are shared out evenly by topic, and stay where they were."""

from collections import Counter
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from streams.engine.assignment import Member, StickyAssignor, share_out

TOPICS = frozenset({"attempts", "reports", "evidence", "activity"})


def fresh(*names, topics=TOPICS):
    return {name: Member(topics, {}, 0) for name in names}


def again(shares, number=1, topics=TOPICS):
    """Answer the members as they come to the next rebalance."""
    return {name: Member(topics, share, number) for name, share in shares.items()}


def moved(before, after):
    """Count partitions that a remaining member lost."""
    lost = 0
    for name, share in before.items():
        for topic, numbers in share.items():
            lost += len(set(numbers) - set(after.get(name, {}).get(topic, ())))
    return lost


def test_one_worker_gets_everything():
    assert share_out({"evidence": 3}, fresh("a")) == {"a": {"evidence": [0, 1, 2]}}


def test_more_workers_than_partitions_leave_some_without():
    shares = share_out({"evidence": 1}, fresh("a", "b"))
    assert sorted(map(str, shares.values())) == ["{'evidence': [0]}", "{}"]


def test_nothing_moves_when_nobody_comes_or_goes():
    counts = {"attempts": 7, "evidence": 12, "activity": 1}
    first = share_out(counts, fresh("a", "b", "c"))
    assert share_out(counts, again(first)) == first


def test_who_stays_keeps_everything_when_another_leaves():
    counts = {"evidence": 12}
    first = share_out(counts, fresh("a", "b", "c"))
    del first["b"]
    assert moved(first, share_out(counts, again(first))) == 0


def test_only_the_newcomers_share_moves_when_one_joins():
    counts = {"evidence": 12}
    first = share_out(counts, fresh("a", "b", "c"))
    joined = {**again(first), **fresh("d")}
    second = share_out(counts, joined)
    assert moved(first, second) == len(second["d"]["evidence"]) == 3


def test_a_zombies_old_claim_loses_to_the_new_owners():
    members = {
        "zombie": Member(TOPICS, {"evidence": [0, 1]}, 4),
        "owner": Member(TOPICS, {"evidence": [0, 1]}, 5),
    }
    shares = share_out({"evidence": 2}, members)
    assert shares == {"zombie": {"evidence": [1]}, "owner": {"evidence": [0]}}


def test_topics_with_one_partition_do_not_all_end_on_one_worker():
    counts = {"attempts": 1, "reports": 1, "evidence": 1, "activity": 1}
    first = share_out(counts, fresh("a"))
    second = share_out(counts, {**again(first), **fresh("b", "c", "d")})
    sizes = sorted(sum(map(len, share.values())) for share in second.values())
    assert sizes == [0, 1, 1, 2]


def test_a_member_gets_only_topics_that_it_reads():
    members = {
        **fresh("a", topics=frozenset({"attempts"})),
        **fresh("b", topics=frozenset({"attempts", "evidence"})),
    }
    shares = share_out({"attempts": 2, "evidence": 4}, members)
    assert shares["a"] == {"attempts": [0]}
    assert shares["b"] == {"attempts": [1], "evidence": [0, 1, 2, 3]}


def test_claims_of_partitions_that_do_not_exist_are_ignored():
    members = {"a": Member(TOPICS, {"evidence": [0, 7, -1], "gone": [1]}, 3)}
    assert share_out({"evidence": 2}, members) == {"a": {"evidence": [0, 1]}}


names = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True)
counts = st.dictionaries(st.sampled_from(sorted(TOPICS)), st.integers(1, 20))
claims = st.dictionaries(
    st.sampled_from(sorted(TOPICS)), st.lists(st.integers(-1, 25), max_size=20)
)


@given(names, counts, st.data())
def test_every_partition_has_one_owner_and_topics_are_even(names, counts, data):
    members = {
        name: Member(TOPICS, data.draw(claims), data.draw(st.integers(0, 3)))
        for name in names
    }
    shares = share_out(counts, members)
    for topic, count in counts.items():
        owned = [number for share in shares.values() for number in share.get(topic, [])]
        assert sorted(owned) == list(range(count))
        sizes = [len(share.get(topic, [])) for share in shares.values()]
        assert max(sizes) - min(sizes) <= 1


@given(names, counts, st.integers(0, 7))
def test_a_leaver_moves_no_more_than_evenness_asks_for(names, counts, place):
    first = share_out(counts, fresh(*names))
    first.pop(names[place % len(names)])
    if first:
        second = share_out(counts, again(first))
        assert moved(first, second) <= len(counts) * len(first)


class Cluster:
    def partitions_for_topic(self, topic):
        return {"evidence": {0, 1, 2, 3}}.get(topic)


def test_what_was_assigned_is_claimed_in_the_next_round():
    workers = {name: StickyAssignor() for name in "ab"}
    told = {n: w.metadata(["evidence"]) for n, w in workers.items()}
    first = workers["a"].assign(Cluster(), told)
    for name, worker in workers.items():
        worker.on_assignment(first[name])
    told = {n: w.metadata(["evidence"]) for n, w in workers.items()}
    second = workers["b"].assign(Cluster(), told)
    assert {n: a.assignment for n, a in second.items()} == {
        n: a.assignment for n, a in first.items()
    }
    rounds = Counter(a.user_data for a in [*first.values(), *second.values()])
    assert rounds == {b'{"round": 1}': 2, b'{"round": 2}': 2}


def test_a_member_without_a_claim_is_a_newcomer():
    told = {"a": SimpleNamespace(subscription=["evidence"], user_data=b"")}
    got = StickyAssignor().assign(Cluster(), told)
    assert got["a"].assignment == [("evidence", [0, 1, 2, 3])]
