"""Microseconds to read an input, and to write and read evidence, flags and changes.

    nice -n 10 .venv/bin/python benchmarks/wire.py

Each line is the best of several rounds over one published example: what our code
costs, without the noise of a busy machine. `orjson.loads` is there to compare.
"""

import platform
import sys
import timeit
from collections.abc import Callable
from typing import TypeVar

import orjson

from streams.wire import attempt, command, contract, dsn_event, evidence, flag
from streams.wire.reject import Reject

_T = TypeVar("_T")
ROUNDS = 9
CALLS = 50_000
EXAMPLES = contract.folder() / "examples"
READ: dict[str, Callable[[bytes], object]] = {
    "send-attempt/v1/accepted": attempt.decode,
    "send-attempt/v1/failed-unknown-user": attempt.decode,
    "send-attempt/v1/invalid/code-is-text": attempt.decode,
    "dsn-event/v1/failed": dsn_event.decode,
    "dsn-event/v1/raw-message": dsn_event.decode,
    "flag-command/v1/clear": command.decode,
    "evidence/v1/accepted-attempt": evidence.decode,
    "evidence/v1/failed-attempt": evidence.decode,
    "flag/v1/unknown-mailbox": flag.decode_flag,
    "flag-change/v1/set": flag.decode_change,
}


def microseconds(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


def read(outcome: _T | Reject) -> _T:
    if isinstance(outcome, Reject):
        sys.exit(f"an example is rejected: {outcome.detail}")
    return outcome


def show(what: str, size: int, call: Callable[[], object]) -> None:
    print(f"{what:48} {size:6} bytes {microseconds(call):8.2f} us")


def main() -> None:
    print(f"Python {platform.python_version()}, {platform.machine()}")
    for name, decode in READ.items():
        page = orjson.loads((EXAMPLES / f"{name}.json").read_bytes())
        invalid = "/invalid/" in name
        value = orjson.dumps(page["value"] if invalid else page)
        if isinstance(decode(value), Reject) != invalid:
            sys.exit(f"{name} is not read as its page says")
        show(f"orjson.loads {name}", len(value), lambda v=value: orjson.loads(v))
        show(f"decode       {name}", len(value), lambda v=value, d=decode: d(v))
    for name in ("accepted-attempt", "failed-attempt"):
        value = (EXAMPLES / f"evidence/v1/{name}.json").read_bytes()
        piece = read(evidence.decode(value))
        written = evidence.encode(piece)
        show(
            f"encode       evidence/v1/{name}",
            len(written),
            lambda p=piece: evidence.encode(p),
        )
    page = (EXAMPLES / "flag-change/v1/set.json").read_bytes()
    change = read(flag.decode_change(page))
    record = flag.change_record(change)
    show(
        "change_record flag-change/v1/set",
        len(record.value or b""),
        lambda: flag.change_record(change),
    )


if __name__ == "__main__":
    main()
