"""A file that remembers what has been put back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.adapters.checkpoint import Checkpoint, Stretch, joined
from streams.adapters.dead_letters import Place
from streams.errors import ConfigurationError

TOPIC = "mail.send-attempts.v1.dlq"
OTHER = "mail.dsn-events.v1.dlq"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "replayed.jsonl"


def opened(path, cluster="c-1", prefix=""):
    return Checkpoint(path, cluster, prefix)


def places(*offsets, topic=TOPIC, partition=0):
    return [Place(topic, partition, offset) for offset in offsets]


def test_what_one_run_has_put_back_the_next_one_knows(path):
    with opened(path) as first:
        assert places(3)[0] not in first
        first.add(places(3, 4, 5))
        first.add(places(9))
    with opened(path) as second:
        known = [offset for offset in range(12) if places(offset)[0] in second]
    assert known == [3, 4, 5, 9]


def test_topics_and_partitions_are_kept_apart(path):
    with opened(path) as first:
        first.add([*places(1, partition=2), *places(7, topic=OTHER)])
    with opened(path) as second:
        assert places(1, partition=2)[0] in second
        assert places(1)[0] not in second
        assert places(7)[0] not in second
        assert places(7, topic=OTHER)[0] in second


def test_stretches_of_many_runs_are_one(path):
    for first in (0, 20, 10, 5):
        with opened(path) as checkpoint:
            checkpoint.add(places(*range(first, first + 10)))
    with opened(path) as last:
        assert all(place in last for place in places(*range(30)))
        assert places(30)[0] not in last


def test_what_is_no_place_is_not_in_it(path):
    with opened(path) as checkpoint:
        assert "mail.send-attempts.v1.dlq/0/1" not in checkpoint


def test_consecutive_offsets_are_one_line(path):
    with opened(path) as checkpoint:
        checkpoint.add(places(*range(1000)))
    assert path.read_text().count("\n") == 2


def test_each_addition_is_on_disk_before_the_next_record_is_sent(path):
    with opened(path) as checkpoint:
        checkpoint.add(places(1))
        assert '"first":1' in path.read_text()


def test_a_line_that_was_cut_off_by_a_kill_is_forgotten(path):
    with opened(path) as first:
        first.add(places(1))
        first.add(places(5))
    path.write_bytes(path.read_bytes()[:-3])
    with opened(path) as second:
        assert places(1)[0] in second
        assert places(5)[0] not in second
        second.add(places(7))
    with opened(path) as third:
        assert places(7)[0] in third


@pytest.mark.parametrize("cut", [b"", b"{", b'{"cluster":', b'{"cluster":"c-'])
def test_a_run_killed_before_its_first_line_leaves_a_file_that_still_works(path, cut):
    path.write_bytes(cut)
    with opened(path) as checkpoint:
        checkpoint.add(places(1))
    with opened(path) as again:
        assert places(1)[0] in again


@pytest.mark.parametrize(("cluster", "prefix"), [("c-2", ""), ("c-1", "staging.")])
def test_offsets_of_other_topics_are_refused(path, cluster, prefix):
    opened(path).__exit__()
    with pytest.raises(ConfigurationError, match="another cluster or topic prefix"):
        opened(path, cluster, prefix)


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", "{}", '{"topic":"a","partition":0,"first":"x","end":1}']
)
def test_a_line_that_is_none_is_named(path, line):
    opened(path).__exit__()
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ConfigurationError, match=r"replayed\.jsonl:2 is no line"):
        opened(path)


@pytest.mark.parametrize("notes", ["my notes\n", "my notes", "one\ntwo", "{}\n[", "["])
def test_a_file_of_something_else_is_refused_and_left_alone(path, notes):
    path.write_text(notes)
    with pytest.raises(ConfigurationError, match="name another file"):
        opened(path)
    assert path.read_text() == notes


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(ConfigurationError, match=r"--checkpoint: .* cannot be used"):
        opened(tmp_path / "missing" / "file")


@given(st.lists(st.integers(0, 60)), st.lists(st.integers(0, 60)))
def test_joined_stretches_cover_exactly_what_was_put_back(here, there):
    given_places = [*places(*here), *places(*there, topic=OTHER)]
    stretches = joined(given_places)
    covered = {
        Place(stretch.topic, stretch.partition, offset)
        for stretch in stretches
        for offset in range(stretch.first, stretch.end)
    }
    assert covered == set(given_places)


def test_joined_stretches_are_the_fewest():
    assert joined(places(3, 1, 2, 8)) == [
        Stretch(TOPIC, 0, 1, 4),
        Stretch(TOPIC, 0, 8, 9),
    ]
