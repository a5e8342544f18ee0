"""One hypothesis about where mail fails, and the evidence for it.

A channel holds votes of distinct customers by the bucket in which their mail
was tried; nothing in it depends on the order in which they were heard.
"""

from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike.blame import SENDER
from streams.core.spike.fleet import Fleet
from streams.core.spike.incident import Incident
from streams.core.spike.lag import reckoned

SUBMISSION = "SUBMISSION"
"""Our own hop is refused. Upper case: no provider is called so."""
BEYOND = "BEYOND"
"""Mail that left us is refused wherever it goes."""


OF_SENDER, OF_OTHERS, OF_ALL = 0, 1, 2
"""Votes for classes of the sender's side, for all others, both."""


class Voice(NamedTuple):
    """What a customer is remembered for."""

    bucket: int
    failure_class: FailureClass
    provider: str
    """`ledger.REST` when the provider has no counters of its own."""
    operator: str
    """Who refused: the provider, or whom a report named instead."""
    contradicted: bool = False
    """Proof of delivery came: the failure was none."""
    weight: float = 1.0
    """How much it said about us so far."""


_CLASS, _PROVIDER = attrgetter("failure_class"), attrgetter("provider")
_OPERATOR, _CONTRADICTED = attrgetter("operator"), attrgetter("contradicted")


class RuledOut(NamedTuple):
    """How often a customer's failures came to nothing, and when it last failed."""

    times: int
    last: int


class Rise(NamedTuple):
    """A likelihood ratio above zero, since when, of which votes."""

    ratio: float
    since: int
    votes: int


CALM = Rise(0.0, 0, OF_ALL)


