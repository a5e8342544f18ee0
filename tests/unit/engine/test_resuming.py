"""Recovery reads what a table on disk does not have, and no more."""

import asyncio

import pytest
from aiokafka import TopicPartition
from changelog import Changelog

from streams.engine import recovery
from streams.engine.config import EngineConfig
from streams.engine.recovery import recover

TP = TopicPartition("log", 0)
CONFIG = EngineConfig(bootstrap_servers="x:1", app_id="app")


class Reader:
    """Reads a log as aiokafka's consumer does, a few records at a time."""

    def __init__(self, log):
        self.log = log
        self.at = None
        self.read = []

    async def start(self):
        pass

    async def stop(self):
        pass

    async def end_offsets(self, tps):
        return {TP: self.log.end}

    async def beginning_offsets(self, tps):
        return {TP: self.log.begin}

    def assign(self, tps):
        pass

    def seek(self, tp, offset):
        self.at = offset

    async def position(self, tp):
        return self.at

    async def getmany(self, *tps, timeout_ms):
        ahead = [line for line in self.log.lines if line.offset >= self.at]
        self.at = ahead[2].offset + 1 if len(ahead) > 2 else self.log.end
        self.read += ahead[:3]
        return {TP: ahead[:3]} if ahead else {}


@pytest.fixture
def log():
    return Changelog()


@pytest.fixture
def table(disks, log):
    """A table on disk of some commits, whose worker has ended."""
    made = disks.make("rocksdb", lambda *_: None, "flags")
    log.recover(made)
    for number in range(10):
        made.put(b"k%d" % number, b"v")
        log.commit(made, number)
    made.clear()
    return made


def recovered(log, table, monkeypatch):
    """Answer what recovery found, what it read, and what it told of its progress."""
    reader, told = Reader(log), []
    monkeypatch.setattr(recovery, "log_reader", lambda *_: reader)
    found = asyncio.run(
        recover(
            CONFIG,
            {TP: table},
            wanted=lambda: True,
            progress=lambda tp, applied, left: told.append(left),
        )
    )
    return found[TP], reader.read, told


def test_a_table_that_is_up_to_date_reads_one_record(log, table, monkeypatch):
    found, read, told = recovered(log, table, monkeypatch)
    assert (found.position, len(read), told) == (9, 1, [2, 0])
    assert dict(table.scan()) == log.pairs


def test_a_table_reads_on_from_its_last_record(log, table, monkeypatch, disks):
    log.recover(other := disks.make("rocksdb", lambda *_: None, "elsewhere"))
    other.delete(b"k3")
    log.commit(other, 12)
    other.put(b"k4", b"new")
    log.commit(other, 13)
    found, read, _ = recovered(log, table, monkeypatch)
    assert (found.position, len(read)) == (13, 5)
    assert dict(table.scan()) == log.pairs


def test_the_position_is_the_tables_own_when_the_log_has_no_newer(
    log, table, monkeypatch, disks
):
    log.recover(other := disks.make("rocksdb", lambda *_: None, "elsewhere"))
    other.put(b"k4", b"new")
    log.commit(other)
    found, _, _ = recovered(log, table, monkeypatch)
    assert found.position == 9
    assert dict(table.scan()) == log.pairs


def test_a_log_of_somebody_else_is_read_from_its_beginning(log, table, monkeypatch):
    log.lines = [line._replace(timestamp=6, value=b"9") for line in log.lines]
    found, read, _ = recovered(log, table, monkeypatch)
    assert (found.position, found.records) == (9, 20)
    assert len(read) == 1 + 20
    assert dict(table.scan()) == log.pairs


def test_a_log_that_lost_the_record_is_read_from_its_beginning(log, table, monkeypatch):
    log.lines.pop()
    found, _, told = recovered(log, table, monkeypatch)
    assert (found.position, found.records) == (8, 19)
    assert dict(table.scan()) == log.pairs
    assert told[-1] == 0


def test_nothing_is_left_of_a_table_whose_log_is_empty(log, table, monkeypatch):
    log.lines = []
    found, _, _ = recovered(log, table, monkeypatch)
    assert (found.position, found.records) == (None, 0)
    assert list(table.scan()) == []
