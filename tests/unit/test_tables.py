"""Where a worker keeps its tables: what is chosen, and what is refused."""

import sys

import pytest
from faust.types import TP

from streams.app import build_tables
from streams.engine.rocks_table import RocksTable
from streams.engine.table import MemoryTable
from streams.errors import ConfigurationError
from streams.settings import load

LOG = TP("mailflag-flags-changelog", 3)


def never(key, value):
    return None


def on_disk(directory):
    return load({"store": "rocksdb", "store_directory": str(directory)})


def test_tables_are_in_memory_unless_told_otherwise():
    assert isinstance(build_tables(load())(never, LOG), MemoryTable)


def test_a_table_on_disk_lies_in_a_folder_named_after_its_changelog(tmp_path):
    table = build_tables(on_disk(tmp_path))(never, LOG)
    assert isinstance(table, RocksTable)
    table.resume(0, 0)
    assert (tmp_path / "1" / "mailflag-flags-changelog-3" / "CURRENT").exists()
    table.clear()


def test_tables_on_disk_need_a_directory():
    with pytest.raises(ConfigurationError, match="MAILFLAG_STORE_DIRECTORY"):
        load({"store": "rocksdb"})


def test_a_store_that_there_is_not_is_refused():
    with pytest.raises(ConfigurationError, match="MAILFLAG_STORE "):
        load({"store": "floppy"})


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rocksdict", None)
    for module in ("disk", "rocks_table"):
        monkeypatch.delitem(sys.modules, f"streams.engine.{module}")
    with pytest.raises(ConfigurationError, match=r"pip install 'mailflag\[rocksdb\]'"):
        build_tables(on_disk(tmp_path))


def test_a_directory_that_cannot_be_made_is_refused_by_its_setting(tmp_path):
    (tmp_path / "file").write_text("")
    settings = on_disk(tmp_path / "file" / "tables")
    with pytest.raises(ConfigurationError, match="MAILFLAG_STORE_DIRECTORY"):
        build_tables(settings)
