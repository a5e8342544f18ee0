"""What a failure means: one reply in, one verdict out.

The order of questions is fixed: phase and peer role first (before RCPT nothing
can be about the recipient), then our own identity in the text, then words against
codes. "Unknown" is an answer: a wrong flag costs more than a late one.
"""

from typing import NamedTuple

from streams.core.dsn.report import RecipientReport
from streams.core.evidence import Action
from streams.core.failure import (
    TRAITS,
    AddressPolicy,
    Confidence,
    FailureClass,
    PeerRole,
    Verdict,
)
from streams.core.hop import (
    ABOUT_RECIPIENT,
    OWN_RELAY_RULE,
    at_relay,
    may_concern_recipient,
    role_of,
)
from streams.core.identity import OwnIdentity
from streams.core.phrase import words
from streams.core.phrasebook import Span
from streams.core.reply import TRANSIENT, Reply
from streams.core.rule import (
    CodeRule,
    Rule,
    RuleBook,
    also_owner,
    unless_owner,
)

__all__ = ["Classifier", "Decision", "OwnIdentity"]

UNKNOWN_RULE = "none"
"""The `rule` of a verdict that no rule made."""

OWN_IDENTITY_RULE = "own-identity"
"""The `rule` of a refusal that names our host, address or domain."""

_MAY_BE_OURS = ABOUT_RECIPIENT | {FailureClass.UNKNOWN}
_IS_RULE = (0).__le__
"""Tells a rule's number from one that stands for what it needs or forbids."""
_WITH_HUNDREDS = len("5.7.606")
"""Length of a code that may be named with its hundred, as `5.7.6xx`."""


class Decision(NamedTuple):
    """A verdict and what decided it, for `mailflag explain`."""

    verdict: Verdict
    said: str
    """The words that made the rule win; empty when a code decided."""
    reply: Reply


class Classifier:
    """Classifies replies by a rule book and an identity; no state, no clock."""

    def __init__(self, rules: RuleBook, own: OwnIdentity | None = None) -> None:
        """Take the rules, and who we are when we send."""
        self.rules = rules
        self.own = own or OwnIdentity()

    def classify(
        self, reply: Reply, peer_role: PeerRole | None = None, *, final: bool = True
    ) -> Verdict:
        """Answer what a failure means.

        `final` is False for a try that will be repeated: like a 4.x.x answer it
        never speaks against the address at once (RFC 3463 section 3.1).
        """
        return self.decide(reply, peer_role, final=final).verdict

    def decide(
        self, reply: Reply, peer_role: PeerRole | None = None, *, final: bool = True
    ) -> Decision:
        """Answer the verdict together with the words that decided."""
        role = peer_role or role_of(reply, self.own)
        text_words = words(reply.text)
        strong, weak = self._by_words(reply, role, text_words)
        code = self._by_code(reply, role)
        own = self.own.is_in(reply.text)
        winner = strong or _stronger(weak, code)
        said = winner.said(text_words) if isinstance(winner, _Hit) else ""
        verdict = _verdict(_finding(winner), reply, role, code, own=own, final=final)
        return Decision(verdict, said, reply)

    def classify_report(
        self, report: RecipientReport, peer_role: PeerRole | None = None
    ) -> Decision:
        """Answer what a report about one recipient means.

        Its texts are weighed in their order: the first that says something in
        words, else the first whose code names one thing, else the first. A report
        that is no failure never speaks against the address.
        """
        final = report.action is Action.FAILED
        best = self.decide(report.replies[0], peer_role, final=final)
        for reply in report.replies[1:]:
            if not _doubt(best):
                break
            other = self.decide(reply, peer_role, final=final)
            best = min(best, other, key=_doubt)
        if _doubt(best) > 1:
            wide = [self.decide(r, peer_role, final=final) for r in report.context]
            sure = (d for d in wide if d.verdict.confidence is Confidence.HIGH)
            best = next(sure, None) or _mild(wide, best)
        if not final:
            policy = AddressPolicy.NEVER
            best = best._replace(verdict=best.verdict._replace(address_policy=policy))
        return best

    def _by_words(
        self, reply: Reply, role: PeerRole | None, text_words: list[str]
    ) -> tuple["_Hit | None", "_Hit | None"]:
        """Answer the first strong and the first weak rule whose words are there."""
        read = text_words
        if reply.peer:
            read = [*text_words, "$", *words(reply.peer)]
        found = self.rules.phrases.find(read)
        weak = None
        for number in sorted(filter(_IS_RULE, found)):
            rule = self.rules.rules[number]
            if (rule.weak and weak) or not _applies(rule, reply, role):
                continue
            if rule.unless and unless_owner(number) in found:
                continue
            if rule.also and also_owner(number) not in found:
                continue
            hit = _Hit(rule, found[number])
            if not rule.weak:
                return hit, weak
            weak = hit
        return None, weak

    def _by_code(self, reply: Reply, role: PeerRole | None) -> CodeRule | None:
        """Answer the rule of the enhanced code, else of the reply code."""
        known = self.rules.codes.get
        enhanced = reply.enhanced
        if enhanced:
            names = [enhanced, f"x{enhanced[1:]}"]
            if len(enhanced) >= _WITH_HUNDREDS:
                names.append(f"{enhanced[:5]}xx")
            for code in names:
                for rule in known(code, ()):
                    if _code_applies(rule, reply, role):
                        return rule
        for rule in known(str(reply.code), ()):
            if _code_applies(rule, reply, role):
                return rule
        return None


