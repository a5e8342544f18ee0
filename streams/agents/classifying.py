"""What the servers said, classified: one classifier a tenant, answers remembered.

Most failures of a day are a few answers said many times, so a verdict is looked
up before it is worked out. The memory is bounded and keyed by everything that
decides.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from streams.core import reply as replies
from streams.core.classify import Classifier
from streams.core.dsn import RecipientReport
from streams.core.evidence import Action, Failure, Outcome
from streams.core.failure import PeerRole, Phase, Verdict
from streams.core.policy import PolicyBook
from streams.core.reply import Reply
from streams.core.rule import RuleBook
from streams.wire.attempt import SendAttempt

TEXT_KEPT = 500
"""Characters of an answer that evidence and flags carry."""
_REMEMBERED = 16_384
_LONGEST_REMEMBERED = 1_000
"""Characters; a longer answer is worked out each time, so that the memory stays
small whatever servers write."""
_PERMANENT = 5
_SOMEBODY = "somebody@example.com"
"""Stands for the recipient in the key of the memory."""

_SUBMISSION_PORT = re.compile(r"(?:[\w\])]:|\bport:? ?)(?:465|587)\b")
"""RFC 8314: where mail is handed in, never where another's server takes it."""

_Judge = Callable[
    [
        str,
        int | None,
        str | None,
        Phase | None,
        str | None,
        PeerRole | None,
        bool,
    ],
    Failure,
]


class Classifiers:
    """Classifies for all tenants, each with its own identity."""

    def __init__(self, rules: RuleBook, policies: PolicyBook) -> None:
        """Take the rules, and the policies that say who a tenant is."""
        self._rules = rules
        self._policies = policies
        self._by_tenant: dict[str, _Judge] = {}
        self._default = self._judge(Classifier(rules, policies.default.own))

    def role_of(self, tenant_id: str, peer: str) -> PeerRole | None:
        """Say whether a host is the tenant's own relay, as far as its policy says."""
        return self._policies.of(tenant_id).own.role_of(peer)

    def met(self, event: SendAttempt) -> PeerRole | None:
        """Say whom an attempt met: as the event says, else as far as is known."""
        if event.peer_role is not None:
            return event.peer_role
        if event.relay and event.peer in {None, "", event.relay}:
            return PeerRole.RELAY
        role = self.role_of(event.tenant_id, event.peer) if event.peer else None
        if role is None and event.error and _SUBMISSION_PORT.search(event.error):
            return PeerRole.RELAY
        return role

    def failure_of(self, event: SendAttempt) -> tuple[PeerRole | None, Failure]:
        """Answer who refused an attempt, and what that means."""
        role = self.met(event)
        failure = self.judge(
            event.tenant_id,
            event.text or event.error or "",
            address=event.address,
            code=event.code,
            enhanced=event.enhanced,
            phase=event.phase,
            peer=event.peer,
            role=role,
            final=event.outcome is Outcome.FAILED,
        )
        return role, failure

    def judge(  # noqa: PLR0913  # everything that decides
        self,
        tenant_id: str,
        text: str,
        *,
        address: str | None = None,
        code: int | None = None,
        enhanced: str | None = None,
        phase: Phase | None = None,
        peer: str | None = None,
        role: PeerRole | None = None,
        final: bool = True,
    ) -> Failure:
        """Answer what an answer means to a tenant.

        Servers quote the `address`, which decides nothing: without it the same
        refusal of many customers is one answer.
        """
        judge = self._default
        if tenant_id in self._policies.tenants:
            judge = self._by_tenant.get(tenant_id) or self._for(tenant_id)
        if not address or address not in text:
            return judge(text, code, enhanced, phase, peer, role, final)
        alike = text.replace(address, _SOMEBODY)
        answer = judge(alike, code, enhanced, phase, peer, role, final)
        words = answer.text.replace(_SOMEBODY, address)[:TEXT_KEPT]
        return answer._replace(text=words)

    def failure_of_report(
        self, tenant_id: str, report: RecipientReport, role: PeerRole | None
    ) -> Failure:
        """Answer what a report about one recipient means to a tenant."""
        classifier = Classifier(self._rules, self._policies.of(tenant_id).own)
        verdict = classifier.classify_report(report, role).verdict
        final = report.action is Action.FAILED
        answer = _failure(report.reply, verdict, final=final)
        return answer._replace(peer=answer.peer or report.remote_mta)

    def _for(self, tenant_id: str) -> _Judge:
        own = self._policies.of(tenant_id).own
        judge = self._judge(Classifier(self._rules, own))
        self._by_tenant[tenant_id] = judge
        return judge

    @staticmethod
    def _judge(classifier: Classifier) -> _Judge:
        def judge(  # noqa: PLR0913, PLR0917  # the cache's key
            text: str,
            code: int | None,
            enhanced: str | None,
            phase: Phase | None,
            peer: str | None,
            role: PeerRole | None,
            final: bool,  # noqa: FBT001  # the same
        ) -> Failure:
            reply = replies.parse(text, code, enhanced, phase, peer, _SOMEBODY)
            verdict = classifier.classify(reply, role, final=final)
            return _failure(reply, verdict, final=final)

        remembered = lru_cache(maxsize=_REMEMBERED)(judge)

        def look_up(text: str, *rest: Any) -> Failure:  # noqa: ANN401  # passed on
            if len(text) > _LONGEST_REMEMBERED:
                return judge(text, *rest)
            return remembered(text, *rest)

        return look_up


def _failure(reply: Reply, verdict: Verdict, *, final: bool) -> Failure:
    """Answer a reply and its verdict, with the part of the words that is kept."""
    severity = reply.severity
    return Failure(
        failure_class=verdict.failure_class,
        side=verdict.side,
        address_policy=verdict.address_policy,
        confidence=verdict.confidence,
        rule=verdict.rule,
        permanent=final and severity in {None, _PERMANENT},
        phase=reply.phase,
        peer=reply.peer,
        code=reply.code,
        enhanced=reply.enhanced,
        text=reply.text[:TEXT_KEPT],
    )
