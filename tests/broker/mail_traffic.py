"""A day of mail as a seed makes it: what producers publish, and what is true of it.

Every address has a life of a few messages, each with a story of its own. What a
story comes to is known here without any of the program's code, and is the same in
whatever order, and however often, its events arrive. Producers are hostile: keys
and partitions mean nothing, events come late, twice and among records that are no
events at all.
"""

import base64
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto
from heapq import heappop, heappush
from typing import NamedTuple

import orjson

from streams.core.address import canonical, key
from streams.core.instant import Instant, render
from streams.wire.reject import RejectReason
from streams.wire.topic import Topic

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

TENANTS = {"acme": 5, "nordwind": 3, "t-42": 1}
"""Tenants, and how much of the mail is theirs."""
BROKEN = "nordwind"
"""A third of this tenant's mail is refused by its own relay."""
DOMAINS = (
    "example.com",
    "example.net",
    "mail.example.org",
    "bücher.test",
    "klein.test",
)
REMEMBERED = 6
"""Newest messages of an address that count."""


class Ending(Enum):
    """What became of a message."""

    REACHED = auto()
    """Accepted or delivered."""
    FAILED = auto()
    """Not delivered."""
    OPEN = auto()
    """Not decided."""
    WIPED = auto()
    """No message: a person cleared the flag."""


class Step(NamedTuple):
    """One message of a life, or a person's decision between two."""

    ending: Ending
    side: str | None = None
    """Whose fault it must be called, where nobody could say otherwise."""


class Event(NamedTuple):
    """One event before a producer has had its way with it."""

    topic: Topic
    body: dict


class Sending(NamedTuple):
    """One record to be produced."""

    topic: Topic
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    lot: int
    """A partition, modulo the number that there are."""
    poison: RejectReason | None = None
    """Why it must be rejected; None: it must not."""


class Expected(NamedTuple):
    """What must be so in the end of one address, by its story alone."""

    flagged: bool
    failures: int
    """Failed messages in a row."""
    side: str | None


class Mail:
    """One message to one address; a story adds its events."""

    def __init__(self, rnd: random.Random, person: "Person", at: int) -> None:
        self.rnd = rnd
        self.person = person
        self.at = at
        self.id = f"<{rnd.getrandbits(48):x}@mx.{person.tenant}.test>"
        self.events: list[Event] = []

    def _identity(self, at: int) -> dict:
        return {
            "id": f"{self.rnd.getrandbits(64):016x}",
            "time": render(Instant(at)),
            "tenant_id": self.person.tenant,
            "address": self.person.spelling(self.rnd),
            "customer_id": self.person.customer,
        }

    def attempt(self, number: int = 1, after: int = 0, **said: object) -> None:
        body = self._identity(self.at + after)
        body |= {"message_id": self.id, "attempt": number, "template_id": "invoice"}
        self.events.append(Event(Topic.SEND_ATTEMPTS, body | said))

    def accepted(self, number: int = 1, after: int = 0) -> None:
        host = f"mx1.{self.person.domain}"
        smtp = {"phase": "data_end", "code": 250, "text": "2.0.0 Ok", "peer": host}
        self.attempt(number, after, smtp=smtp | {"peer_role": "mx"})

    def answered(
        self, code: int, text: str, number: int = 1, after: int = 0, **said: object
    ) -> None:
        host = f"mx1.{self.person.domain}"
        smtp = {"phase": "rcpt", "code": code, "text": text, "peer": host}
        self.attempt(number, after, smtp=smtp | {"peer_role": "mx"} | said)

    def reported(self, action: str, after: int, **said: object) -> None:
        body = self._identity(self.at + after) | {
            "message_id": self.id,
            "action": action,
            "reporting_mta": "dns; relay.example.net",
            "remote_mta": f"dns; mx1.{self.person.domain}",
            "arrival_date": render(Instant(self.at)),
            "original_recipient": f"rfc822; {self.person.address}",
        }
        self.events.append(Event(Topic.DSN_EVENTS, body | said))

    def bounced(self, after: int, **said: object) -> None:
        told = {
            "status": "5.1.1",
            "diagnostic": "smtp; 550 5.1.1 User unknown",
        }
        self.reported("failed", after, **(told | said))

    def commanded(self, action: str, after: int, **said: object) -> None:
        body = self._identity(self.at + after)
        body |= {"action": action, "reason": "confirmed_delivered", "actor": "ada"}
        self.events.append(Event(Topic.FLAG_COMMANDS, body | said))


