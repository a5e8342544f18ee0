"""Mail around an upgrade: what an older program saw, and what comes to the newer one.

All times are fixed, so that what is recorded of the first part stays true. Before the
upgrade a tenant's password has expired and its incident is open; of another tenant
addresses fail, recover, and wait for what only the newer program will hear.
"""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from streams.core.instant import Instant, parse, render
from streams.wire.topic import Topic

MINUTE = 60_000
UPGRADE = parse("2026-03-02T10:00:00Z")
"""When the older program ends."""
STRICKEN = "stadtwerke"
QUIET = "t-42"
GONE = {"phase": "rcpt", "code": 550, "enhanced": "5.1.1", "text": "5.1.1 No such user"}
REFUSED = {"phase": "auth", "code": 535, "text": "5.7.8 Error: authentication failed"}
TAKEN = {"phase": "data_end", "code": 250, "text": "2.0.0 Ok"}
_EACH = 6
"""Addresses of one fate."""


class Event(NamedTuple):
    """One event, and when it arrives."""

    at: int
    topic: Topic
    value: bytes


def attempt(minutes: float, tenant: str, who: str, smtp: dict[str, Any]) -> Event:
    """Answer an attempt so many minutes after the upgrade; each is another mail."""
    at = UPGRADE + int(minutes * MINUTE)
    role = "relay" if tenant == STRICKEN else "mx"
    body = {
        "id": f"a-{who}-{at}",
        "time": render(Instant(at)),
        "tenant_id": tenant,
        "address": f"{who}@example.com",
        "message_id": f"<{who}.{at}@{tenant}.test>",
        "smtp": smtp | {"peer": f"{role}.{tenant}.test", "peer_role": role},
    }
    if smtp is REFUSED:
        body["outcome"] = "failed"
    return Event(at, Topic.SEND_ATTEMPTS, orjson.dumps(body))


def report(minutes: float, who: str, sent: float, action: str, status: str) -> Event:
    """Answer a report about the mail that was sent at another minute."""
    at = UPGRADE + int(minutes * MINUTE)
    body = {
        "id": f"r-{who}-{at}",
        "time": render(Instant(at)),
        "tenant_id": QUIET,
        "address": f"{who}@example.com",
        "message_id": f"<{who}.{UPGRADE + int(sent * MINUTE)}@{QUIET}.test>",
        "action": action,
        "status": status,
        "diagnostic": f"smtp; {'250' if action == 'delivered' else '550'} {status}",
        "reporting_mta": "dns; relay.example.net",
    }
    return Event(at, Topic.DSN_EVENTS, orjson.dumps(body))


def clear(minutes: float, who: str) -> Event:
    """Answer a person's decision that the address is good."""
    at = UPGRADE + int(minutes * MINUTE)
    body = {
        "id": f"c-{who}-{at}",
        "time": render(Instant(at)),
        "tenant_id": QUIET,
        "address": f"{who}@example.com",
        "action": "clear",
        "reason": "address_corrected",
        "actor": "ada",
    }
    return Event(at, Topic.FLAG_COMMANDS, orjson.dumps(body))


def _fate(name: str) -> list[str]:
    return [f"{name}{number}" for number in range(_EACH)]


def before() -> list[Event]:
    """Answer what the older program hears, in the order of arrival."""
    events = [attempt(-120 + n * 0.2, STRICKEN, f"kunde{n}", TAKEN) for n in range(300)]
    events += [
        attempt(-10 + n * 0.09, STRICKEN, f"kunde{300 + n}", REFUSED)
        for n in range(100)
    ]
    for place, fate in enumerate(("gone", "back", "wiped", "proven", "twice")):
        for n, who in enumerate(_fate(fate)):
            events.append(attempt(-80 + place + n * 0.1, QUIET, who, GONE))
    events += [attempt(-60, QUIET, who, GONE) for who in _fate("twice")]
    events += [attempt(-50, QUIET, who, TAKEN) for who in _fate("late")]
    events += [attempt(-40, QUIET, who, TAKEN) for who in _fate("well")]
    # A flag that a late bounce set waits for the next mail's own bounce to be cleared.
    events += [attempt(-70, QUIET, who, TAKEN) for who in _fate("pending")]
    events += [report(-65, who, -70, "failed", "5.1.1") for who in _fate("pending")]
    events += [attempt(-2, QUIET, who, TAKEN) for who in _fate("pending")]
    return sorted(events)


def after() -> Iterator[list[Event]]:
    """Answer what the newer program hears, in waves that are waited for."""
    yield [
        *(
            attempt(1 + n * 0.02, STRICKEN, f"kunde{400 + n}", REFUSED)
            for n in range(40)
        ),
        *(event for event in before() if b"back" in event.value),
        *(report(2, who, -50, "failed", "5.1.1") for who in _fate("late")),
        *(report(2, who, -77, "delivered", "2.0.0") for who in _fate("proven")),
    ]
    yield [
        *(attempt(10, STRICKEN, f"kunde{500 + n}", TAKEN) for n in range(200)),
        *(attempt(10, QUIET, who, TAKEN) for who in _fate("back")),
        *(attempt(11, QUIET, who, GONE) for who in _fate("twice")),
        *(clear(11, who) for who in _fate("wiped")),
    ]
    for minutes in itertools.count(40, 25):
        mails = (STRICKEN, "uhr", TAKEN), (QUIET, "uhr", TAKEN)
        yield [attempt(minutes, *mail) for mail in mails]
