"""Ingest: what others published, to evidence keyed by `tenant/address`.

Decode, validate, attribute, canonical address, classify. It keeps no state and
may run twice over the same records: evidence merges. What cannot be used goes to
the dead-letter topic of its input, unchanged and with the reason.
"""

from dataclasses import dataclass, field

from streams.agents import tally
from streams.agents.classifying import Classifiers
from streams.agents.fuse import Fuse
from streams.agents.refusal import refuse
from streams.agents.reporting import ABOUT_NOBODY, NO_REPORT, Reporter
from streams.core import address as addresses
from streams.core.address import Address, AddressFault
from streams.core.attribution import bare_message_id
from streams.core.evidence import (
    Attempt,
    Command,
    CommandAction,
    Evidence,
    Outcome,
)
from streams.core.failure import PeerRole
from streams.core.instant import Instant
from streams.core.provider import is_exchanger, provider
from streams.engine.stage import Batch, Message, Output, PartitionTable, Record
from streams.wire import attempt as attempt_wire
from streams.wire import command as command_wire
from streams.wire import dsn_event as dsn_wire
from streams.wire import evidence as evidence_wire
from streams.wire.attempt import SendAttempt
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import Topic

_ANYBODYS = frozenset({NO_REPORT, ABOUT_NOBODY})
"""What a mail alone brings about: anybody can write mails to a bounce mailbox, and
spam comes in hundreds, so these say nothing about a deployment."""


