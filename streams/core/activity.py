"""What happened in one batch for one tenant, small enough to send for every batch.

Sums, maxima, unions and first-N of an order only: merging is commutative and
associative, so partitions may be added in any order and a batch may be split.
It is not idempotent: whoever reads activity drops a batch that was read before.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.provider import OPERATORS
from streams.core.sample import Sample, order, without_addresses
from streams.core.spike.blame import PAST_US, SENDER, UNREACHED, weight
from streams.core.trial import Contradiction, Hop, Trial, hop

MINUTE = 60_000
_SUBMISSION, _MX = Hop.SUBMISSION, Hop.MX
_SAMPLES_OF_A_KIND = 3
_SAMPLES = 24
_SECOND_ATTEMPT = 2
RELAY, _ANY_MX = "relay", "mx"
"""Places that take mail, beside the operators: a relay of ours, anybody's MX."""
HOSTS = 32
"""Hosts of a batch that are told of, those that delivered last."""


class Failed(NamedTuple):
    """Key of failures that are counted together."""

    minute: int
    """Start of the minute in which the mail was tried, in milliseconds."""
    hop: Hop
    provider: str
    failure_class: FailureClass
    customer: int
    """CRC-32 of the customer: enough to count distinct ones, nothing more."""


class Weighed(NamedTuple):
    """What is known of the failures under one key."""

    weight: float
    """How much one customer's failure says about the sender: 0.5 or 1."""
    trials: int
    lag: int
    """Longest time from the attempt to the report, in seconds; 0 without one."""
    operator: str = ""
    """Who refused, when that is not the provider of the key."""
    host: str = ""
    """Host of ours that the mail went through; empty when unknown."""


def customer_hash(customer: str) -> int:
    """Answer the number under which a customer is counted; not its identity."""
    return crc32(customer.encode("utf-8", "surrogatepass"))


