"""All targets."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.fuzz import batches, events, files, mails, port, records, states, words
from benchmarks.fuzz.target import Target


@contextmanager
def targets(corpus: Path | None = None) -> Iterator[list[Target]]:
    """Answer every target; what they need is put away afterwards."""
    with ExitStack() as stack:
        yield [
            *events.targets(),
            *records.targets(),
            *states.targets(),
            *words.targets(),
            *mails.targets(corpus),
            *batches.targets(),
            *stack.enter_context(files.targets()),
            *stack.enter_context(port.targets()),
        ]
