"""What breaks: whose mail, where, when, how much of it, and what is answered."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from streams.simulation.answer import MX, RELAY, Answer
from streams.simulation.cast import Customer, Tenant

RELAY_HOP, MX_HOP = "relay", "mx"


@dataclass(frozen=True)
class Fault:
    """A trouble with a beginning and an end; times are seconds of the play."""

    cause: str
    """Class of the failures."""
    hop: str
    start: float
    end: float
    tenants: frozenset[str] | None = None
    """None: all."""
    operators: frozenset[str] | None = None
    """None: wherever the mail goes."""
    share: float = 1.0
    """Part of the mail that it hits."""
    host: int | None = None
    """Only mail of this host of the pool."""
    shape: Callable[[float], float] | None = None
    """How the share grows or comes and goes, by seconds since the start."""
    lying: float = 0.0
    """Part of the refused mail that arrives all the same, and is reported so."""
    answers: tuple[Answer, ...] = ()
    """Instead of the usual ones for the cause."""
    customer: str | None = None
    """Only this customer's mail."""

    def strikes(
        self, rng: Random, tenant: Tenant, customer: Customer, host: int, at: float
    ) -> bool:
        """Say whether an attempt fails."""
        if not self.start <= at < self.end:
            return False
        if self.tenants is not None and tenant.id not in self.tenants:
            return False
        if self.operators is not None and customer.operator not in self.operators:
            return False
        if self.customer is not None and customer.id != self.customer:
            return False
        if self.host is not None and host != self.host:
            return False
        share = self.share
        if self.shape is not None:
            share *= self.shape(at - self.start)
        return share >= 1 or rng.random() < share

    def answer(self, rng: Random, operator: str) -> Answer:
        """Say what the server says; an operator keeps to its own wording."""
        said = self.answers or (RELAY if self.hop == RELAY_HOP else MX)[self.cause]
        if self.hop == RELAY_HOP:
            return said[hash_of(self.cause + str(self.start)) % len(said)]
        if rng.random() < _OTHER_WORDS:
            return rng.choice(said)
        return said[hash_of(operator) % len(said)]


_OTHER_WORDS = 0.1


def hash_of(text: str) -> int:
    """Answer a small number that is the same in every process."""
    return sum(ord(letter) * (place + 1) for place, letter in enumerate(text))


def flapping(up: float, down: float) -> Callable[[float], float]:
    """Answer a shape: broken for `down` seconds, working for `up`, and so on."""
    return lambda seconds: 1.0 if seconds % (up + down) < down else 0.0


def growing(until: float, most: float) -> Callable[[float], float]:
    """Answer a shape that grows from nothing to `most`."""
    return lambda seconds: min(most, most * seconds / until)
