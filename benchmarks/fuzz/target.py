"""What is fuzzed, and what must hold for it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from streams.wire.reject import Reject, RejectReason

_ADDRESS = re.compile(r"\S@\S")
_LONGEST_DETAIL = 500


class Broken(AssertionError):
    """Something that must hold did not; the message never quotes the input."""


def hold(claim: object, what: str) -> None:
    """Say that something is so.

    Raises:
        Broken: it is not.
    """
    if not claim:
        raise Broken(what)


@dataclass(frozen=True)
class Target:
    """One thing that reads bytes of others."""

    name: str
    make: Callable[[Random], bytes]
    """Answers an input, from nothing but chance."""
    feed: Callable[[bytes], bool]
    """Reads an input, and says whether it was good for anything.

    Raises `Broken`, or anything else that must not be raised.
    """
    share: int = 1
    """How many of the inputs it gets, beside the shares of the others."""
    seconds: float = 1.0
    """CPU that an input may take, on a slow machine."""
    weighed: int = 100
    """Of so many inputs one has its memory measured, which takes long."""
    megabytes: int = 64
    """Memory that an input may take at its peak, its own bytes not counted."""


def fair(reject: Reject) -> None:
    """Say that a reject tells what is wrong, and nothing of what was written."""
    hold(isinstance(reject.reason, RejectReason), "a reason outside the closed set")
    hold(len(reject.detail) <= _LONGEST_DETAIL, "a detail without end")
    hold(reject.detail.isprintable(), "a detail with control characters")
    hold(not _ADDRESS.search(reject.detail), "an address in a detail")


def spread(targets: Sequence[Target], inputs: int) -> list[tuple[Target, int]]:
    """Share a number of inputs out; each target gets one at least."""
    shares = sum(target.share for target in targets)
    return [
        (target, max(1, round(inputs * target.share / shares))) for target in targets
    ]
