"""The table in memory: its changes, what is due, and the housekeeping round."""

from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.table import MemoryTable, NoTable


def by_number(key, value):
    """A value is its own due time; a value without digits is never due."""
    return int(value) if value.isdigit() else None


@pytest.fixture
def table():
    return MemoryTable(by_number)


def test_a_value_that_was_put_is_there_and_is_a_change(table):
    table.put(b"a", b"1")
    assert table.get(b"a") == b"1"
    assert table.take_changes() == {b"a": b"1"}


def test_changes_are_taken_once(table):
    table.put(b"a", b"1")
    table.take_changes()
    assert table.take_changes() == {}
    assert table.changed == 0


def test_the_last_write_of_a_key_wins(table):
    table.put(b"a", b"1")
    table.delete(b"a")
    table.put(b"a", b"2")
    assert table.take_changes() == {b"a": b"2"}


def test_a_deleted_key_is_a_change_to_nothing(table):
    table.put(b"a", b"1")
    table.take_changes()
    table.delete(b"a")
    assert table.take_changes() == {b"a": None}
    assert table.get(b"a") is None


def test_deleting_what_is_not_there_changes_nothing(table):
    table.delete(b"a")
    assert table.changed == 0


def test_changes_taken_are_not_touched_by_later_writes(table):
    table.put(b"a", b"1")
    taken = table.take_changes()
    table.put(b"b", b"2")
    assert taken == {b"a": b"1"}


def test_a_value_is_copied_out_of_the_block_it_was_made_in(table):
    value = b"x" * 100
    table.put(b"a", value)
    assert table.get(b"a") == value
    assert table.get(b"a") is not value


def test_what_was_recovered_is_no_change(table):
    table.apply(b"a", b"1")
    table.apply(b"b", b"2")
    table.apply(b"b", None)
    table.recovered()
    assert dict(table.scan()) == {b"a": b"1"}
    assert table.changed == 0


def test_keys_come_due_in_order_and_once(table):
    for key, at in ((b"late", b"9"), (b"soon", b"3"), (b"now", b"5")):
        table.put(key, at)
    assert table.due(5) == [b"soon", b"now"]
    assert table.due(5) == []
    assert table.due(9) == [b"late"]


def test_a_key_is_due_at_its_very_instant_and_not_before(table):
    table.put(b"a", b"100")
    assert table.due(99) == []
    assert table.due(100) == [b"a"]


def test_a_value_put_anew_moves_the_time_in_both_directions(table):
    table.put(b"later", b"3")
    table.put(b"later", b"8")
    table.put(b"sooner", b"8")
    table.put(b"sooner", b"3")
    assert table.due(5) == [b"sooner"]
    assert table.due(8) == [b"later"]


def test_a_value_that_is_never_due_takes_the_key_off_the_list(table):
    table.put(b"a", b"3")
    table.put(b"a", b"never")
    assert table.due(100) == []


def test_a_deleted_key_is_not_due(table):
    table.put(b"a", b"3")
    table.delete(b"a")
    assert table.due(100) == []


def test_a_due_key_may_be_scheduled_anew_for_the_same_time(table):
    table.put(b"a", b"3")
    assert table.due(3) == [b"a"]
    table.put(b"a", b"3")
    assert table.due(3) == [b"a"]


def test_a_key_put_again_and_again_does_not_fill_the_heap(table):
    for number in range(10_000):
        table.put(b"a", b"%d" % number)
    assert len(table._due) < 100  # noqa: SLF001 - the heap itself
    assert table.due(20_000) == [b"a"]


def test_the_round_visits_every_key_and_begins_again(table):
    for number in range(7):
        table.put(b"%d" % number, b"x")
    seen = [pair for _ in range(3) for pair in table.hand(3)]
    assert len(seen) == 7
    assert {key for key, _ in seen} == {b"%d" % n for n in range(7)}
    assert len(table.hand(3)) == 3


def test_the_round_goes_on_while_keys_come_and_go(table):
    for number in range(10):
        table.put(b"%d" % number, b"x")
    seen = {key for key, _ in table.hand(4)}
    for key in list(seen):
        table.delete(key)
    table.put(b"new", b"y")
    rest = {key for _ in range(4) for key, _ in table.hand(4)}
    assert rest | seen == {b"%d" % n for n in range(10)} | {b"new"}


def test_a_round_over_an_empty_table_is_empty(table):
    assert table.hand(10) == []


def test_a_scan_survives_writes_to_the_table(table):
    table.put(b"a", b"1")
    table.put(b"b", b"2")
    for key, _ in table.scan():
        table.delete(key)
    assert len(table) == 0


def test_a_cleared_table_has_nothing_due_changed_or_left(table):
    table.put(b"a", b"3")
    table.clear()
    assert (len(table), table.changed) == (0, 0)
    assert table.due(100) == []
    assert table.hand(10) == []


keys = st.sampled_from([b"a", b"b", b"c", b"d"])
moments = st.integers(0, 20)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), keys, moments),
        st.tuples(st.just("never"), keys, moments),
        st.tuples(st.just("delete"), keys, moments),
        st.tuples(st.just("due"), keys, moments),
        st.tuples(st.just("take"), keys, moments),
    ),
    max_size=60,
)


@given(steps)
def test_the_table_does_what_a_simple_model_does(steps):
    table = MemoryTable(by_number)
    pairs, due, changes = {}, OrderedDict(), {}
    for what, key, moment in steps:
        if what == "put":
            table.put(key, b"%d" % moment)
            pairs[key] = changes[key] = b"%d" % moment
            due[key] = moment
        elif what == "never":
            table.put(key, b"never")
            pairs[key] = changes[key] = b"never"
            due.pop(key, None)
        elif what == "delete":
            table.delete(key)
            if pairs.pop(key, None) is not None:
                changes[key] = None
            due.pop(key, None)
        elif what == "due":
            ready = {k for k, at in due.items() if at <= moment}
            got = table.due(moment)
            assert set(got) == ready
            assert [due[k] for k in got] == sorted(due[k] for k in got)
            for k in ready:
                del due[k]
        else:
            assert table.take_changes() == changes
            changes = {}
    assert dict(table.scan()) == pairs
    assert table.changed == len(changes)


def test_a_stage_without_state_finds_nothing_and_may_put_nothing():
    table = NoTable()
    assert table.get(b"a") is None
    assert (table.due(5), table.hand(5), list(table.scan())) == ([], [], [])
    assert len(table) == 0
    table.delete(b"a")
    with pytest.raises(TypeError, match="keeps no state"):
        table.put(b"a", b"1")
