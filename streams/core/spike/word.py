"""What the tenants of one partition tell the roll-up after a batch.

Sums over all tenants where they will do, single tenants only when they are in
trouble: the roll-up is one partition, however many tenants there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.core.activity import Activity, Failed, Hop, Weighed
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.sample import Sample
from streams.core.spike.mismatch import Mismatch
from streams.core.spike.verdict import Verdict


class Suspicion(NamedTuple):
    """A tenant's strongest trouble while it is at least half way to an alert."""

    cause: FailureClass
    hop: Hop
    provider: str | None


class Word(NamedTuple):
    """What one tenant has to tell."""

    tenant_id: str
    greets: bool = False
    """It is its first mail of the quarter of an hour."""
    suspicion: Suspicion | None = None
    verdicts: Sequence[Verdict] = ()
    mismatches: Sequence[Mismatch] = ()
    heard: Sequence[str] = ()
    """Keys of open incidents that went on failing."""
    passed: Mapping[tuple[int, str], Sequence[int]] = {}
    """As in `Activity`; only of a tenant that lately had failures."""
    failed: Mapping[Failed, Weighed] = {}
    samples: Mapping[str, Sample] = {}
    """Provider -> the newest answer about the mail to it that failed beyond us."""

    @property
    def silent(self) -> bool:
        """Whether the roll-up need not hear it."""
        said = (self.verdicts, self.mismatches, self.heard, self.passed, self.failed)
        return not any(said)


class Origin(NamedTuple):
    """Which of a partition's digests one is, so that none counts twice."""

    partition: int
    number: int
    """Counts the digests of the partition."""


@dataclass(slots=True)
class Digest:
    """What a batch of one partition has to tell."""

    words: list[Word] = field(default_factory=list)
    pooled: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """(minute, provider) -> good mails of all tenants: by an MX, by a relay."""
    greetings: int = 0
    """Tenants with their first mail of a quarter of an hour."""
    origin: Origin | None = None
    """None: a digest of which nobody knows whether it comes again."""

    def add(self, word: Word, activity: Activity | None) -> None:
        """Add what a tenant said, and its good mails to the sums over all."""
        self.greetings += word.greets
        if not word.silent:
            self.words.append(word)
        if activity is None:
            return
        for key, (_, by_mx, by_relay) in activity.passed.items():
            if by_mx or by_relay:
                sums = self.pooled.setdefault(key, [0, 0])
                sums[0] += by_mx
                sums[1] += by_relay

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.words or self.pooled or self.greetings)

    @property
    def newest(self) -> Instant:
        """Answer the newest minute of its mail; 0 when there is none."""
        minutes = [minute for minute, _ in self.pooled]
        for word in self.words:
            minutes += [minute for minute, _ in word.passed]
            minutes += [failed.minute for failed in word.failed]
        return Instant(max(minutes, default=0))
