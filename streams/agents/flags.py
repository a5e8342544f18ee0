"""Flags: evidence of one partition, folded into the state of each address.

For each batch: load states, merge, decide, and write changed states, changes,
current flags and the batch's activity; the engine makes them one transaction.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from streams.agents import tally
from streams.agents.census import Census
from streams.agents.held import Held
from streams.agents.refusal import refuse
from streams.agents.tracing import Tracer, accepted
from streams.core import address as addresses
from streams.core.activity import Activity
from streams.core.evidence import Attempt, Command, Evidence, Outcome
from streams.core.flag import ClearedBy
from streams.core.flags import Context, Decision, decide, is_calm
from streams.core.instant import Instant
from streams.core.message import QUEUE_LIFE, fate
from streams.core.policy import OpenIncident, PolicyBook
from streams.core.state import EMPTY, AddressState, Marker, fold, mark
from streams.engine.stage import Batch, Message, Output, PartitionTable
from streams.wire import activity as activity_wire
from streams.wire import address_state
from streams.wire import evidence as evidence_wire
from streams.wire import flag as flag_wire
from streams.wire.calm_state import with_accepted
from streams.wire.reject import Reject, RejectReason

_DAY = 24 * 3_600_000
_HAND = range(20, 500)
"""Fewest and most pairs that housekeeping looks at in each sweep."""
_ROUND = 60
"""Sweeps in which it comes round, if the most are enough: many small partitions must
not cost more than a few large ones."""
_RELEASED = 200
"""Flags that a sweep clears because their incident is over: subscribers must keep
up, and the mail of the next second must not wait."""


def _no_incidents(tenant_id: str) -> tuple[OpenIncident, ...]:
    del tenant_id
    return ()


def _none_resolved(key: str) -> Instant | None:
    del key
    return None


@dataclass(slots=True)
class FlagsStage:
    """The stage; pure apart from the table that it is given."""

    policies: PolicyBook = field(default_factory=PolicyBook)
    success_memory_days: int = 60
    """0: a success of an address of which nothing is known is not stored."""
    incidents: Callable[[str], tuple[OpenIncident, ...]] = _no_incidents
    """The open incidents of a tenant."""
    resolved_at: Callable[[str], Instant | None] = _none_resolved
    """When an incident was resolved."""
    held: Held = field(default_factory=Held, init=False)
    census: Census = field(default_factory=Census, init=False)
    """Counts the flags that stand."""

    def process(self, batch: Batch, table: PartitionTable, now: Instant) -> Output:
        """Fold a batch of evidence into the table."""
        self.census.meet(table)
        output = Output()
        states: dict[bytes, AddressState] = {}
        loaded: dict[bytes, AddressState] = {}
        activities: dict[str, Activity] = {}
        for record in batch.records:
            evidence = evidence_wire.decode(record.value)
            if not isinstance(evidence, Reject):
                key = addresses.key(evidence.tenant_id, evidence.address)
                if key != record.key:
                    evidence = Reject(RejectReason.SCHEMA_VIOLATION, "key: mismatch")
            if isinstance(evidence, Reject):
                refuse(batch, record, evidence, now, output)
                continue
            state = states.get(key)
            if state is None:
                if self._passes(table, key, evidence, activities):
                    continue
                value = table.get(key)
                state = EMPTY if value is None else address_state.decode(value)
                loaded[key] = state
            states[key] = self._observe(state, evidence, activities, output)
        for key, state in states.items():
            if state is not loaded[key]:
                self._put(table, key, state)
        output.messages += _told(activities, batch)
        return output

    def _passes(
        self,
        table: PartitionTable,
        key: bytes,
        evidence: Evidence,
        activities: dict[str, Activity],
    ) -> bool:
        """Take an accepted mail about which nothing can be said; False: look closer.

        A short way to what `_observe` would come to, for most events of a day.
        """
        if not isinstance(evidence, Attempt):
            return False
        before = table.get(key)
        if before is None and self.success_memory_days == 0:
            if not _is_success(evidence):
                return False
        else:
            value = with_accepted(before, evidence)
            if value is None:
                return False
            table.put(key, value)
        accepted(_of(activities, evidence.tenant_id), evidence)
        return True

    def _observe(
        self,
        state: AddressState,
        evidence: Evidence,
        activities: dict[str, Activity],
        output: Output,
    ) -> AddressState:
        """Answer the state after one piece of evidence; tell what it changes."""
        folded = fold(state, evidence)
        tenant_id = evidence.tenant_id
        if not isinstance(evidence, Command):
            if folded.message is None:
                output.tallies[tally.LATE] += 1
            Tracer(_of(activities, tenant_id), state, folded, evidence).trace()
        if folded.liar is not None:
            output.tallies[tally.MISMATCH] += 1
        if folded.state is state:
            return state
        if self.success_memory_days == 0 and state is EMPTY and _is_success(evidence):
            return state
        if is_calm(folded.state):
            return folded.state
        context = Context(
            tenant_id,
            evidence.address,
            self.policies.of(tenant_id),
            self.incidents(tenant_id),
            evidence.arrived_at,
            evidence if isinstance(evidence, Command) else None,
        )
        decision = decide(folded.state, context)
        _tell(decision, output)
        return decision.state

    def due_at(self, key: bytes, value: bytes) -> Instant | None:
        """Answer when a pending clear becomes due."""
        del key
        return address_state.due_at(value)

    def due(self, table: PartitionTable, now: Instant) -> Output:
        """Announce the clears that have become due, and forget what is over."""
        self.census.meet(table)
        output = Output()
        for key in table.due(now):
            value = table.get(key)
            if value is None:
                continue
            tenant_id, _, address = key.decode().partition("/")
            policy = self.policies.of(tenant_id)
            incidents = self.incidents(tenant_id)
            context = Context(tenant_id, address, policy, incidents, now)
            decision = decide(address_state.decode(value), context)
            _tell(decision, output)
            self._put(table, key, decision.state)
        self._release(table, now, output)
        self._forget(table, now)
        return output

    def _release(self, table: PartitionTable, now: Instant, output: Output) -> None:
        """Clear flags whose incident is over, where the policy says so."""
        for key in self.held.take(table, self.resolved_at, _RELEASED):
            value = table.get(key)
            state = EMPTY if value is None else address_state.decode(value)
            over = self._over(state, key)
            if over is None:
                continue
            tenant_id, _, address = key.decode().partition("/")
            policy, incidents = self.policies.of(tenant_id), self.incidents(tenant_id)
            context = Context(tenant_id, address, policy, incidents, now)
            decision = decide(mark(state, over), context)
            _tell(decision, output)
            self._put(table, key, decision.state)

    def _over(self, state: AddressState, key: bytes) -> Marker | None:
        """Answer the decision that an incident's end is for a flag; None for none.

        A flag that recommends suppression speaks of the address: a failure of
        its own came while the incident was open, and stays.
        """
        flag = state.flag
        if flag is None or flag.incident is None or flag.suppress_recommended:
            return None
        tenant_id = key.decode().partition("/")[0]
        if not self.policies.of(tenant_id).clear_on_incident_resolve:
            return None
        at = self.resolved_at(flag.incident)
        if at is None:
            return None
        marker = Marker(at, 0, ClearedBy.INCIDENT_RESOLVED, None, None)
        return None if mark(state, marker) is state else marker

    def _forget(self, table: PartitionTable, now: Instant) -> None:
        """Remove what can matter no more, a few keys at a time.

        An address that is not flagged loses its messages when no report about
        them can come any more, and its memory of a success by and by. Those with
        mail of the last days are passed over unread: nearly all, every second.
        """
        horizon = now - QUEUE_LIFE
        pairs = min(_HAND.stop, max(_HAND.start, len(table) // _ROUND))
        for key, value in table.hand(pairs):
            if not address_state.standing(value):
                newest = address_state.newest(value)
                if newest is not None and newest >= horizon:
                    continue
            state = address_state.decode(value)
            flag = state.flag
            if flag is not None and flag.incident is not None:
                self.held.note(table, flag.incident, key)
            kept = remembered(state, now, self.success_memory_days * _DAY)
            if kept is None:
                table.delete(key)
            elif kept is not state:
                self._put(table, key, kept)

    def _put(self, table: PartitionTable, key: bytes, state: AddressState) -> None:
        value = address_state.encode(state)
        if state.flag is not None and state.flag.incident is not None:
            self.held.note(table, state.flag.incident, key)
        self.census.note(table, table.get(key), value)
        table.put(key, value)


def remembered(
    state: AddressState, now: Instant, success_memory: int
) -> AddressState | None:
    """Answer what is still worth keeping of a state; None for nothing."""
    if state.flag is not None:
        return state
    horizon = now - QUEUE_LIFE
    marker = state.marker
    if marker is not None and marker.at < horizon:
        state = state._replace(marker=None)
    if state.messages and state.messages[0].at < horizon:
        successes = [m.at for m in state.messages if fate(m).reached]
        confirmed = max([state.confirmed_at, *successes])
        state = state._replace(messages=(), confirmed_at=confirmed)
    fresh = state.messages or state.marker is not None
    if not fresh and state.confirmed_at <= now - success_memory:
        return None
    return state


def _told(activities: dict[str, Activity], batch: Batch) -> Iterator[Message]:
    """Answer what a batch says to the detector, a record a tenant."""
    first = batch.records[0].offset
    for tenant_id, activity in activities.items():
        if not activity.empty:
            yield Message(
                *activity_wire.message(tenant_id, activity, batch.partition, first)
            )


def _of(activities: dict[str, Activity], tenant_id: str) -> Activity:
    """Answer a tenant's activity; a new one if it has none in this batch."""
    activity = activities.get(tenant_id)
    if activity is None:
        activity = activities[tenant_id] = Activity()
    return activity


def _is_success(evidence: Evidence) -> bool:
    return isinstance(evidence, Attempt) and evidence.outcome is Outcome.ACCEPTED


def _tell(decision: Decision, output: Output) -> None:
    """Write what a decision changes: the event, and the flag as it is now."""
    change, now = decision.change, decision.flag
    written = None if now is None else flag_wire.encode_flag(now)  # once for both
    if change is not None:
        flag = change.flag
        same = written if flag is now else None
        output.messages.append(Message(*flag_wire.change_record(change, same)))
        output.tallies[
            tally.flag_change(change.type, flag.side, flag.failure_class)
        ] += 1
        if change.cleared_by is not None:
            output.tallies[tally.flag_clear(change.cleared_by)] += 1
    if not decision.restated:
        return
    if now is not None:
        output.messages.append(Message(*flag_wire.state_record(now, written)))
    elif change is not None:
        output.messages.append(Message(*flag_wire.tombstone(change)))
