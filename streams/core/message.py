"""One message to one address: what its session and its reports say, merged.

Merging is associative, commutative and idempotent: each slot keeps the greatest
of what it was given under a total order, so the order and the number of arrivals
cannot matter.
"""

from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

from streams.core.evidence import Action, Attempt, Command, Failure, Outcome, Report
from streams.core.failure import FailureClass, PeerRole
from streams.core.instant import Instant

REPORTED = {
    Action.DELAYED: 1,
    Action.RELAYED: 2,
    Action.EXPANDED: 4,
    Action.DELIVERED: 8,
    Action.FAILED: 16,
}
"""One bit for each thing that reports can have said about a message."""

UNPLACED = 32
"""The bit of a message of which only reports are known that do not say when it was
sent: nobody can say which messages are newer."""

QUEUE_LIFE = 8 * 24 * 3_600_000
"""Milliseconds, longer than any sane mail queue: a report about older mail comes no
more."""


class Session(NamedTuple):
    """The best attempt seen: a final one beats a deferred, then the later wins."""

    outcome: Outcome
    attempt: int
    at: Instant
    tie: int
    """Fingerprint of the event, to decide between attempts alike."""
    failure: Failure | None
    peer_role: PeerRole | None
    """Whose answer it was: our relay's, or the recipient's server's."""


class Bounce(NamedTuple):
    """The newest report that called the message failed."""

    at: Instant
    tie: int
    failure: Failure
    reporting_mta: str | None


class Message(NamedTuple):
    """What is known about one message.

    Without a session, `reported_at` is the earliest time that any report gives
    for the message itself: its Arrival-Date, else the report's own.
    """

    ref: int
    """Fingerprint of the message id; the id itself is kept for failures only."""
    message_id: str
    """Empty unless something about the message failed."""
    session: Session | None
    reports: int
    """Set of `REPORTED` bits, and `UNPLACED`."""
    reported_at: Instant | None
    bounce: Bounce | None
    customer_id: str | None = None
    """Whom it was to, as far as anything about it says."""

    @property
    def at(self) -> Instant:
        """When the message was sent, as well as is known."""
        if self.session is not None:
            return self.session.at
        return self.reported_at or Instant(0)

    @property
    def order(self) -> tuple[Instant, int]:
        """Newer messages compare greater.

        Of the same millisecond, the fingerprint decides: at random, but for ever.
        """
        return self.at, self.ref


class Fate(NamedTuple):
    """What became of a message."""

    decided: bool
    reached: bool
    """Accepted or delivered."""
    proven: bool
    """Delivered, by a report."""
    failure: Failure | None
    """Why it failed, when it did."""
    failed_at: Instant
    """When that was said: by the session or by the report, whichever `failure` is."""
    late_by: int | None
    """Milliseconds between 250 and the bounce, for a late bounce."""
    liar: str | None
    """Host whose answer was contradicted by a delivery; empty when unnamed."""


def tie(text: str) -> int:
    """Answer 32 bits that decide between events that are alike otherwise."""
    return crc32(text.encode(errors="surrogatepass"))


def fingerprint(text: str) -> int:
    """Answer 63 bits that stand for a text of any length."""
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def from_attempt(attempt: Attempt) -> Message:
    """Answer what one attempt alone says about its message."""
    session = Session(
        attempt.outcome,
        attempt.attempt,
        attempt.at,
        tie(attempt.id),
        attempt.failure,
        attempt.peer_role,
    )
    message_id = attempt.message_id if attempt.failure is not None else ""
    ref = fingerprint(attempt.message_id)
    return Message(ref, message_id, session, 0, None, None, attempt.customer_id or None)


def from_report(report: Report) -> Message:
    """Answer what one report alone says about its message."""
    bounce = None
    if report.action is Action.FAILED and report.failure is not None:
        bounce = Bounce(report.at, tie(report.id), report.failure, report.reporting_mta)
    return Message(
        fingerprint(report.message_id),
        report.message_id if bounce else "",
        None,
        REPORTED[report.action],
        _sent(report),
        bounce,
        report.customer_id or None,
    )


def _sent(report: Report) -> Instant:
    """Say when the reported message was sent, as well as its report knows.

    An Arrival-Date that no queue can have lived through is a clock's mistake, or
    forged: it would put a bounce of today behind successes of last year.
    """
    about = report.message_at if is_dated(report) else None
    return report.at if about is None else min(about, report.at)