def arrives(mail: Mail) -> Step:
    mail.accepted()
    return Step(Ending.REACHED)


def is_greylisted(mail: Mail) -> Step:
    mail.answered(451, "4.7.1 Greylisted, please try again")
    mail.accepted(2, 7 * MINUTE)
    return Step(Ending.REACHED)


def is_relayed(mail: Mail) -> Step:
    mail.accepted()
    mail.reported("relayed", 20_000)
    return Step(Ending.REACHED)


def has_no_mailbox(mail: Mail) -> Step:
    mail.answered(550, "5.1.1 User unknown", enhanced="5.1.1")
    return Step(Ending.FAILED, "recipient")


def finds_a_full_mailbox(mail: Mail) -> Step:
    mail.answered(552, "5.2.2 Mailbox full", enhanced="5.2.2")
    return Step(Ending.FAILED, "recipient")


def is_called_spam(mail: Mail) -> Step:
    mail.answered(554, "5.7.1 Message rejected as spam", phase="data_end")
    return Step(Ending.FAILED)


def bounces_late(mail: Mail) -> Step:
    mail.accepted()
    mail.bounced(mail.rnd.randrange(10_000, HOUR))
    return Step(Ending.FAILED, "recipient")


def is_refused_and_reported(mail: Mail) -> Step:
    mail.answered(550, "5.1.1 User unknown", enhanced="5.1.1")
    mail.bounced(30_000)
    return Step(Ending.FAILED, "recipient")


def is_refused_yet_delivered(mail: Mail) -> Step:
    mail.answered(550, "5.1.1 User unknown")
    mail.reported("delivered", 90_000)
    return Step(Ending.REACHED)


def is_refused_yet_a_person_has_it(mail: Mail) -> Step:
    mail.answered(554, "5.7.1 Message rejected as spam", phase="data_end")
    mail.commanded("delivered", 2 * HOUR, message_id=mail.id)
    return Step(Ending.REACHED)


def is_only_reported(mail: Mail) -> Step:
    mail.bounced(5_000)
    return Step(Ending.FAILED, "recipient")


def is_reported_without_a_name(mail: Mail) -> Step:
    mail.bounced(5_000, message_id=None)
    return Step(Ending.FAILED, "recipient")


def is_delayed(mail: Mail) -> Step:
    for number in (1, 2, 3):
        mail.answered(421, "4.3.2 Try later", number, number * 10 * MINUTE)
    mail.reported("delayed", 40 * MINUTE)
    return Step(Ending.OPEN)


def is_given_up(mail: Mail) -> Step:
    for number in (1, 2):
        mail.answered(421, "4.3.2 Try later", number, number * 10 * MINUTE)
    mail.attempt(3, HOUR, error="connection timed out", final=True)
    return Step(Ending.FAILED)


def meets_a_wrong_password(mail: Mail) -> Step:
    smtp = {
        "phase": "auth",
        "code": 535,
        "enhanced": "5.7.8",
        "text": "5.7.8 Error: authentication failed",
        "peer": f"relay.{mail.person.tenant}.test",
        "peer_role": "relay",
    }
    mail.attempt(smtp=smtp)
    return Step(Ending.FAILED, "sender_config")


Story = Callable[[Mail], Step]
STORIES: dict[Story, int] = {
    arrives: 40,
    is_greylisted: 6,
    is_relayed: 4,
    has_no_mailbox: 8,
    finds_a_full_mailbox: 6,
    is_called_spam: 4,
    bounces_late: 8,
    is_refused_and_reported: 5,
    is_refused_yet_delivered: 3,
    is_refused_yet_a_person_has_it: 2,
    is_only_reported: 3,
    is_reported_without_a_name: 2,
    is_given_up: 3,
}
UNDECIDED: dict[Story, int] = {**STORIES, is_delayed: 8}


