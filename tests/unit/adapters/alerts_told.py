"""Records of the alerts topic: the contract's examples, changed as a test says."""

import json
from pathlib import Path

from streams.core.instant import Instant, render
from streams.wire.alert import decode

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples" / "alert" / "v1"
MINUTE = 60_000
NOON = Instant(1_772_452_800_000)


def body(name="opened-for-a-tenant", **changes):
    """Answer an example as a record's value; times may be given as instants."""
    said = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    for member, value in changes.items():
        instant = member.endswith(("at", "from")) and isinstance(value, int)
        said[member] = render(value) if instant else value
    return json.dumps(said).encode()


def opened(key="k", *, at=NOON, revision=None, **changes):
    """Answer an open alert."""
    return body(key=key, opened_at=at, at=at, revision=revision or at, **changes)


def resolved(key="k", *, at=NOON, opened_at=NOON, **changes):
    """Answer an alert that is over."""
    return body(
        key=key,
        type="alert-resolved",
        opened_at=opened_at,
        at=at,
        resolved_at=at,
        revision=at,
        **changes,
    )


def alert(name="opened-for-a-tenant", **changes):
    """Answer an example, decoded."""
    return decode(body(name, **changes))
