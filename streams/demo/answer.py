"""What servers answer in the demo: the words that mailers log.

The words are those of widely used servers; `{address}` and the like are filled in
by whoever writes the attempt down.
"""

from typing import NamedTuple

from streams.core.evidence import Outcome
from streams.core.failure import Phase


class Answer(NamedTuple):
    """How an attempt ended."""

    outcome: Outcome
    phase: Phase
    code: int | None = None
    """None: there was no reply."""
    enhanced: str | None = None
    text: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the next hop took the message."""
        return self.outcome is Outcome.ACCEPTED


def _accepted(text: str) -> Answer:
    return Answer(Outcome.ACCEPTED, Phase.DATA_END, 250, "2.0.0", text)


def _later(phase: Phase, code: int, enhanced: str, text: str) -> Answer:
    return Answer(Outcome.DEFERRED, phase, code, enhanced, f"{enhanced} {text}")


def _never(phase: Phase, code: int, enhanced: str | None, text: str) -> Answer:
    words = f"{enhanced} {text}" if enhanced else text
    return Answer(Outcome.FAILED, phase, code, enhanced, words)


TAKEN = _accepted("2.0.0 Ok: queued as {queue_id}")

GREYLISTED = _later(
    Phase.RCPT,
    450,
    "4.7.1",
    "<{address}>: Recipient address rejected: Greylisted, please try again in 300"
    " seconds",
)
PASSING = (
    _later(Phase.RCPT, 451, "4.3.0", "<{address}>: Temporary lookup failure"),
    _later(Phase.MAIL, 421, "4.3.2", "{peer} Service temporarily unavailable"),
    _later(
        Phase.MAIL,
        421,
        "4.7.28",
        "Too many messages from {sending_ip} in a short time, please slow down",
    ),
    _later(Phase.DATA_END, 452, "4.3.1", "Insufficient system storage"),
    Answer(
        Outcome.DEFERRED,
        Phase.CONNECT,
        text="connect to {peer}[{peer_ip}]:25: Connection timed out",
    ),
)
"""What clears by itself within minutes."""

TIMED_OUT = PASSING[-1]
GIVEN_UP = TIMED_OUT._replace(outcome=Outcome.FAILED)
"""The same, when the queue's time is over."""

UNKNOWN_USER = (
    _never(
        Phase.RCPT,
        550,
        "5.1.1",
        "<{address}>: Recipient address rejected: User unknown in virtual mailbox"
        " table",
    ),
    _never(
        Phase.RCPT,
        550,
        "5.1.1",
        "The mail account that you tried to reach does not exist. Please check the"
        " recipient's address for typing errors",
    ),
    _never(Phase.RCPT, 550, None, "No such user here"),
    _never(Phase.DATA_END, 550, None, "Unknown user {address}"),
)
DISABLED = _never(
    Phase.RCPT, 550, "5.2.1", "The mail account that you tried to reach is disabled"
)
FULL = _never(
    Phase.RCPT,
    552,
    "5.2.2",
    "<{address}>: Requested mail action aborted: mailbox is full, exceeded storage"
    " allocation",
)

WRONG_PASSWORD = _never(
    Phase.AUTH, 535, "5.7.8", "Error: authentication failed: password expired"
)
BLOCKED = _never(
    Phase.RCPT,
    550,
    "5.7.1",
    "Service unavailable; Client host [{sending_ip}] blocked using dnsbl.example;"
    " https://www.dnsbl.example/query/ip/{sending_ip}",
)
LYING = _never(
    Phase.DATA_END, 554, "5.3.0", "Transaction failed, queue file write error"
)
"""The answer of a gateway that has handed the mail on already."""

ONE_OFF = (
    _never(
        Phase.DATA_END,
        554,
        "5.7.1",
        "Spam message rejected; if this is not spam, contact the abuse team",
    ),
    _never(Phase.DATA_END, 550, "5.7.1", "Message rejected due to local policy"),
    _never(
        Phase.DATA_END,
        552,
        "5.7.0",
        "This message was blocked because its content presents a potential security"
        " issue",
    ),
)
"""Refusals of one message, which say nothing about the next."""
