"""A table, in memory and on disk: its changes, what is due, and the round."""

from collections import OrderedDict

import pytest
from changelog import Changelog, Disks
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.engine.table import MemoryTable, NoTable


def by_number(key, value):
    """A value is its own due time; a value without digits is never due."""
    return int(value) if value.isdigit() else None


@pytest.fixture
def table(make_table):
    return make_table(by_number)


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


def test_a_key_put_again_and_again_does_not_fill_the_heap():
    table = MemoryTable(by_number)
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


def test_what_was_taken_is_still_there_and_no_change(table):
    table.put(b"a", b"3")
    table.put(b"b", b"3")
    table.take_changes()
    table.delete(b"b")
    assert (table.get(b"a"), table.get(b"b")) == (b"3", None)
    assert dict(table.scan()) == {b"a": b"3"}
    assert len(table) == 1
    assert table.take_changes() == {b"b": None}


def test_what_is_put_while_the_last_change_is_committed_is_newer(table):
    log = Changelog()
    table.put(b"a", b"3")
    taken = table.take_changes()
    table.put(b"a", b"9")
    assert taken == {b"a": b"3"}
    table.settle(None, None)
    assert table.get(b"a") == b"9"
    assert table.due(5) == []
    log.commit(table)
    assert table.due(9) == [b"a"]


def test_a_committed_key_is_due_once(table):
    log = Changelog()
    table.put(b"a", b"3")
    log.commit(table)
    assert table.due(5) == [b"a"]
    assert table.due(5) == []
    table.put(b"a", b"3")
    assert table.due(5) == [b"a"]
    log.commit(table)
    assert table.due(5) == []


def test_a_committed_key_may_be_put_to_an_earlier_time_that_is_over(table):
    log = Changelog()
    table.put(b"a", b"9")
    log.commit(table)
    assert table.due(8) == []
    table.put(b"a", b"2")
    log.commit(table)
    assert table.due(8) == [b"a"]
    assert table.due(20) == []


def test_keys_that_nobody_changed_are_due_again_after_a_recovery(table):
    log = Changelog()
    for key, at in ((b"a", b"3"), (b"b", b"4"), (b"c", b"9")):
        table.put(key, at)
    log.commit(table)
    assert table.due(5) == [b"a", b"b"]
    table.put(b"b", b"8")
    log.commit(table)
    table.clear()
    log.recover(table)
    assert table.due(5) == [b"a"]
    assert table.due(9) == [b"b", b"c"]


def test_what_was_not_committed_is_gone_after_a_recovery(table):
    log = Changelog()
    table.put(b"a", b"1")
    table.put(b"b", b"1")
    log.commit(table, 7)
    table.put(b"a", b"2")
    table.delete(b"b")
    table.take_changes()
    table.put(b"c", b"3")
    table.clear()
    assert log.recover(table) == 7
    assert dict(table.scan()) == {b"a": b"1", b"b": b"1"}
    assert (len(table), table.changed) == (2, 0)


@pytest.mark.parametrize("instant", [b"-5", b"0", b"9223372036854775"])
def test_any_instant_can_be_due(make_table, instant):
    table = make_table(lambda _key, value: int(value))
    log = Changelog()
    table.put(b"a", instant)
    log.commit(table)
    assert table.due(int(instant) - 1) == []
    assert table.due(int(instant)) == [b"a"]


keys = st.sampled_from([b"a", b"b", b"c", b"d"])
moments = st.integers(0, 20)
steps = st.lists(
    st.one_of(
        *(
            st.tuples(st.just(what), keys, moments)
            for what in ("put", "never", "delete", "due", "commit", "take", "hand")
        ),
        st.tuples(st.sampled_from(["abort", "compact"]), keys, moments),
    ),
    max_size=40,
)


class Model:
    """What a table must do, as simply as it can be said."""

    def __init__(self):
        self.pairs, self.due, self.changes = {}, OrderedDict(), {}

    def put(self, key, value):
        self.pairs[key] = self.changes[key] = value
        self.due.pop(key, None)
        if by_number(key, value) is not None:
            self.due[key] = by_number(key, value)

    def delete(self, key):
        if self.pairs.pop(key, None) is not None:
            self.changes[key] = None
            self.due.pop(key, None)

    def recovered(self, pairs):
        """What was not committed is forgotten, and all is due that says so."""
        self.__init__()
        for key, value in pairs.items():
            self.put(key, value)
        self.changes = {}


class Run:
    """Does the same to a table and to the model, and compares after each step."""

    def __init__(self, table):
        self.table, self.model, self.log = table, Model(), Changelog()
        self.sent = False
        """A transaction was begun that will never be committed."""
        self.log.recover(table)

    def put(self, key, moment):
        self.table.put(key, b"%d" % moment)
        self.model.put(key, b"%d" % moment)

    def never(self, key, moment):
        self.table.put(key, b"never")
        self.model.put(key, b"never")

    def delete(self, key, moment):
        self.table.delete(key)
        self.model.delete(key)

    def due(self, key, moment):
        got, due = self.table.due(moment), self.model.due
        assert set(got) == {k for k, at in due.items() if at <= moment}
        assert [due[k] for k in got] == sorted(due[k] for k in got)
        for one in got:
            del due[one]

    def commit(self, key, moment):
        if not self.sent:
            self.log.commit(self.table, moment)
            self.model.changes = {}

    def take(self, key, moment):
        if not self.sent:
            assert self.table.take_changes() == self.model.changes
            self.model.changes, self.sent = {}, True

    def abort(self, key, moment):
        self.table.clear()
        self.log.recover(self.table)
        self.model.recovered(self.log.pairs)
        self.sent = False

    def compact(self, key, moment):
        self.log.compact(moment)

    def hand(self, key, moment):
        assert set(self.table.hand(3)) <= self.model.pairs.items()

    def all(self, steps):
        for what, key, moment in steps:
            getattr(self, what)(key, moment)
            assert self.table.get(key) == self.model.pairs.get(key)
            assert len(self.table) == len(self.model.pairs)
        assert dict(self.table.scan()) == self.model.pairs
        assert self.table.changed == len(self.model.changes)


@given(steps)
def test_a_table_in_memory_does_what_a_simple_model_does(steps):
    Run(MemoryTable(by_number)).all(steps)


@pytest.fixture(scope="module")
def many(quick_folder):
    disks = Disks(quick_folder / "many")
    yield disks
    disks.close()


@settings(max_examples=25, deadline=None)
@given(steps)
def test_a_table_on_disk_does_what_a_simple_model_does(many, steps):
    table = many.make("rocksdb", by_number)
    Run(table).all(steps)
    table.clear()


def test_a_stage_without_state_finds_nothing_and_may_put_nothing():
    table = NoTable()
    assert table.get(b"a") is None
    assert (table.due(5), table.hand(5), list(table.scan())) == ([], [], [])
    assert len(table) == 0
    table.delete(b"a")
    with pytest.raises(TypeError, match="keeps no state"):
        table.put(b"a", b"1")
