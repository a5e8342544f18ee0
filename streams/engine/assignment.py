"""Which worker gets which partition: evenly by topic, and as they had it before.

Evenly by topic, because topics differ in weight: a worker with all its share in
light ones would idle. As before, because a lane that stays keeps its table, and
one that moves is recovered from its changelog while everybody waits.
"""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)

Shares = dict[str, dict[str, list[int]]]
"""Partitions by topic, by member."""


class Member(NamedTuple):
    """What a member of the group says when it joins."""

    topics: frozenset[str]
    held: Mapping[str, Iterable[int]]
    """Partitions that it had."""
    round: int
    """When it got them: a newer claim beats an older one of the same partition."""


def share_out(counts: Mapping[str, int], members: Mapping[str, Member]) -> Shares:
    """Assign every partition of every topic to a member that reads the topic.

    The shares of a topic differ by one at most. Who had a partition keeps it as
    far as that allows.
    """
    shares: Shares = {name: {} for name in members}
    totals = dict.fromkeys(members, 0)
    for topic, count in sorted(counts.items()):
        readers = sorted(name for name in members if topic in members[name].topics)
        if readers:
            parts = _share_topic(topic, count, {n: members[n] for n in readers}, totals)
            for name, numbers in parts.items():
                if numbers:
                    shares[name][topic] = sorted(numbers)
                totals[name] += len(numbers)
    return shares


def _share_topic(
    topic: str, count: int, readers: Mapping[str, Member], totals: Mapping[str, int]
) -> dict[str, list[int]]:
    """Share one topic; `totals` says how much each member has of others already."""
    held = _held(topic, count, readers)
    fair, over = divmod(count, len(readers))
    least = min(totals[name] for name in readers)

    def claim(name: str) -> tuple[bool, int, str]:
        keeps = len(held[name]) > fair and totals[name] <= least + 1
        return (not keeps, totals[name], name)

    quota = dict.fromkeys(readers, fair)
    for name in sorted(readers, key=claim)[:over]:
        quota[name] += 1
    parts = {name: held[name][: quota[name]] for name in readers}
    kept = {number for numbers in parts.values() for number in numbers}
    free = iter(sorted(set(range(count)) - kept))
    for name, numbers in parts.items():
        numbers += [next(free) for _ in range(quota[name] - len(numbers))]
    return parts


def _held(
    topic: str, count: int, readers: Mapping[str, Member]
) -> dict[str, list[int]]:
    """Answer who had which partitions, the newest claim of each one."""
    owner: dict[int, str] = {}
    for name in sorted(readers, key=lambda name: (readers[name].round, name)):
        for number in readers[name].held.get(topic, ()):
            if 0 <= number < count:
                owner[number] = name
    held: dict[str, list[int]] = {name: [] for name in readers}
    for number, name in sorted(owner.items()):
        held[name].append(number)
    return held


class StickyAssignor(AbstractPartitionAssignor):  # type: ignore[misc] # untyped
    """`share_out` as aiokafka asks for it; an object for each consumer.

    Not aiokafka's own sticky assignor: that one keeps its memory on the class, and
    evens out totals and not topics.
    """

    name = "mailflag-sticky"
    version = 1

    def __init__(self) -> None:
        """Start without a claim."""
        self._held: dict[str, list[int]] = {}
        self._round = 0

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """Say what this member reads and what it had."""
        claim = json.dumps({"round": self._round, "held": self._held}).encode()
        return ConsumerProtocolMemberMetadata(self.version, list(topics), claim)

    def assign(
        self,
        cluster: ClusterMetadata,
        members: Mapping[str, ConsumerProtocolMemberMetadata],
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Share out everything, as the group's leader."""
        told = {name: _member(metadata) for name, metadata in members.items()}
        topics = {topic for member in told.values() for topic in member.topics}
        counts = {t: len(cluster.partitions_for_topic(t) or ()) for t in topics}
        this = max(member.round for member in told.values()) + 1
        stamp = json.dumps({"round": this}).encode()
        return {
            name: ConsumerProtocolMemberAssignment(
                self.version, sorted(share.items()), stamp
            )
            for name, share in share_out(counts, told).items()
        }

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Remember what this member got, for the next time."""
        self._held = {topic: list(numbers) for topic, numbers in assignment.assignment}
        self._round = int(json.loads(assignment.user_data or b"{}").get("round", 0))


def _member(metadata: ConsumerProtocolMemberMetadata) -> Member:
    claim = json.loads(metadata.user_data or b"{}")
    topics = frozenset(metadata.subscription)
    return Member(topics, claim.get("held", {}), claim.get("round", 0))
