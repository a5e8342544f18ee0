"""Feeds targets, and says of what fails how to see it again."""

import base64
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from benchmarks.fuzz.target import Broken, Target, spread

_TRIALS = 300
"""Inputs tried to make one smaller."""
_ENOUGH = 3
"""Failures of a target after which the next one has its turn."""
_MEGABYTE = 1 << 20
_SHOWN = 3_000
"""Bytes of an input that are printed; a larger one is made again by its number."""


class Failure(NamedTuple):
    """An input that does what none may do."""

    target: str
    number: int
    what: str
    raw: bytes
    """The smallest that was found to do the same."""

    def __str__(self) -> str:
        """Answer what is needed to see it again."""
        again = f"--number {self.number}"
        if len(self.raw) <= _SHOWN:
            again = f"--again {base64.b64encode(self.raw).decode()}"
        return f"{self.target}: {self.what}\n  --only '{self.target}' {again}"


@dataclass
class Figures:
    """What came of one target."""

    inputs: int = 0
    good: int = 0
    """Inputs that were good for something."""
    seconds: float = 0.0
    slowest: float = 0.0
    largest: int = 0
    """Bytes of memory, of the inputs that were weighed."""


@dataclass
class Result:
    """What came of a run."""

    failures: list[Failure] = field(default_factory=list)
    figures: dict[str, Figures] = field(default_factory=dict)


def run(
    targets: Sequence[Target],
    inputs: int,
    seed: int,
    told: Callable[[Failure], None] = lambda _: None,
) -> Result:
    """Feed the targets; the same seed gives the same inputs."""
    result = Result()
    for target, count in spread(targets, inputs):
        figures = result.figures[target.name] = Figures()
        failed = 0
        for number in range(count):
            raw = made(target, seed, number)
            what = _fed(target, raw, figures, weighed=number % target.weighed == 0)
            if what is None:
                continue
            failed += 1
            failure = Failure(target.name, number, what, smallest(target, raw, what))
            result.failures.append(failure)
            told(failure)
            if failed == _ENOUGH:
                break
    return result


def made(target: Target, seed: int, number: int) -> bytes:
    """Answer one input of a run."""
    return target.make(Random(f"{seed}/{target.name}/{number}"))


def _fed(target: Target, raw: bytes, figures: Figures, *, weighed: bool) -> str | None:
    """Feed one input; answer what was wrong."""
    if weighed:
        tracemalloc.start()
    started = time.process_time()
    what, good = _tried(target, raw)
    seconds = time.process_time() - started
    figures.inputs += 1
    figures.good += good
    figures.seconds += seconds
    if weighed:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        figures.largest = max(figures.largest, peak)
        if what is None and peak > target.megabytes * _MEGABYTE:
            return f"took more than {target.megabytes} MB"
        return what
    figures.slowest = max(figures.slowest, seconds)
    if what is None and seconds > target.seconds and _slow(target, raw):
        return f"took more than {target.seconds} s"
    return what


def wrong(target: Target, raw: bytes) -> str | None:
    """Answer what an input makes a target raise: its kind, and where from."""
    return _tried(target, raw)[0]


def _tried(target: Target, raw: bytes) -> tuple[str | None, bool]:
    try:
        return None, target.feed(raw)
    except Exception as error:  # noqa: BLE001 - any of them is what is looked for
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}"
        line = 0 if trace is None else trace.tb_lineno
        place = f"{'/'.join(where.split('/')[-3:])}:{line}"
        return f"{type(error).__name__} at {place}: {str(error)[:200]}", False


def _slow(target: Target, raw: bytes) -> bool:
    """Say whether an input is slow once more: a machine may have had better to do."""
    started = time.process_time()
    wrong(target, raw)
    return time.process_time() - started > target.seconds


def smallest(target: Target, raw: bytes, what: str) -> bytes:
    """Answer a smaller input with the same kind of failure, as far as one is found."""
    kind = _kind(what)
    trials = 0

    def same(candidate: bytes) -> bool:
        nonlocal trials
        trials += 1
        found = wrong(target, candidate)
        return found is not None and _kind(found) == kind

    if not same(raw):  # too slow or too large, or it depends on what came before
        return raw
    size = len(raw) // 2
    while size and trials < _TRIALS:
        for candidate in _without(raw, size):
            if trials >= _TRIALS:
                break
            if same(candidate):
                raw = candidate
                break
        else:
            size //= 2
            continue
        size = min(size, len(raw) // 2)
    return raw


def _kind(what: str) -> str:
    """Answer what makes two failures the same: what is broken, or where it raised."""
    return what if what.startswith(Broken.__name__) else what.partition(":")[0]


def _without(raw: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(raw), size):
        yield raw[:at] + raw[at + size :]