class Person:
    """An address of a tenant's customer, and how people write it."""

    def __init__(self, rnd: random.Random, tenant: str, number: int) -> None:
        self.tenant = tenant
        self.domain = rnd.choice(DOMAINS)
        self.address = f"user{number}@{self.domain}"
        self.customer = f"c-{number}"

    @property
    def key(self) -> bytes:
        found = canonical(self.address)
        return key(self.tenant, str(found))

    def spelling(self, rnd: random.Random) -> str:
        one = rnd.randrange(12)
        if one == 0:
            return self.address.upper()
        if one == 1:
            return f" <{self.address}> "
        if one == 2:
            local, _, domain = self.address.partition("@")
            return f"{local}@{domain.encode('idna').decode()}"
        return self.address


class Life:
    """Everything that happens to one address, in order of time."""

    def __init__(self, rnd: random.Random, person: Person, until: int) -> None:
        """Let the life end before `until`."""
        self.person = person
        self.steps: list[Step] = []
        self.events: list[Event] = []
        count = rnd.choice((1, 2, 2, 3, 3, 4, 5, 6, 8))
        # A longer life than is remembered must leave no doubt about how long an
        # address has been failing, whatever was forgotten on the way.
        shortest = 6 * HOUR if count <= REMEMBERED else 13 * HOUR
        gaps = [rnd.randrange(shortest, 20 * HOUR) for _ in range(count)]
        at = until - sum(gaps)
        undecided = 2
        for gap in gaps:
            story = self._story(rnd, undecided=undecided > 0)
            mail = Mail(rnd, person, at)
            step = story(mail)
            undecided -= step.ending is Ending.OPEN
            self.steps.append(step)
            self.events += mail.events
            if rnd.random() < 0.05:
                self._wipe(rnd, Mail(rnd, person, at))
            at += gap

    def _story(self, rnd: random.Random, *, undecided: bool) -> Story:
        if self.person.tenant == BROKEN and rnd.random() < 1 / 3:
            return meets_a_wrong_password
        told = UNDECIDED if undecided else STORIES
        return rnd.choices(list(told), list(told.values()))[0]

    def _wipe(self, rnd: random.Random, mail: Mail) -> None:
        mail.commanded(rnd.choice(("clear", "delivered")), 5 * HOUR)
        self.events += mail.events
        self.steps.append(Step(Ending.WIPED))

    @property
    def expected(self) -> Expected:
        """Answer what the story comes to: the newest decided message rules."""
        since_wiped = itertools.takewhile(_is_message, reversed(self.steps))
        newest = itertools.islice(since_wiped, REMEMBERED)
        unreached = itertools.takewhile(_is_unreached, newest)
        failed = [step for step in unreached if step.ending is Ending.FAILED]
        side = failed[0].side if failed else None
        return Expected(bool(failed), len(failed), side)


def _is_message(step: Step) -> bool:
    return step.ending is not Ending.WIPED


def _is_unreached(step: Step) -> bool:
    return step.ending is not Ending.REACHED


class Traffic:
    """An endless stream of records, the same for the same seed."""

    def __init__(
        self,
        seed: int,
        *,
        now: int,
        people: int = 400,
        poison: float = 0.01,
        repeats: float = 0.03,
    ) -> None:
        """Have so many addresses in play at a time; all that happened is older
        than a day, so that nothing waits for the clock.
        """
        self._random = random.Random(seed)
        self._until = now - DAY
        self._people = people
        self._poison = poison
        self._repeats = repeats
        self._queue: list[tuple[float, int, Event]] = []
        self._pushed = 0
        self._born = 0
        self.lives: dict[bytes, Life] = {}
        """Everybody so far, by the record key that the address must get."""

    def take(self, count: int) -> Iterator[Sending]:
        """Produce so many records more."""
        for _ in range(count):
            if self._random.random() < self._poison:
                yield self._random.choice(list(self.poisons()))
                continue
            while len(self._queue) < 3 * self._people:
                self._bear()
            yield self._next()

    def rest(self) -> Iterator[Sending]:
        """Produce what is left of every life that has begun."""
        while self._queue:
            yield self._next()

    def poisons(self) -> Iterator[Sending]:
        """Produce one record of every kind that must be rejected."""
        for topic, value, reason in _poisons(self._random):
            yield self._sending(topic, value, reason)

    def publish(self, events: Iterable[Event]) -> Iterator[Sending]:
        """Produce given events, in the way of all others."""
        for event in events:
            yield self._sending(event.topic, orjson.dumps(event.body), None)

    def _bear(self) -> None:
        """Begin a life; its events come in turn, but for some that overtake."""
        rnd = self._random
        self._born += 1
        tenant = rnd.choices(list(TENANTS), list(TENANTS.values()))[0]
        person = Person(rnd, tenant, self._born)
        life = Life(rnd, person, self._until)
        self.lives[person.key] = life
        turn = self._turn
        for event in life.events:
            turn += rnd.expovariate(1 / self._people)
            overtaken = rnd.random() < 0.1
            late = rnd.expovariate(1 / self._people) * 3 if overtaken else 0.0
            self._push(turn + late, event)

    @property
    def _turn(self) -> float:
        return self._queue[0][0] if self._queue else 0.0

    def _push(self, turn: float, event: Event) -> None:
        self._pushed += 1
        heappush(self._queue, (turn, self._pushed, event))

    def _next(self) -> Sending:
        rnd = self._random
        turn, _, event = heappop(self._queue)
        if rnd.random() < self._repeats:
            self._push(turn + rnd.expovariate(1 / self._people), event)
        return next(self.publish([event]))

    def _sending(
        self, topic: Topic, value: bytes | None, poison: RejectReason | None
    ) -> Sending:
        """Give a record a key and a partition that mean nothing."""
        rnd = self._random
        keys = (
            None,
            None,
            b"",
            b"acme",
            rnd.randbytes(8),
            b"k" * 1000,
            value and value[:40],
        )
        return Sending(topic, rnd.choice(keys), value, [], rnd.getrandbits(16), poison)


