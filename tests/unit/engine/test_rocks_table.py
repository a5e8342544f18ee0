"""A table on disk: what is believed of it, and what happens when it cannot be."""

import errno

import pytest
from changelog import Changelog, Line

from streams.engine import mark, rocks_table
from streams.engine.disk import Disk
from streams.engine.mark import BELIEVED_FOR
from streams.errors import ConfigurationError, StoreFailed

HOUR = 3_600_000


def never(key, value):
    return None


@pytest.fixture
def log():
    return Changelog()


@pytest.fixture
def table(disks):
    return disks.make("rocksdb", never, "flags")


@pytest.fixture
def again(disks, table, log):
    """Fill the table, end its worker, and answer the table of the next one."""
    log.recover(table)
    for number in range(5):
        table.put(b"k%d" % number, b"v")
        log.commit(table, number)

    def open_again():
        table.clear()
        return disks.make("rocksdb", never, "flags")

    return open_again


@pytest.fixture
def causes(monkeypatch):
    """Why tables were made anew."""
    told = []
    monkeypatch.setattr(
        rocks_table, "note", lambda event, level, **facts: told.append(facts["cause"])
    )
    return told


def everything(table, log):
    assert dict(table.scan()) == log.pairs
    assert len(table) == len(log.pairs)


def test_a_table_that_comes_back_reads_only_what_it_missed(again, log, causes):
    table = again()
    assert log.recover(table) == 4
    assert log.read == 1
    everything(table, log)
    assert causes == []


def test_a_table_that_was_elsewhere_meanwhile_reads_what_happened_there(
    again, log, disks
):
    table = again()
    log.recover(other := disks.make("rocksdb", never, "other worker's"))
    other.delete(b"k1")
    other.put(b"k2", b"new")
    other.put(b"k9", b"new")
    log.commit(other, 9)
    assert log.recover(table) == 9
    assert log.read == 5
    everything(table, log)


def test_an_aborted_transaction_never_reaches_the_disk(again, log, disks):
    log.recover(table := again())
    table.put(b"k1", b"wrong")
    table.delete(b"k2")
    table.put(b"k9", b"wrong")
    table.take_changes()
    table.clear()
    log.recover(after := disks.make("rocksdb", never, "flags"))
    assert log.read == 1
    everything(after, log)


def test_what_a_broker_did_not_say_where_it_put_is_read_again(again, log):
    log.recover(table := again())
    table.put(b"k1", b"new")
    lines, table.settle = (
        len(log.lines),
        lambda last, at: type(table).settle(table, None, at),
    )
    log.commit(table, 5)
    table.clear()
    log.recover(after := again())
    assert log.read == len(log.lines) - lines + 1
    everything(after, log)


def test_a_table_that_was_away_too_long_is_made_anew(again, log, disks, causes):
    table = again()
    disks.now += BELIEVED_FOR + 1
    assert log.recover(table) == 4
    assert (causes, log.read) == (["age"], len(log.lines))
    everything(table, log)


def test_a_table_from_the_future_is_made_anew(again, log, disks, causes):
    table = again()
    disks.now -= 1
    log.recover(table)
    assert causes == ["age"]
    everything(table, log)


def test_a_table_is_as_young_as_its_newest_transaction(again, log, disks, causes):
    log.recover(table := again())
    for _ in range(3):
        disks.now += BELIEVED_FOR - HOUR
        table.put(b"k1", b"%d" % disks.now)
        log.commit(table, 7)
    log.recover(after := again())
    assert causes == []
    everything(after, log)


def test_a_table_ahead_of_its_log_is_made_anew(again, log, causes):
    table = again()
    log.lines, log.end = log.lines[:4], log.lines[3].offset + 2
    assert log.recover(table) == 1
    assert causes == ["ahead"]
    everything(table, log)


def test_a_table_of_a_log_that_was_made_anew_is_made_anew(again, log, causes):
    table = again()
    log.lines = [line._replace(timestamp=6) for line in log.lines[:-2]]
    log.lines += [
        Line(b"other", b"v", log.end - 3, 6),
        Line(b"\x00offset", b"4", log.end - 2, 6),
    ]
    log.recover(table)
    assert causes == ["another_log"]
    everything(table, log)


def test_a_table_whose_last_record_was_compacted_away_is_made_anew(again, log, causes):
    table = again()
    log.lines.append(Line(b"\x00offset", b"9", log.end))
    log.end += 2
    log.compact(log.end)
    assert log.recover(table) == 9
    assert causes == ["compacted"]
    everything(table, log)


def test_a_log_with_nothing_left_makes_the_table_anew(again, log, causes):
    table = again()
    log.lines = []
    assert log.recover(table) is None
    assert causes == ["compacted"]
    assert len(table) == 0


def test_a_table_that_was_never_read_to_a_known_record_is_made_anew(disks, log, causes):
    table = disks.make("rocksdb", never, "flags")
    table.resume(0, 0)
    table.put(b"lost", b"v")
    table.take_changes()
    table.settle(None, None)
    table.clear()
    log.recover(after := disks.make("rocksdb", never, "flags"))
    assert causes == ["unfinished"]
    assert len(after) == 0


def test_a_table_of_another_version_is_made_anew(again, log, causes, monkeypatch):
    table = again()
    monkeypatch.setattr(mark, "FORMAT", mark.FORMAT + 1)
    log.recover(table)
    assert causes == ["unfinished"]
    everything(table, log)


def test_a_reading_that_was_given_up_goes_on_where_it_was(disks, log, table):
    log.recover(writer := disks.make("rocksdb", never, "other"))
    for number in range(9):
        writer.put(b"k%d" % number, b"v")
        log.commit(writer)
    table.resume(0, log.end)
    for line in log.lines[:4]:
        table.apply(line.key, line.value)
    table.settle(log.lines[3], None)
    table.clear()
    log.recover(after := disks.make("rocksdb", never, "flags"))
    assert log.read == 6
    everything(after, log)


