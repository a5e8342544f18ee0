"""A story is told in evidence, minute by minute, and answers with changes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from streams.core.evidence import (
    Action,
    Attempt,
    Command,
    CommandAction,
    Evidence,
    Failure,
    Outcome,
    Report,
)
from streams.core.failure import (
    TRAITS,
    Confidence,
    FailureClass,
    PeerRole,
    Phase,
)
from streams.core.flag import FlagChange
from streams.core.flags import Context, Decision, decide
from streams.core.instant import Instant
from streams.core.policy import FlagPolicy, OpenIncident
from streams.core.state import EMPTY, AddressState, fold

MINUTE = 60_000
NOON = 1_790_000_000_000


def instant(minutes: float) -> Instant:
    return Instant(NOON + int(minutes * MINUTE))


def failure(
    kind: str = "bad_mailbox",
    *,
    permanent: bool = True,
    confidence: str = "high",
    peer: str = "mx.example.net",
    text: str = "550 5.1.1 no such user",
) -> Failure:
    failure_class = FailureClass(kind)
    traits = TRAITS[failure_class]
    return Failure(
        failure_class,
        traits.side,
        traits.address_policy,
        Confidence(confidence),
        "test.rule",
        permanent,
        Phase.RCPT,
        peer,
        550 if permanent else 450,
        "5.1.1" if permanent else "4.2.1",
        text,
    )


def attempt(
    message: str, minutes: float, outcome: str, attempt: int = 1, **said
) -> Attempt:
    return Attempt(
        id=f"a-{message}-{attempt}-{minutes}",
        tenant_id="t-1",
        address="ada@example.com",
        customer_id="c-1",
        message_id=message,
        at=instant(minutes),
        arrived_at=instant(minutes),
        attempt=attempt,
        outcome=Outcome(outcome),
        failure=None if outcome == "accepted" else failure(**said),
        peer_role=PeerRole.MX,
        provider="example.com",
        template_id=None,
        host=None,
    )


def report(
    message: str,
    minutes: float,
    action: str,
    *,
    message_at: float | None = None,
    **said,
) -> Report:
    return Report(
        id=f"r-{message}-{action}-{minutes}",
        tenant_id="t-1",
        address="ada@example.com",
        customer_id=None,
        message_id=message,
        at=instant(minutes),
        arrived_at=instant(minutes),
        message_at=None if message_at is None else instant(message_at),
        action=Action(action),
        failure=failure(**said) if action == "failed" else None,
        reporting_mta="relay.example.org",
        provider="example.com",
    )


def command(
    minutes: float, action: str = "clear", message_id: str | None = None
) -> Command:
    return Command(
        id=f"c-{action}-{minutes}",
        tenant_id="t-1",
        address="ada@example.com",
        at=instant(minutes),
        arrived_at=instant(minutes),
        action=CommandAction(action),
        message_id=message_id,
        reason="customer_request",
        note="",
        actor="support-7",
    )


@dataclass
class Story:
    """One address's life, told piece by piece."""

    policy: FlagPolicy = field(default_factory=FlagPolicy)
    incidents: tuple[OpenIncident, ...] = ()
    state: AddressState = EMPTY
    changes: list[FlagChange] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    liars: list[str] = field(default_factory=list)

    def tell(self, *pieces: Evidence) -> "Story":
        for piece in pieces:
            folded = fold(self.state, piece)
            self.state = folded.state
            if folded.liar is not None:
                self.liars.append(folded.liar)
            self._decide(piece.arrived_at, piece if type(piece) is Command else None)
        return self

    def wait(self, minutes: float) -> "Story":
        """Let the timer look at the address at that minute."""
        self._decide(instant(minutes))
        return self

    def _decide(self, now: Instant, said: Command | None = None) -> None:
        decision = decide(
            self.state,
            Context("t-1", "ada@example.com", self.policy, self.incidents, now, said),
        )
        self.state = decision.state
        self.decisions.append(decision)
        if decision.change is not None:
            self.changes.append(decision.change)

    @property
    def told(self) -> list[str]:
        return [
            c.type.value.removeprefix("flag-")
            + (f" by {c.cleared_by}" if c.cleared_by else "")
            for c in self.changes
        ]

    @property
    def flag(self):
        return self.state.flag

    def under(self, **policy) -> "Story":
        self.policy = replace(self.policy, **policy)
        return self


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture(scope="session")
def new_story() -> Callable[[], Story]:
    return Story


@pytest.fixture(scope="session")
def tell():
    """Makers of evidence: `tell.attempt`, `tell.report`, `tell.command`."""

    class Makers:
        attempt = staticmethod(attempt)
        report = staticmethod(report)
        command = staticmethod(command)
        failure = staticmethod(failure)
        instant = staticmethod(instant)

    return Makers
