"""A tenant whose own relay refuses it, and what must be told of it: one incident.

Its mail went well until half an hour ago and has failed for ten minutes, by the
times that the events carry; nobody else is to blame, and every failed mail is to a
customer of its own. Sound mail after that says that the fault was mended.
"""

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from mail_traffic import MINUTE, Ending, Event, Expected, Step

from streams.core.address import canonical, key
from streams.core.instant import Instant, render
from streams.wire.topic import Topic

SOUND_BEFORE, FAILING, SOUND_AFTER = 400, 95, 200


class Fault(NamedTuple):
    """What the relay answers, and the class that this is."""

    cause: str
    phase: str
    code: int
    text: str


FAULTS = (
    Fault("submission_auth_failed", "auth", 535, "5.7.8 Authentication failed"),
    Fault("sender_rejected", "mail", 553, "5.7.1 Sender address not owned by user"),
    Fault("relay_denied", "rcpt", 554, "5.7.1 Relay access denied"),
)


class Phase(Enum):
    """How far an incident has come."""

    BEGUN = auto()
    """Its mail is published, and no alert has been seen."""
    OPEN = auto()
    """It was announced, and the fault was mended."""


class OneMail(NamedTuple):
    """A life of one message, as the audit asks for it."""

    steps: tuple[Step, ...]
    expected: Expected


class StrickenTenant:
    """One tenant, and every mail that it sends."""

    def __init__(self, number: int, fault: Fault, now: int) -> None:
        self.id = f"stricken-{number}"
        self.fault = fault
        self.phase = Phase.BEGUN
        self.lives: dict[bytes, OneMail] = {}
        """Everybody that it has written to, by record key."""
        self._now = now

    def fails(self) -> Iterator[Event]:
        """Answer the mail until now."""
        for number in range(SOUND_BEFORE):
            yield self._mail(self._now - (120 - number * 0.2) * MINUTE, fails=False)
        for number in range(FAILING):
            yield self._mail(self._now - (10 - number * 0.1) * MINUTE, fails=True)

    def works_again(self, now: int) -> Iterator[Event]:
        """Answer the mail that goes through since."""
        for _ in range(SOUND_AFTER):
            yield self._mail(now, fails=False)

    def _mail(self, at: float, *, fails: bool) -> Event:
        number = len(self.lives)
        address = f"kunde{number}@example.com"
        smtp = {"phase": "data_end", "code": 250, "peer_role": "relay"}
        if fails:
            _, phase, code, text = self.fault
            smtp = {"phase": phase, "code": code, "text": text, "peer_role": "relay"}
        body = {
            "id": f"{self.id}-{number}",
            "time": render(Instant(int(at))),
            "tenant_id": self.id,
            "address": address,
            "customer_id": f"k-{number}",
            "message_id": f"<{number}@{self.id}.test>",
            "smtp": smtp | {"peer": f"relay.{self.id}.test"},
        }
        step = Step(Ending.REACHED)
        if fails:
            body["outcome"] = "failed"
            step = Step(Ending.FAILED, "sender_config")
        self.lives[key(self.id, str(canonical(address)))] = OneMail(
            (step,), Expected(fails, int(fails), step.side)
        )
        return Event(Topic.SEND_ATTEMPTS, body)
