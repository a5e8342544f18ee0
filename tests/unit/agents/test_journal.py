"""States as a snapshot and steps: small writes, and the same state after a restart."""

from weakref import ref

import pytest

from streams.agents.journal import Codec, Journal
from streams.core.instant import Instant
from streams.engine.table import MemoryTable
from streams.errors import MailflagError

NAME = b"t-1"
NOW = Instant(1_790_000_000_000)


class Sum:
    """A state that adds up what it hears, and says so at every hundred."""

    def __init__(self, total=0, said=0):
        self.total = total
        self.said = said

    def hear(self, heard):
        self.total += int(heard)
        news = self.total // 100 > self.said
        self.said = self.total // 100
        return news


def load(packed):
    version, total, said = map(int, packed.split(b","))
    return Sum(total, said) if version == 1 else None


def dump(state, version=1):
    return b"%d,%d,%d" % (version, state.total, state.said)


def again(state, heard, now):
    del now
    return state.hear(heard)


CODEC = Codec(lambda _name, _now: Sum(), load, dump, again)


def journal(**limits):
    return Journal(CODEC, **limits)


def table():
    return MemoryTable(lambda _key, value: Journal.due_at(value))


def hear(one, pairs, *numbers, wake_at=None):
    for number in numbers:
        live = one.open(pairs, NAME, NOW)
        live.state.hear(str(number).encode())
        one.keep(pairs, live, str(number).encode(), NOW, wake_at)


def recovered(old):
    new = table()
    for key, value in old.scan():
        new.apply(key, value)
    new.recovered()
    return new


@pytest.mark.parametrize("steps", range(8))
def test_whoever_takes_over_has_the_same_state(steps):
    pairs = table()
    hear(journal(most_steps=3), pairs, *range(1, steps + 1))
    taken_over = journal(most_steps=3).open(recovered(pairs), NAME, NOW)
    assert taken_over.state.total == sum(range(1, steps + 1))


def test_the_first_write_is_whole_and_the_next_ones_are_steps():
    one, pairs = journal(), table()
    hear(one, pairs, 1)
    assert set(pairs.take_changes()) == {NAME}
    hear(one, pairs, 2)
    assert set(pairs.take_changes()) == {b"t-1/0"}
    hear(one, pairs, 3)
    assert set(pairs.take_changes()) == {b"t-1/1"}


def test_after_enough_steps_the_state_is_written_whole_and_the_steps_go():
    one, pairs = journal(most_steps=2), table()
    hear(one, pairs, 1, 2, 3)
    assert len(pairs) == 3
    hear(one, pairs, 4)
    assert [key for key, _ in pairs.scan()] == [NAME]


def test_many_bytes_of_steps_make_a_snapshot_too():
    one, pairs = journal(most_bytes=40), table()
    hear(one, pairs, *range(10))
    assert sum(len(value) for key, value in pairs.scan() if key != NAME) <= 40


def test_a_state_is_remembered_as_long_as_the_table_agrees():
    one, pairs = journal(), table()
    hear(one, pairs, 1, 2)
    live = one.open(pairs, NAME, NOW)
    assert one.open(pairs, NAME, NOW) is live


def test_what_another_wrote_in_the_meantime_wins_over_memory():
    one, other, pairs = journal(), journal(), table()
    hear(one, pairs, 1, 2)
    hear(other, pairs, 5)
    assert one.open(pairs, NAME, NOW).state.total == 8
    hear(other, pairs, *([1] * 40))
    assert one.open(pairs, NAME, NOW).state.total == 48


def test_a_transaction_that_was_not_committed_is_forgotten():
    one, pairs = journal(), table()
    hear(one, pairs, 1, 2)
    before = recovered(pairs)
    hear(one, pairs, 3)
    assert one.open(before, NAME, NOW).state.total == 3


def test_a_table_that_was_given_up_is_not_held():
    one, pairs = journal(), table()
    hear(one, pairs, 1)
    gone = ref(pairs)
    del pairs
    assert gone() is None


def tell_each(one, pairs, names, heard):
    for name in names:
        live = one.open(pairs, name, NOW)
        live.state.hear(heard)
        one.keep(pairs, live, heard, NOW, None)


def test_only_so_many_states_are_remembered_and_none_is_lost():
    one, pairs = journal(most_live=2 * len(dump(Sum()))), table()
    for number in range(5):
        tell_each(one, pairs, [b"t-%d" % number], b"%d" % number)
    totals = [one.open(pairs, b"t-%d" % n, NOW).state.total for n in range(5)]
    assert totals == [0, 1, 2, 3, 4]