def _poisons(rnd: random.Random) -> list[tuple[Topic, bytes | None, RejectReason]]:
    """Answer records that are no events, each with the reason that it must get."""
    event = {
        "id": f"p-{rnd.getrandbits(32)}",
        "time": "2025-03-01T10:00:00Z",
        "tenant_id": "acme",
        "address": "poison@example.com",
        "message_id": "p@example.com",
        "outcome": "failed",
    }
    report = {"id": event["id"], "time": event["time"], "action": "failed"}
    command = event | {"action": "clear", "reason": "other", "actor": "ada"}

    def attempt(**changed: object) -> bytes:
        return orjson.dumps(event | changed)

    attempts, reports = Topic.SEND_ATTEMPTS, Topic.DSN_EVENTS
    raw = base64.b64encode(b"no report at all").decode()
    text = attempt().decode()
    return [
        (attempts, None, RejectReason.EMPTY_VALUE),
        (attempts, b"", RejectReason.EMPTY_VALUE),
        (attempts, b"{", RejectReason.NOT_JSON),
        (attempts, attempt() + b"\xff", RejectReason.NOT_JSON),
        (attempts, text.replace('"failed"', "NaN").encode(), RejectReason.NOT_JSON),
        (attempts, b"[" * 50_000 + b"]" * 50_000, RejectReason.TOO_LARGE),
        (attempts, b"[" * 20_000 + b"]" * 20_000, RejectReason.NOT_JSON),
        (attempts, b"[]", RejectReason.SCHEMA_VIOLATION),
        (attempts, attempt(message_id=7), RejectReason.SCHEMA_VIOLATION),
        (attempts, attempt(outcome="lost"), RejectReason.SCHEMA_VIOLATION),
        (attempts, attempt(padding="x" * 70_000), RejectReason.TOO_LARGE),
        (attempts, attempt(time="9999-12-31T23:59:59Z"), RejectReason.BAD_TIME),
        (attempts, attempt(time="1970-01-01T00:00:00Z"), RejectReason.BAD_TIME),
        (attempts, attempt(time="yesterday"), RejectReason.BAD_TIME),
        (attempts, attempt(tenant_id="a/b"), RejectReason.BAD_TENANT),
        (attempts, attempt(address="nobody"), RejectReason.BAD_ADDRESS),
        (reports, orjson.dumps(report), RejectReason.UNATTRIBUTABLE),
        (
            reports,
            orjson.dumps({**report, "action": None, "raw": raw}),
            RejectReason.DSN_UNPARSEABLE,
        ),
        (
            reports,
            orjson.dumps({**report, "padding": "x" * 1_600_000}),
            RejectReason.TOO_LARGE,
        ),
        (
            Topic.FLAG_COMMANDS,
            orjson.dumps(command | {"action": "erase"}),
            RejectReason.SCHEMA_VIOLATION,
        ),
    ]