@dataclass(slots=True)
class Activity:
    """One tenant's outcomes of one batch."""

    outcomes: int = 0
    """Attempts of any outcome."""
    passed: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """(minute, provider) -> mails that passed our own hop, were taken by an MX,
    were taken by a relay of ours. May be negative: reports take theirs back."""
    failed: dict[Failed, Weighed] = field(default_factory=dict)
    samples: dict[tuple[Hop, FailureClass, str], list[Sample]] = field(
        default_factory=dict
    )
    """First answers of each kind: (hop, class, provider)."""
    contradicted: dict[tuple[str, int], Contradiction] = field(default_factory=dict)
    """(server, customer) -> the first contradiction."""
    delivered: dict[str, dict[str, int]] = field(default_factory=dict)
    """Host of ours -> place that took its mail -> newest minute of that. A place is
    an operator, `relay`, or `mx` for all others."""
    lag: int | None = None
    """Least time from an attempt to its arrival, in milliseconds; None without one."""
    _told_until: float = field(default=math.inf, init=False, compare=False, repr=False)
    """Younger samples have no place."""

    @property
    def empty(self) -> bool:
        """Say whether nothing was counted: what came again says nothing new."""
        return not (self.outcomes or self.passed or self.failed or self.contradicted)

    def accept(
        self,
        arrived_at: Instant,
        tried_at: Instant,
        provider: str,
        by: Hop,
        host: str | None = None,
    ) -> None:
        """Count an accepted attempt of a host of ours: a 250 after the final dot."""
        self.outcomes += 1
        tried = min(tried_at, arrived_at)
        self._attempted(arrived_at - tried)
        minute = tried - tried % MINUTE
        counts = self.passed.get((minute, provider))
        if counts is None:
            counts = self.passed[minute, provider] = [0, 0, 0]
        counts[0] += 1
        counts[1 if by is _MX else 2] += 1
        if host:
            known = provider if provider in OPERATORS else _ANY_MX
            place = known if by is _MX else RELAY
            places = self.delivered.get(host)
            if places is None:
                places = self.delivered[host] = {}
            if places.get(place, -1) < minute:
                places[place] = minute

    def deliver(self, arrived_at: Instant, at: Instant, provider: str) -> None:
        """Count proof that mail arrived of whose attempts nobody tells."""
        self.outcomes += 1
        tried = min(at, arrived_at)
        counts = self.passed.setdefault((tried - tried % MINUTE, provider), [0, 0, 0])
        counts[0] += 1
        counts[1] += 1

    def add(self, trial: Trial) -> None:
        """Count a deferral, a failure or a failure report."""
        tried = min(trial.tried_at, trial.arrived_at)
        if not trial.reported:
            self.outcomes += 1
            self._attempted(trial.arrived_at - tried)
        minute = tried - tried % MINUTE
        at_mx = trial.reported or trial.hop is _MX
        beyond_us = at_mx or trial.failure_class in PAST_US
        self._recount(trial, minute, beyond_us=beyond_us)
        said_of_us = _weight(trial)
        if not said_of_us:
            return
        if beyond_us and not trial.known and _may_be_theirs(trial):
            return  # an address that never worked says nothing about us
        where = _MX if at_mx else _SUBMISSION
        said = min(trial.at, trial.arrived_at)
        lag = max(1, (said - tried) // 1000) if trial.reported else 0
        who, kind = customer_hash(trial.customer), trial.failure_class
        key = Failed(minute, where, trial.provider, kind, who)
        operator = "" if trial.operator == trial.provider else trial.operator
        weighed = Weighed(said_of_us, 1, lag, operator, trial.through or "")
        heard = self.failed.get(key)
        self.failed[key] = weighed if heard is None else heavier(heard, weighed)
        self._sample(trial, where, Instant(said))

    def contradict(self, contradiction: Contradiction) -> None:
        """Count a failure that was none: the mail arrived."""
        key = (contradiction.server, customer_hash(contradiction.customer))
        text = without_addresses(contradiction.text)
        self._contradict(key, contradiction._replace(customer="", text=text))

    def merge(self, other: "Activity") -> None:
        """Add another batch of the same tenant."""
        self.outcomes += other.outcomes
        self._attempted(other.lag)
        for key, counts in other.passed.items():
            mine = self.passed.setdefault(key, [0, 0, 0])
            for i, count in enumerate(counts):
                mine[i] += count
        for failed, weighed in other.failed.items():
            self.failed[failed] = heavier(self.failed.get(failed), weighed)
        for host, places in other.delivered.items():
            known = self.delivered.setdefault(host, {})
            for place, minute in places.items():
                known[place] = max(minute, known.get(place, minute))
        for kind, samples in other.samples.items():
            mixed = {*self.samples.get(kind, ()), *samples}
            self.samples[kind] = sorted(mixed, key=order)[:_SAMPLES_OF_A_KIND]
        self._thin()
        for of, contradiction in other.contradicted.items():
            self._contradict(of, contradiction)

    def _attempted(self, lag: int | None) -> None:
        if self.lag is None or (lag is not None and lag < self.lag):
            self.lag = lag

    def _recount(self, trial: Trial, minute: int, *, beyond_us: bool) -> None:
        """Correct what passed: a failure behind our hop passed it."""
        takes_back = trial.reported and trial.final and trial.counted is not None
        passes = not trial.reported and beyond_us
        if not (takes_back or passes):
            return
        counts = self.passed.setdefault((minute, trial.provider), [0, 0, 0])
        if takes_back:
            counts[1 if trial.counted is _MX else 2] -= 1
        if passes:
            counts[0] += 1

    def _sample(self, trial: Trial, where: Hop, said: Instant) -> None:
        if said > self._told_until:
            return
        kind = (where, trial.failure_class, trial.operator or trial.provider)
        kept = self.samples.setdefault(kind, [])
        if len(kept) == _SAMPLES_OF_A_KIND and kept[-1].at < said:
            return
        words = without_addresses(trial.text)
        seen = trial.peer, trial.host, trial.template_id
        sample = Sample(said, trial.code, trial.enhanced, words, *seen)
        if sample in kept:  # as merging does: the same words once
            return
        younger = not kept or kept[-1].at < said
        kept.append(sample)
        if not younger:
            kept.sort(key=order)
            del kept[_SAMPLES_OF_A_KIND:]
        self._thin()

    def _thin(self) -> None:
        """Keep the first samples only; a kind that lost all of them goes."""
        if sum(map(len, self.samples.values())) <= _SAMPLES:
            return
        ordered = sorted(
            (order(sample), kind, sample)
            for kind, samples in self.samples.items()
            for sample in samples
        )
        self.samples = {}
        for _, kind, sample in ordered[:_SAMPLES]:
            self.samples.setdefault(kind, []).append(sample)
        self._told_until = ordered[_SAMPLES - 1][0][0]

    def _contradict(self, of: tuple[str, int], new: Contradiction) -> None:
        old = self.contradicted.get(of)
        if old is None or _first(new) < _first(old):
            self.contradicted[of] = new


def _may_be_theirs(trial: Trial) -> bool:
    """Say whether an address that never worked may fail so by itself.

    A relay that cannot reach a domain may be cut off, or the domain is dead.
    """
    failure_class = trial.failure_class
    unreached = trial.reported and failure_class in UNREACHED
    return unreached or failure_class not in SENDER


def _weight(trial: Trial) -> float:
    """Say how much a failure says about the sender's side."""
    session = not trial.reported
    again = session and trial.attempt >= _SECOND_ATTEMPT
    return weight(
        trial.failure_class,
        sure=trial.final or again,
        elsewhere=session and trial.hop is _MX,
    )


def heavier(old: Weighed | None, new: Weighed) -> Weighed:
    """Add failures under the same key."""
    if old is None:
        return new
    return Weighed(
        max(old.weight, new.weight),
        old.trials + new.trials,
        max(old.lag, new.lag),
        max(old.operator, new.operator),
        max(old.host, new.host),
    )


def _first(contradiction: Contradiction) -> tuple[int, str]:
    return contradiction.at, repr(contradiction)


__all__ = [
    "HOSTS",
    "MINUTE",
    "RELAY",
    "Activity",
    "Contradiction",
    "Failed",
    "Hop",
    "Trial",
    "Weighed",
    "customer_hash",
    "heavier",
    "hop",
]