class Channel:
    """Evidence of one hypothesis."""

    __slots__ = (
        "due",
        "failures",
        "fleet",
        "goods_since_failure",
        "incident",
        "lag",
        "last",
        "name",
        "recovered_at",
        "replies_only",
        "ruled_out",
        "run",
        "strong",
        "voices",
        "votes",
        "weak",
    )

    def __init__(self, name: str) -> None:
        """Start without evidence; the name is a provider's, or one of ours."""
        self.name = name
        self.incident: Incident | None = None
        self.ruled_out: dict[int, RuledOut] = {}
        """Customers whose failures came to nothing, again and again."""
        self.clear()

    def clear(self) -> None:
        """Forget all evidence; the incident, if any, stays."""
        self.votes: dict[int, list[float]] = {}
        """Bucket -> new customers' weights: sender classes, others."""
        self.failures: dict[int, int] = {}
        """Bucket -> failed trials."""
        self.fleet = Fleet()
        """The same by host of ours."""
        self.voices: dict[int, Voice] = {}
        """Customer -> what it is remembered for."""
        self.strong = CALM
        """Against the alternative of a clear incident."""
        self.weak = CALM
        """Against the alternative of a creeping one."""
        self.run = 0
        """When the present run of failures was first heard of."""
        self.last = 0
        """When a failure was last heard of."""
        self.goods_since_failure = 0
        self.due = 0
        """When to think again without an event; 0 for never."""
        self.replies_only = True
        """The newest votes came from sessions, not from reports."""
        self.lag = 0.0
        """Longest lag of reports, in seconds, slowly forgotten."""
        self.recovered_at: Instant | None = None
        """Since when it seems to work again."""

    @property
    def matured(self) -> int | None:
        """Until when mail has had time to bounce; None when no report told of any."""
        return None if self.replies_only else max(self.votes)

    @property
    def of_provider(self) -> bool:
        """Whether the hypothesis is about one provider."""
        return self.name not in {SUBMISSION, BEYOND}

    def vote(self, customer: int, voice: Voice) -> bool:
        """Hear a failing customer; answer whether it is a new one.

        One that says more than before, as a final failure after a deferral does,
        adds the difference; one whose failure was untrue has no say any more.
        """
        known = self.voices.get(customer)
        if known is not None:
            more = voice.weight - known.weight
            if more > 0 and not known.contradicted:
                self.voices[customer] = known._replace(weight=voice.weight)
                self._weigh(voice, more)
            return False
        if len(self.voices) < cal.CUSTOMERS_KEPT:
            self.voices[customer] = voice
        self._weigh(voice, voice.weight)
        return True

    def _weigh(self, voice: Voice, weight: float) -> None:
        weights = self.votes.setdefault(voice.bucket, [0.0, 0.0])
        weights[_votes(voice)] += weight

    def fail(self, bucket: int, trials: int, lag: int, now: int) -> None:
        """Count failed trials, whoever's they are."""
        began = self.goods_since_failure or not self.votes  # else nothing changes
        if began and (not self.failures or bucket >= max(self.failures)):
            if not self.votes or self.goods_since_failure >= cal.AGAIN:
                self.run = now
            self.goods_since_failure = 0
        self.last = now
        self.lag = reckoned(self.lag, lag)
        self.failures[bucket] = self.failures.get(bucket, 0) + trials

    def contradict(self, customer: int) -> Voice | None:
        """Take back a vote that proof of delivery has shown to be none."""
        voice = self.voices.get(customer)
        if voice is None or voice.contradicted:
            return None
        self.voices[customer] = voice._replace(contradicted=True)
        at = _holding(self.votes, voice.bucket)
        if at is not None:
            weights = self.votes[at]
            which = _votes(voice)
            weights[which] = max(0.0, weights[which] - voice.weight)
        at = _holding(self.failures, voice.bucket)
        if at is not None:
            self.failures[at] = max(0, self.failures[at] - 1)
        return voice

    def since(self, start: int, votes: int = OF_ALL) -> list[Voice]:
        """Answer the customers whose vote stands and is not older than the change."""
        edge = start - cal.MINUTE
        return [
            voice
            for voice in self.voices.values()
            if voice.bucket >= edge
            and votes in (OF_ALL, _votes(voice))
            and not voice.contradicted
        ]

    def rule_out(self, start: int | None = None) -> None:
        """Note that the customers heard before `start`, or all, came to nothing."""
        heard = list(self.voices.items())
        if start is not None:
            edge = start - cal.MINUTE
            heard = [pair for pair in heard if pair[1].bucket < edge]
        for customer, voice in heard:
            times = 0
            old = self.ruled_out.pop(customer, None)
            if old is not None and voice.bucket - old.last < cal.CHRONIC:
                times = old.times
            self.ruled_out[customer] = RuledOut(times + 1, voice.bucket)
        if len(self.ruled_out) > cal.CHRONICS_KEPT:
            for customer in list(self.ruled_out)[: -cal.CHRONICS_KEPT]:
                del self.ruled_out[customer]

    def chronic(self, customer: int, bucket: int) -> bool:
        """Say whether a customer fails by itself, whatever we do."""
        old = self.ruled_out.get(customer)
        if old is None or old.times < cal.CHRONIC_TIMES:
            return False
        if bucket - old.last >= cal.CHRONIC:
            del self.ruled_out[customer]
            return False
        self.ruled_out[customer] = RuledOut(old.times, max(bucket, old.last))
        return True

    def forget(self, start: int) -> None:
        """Drop evidence from before `start`: it has been explained."""
        for buckets in (self.votes, self.failures):
            for key in [k for k in buckets if k < start]:
                del buckets[key]
        self.fleet.forget(start)
        edge = start - cal.MINUTE
        old = [c for c, voice in self.voices.items() if voice.bucket < edge]
        for customer in old:
            del self.voices[customer]

    def by_provider(self) -> Counter[str]:
        """Count customers by provider."""
        return Counter(map(_PROVIDER, self.voices.values()))

    def operator(self) -> tuple[str, int]:
        """Say who refused most of the customers, and how many; needs a voice."""
        counts = Counter(map(_OPERATOR, self.voices.values()))
        return max(counts.items(), key=lambda pair: (pair[1], pair[0]))

    @property
    def label(self) -> str | None:
        """Who the channel is about, for people; None when it is about no one."""
        if not self.of_provider:
            return None
        if not self.voices:
            return self.name
        named, customers = self.operator()
        clear = customers >= cal.PROVIDER_DOMINANCE * len(self.voices)
        return named if clear else self.name

    def by_class(self) -> Counter[FailureClass]:
        """Count customers by class."""
        return Counter(map(_CLASS, self.voices.values()))

    def cause(self) -> FailureClass:
        """Say which class most customers fail with; needs a voice.

        `unknown` has no say once another class has been named by some.
        """
        counts = self.by_class()
        unknown = counts.pop(FailureClass.UNKNOWN, 0)
        if not counts or (unknown and max(counts.values()) < cal.NAMED):
            counts[FailureClass.UNKNOWN] = unknown
        return min(counts, key=lambda c: (-counts[c], c is not FailureClass.UNKNOWN, c))

    @property
    def mismatch(self) -> bool:
        """Whether proof of delivery contradicts the failures often enough.

        Proof comes later than the failures do: what was untrue once stays so, unless
        hardly any more comes.
        """
        proofs: int = sum(map(_CONTRADICTED, self.voices.values()))
        share, still = cal.CONTRADICTED
        if self.incident is not None and self.incident.mismatch:
            share = still
        return proofs >= max(cal.CONTRADICTIONS, share * len(self.voices))


def _holding(buckets: Iterable[int], minute: int) -> int | None:
    """Answer the bucket that a minute's counts are in, or were joined into."""
    return max((start for start in buckets if start <= minute), default=None)


def _votes(voice: Voice) -> int:
    return OF_SENDER if voice.failure_class in SENDER else OF_OTHERS