def loads(most_live, tables=1):
    """Answer how often states are loaded that are wanted in turn, in each table."""
    loaded = []
    codec = CODEC._replace(load=lambda packed: loaded.append(packed) or load(packed))
    one = Journal(codec, most_live=most_live)
    for pairs in [table() for _ in range(tables)]:
        for _ in range(3):
            tell_each(one, pairs, [b"t-1", b"t-2", b"t-3"], b"1")
    return len(loaded)


def test_states_are_remembered_by_their_size_over_all_tables():
    size = len(dump(Sum()))
    assert loads(most_live=3 * size) == 0
    assert loads(most_live=2 * size) > 0
    assert loads(most_live=6 * size, tables=2) == 0
    assert loads(most_live=3 * size, tables=2) > 0


def test_a_state_that_grew_takes_the_room_of_others():
    padded = CODEC._replace(dump=lambda state: dump(state).ljust(state.total))
    one, pairs = Journal(padded, most_live=60), table()
    tell_each(one, pairs, [b"t-1", b"t-2"], b"1")
    first = one.open(pairs, b"t-1", NOW)
    second = one.open(pairs, b"t-2", NOW)
    second.state.hear(b"80")
    one.seal(pairs, second, NOW, None)
    assert one.open(pairs, b"t-2", NOW) is second
    assert one.open(pairs, b"t-1", NOW) is not first


def test_a_state_that_is_never_remembered_has_few_steps_to_take_again():
    one, pairs, longest = journal(most_live=0), table(), 0
    for _ in range(20):
        tell_each(one, pairs, [b"t-1", b"t-2"], b"1")
        longest = max(longest, len(pairs) - 2)
    assert longest == 2 * one.most_cold_steps
    assert one.open(pairs, b"t-1", NOW).state.total == 20


def test_words_that_new_code_finds_are_written_whole_at_once():
    pairs = table()
    hear(journal(), pairs, 1, 40)
    eager = Journal(CODEC._replace(step=lambda s, h, _: s.hear(h) or True))
    live = eager.open(recovered(pairs), NAME, NOW)
    assert live.dirty
    eager.keep(pairs, live, b"1", NOW, None)
    assert [key for key, _ in pairs.scan()] == [NAME]


@pytest.mark.parametrize("steps", [0, 3])
def test_a_snapshot_of_another_version_is_an_error_and_stays_as_it_is(steps):
    pairs = table()
    newer = Journal(CODEC._replace(dump=lambda state: dump(state, version=2)))
    hear(newer, pairs, 1, *range(steps))
    before = dict(pairs.scan())
    with pytest.raises(MailflagError, match="run the one that wrote it"):
        journal().open(recovered(pairs), NAME, NOW)
    assert dict(pairs.scan()) == before


def test_steps_without_a_snapshot_are_cleared_away():
    pairs = table()
    one = journal()
    hear(one, pairs, 1, 2, 3)
    pairs.delete(NAME)
    hear(journal(), pairs, 7)
    assert [key for key, _ in pairs.scan()] == [NAME]
    assert journal().open(pairs, NAME, NOW).state.total == 7


def test_the_wish_to_be_woken_is_in_every_value():
    one, pairs = journal(), table()
    wake_at = Instant(NOW + 60_000)
    hear(one, pairs, 1, 2, wake_at=wake_at)
    assert [Journal.due_at(value) for _, value in pairs.scan()] == [wake_at] * 2
    assert {Journal.name_of(key) for key, _ in pairs.scan()} == {NAME}
    hear(journal(), pairs, 3, wake_at=None)
    assert Journal.due_at(pairs.get(b"t-1/1")) is None


@pytest.mark.parametrize("lengths", [(95, 5, 31), (20, 21, 20), (10, 9, 60)])
def test_a_snapshot_of_any_size_is_written_in_records_that_fit(lengths):
    padded = CODEC._replace(
        dump=lambda state: dump(state).ljust(state.total),
        load=lambda packed: load(packed.rstrip()),
    )
    pairs = table()
    for length in lengths:
        one = Journal(padded, most_record=10)
        live = one.open(pairs, NAME, NOW)
        live.state.total = length
        one.seal(pairs, live, NOW, Instant(5))
        parts = [value for _, value in pairs.scan()]
        assert len(parts) == max(1, -(-length // 10))
        assert max(map(len, parts)) <= 10 + 20
        assert pairs.next_due() == 5
        assert Journal(padded).open(recovered(pairs), NAME, NOW).state.total == length