@dataclass(slots=True)
class IngestStage:
    """The stage; `process` is pure apart from its caches and fuses."""

    classifiers: Classifiers
    fold_local_part: bool = True
    dead_letter_share: float = 0.5
    dead_letter_run: int = 500
    _fuses: dict[tuple[str, int], Fuse] = field(default_factory=dict, init=False)
    _reporter: Reporter = field(init=False)

    def __post_init__(self) -> None:
        """Share the classifiers with what reads reports."""
        self._reporter = Reporter(
            self.classifiers, fold_local_part=self.fold_local_part
        )

    def process(self, batch: Batch, table: PartitionTable, now: Instant) -> Output:
        """Turn a batch of one input topic into evidence and dead letters."""
        del table  # forwarding lanes keep no state
        output = Output()
        fuse = self._fuse(batch)
        good = 0
        for record in batch.records:
            arrived = min(record.timestamp, now) if record.timestamp > 0 else now
            reject = self._forward(batch, record, Instant(arrived), output)
            if reject is None:
                good += 1
                continue
            fuse.accepted(good)
            good = 0
            refuse(batch, record, reject, now, output)
            if reject not in _ANYBODYS:
                fuse.rejected(reject.reason)
        fuse.accepted(good)
        return output

    def due_at(self, key: bytes, value: bytes) -> Instant | None:
        """Answer None: nothing is kept."""
        del key, value
        return None  # the protocol's answer

    def due(self, table: PartitionTable, now: Instant) -> Output:
        """Do nothing: nothing is kept."""
        del table, now
        return Output()

    def charges(self) -> dict[tuple[str, int], float]:
        """Answer how near the fuse of each partition is to blowing; 1: it blows."""
        return {where: fuse.charge for where, fuse in self._fuses.items()}

    def _fuse(self, batch: Batch) -> Fuse:
        where = (batch.topic, batch.partition)
        fuse = self._fuses.get(where)
        if fuse is None:
            fuse = self._fuses[where] = Fuse(
                f"{batch.topic}, partition {batch.partition}",
                share=self.dead_letter_share,
                run=self.dead_letter_run,
            )
        return fuse

    def _forward(
        self, batch: Batch, record: Record, arrived: Instant, output: Output
    ) -> Reject | None:
        """Write a record's evidence, or answer why there is none."""
        pieces: list[Evidence] | Reject
        match batch.topic:
            case Topic.SEND_ATTEMPTS:
                pieces = self._attempt(record, arrived, output)
            case Topic.DSN_EVENTS:
                pieces = self._report(record, arrived, output)
            case _:
                pieces = self._command(record, arrived)
        if isinstance(pieces, Reject):
            return pieces
        for piece in pieces:
            key = addresses.key(piece.tenant_id, piece.address)
            value = evidence_wire.encode(piece)
            output.messages.append(Message(Topic.EVIDENCE, key, value))
            output.tallies[_counted(piece)] += 1
            if not isinstance(piece, Command) and piece.failure is not None:
                kind, sure = piece.failure.failure_class, piece.failure.confidence
                output.tallies[tally.failure(kind, sure)] += 1
        return None

    def _attempt(
        self, record: Record, arrived: Instant, output: Output
    ) -> list[Evidence] | Reject:
        event = attempt_wire.decode(record.value, record.headers)
        if isinstance(event, Reject):
            return event
        address = addresses.canonical(event.address, fold_local=self.fold_local_part)
        if isinstance(address, AddressFault):
            return _bad(address)
        if event.at > arrived:
            output.tallies[tally.skewed(Topic.SEND_ATTEMPTS)] += 1
        return [self._evidence(event, address, arrived)]

    def _evidence(
        self, event: SendAttempt, address: Address, arrived: Instant
    ) -> Attempt:
        failure = None
        if event.outcome is not Outcome.ACCEPTED:
            role, failure = self.classifiers.failure_of(event)
        else:
            role = self.classifiers.met(event)
        mx = event.peer if role is PeerRole.MX else None
        if role is None and event.peer and is_exchanger(event.peer):
            mx = event.peer
        return Attempt(
            id=event.id,
            tenant_id=event.tenant_id,
            address=str(address),
            customer_id=event.customer_id,
            message_id=bare_message_id(event.message_id) or event.message_id,
            at=min(event.at, arrived),
            arrived_at=arrived,
            attempt=event.attempt,
            outcome=event.outcome,
            failure=failure,
            peer_role=role,
            provider=provider(mx, address.domain),
            template_id=event.template_id,
            host=event.helo or event.sending_ip,
        )

    def _report(
        self, record: Record, arrived: Instant, output: Output
    ) -> list[Evidence] | Reject:
        event = dsn_wire.decode(record.value, record.headers)
        if isinstance(event, Reject):
            return event
        if event.at > arrived:
            output.tallies[tally.skewed(Topic.DSN_EVENTS)] += 1
        told = self._reporter.evidence(event, arrived)
        if isinstance(told, Reject):
            return told
        if told.ignored is not None:
            output.tallies[tally.ignored(told.ignored)] += 1
        if told.left_out:
            output.tallies[tally.NAMELESS] += told.left_out
        return [*told.reports]

    def _command(self, record: Record, arrived: Instant) -> list[Evidence] | Reject:
        event = command_wire.decode(record.value, record.headers)
        if isinstance(event, Reject):
            return event
        address = addresses.canonical(event.address, fold_local=self.fold_local_part)
        if isinstance(address, AddressFault):
            return _bad(address)
        return [
            Command(
                id=event.id,
                tenant_id=event.tenant_id,
                address=str(address),
                at=min(event.at, arrived),
                arrived_at=arrived,
                action=event.action,
                message_id=bare_message_id(event.message_id) or None
                if event.action is CommandAction.DELIVERED
                else None,
                reason=event.reason,
                note=event.note,
                actor=event.actor,
            )
        ]


def _bad(fault: AddressFault) -> Reject:
    return Reject(RejectReason.BAD_ADDRESS, f"/address: {fault}")


def _counted(piece: Evidence) -> tuple[str, ...]:
    match piece:
        case Attempt():
            return tally.evidence("attempt", piece.outcome)
        case Command():
            return tally.evidence("command", piece.action)
        case _:
            return tally.evidence("report", piece.action)
