"""From evidence about one address to the activity of its tenant.

The spike detector counts customers, so a copy of what was seen before must not
count again: only what has changed the address's state does.
"""

from typing import NamedTuple

from streams.core import activity as activities
from streams.core.activity import Activity, Contradiction, Hop, Trial
from streams.core.evidence import Action, Attempt, Failure, Outcome, Report
from streams.core.failure import FailureClass, PeerRole, Phase
from streams.core.instant import Instant
from streams.core.message import REPORTED, Message, Session, fate
from streams.core.provider import provider
from streams.core.state import AddressState, Folded

_SETTLED = 6 * 3_600_000
"""Milliseconds after which an accepted mail without a report counts as success."""
_ENDED = REPORTED[Action.FAILED] | REPORTED[Action.DELIVERED]
_KNOWN = 60 * 24 * 3_600_000
"""Milliseconds for which a success says that an address works."""


class Tracer(NamedTuple):
    """One piece of evidence and what it changed."""

    activity: Activity
    before: AddressState
    folded: Folded
    evidence: Attempt | Report

    def trace(self) -> None:
        """Add what is new to the activity."""
        folded = self.folded
        if folded.message is not None and folded.message == folded.before:
            return
        if isinstance(self.evidence, Attempt):
            self._attempt(self.evidence)
        else:
            self._report(self.evidence)
        if folded.liar is not None and folded.message is not None:
            self._contradiction(folded.message, folded.liar)

    def _attempt(self, attempt: Attempt) -> None:
        failure = attempt.failure
        taken = attempt.outcome is Outcome.ACCEPTED
        if failure is None or taken or _after_the_mail(failure):
            if not self._counted():
                accepted(self.activity, attempt)
            return
        self.activity.add(
            Trial(
                arrived_at=attempt.arrived_at,
                at=attempt.at,
                tried_at=attempt.at,
                customer=self._customer(),
                provider=attempt.provider,
                hop=activities.hop(attempt.peer_role, failure.phase, failure.side),
                reported=False,
                attempt=self._number(attempt),
                final=attempt.outcome is Outcome.FAILED,
                failure_class=failure.failure_class,
                known=known(self.before, attempt.arrived_at),
                counted=None,
                code=failure.code,
                enhanced=failure.enhanced,
                text=failure.text,
                peer=failure.peer,
                host=attempt.host,
                template_id=attempt.template_id,
                through=attempt.host,
            )
        )

    def _number(self, attempt: Attempt) -> int:
        """Answer which attempt it is, also when the platform does not count them."""
        before = self.folded.before
        tried = before is not None and before.session is not None
        return max(attempt.attempt, 2 if tried else 1)

    def _delivered(self, report: Report) -> None:
        """Count proof of delivery, where that is all that is told of good mail."""
        folded = self.folded
        known_by_then = 0 if folded.before is None else folded.before.reports
        anew = folded.message is not None and not known_by_then & _ENDED
        if anew and not self._attempts_are_told():
            # Under the name that failures are counted under, which know no session.
            named = provider(None, report.address.rpartition("@")[2])
            self.activity.deliver(report.arrived_at, report.at, named)

    def _counted(self) -> bool:
        """Say whether proof that overtook an attempt was counted in its place."""
        before = self.folded.before
        proven = before is not None and before.reports & REPORTED[Action.DELIVERED]
        return bool(proven) and not self._attempts_are_told()

    def _attempts_are_told(self) -> bool:
        return any(message.session for message in self.before.messages)

    def _report(self, report: Report) -> None:
        if report.action is Action.DELIVERED:
            self._delivered(report)
            return
        failure = report.failure
        final = report.action is Action.FAILED
        if failure is None or not (final or report.action is Action.DELAYED):
            return
        before = self.folded.before
        known_by_then = 0 if before is None else before.reports
        if known_by_then & _ENDED and not final:
            return  # it is told late; what became of the mail is known
        session = None if before is None else before.session
        counted = None
        named = report.provider
        reported_before = known_by_then & REPORTED[Action.FAILED]
        if session is not None and session.outcome is Outcome.ACCEPTED:
            by_mx = session.peer_role is not PeerRole.RELAY
            counted = Hop.MX if by_mx else Hop.SUBMISSION
        if session is None or session.peer_role is not PeerRole.MX:
            # Counted by the domain, because only a relay of ours was seen.
            named = provider(None, self.evidence.address.rpartition("@")[2])
        tried = report.at if session is None else session.at
        self.activity.add(
            Trial(
                arrived_at=report.arrived_at,
                at=report.at,
                tried_at=tried,
                customer=self._customer(),
                provider=named,
                operator=report.provider,
                hop=Hop.MX,
                reported=True,
                attempt=1,
                final=final,
                failure_class=failure.failure_class,
                known=known(self.before, report.arrived_at, but=self.folded.before),
                counted=None if reported_before else counted,
                code=failure.code,
                enhanced=failure.enhanced,
                text=failure.text,
                peer=failure.peer,
                host=report.reporting_mta,
                template_id=None,
                through=_reporter(report, session),
            )
        )

    def _contradiction(self, message: Message, liar: str) -> None:
        said = message.bounce or message.session
        failure: Failure | None = said.failure if said else None
        if said is None or failure is None:
            return
        self.activity.contradict(
            Contradiction(
                arrived_at=self.evidence.arrived_at,
                at=said.at,
                customer=self._customer(),
                server=liar,
                failure_class=failure.failure_class,
                code=failure.code,
                enhanced=failure.enhanced,
                text=failure.text,
            )
        )

    def _customer(self) -> str:
        return (
            self.evidence.customer_id
            or self.before.customer_id
            or self.evidence.address
        )


def _after_the_mail(failure: Failure) -> bool:
    """Say whether only the end of a session was refused, for no reason that counts.

    QUIT follows when the mail has been taken (RFC 5321 section 4.1.1.10); words that
    give a reason were said to an earlier command, whatever the platform notes.
    """
    unexplained = failure.failure_class is FailureClass.UNKNOWN
    return failure.phase is Phase.QUIT and unexplained


def accepted(activity: Activity, attempt: Attempt) -> None:
    """Count an accepted attempt that was not counted before."""
    by = activities.hop(attempt.peer_role, None, None)
    activity.accept(attempt.arrived_at, attempt.at, attempt.provider, by, attempt.host)


def _reporter(report: Report, session: Session | None) -> str | None:
    """Answer the host of ours that reports what no session has told of.

    One that was refused in a session named itself then; what a recipient's server
    has taken is reported by others.
    """
    mta = report.reporting_mta
    if session is not None:
        taken = session.outcome is Outcome.ACCEPTED
        if not taken or session.peer_role is PeerRole.MX:
            return None
    theirs = mta is None or provider(mta, "") == report.provider
    return None if theirs else mta


def known(state: AddressState, now: Instant, *, but: Message | None = None) -> bool:
    """Say whether the address has a confirmed success in the last 60 days.

    A success is an accepted mail about which no report has come for six hours,
    or a delivered one. `but` is the message whose failure is being weighed.
    """
    earliest = now - _KNOWN
    if state.confirmed_at >= earliest and state.confirmed_at > 0:
        return True
    for message in state.messages:
        if message is but:
            continue
        answer = fate(message)
        settled = answer.proven or message.at <= now - _SETTLED
        if answer.reached and settled and message.at >= earliest:
            return True
    return False
