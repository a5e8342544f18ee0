"""The disk under a worker's tables: a folder of its own, bounded memory, clear errors.

What lies there is a copy of the changelogs that may be thrown away at any time. No
two workers share a folder, and no file is kept that is too old to be believed.
"""

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    Options,
    Rdict,
    WriteBufferManager,
)

from streams.engine.event import Event, note
from streams.engine.mark import BELIEVED_FOR
from streams.errors import ConfigurationError, StoreFailed

MOST_WORKERS = 64
"""On one machine in one directory."""
_OPEN_FILES = 32
"""Of a table: hardly one has more, and a worker has a table for each partition."""
_DAMAGED = ".damaged"
_MIB = 1 << 20


class Trouble(StrEnum):
    """What a disk says when it does not do as asked."""

    FULL = "the disk is full: make room and start again"
    """Nothing is lost: what could not be written is in the changelog."""
    DAMAGED = "a file is damaged: the next start makes the table anew"
    """A check sum was wrong."""
    FAILED = "the disk does not do as asked: see the system's log"
    """Whatever else, among it a right that is missing."""


class Disk:
    """A worker's folder, and the memory that all its tables share."""

    def __init__(self, directory: Path, memory_mib: int) -> None:
        """Take a folder that no other worker has, and remove what is too old.

        Raises:
            ConfigurationError: the directory cannot be used.
        """
        try:
            self.folder, self._lock = _free_folder(directory)
            self._clean()
        except OSError as error:
            message = (
                f"the tables' directory {directory} cannot be used"
                f" (MAILFLAG_STORE_DIRECTORY): {error.strerror}"
            )
            raise ConfigurationError(message) from error
        self._options = _options(memory_mib * _MIB)

    def close(self) -> None:
        """Leave the folder to another worker; it ends with the process anyway."""
        os.close(self._lock)

    def path(self, name: str) -> Path:
        """Answer where a table lies."""
        return self.folder / name

    def open(self, name: str) -> Rdict:
        """Open a table, or make an empty one; a damaged one is made anew.

        Raises:
            StoreFailed: the disk does not do as asked.
        """
        if self._mark_of_damage(name).exists():
            self.remove(name)
        try:
            return Rdict(str(self.path(name)), self._options)
        except Exception as error:
            if _trouble(error) is Trouble.FULL or _is_open(error):
                raise StoreFailed(_told(name, error)) from error
        note(Event.TABLE_DISCARDED, logging.WARNING, table=name, cause="unreadable")
        self.remove(name)
        with self.watch(name):
            return Rdict(str(self.path(name)), self._options)

    def remove(self, name: str) -> None:
        """Remove a table that is not open.

        Raises:
            StoreFailed: the disk does not do as asked.
        """
        with self.watch(name):
            if self.path(name).exists():
                shutil.rmtree(self.path(name))
            self._mark_of_damage(name).unlink(missing_ok=True)

    @contextmanager
    def watch(self, name: str) -> Iterator[None]:
        """Turn what RocksDB raises into an error that quotes no key.

        Raises:
            StoreFailed: the disk does not do as asked; a damaged table is marked.
        """
        try:
            yield
        except Exception as error:
            raise self.failure(name, error) from error

    def failure(self, name: str, error: Exception) -> StoreFailed:
        """Answer what to raise for what RocksDB raised."""
        if _trouble(error) is Trouble.DAMAGED:
            with suppress(OSError):
                self._mark_of_damage(name).touch()
        return StoreFailed(_told(name, error))

    def _mark_of_damage(self, name: str) -> Path:
        return self.path(name + _DAMAGED)

    def _clean(self) -> None:
        """Remove tables of partitions that went elsewhere long ago."""
        oldest = time.time() - BELIEVED_FOR / 1000
        for table in self.folder.iterdir():
            if table.is_dir():
                files = [entry.stat().st_mtime for entry in table.iterdir()]
                if max(files, default=0.0) < oldest:
                    shutil.rmtree(table)


def _free_folder(directory: Path) -> tuple[Path, int]:
    """Answer the first folder that no living process has locked, and its lock."""
    for number in range(1, MOST_WORKERS + 1):
        folder = directory / str(number)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        return folder, lock
    message = (
        f"{MOST_WORKERS} workers keep their tables in {directory} already"
        " (MAILFLAG_STORE_DIRECTORY)"
    )
    raise ConfigurationError(message)


def _options(memory: int) -> Options:
    """Answer options whose caches all tables share: `memory` bounds them together.

    Indexes, filters and what waits to be written are charged to the one cache.
    """
    cache = Cache(memory)
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_block_size(16 << 10)
    blocks.set_bloom_filter(10, block_based=False)
    blocks.set_cache_index_and_filter_blocks(v=True)
    blocks.set_format_version(5)
    waiting = WriteBufferManager.new_write_buffer_manager_with_cache(
        memory // 4, allow_stall=False, cache=cache
    )
    options = Options(raw_mode=True)
    options.create_if_missing(create_if_missing=True)
    options.set_block_based_table_factory(blocks)
    options.set_write_buffer_manager(waiting)
    options.set_write_buffer_size(min(16 * _MIB, memory // 8))
    options.set_max_open_files(_OPEN_FILES)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_max_background_jobs(2)
    # Its own log would grow for ever, and says nothing that anybody here reads.
    options.set_max_log_file_size(_MIB)
    options.set_keep_log_file_num(2)
    options.set_stats_dump_period_sec(0)
    options.set_stats_persist_period_sec(0)
    return options


def _trouble(error: Exception) -> Trouble:
    """Say what a message of RocksDB's is about; rocksdict has one class for all."""
    said = str(error)
    if "No space left" in said or getattr(error, "errno", None) == 28:  # noqa: PLR2004
        return Trouble.FULL
    return Trouble.DAMAGED if said.startswith("Corruption") else Trouble.FAILED


def _is_open(error: Exception) -> bool:
    said = str(error)
    return said.startswith("IO error: lock hold") or "While lock file" in said


def _told(name: str, error: Exception) -> str:
    return f"table {name} on disk: {_trouble(error)}"