def is_dated(report: Report) -> bool:
    """Say that the report knows when its message was sent."""
    about = report.message_at
    return about is not None and report.at - about <= QUEUE_LIFE


def from_proof(command: Command) -> Message:
    """Answer what a person's proof says about the message that it names."""
    reports = REPORTED[Action.DELIVERED]
    ref = fingerprint(command.message_id or command.id)
    return Message(ref, "", None, reports, command.at, None)


def merge(one: Message, other: Message) -> Message:
    """Fold two views of the same message into one."""
    session = _better_session(one.session, other.session)
    reports = one.reports | other.reports
    times = [m.reported_at for m in (one, other) if m.reported_at is not None]
    return Message(
        one.ref,
        max(one.message_id, other.message_id),
        session,
        reports if session is None else reports & ~UNPLACED,
        min(times, default=None),
        _newer_bounce(one.bounce, other.bounce),
        max(one.customer_id or "", other.customer_id or "") or None,
    )


def _better_session(one: Session | None, other: Session | None) -> Session | None:
    if one is None or other is None:
        return one or other
    return one if one == other else max(one, other, key=_session_rank)


def _session_rank(session: Session) -> tuple[object, ...]:
    """Order attempts totally, even two that wrongly share an id."""
    final = session.outcome is not Outcome.DEFERRED
    content = repr((session.outcome, session.failure, session.peer_role))
    return final, session.attempt, session.at, session.tie, content


def _newer_bounce(one: Bounce | None, other: Bounce | None) -> Bounce | None:
    if one is None or other is None:
        return one or other
    return one if one == other else max(one, other, key=_bounce_rank)


def _bounce_rank(bounce: Bounce) -> tuple[object, ...]:
    content = repr((bounce.failure, bounce.reporting_mta))
    return bounce.at, bounce.tie, content


def fate(message: Message) -> Fate:
    """Decide what became of one message.

    | reports say            | session says         | the message is            |
    |------------------------|----------------------|---------------------------|
    | delivered              | not failed           | delivered                 |
    | delivered              | failed               | delivered; the peer lied  |
    | delivered and failed   | anything             | delivered; the peer lied, |
    |                        |                      | or, unnamed, the reporter |
    | failed                 | accepted             | failed: a late bounce     |
    | failed                 | anything else        | failed, one failure       |
    | no final word          | accepted             | accepted                  |
    | no final word          | failed               | failed                    |
    | no final word          | deferred or nothing  | undecided                 |

    `relayed` and `expanded` are no final word: they do not prove the mailbox
    (RFC 3464 section 2.3.3). What is `UNPLACED` waits for its attempt, undecided.
    """
    session, bounce = message.session, message.bounce
    if message.reports & UNPLACED:
        return _UNDECIDED
    outcome = session.outcome if session else None
    refused = session.failure if session else None
    if message.reports & REPORTED[Action.DELIVERED]:
        liar = None
        if bounce is not None:
            liar = bounce.failure.peer or bounce.reporting_mta or ""
        elif outcome is Outcome.FAILED:
            liar = (refused.peer if refused else None) or ""
        return _REACHED._replace(proven=True, liar=liar)
    if bounce is not None:
        late = bounce.at - session.at if session and outcome is _ACCEPTED else None
        if bounce.failure.failure_class is FailureClass.UNKNOWN and session and refused:
            return _failed(refused, session.at, None)
        return _failed(
            bounce.failure, bounce.at, None if late is None else max(late, 0)
        )
    if outcome is _ACCEPTED:
        return _REACHED
    if session is not None and outcome is Outcome.FAILED:
        return _failed(refused, session.at, None)
    return _UNDECIDED


def _failed(failure: Failure | None, at: Instant, late_by: int | None) -> Fate:
    return Fate(
        decided=True,
        reached=False,
        proven=False,
        failure=failure,
        failed_at=at,
        late_by=late_by,
        liar=None,
    )


_ACCEPTED = Outcome.ACCEPTED
_UNDECIDED = Fate(
    decided=False,
    reached=False,
    proven=False,
    failure=None,
    failed_at=Instant(0),
    late_by=None,
    liar=None,
)
_REACHED = _UNDECIDED._replace(decided=True, reached=True)
