"""Files that operators write: a mistake is named, and nothing else happens."""

# ruff: noqa: PLR2004 - chances are numbers

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from benchmarks.fuzz import mutation
from benchmarks.fuzz.target import Target, hold
from streams.core import rule
from streams.core.policy import PolicyBook
from streams.core.rule import Fault, RuleBook
from streams.errors import ConfigurationError
from streams.wire import policy_file, rulebook

_POLICIES = (
    b"""[default]
clear_on = "delivered"
clear_late_bounce_after = "6h"
suppress = true
[tenant."t-42"]
thresholds.mailbox_full = 3
thresholds.bad_mailbox = {permanent = 1, transient = 0}
""",
    b"""[tenant.t-1.own]
sending_ips = ["192.0.2.1"]
relay_hosts = ["r.example.org"]
""",
)
_LINES = (
    *(b"[default]\n", b"[[tenant]]\n", b"tenant = 1\n", b"default = []\n", b"[a.b]\n"),
    *(b"x = " + b"[" * 900 + b"\n", b"a" + b".a" * 900 + b" = 1\n", b"x = 1e999\n"),
    *(
        b"x = 9" * 50 + b"\n",
        b'"" = 1\n',
        b'"\\u0000" = 1\n',
        b"suppress = 1979-05-27\n",
    ),
    *(
        b'say = ["(((("]\n',
        b"[[rule]]\n",
        b"[words]\n",
        b"x = nan\n",
        b"x = {a = {}}\n",
    ),
)

_LONGEST = 10_000
"""Python's TOML parser takes the square of a key's parts; the files are one's own."""
_SECONDS = 10.0


def _policy(raw: bytes) -> bool:
    text = raw.decode(errors="replace")
    try:
        book = policy_file.parse(text, "policy.toml")
    except ConfigurationError as error:
        hold(str(error).startswith("policy.toml"), "a mistake without its place")
        return False
    hold(isinstance(book, PolicyBook), "no policies")
    return True


def _toml(examples: list[bytes], chance: Random) -> bytes:
    lines = chance.choice(examples).splitlines(keepends=True)
    for _ in range(chance.choice((0, 1, 3))):
        lines.insert(chance.randrange(len(lines) + 1), chance.choice(_LINES))
    raw = b"".join(lines)
    found = mutation.garbled(chance, raw, examples) if chance.random() < 0.6 else raw
    return found[:_LONGEST]


@contextmanager
def targets() -> Iterator[list[Target]]:
    """Answer the files; one is really written, in a folder that is gone afterwards."""
    folder = Path(rule.__file__).parent / "rules"
    pieces = [
        b"[[rule]]" + part
        for file in sorted(folder.glob("*.toml"))
        for part in file.read_bytes().split(b"[[rule]]")[1:]
    ]
    with tempfile.TemporaryDirectory(prefix="mailflag-fuzz-") as temporary:
        path = Path(temporary) / "rules.toml"

        def rules(raw: bytes) -> bool:
            path.write_bytes(raw)
            document = rulebook.read(path)
            if isinstance(document, Fault):
                return False
            book = rule.build([document])
            hold(isinstance(book, RuleBook) or book, "neither rules nor faults")
            return isinstance(book, RuleBook)

        yield [
            Target(
                "policy file", lambda c: _toml(list(_POLICIES), c), _policy, share=3
            ),
            Target(
                "rule file",
                lambda c: _toml(pieces, c),
                rules,
                share=3,
                seconds=_SECONDS,
            ),
        ]