def test_partitions_of_one_worker_do_not_see_each_other(disks, log):
    one, two = (disks.make("rocksdb", never, name) for name in ("flags", "spikes"))
    log.recover(one)
    Changelog().recover(two)
    one.put(b"a", b"1")
    log.commit(one)
    assert two.get(b"a") is None
    assert list(two.scan()) == []


def test_a_key_may_look_like_one_of_the_tables_own(disks, log):
    table = disks.make("rocksdb", lambda _key, _value: 5)
    log.recover(table)
    for key in (b"m", b"t" + bytes(9), b"p", b"", b"\xff"):
        table.put(key, b"v")
    log.commit(table, 3)
    assert len(table.due(5)) == 5
    assert len(list(table.scan())) == len(table.hand(9)) == 5


def test_a_scan_that_nobody_ended_does_not_keep_the_table_open(again, log):
    log.recover(table := again())
    begun = table.scan()
    assert next(begun)
    table.clear()
    assert list(begun) == []
    log.recover(after := again())
    everything(after, log)


def test_many_reads_do_not_fill_the_memory(disks, log):
    table = disks.make("rocksdb", never)
    log.recover(table)
    for number in range(30_000):
        assert table.get(b"%d" % number) is None
    assert len(table._near) <= rocks_table._NEAR + 1  # noqa: SLF001 - what it holds


def test_a_table_that_was_given_up_writes_nothing_more(again, log, table, disks):
    again()
    table.put(b"late", b"v")
    table.take_changes()
    table.settle(Line(b"late", b"v", 99), 99)
    table.clear()
    log.recover(after := disks.make("rocksdb", never, "flags"))
    assert after.get(b"late") is None


# What goes wrong -----------------------------------------------------------------


class Broken:
    """A database that answers every call with an error."""

    def __init__(self, said):
        self.said = said

    def __getattr__(self, name):
        def fail(*_args, **_named):
            raise Exception(self.said)  # noqa: TRY002 - as rocksdict does

        return fail


FAILURES = [
    ("IO error: No space left on device: /x/000009.log", "full"),
    ("Corruption: block checksum mismatch in key: karl@example.org", "damaged"),
    ("IO error: Input/output error: karl@example.org", "does not do as asked"),
]


@pytest.mark.parametrize(("said", "told"), FAILURES)
@pytest.mark.parametrize("act", ["get", "settle", "due", "hand", "scan"])
def test_a_failure_says_what_it_is_and_quotes_no_key(table, log, said, told, act):
    log.recover(table)
    table.put(b"a", b"1")
    table.take_changes()
    table._db = Broken(said)  # noqa: SLF001 - in place of a broken disk
    acts = {
        "get": lambda: table.get(b"b"),
        "settle": lambda: table.settle(None, None),
        "due": lambda: table.due(5),
        "hand": lambda: table.hand(5),
        "scan": lambda: list(table.scan()),
    }
    with pytest.raises(StoreFailed, match=told) as failed:
        acts[act]()
    assert "karl" not in str(failed.value)
    assert "table flags-0" in str(failed.value)


def test_a_damaged_table_is_made_anew_at_the_next_start(again, log, disks):
    log.recover(table := again())
    real, table._db = table._db, Broken("Corruption: bad block")  # noqa: SLF001
    with pytest.raises(StoreFailed):
        table.get(b"unseen")
    table._db = real  # noqa: SLF001
    log.recover(after := again())
    assert log.read == len(log.lines)
    everything(after, log)


@pytest.mark.parametrize("name", ["CURRENT", "MANIFEST-*", "*.sst", "*.log"])
def test_files_that_are_torn_or_lost_make_the_table_anew(again, log, disks, name):
    table = again()
    for file in disks.disk.path("flags-0").glob(name):
        file.write_bytes(b"x" * 7)
    log.recover(table)
    everything(table, log)


def test_workers_of_one_directory_have_folders_of_their_own(disks, quick_folder):
    directory = disks.disk.folder.parent
    other = Disk(directory, 32)
    assert other.folder != disks.disk.folder
    other.close()
    third = Disk(directory, 32)
    assert third.folder == other.folder
    third.close()


def test_a_directory_that_is_none_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="MAILFLAG_STORE_DIRECTORY"):
        Disk(tmp_path / "file", 32)


def test_a_full_directory_of_workers_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("streams.engine.disk.MOST_WORKERS", 1)
    one = Disk(tmp_path, 32)
    with pytest.raises(ConfigurationError, match="1 workers"):
        Disk(tmp_path, 32)
    one.close()


def test_only_its_owner_may_look_into_the_folder(disks):
    assert disks.disk.folder.stat().st_mode & 0o077 == 0


def test_tables_that_went_elsewhere_long_ago_are_removed(tmp_path, monkeypatch):
    disk = Disk(tmp_path, 32)
    disk.open("old-0").close()
    disk.close()
    now = rocks_table.time.time()
    monkeypatch.setattr(
        "streams.engine.disk.time.time", lambda: now + BELIEVED_FOR / 1000 + 60
    )
    again = Disk(tmp_path, 32)
    assert not again.path("old-0").exists()
    again.close()


def test_a_full_disk_at_opening_is_no_reason_to_remove_what_lies_there(
    again, log, monkeypatch
):
    table = again()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("streams.engine.disk.Rdict", full)
        with pytest.raises(StoreFailed, match="full"):
            table.resume(0, log.end)
    log.recover(table)
    assert log.read == 1