class _Hit(NamedTuple):
    rule: Rule
    span: Span

    def said(self, text_words: list[str]) -> str:
        """Answer the words that were found."""
        start, end = self.span
        return " ".join(text_words[start:end])


def _mild(wide: list[Decision], best: Decision) -> Decision:
    """Answer words that hold nothing against an address at once, for want of better."""
    if best.verdict.failure_class is not FailureClass.UNKNOWN:
        return best
    words_alone = (d for d in wide if d.said)
    mild = (d for d in words_alone if d.verdict.address_policy is not _AT_ONCE)
    return next(mild, best)


_AT_ONCE = AddressPolicy.IMMEDIATE


def _doubt(decision: Decision) -> int:
    """Say how little a decision tells: 0 words, 1 a code that names one thing."""
    verdict = decision.verdict
    if verdict.failure_class is FailureClass.UNKNOWN:
        return 3
    if verdict.confidence is Confidence.LOW:
        return 2
    return 0 if decision.said else 1


def _stronger(weak: _Hit | None, code: CodeRule | None) -> _Hit | CodeRule | None:
    """Answer the code when it names one thing, and another than weak words do."""
    if weak is None or code is None:
        return weak or code
    agree = weak.rule.failure_class is code.failure_class
    return code if code.telling and not agree else weak


def _applies(rule: Rule, reply: Reply, role: PeerRole | None) -> bool:
    if rule.phases and reply.phase not in rule.phases:
        return False
    if rule.role and rule.role is not role:
        return False
    if rule.codes and not reply.has_code(rule.codes):
        return False
    if rule.failure_class in ABOUT_RECIPIENT:
        return may_concern_recipient(rule.failure_class, reply.phase, role) and (
            role is not PeerRole.RELAY or rule.explicit or not rule.weak
        )
    return True


def _code_applies(rule: CodeRule, reply: Reply, role: PeerRole | None) -> bool:
    if rule.phases and reply.phase not in rule.phases:
        return False
    if rule.role and rule.role is not role:
        return False
    if rule.failure_class in ABOUT_RECIPIENT:
        return may_concern_recipient(rule.failure_class, reply.phase, role) and (
            role is not PeerRole.RELAY or rule.telling
        )
    return True


class _Finding(NamedTuple):
    """A class before the circumstances are weighed."""

    failure_class: FailureClass
    rule: str
    confidence: Confidence
    explicit: bool = False
    """The words are about the address, whoever else is named."""


def _finding(winner: "_Hit | CodeRule | None") -> _Finding:
    if winner is None:
        return _Finding(FailureClass.UNKNOWN, UNKNOWN_RULE, Confidence.LOW)
    if isinstance(winner, _Hit):
        sure = Confidence.MEDIUM if winner.rule.weak else Confidence.HIGH
        rule = winner.rule
        return _Finding(rule.failure_class, rule.id, sure, rule.explicit)
    sure = Confidence.MEDIUM if winner.telling else Confidence.LOW
    return _Finding(winner.failure_class, winner.id, sure)


def _verdict(  # noqa: PLR0913  # everything that is weighed
    finding: _Finding,
    reply: Reply,
    role: PeerRole | None,
    code: CodeRule | None,
    *,
    own: bool,
    final: bool,
) -> Verdict:
    """Weigh codes that disagree, our own name in the text, and the peer."""
    failure_class, rule, confidence, explicit = finding
    conflict = _digits_differ(reply) or _sides_differ(failure_class, code)
    if role is PeerRole.RELAY:
        failure_class = at_relay(failure_class, reply)
        if rule == UNKNOWN_RULE and failure_class is not FailureClass.UNKNOWN:
            rule, confidence = OWN_RELAY_RULE, Confidence.MEDIUM
    if own and failure_class in _MAY_BE_OURS:
        if not explicit:
            failure_class, rule = FailureClass.SENDER_BLOCKED, OWN_IDENTITY_RULE
        confidence, conflict = Confidence.MEDIUM, True
    if conflict and confidence is Confidence.HIGH:
        confidence = Confidence.MEDIUM
    side, policy, _, _ = TRAITS[failure_class]
    transient = not final or reply.severity == TRANSIENT
    if transient and policy is AddressPolicy.IMMEDIATE:
        policy = AddressPolicy.AFTER_N
    return Verdict(failure_class, side, policy, confidence, rule, conflict)


def _digits_differ(reply: Reply) -> bool:
    return bool(
        reply.code and reply.enhanced and reply.enhanced[0] != str(reply.code)[0]
    )


def _sides_differ(failure_class: FailureClass, code: CodeRule | None) -> bool:
    """Say whether a telling code blames somebody else than the words do."""
    if code is None or not code.telling:
        return False
    return TRAITS[failure_class].side is not TRAITS[code.failure_class].side
