"""What must have come out of a deployment, and what differs from it.

Four views that do not depend on each other. The stories: who made the traffic
knows what each address comes to. The core: all evidence of an address folded in
any order gives the final flag. The log: the flags stage is deterministic, so its
input topic played once gives every record it may have written, byte for byte. And
what any subscriber may rely on, without knowing where it comes from.

One thing is not determined: which incidents a worker knew of at that moment. So of
a tenant that had one, everything is compared but what incidents decide.
"""

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson
from mail_deployment import Deployment, Row
from mail_traffic import Life

from streams.app import Stages, build_stages
from streams.core import address as addresses
from streams.core.activity import Activity
from streams.core.flag import ChangeType, Flag, FlagChange
from streams.core.flags import Context, decide
from streams.core.instant import Instant, parse
from streams.core.spike.incident import Turn
from streams.core.state import EMPTY, fold
from streams.engine.stage import Batch, Message
from streams.engine.table import MemoryTable, NoTable
from streams.settings import Settings
from streams.wire import activity as activity_wire
from streams.wire import alert as alert_wire
from streams.wire import dead_letter
from streams.wire import evidence as evidence_wire
from streams.wire import flag as flag_wire
from streams.wire.reject import Reject
from streams.wire.topic import INPUTS, Topic

SHOWN = 3
"""So many examples of a finding are told."""


@dataclass
class Audit:
    """What was found; nothing is right."""

    findings: dict[str, list[object]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def report(self, what: str, cases: Iterable[object]) -> None:
        found = list(cases)
        if found:
            self.findings.setdefault(what, []).extend(found)

    @property
    def clean(self) -> bool:
        return not self.findings

    def __str__(self) -> str:
        lines = [
            f"{what}: {len(cases)}, such as "
            + "; ".join(str(case)[:600] for case in cases[:SHOWN])
            for what, cases in self.findings.items()
        ]
        return "\n".join(lines) or "nothing"


class Written(NamedTuple):
    """What the flags stage must have written, of what stands in its input."""

    changes: dict[bytes, list[Message]]
    flags: dict[bytes, list[Message]]
    activity: dict[tuple[str, int], Activity]


Rows = Mapping[str, Sequence[Row]]
"""Logical topic name to its records."""
Tables = Mapping[int, Mapping[bytes, bytes]]
"""Partition to what the table held before."""


def audit(
    deployment: Deployment,
    lives: Mapping[bytes, Life] | None = None,
    *,
    rows: Rows | None = None,
    tables: Tables | None = None,
    clock_error: int = 0,
) -> Audit:
    """Compare everything that was sent with everything that came out.

    `rows` stand in for what is in the topics, `tables` is what the flags table
    held before anything was sent. Workers whose clocks were behind by so many
    milliseconds at most may take an event for that much older, and nothing else.
    """
    found = Audit()
    stages = _stages(deployment.policy)
    rows = rows or deployment.read()
    inputs = {topic: rows[topic] for topic in INPUTS}
    audit_inputs(found, deployment, inputs)
    evidence = audit_ingest(found, stages, inputs, rows, clock_error)
    audit_dead_letters(found, deployment, rows)
    stricken = with_incidents(rows[Topic.ALERTS])
    played = written(stages, rows[Topic.EVIDENCE], tables or {})
    audit_log(found, played, rows, stricken)
    audit_activity(found, played, rows[Topic.TENANT_ACTIVITY])
    audit_subscriber(found, rows, complete=not tables)
    audit_alerts(found, rows[Topic.ALERTS])
    if not tables:
        audit_core(found, stages, evidence, rows[Topic.FLAGS], stricken)
    if lives is not None:
        audit_stories(found, lives, rows[Topic.FLAGS])
    found.counts = {str(name): len(of_topic) for name, of_topic in rows.items()}
    return found


@cache
def _stages(policy: str | None) -> Stages:
    """Build the stages as a worker does, without its fuse."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "policy.toml"
        path.write_text(policy or "")
        return build_stages(
            Settings(policy_file=path, dead_letter_share=1, dead_letter_run=0)
        )


def audit_inputs(
    found: Audit, deployment: Deployment, inputs: Mapping[Topic, Sequence[Row]]
) -> None:
    """Make sure that this oracle knows what there is to process."""
    sent = {(s.sending.topic, s.partition, s.offset): s for s in deployment.sent}
    stands = {
        (topic, row.partition, row.offset): row.value
        for topic, rows in inputs.items()
        for row in rows
    }
    found.report(
        "records of the inputs that the test does not know",
        [place for place in stands if place not in sent],
    )
    found.report(
        "records of the test that are not in the inputs",
        [
            place
            for place, one in sent.items()
            if place not in stands or stands[place] != one.sending.value
        ],
    )


def audit_ingest(
    found: Audit,
    stages: Stages,
    inputs: Mapping[Topic, Sequence[Row]],
    rows: Rows,
    clock_error: int,
) -> set[tuple[bytes, bytes]]:
    """Compare the evidence with what the pure stage makes of the inputs.

    It may stand there more than once, but nothing else may, and nothing less.
    Answers what stands there.
    """
    wanted = set()
    for topic, of_topic in inputs.items():
        for partition, records in _by_partition(of_topic).items():
            batch = Batch(topic, partition, records)
            output = stages.ingest.process(batch, NoTable(), _LATEST)
            wanted |= {
                (message.key, message.value)
                for message in output.messages
                if message.topic == Topic.EVIDENCE
            }
    stands = {(row.key, row.value) for row in rows[Topic.EVIDENCE]}
    lost, invented = wanted - stands, stands - wanted
    if clock_error and invented:
        lost, invented = _unlike(wanted, stands, clock_error)
    found.report("evidence lost", lost)
    found.report("evidence invented", invented)
    return stands


Evidence = tuple[bytes, bytes]
"""Key and value."""


def _unlike(
    wanted: Iterable[Evidence], stands: Iterable[Evidence], clock_error: int
) -> tuple[list[Evidence], list[Evidence]]:
    """Answer what has no like on the other side, dated by a clock that was behind."""
    must: dict[Evidence, list[_Dated]] = defaultdict(list)
    lost, invented = {}, []
    for one in wanted:
        dated = _dated(one)
        must[dated.rest].append(dated)
        lost[dated] = one
    for one in stands:
        dated = _dated(one)
        like = [m for m in must[dated.rest] if dated.may_stand_for(m, clock_error)]
        if not like:
            invented.append(one)
        for known in like:
            lost.pop(known, None)
    return list(lost.values()), invented


class _Dated(NamedTuple):
    """A piece of evidence, and apart from it when it was and when it came."""

    rest: Evidence
    at: int
    arrived: int

    def may_stand_for(self, other: "_Dated", clock_error: int) -> bool:
        behind = other.arrived - self.arrived
        return 0 <= behind <= clock_error and self.at == min(other.at, self.arrived)


def _dated(evidence: Evidence) -> _Dated:
    key, value = evidence
    body = orjson.loads(value)
    at, arrived = parse(body.pop("at")), parse(body.pop("arrived_at"))
    assert at is not None
    assert arrived is not None
    return _Dated((key, orjson.dumps(body)), at, arrived)


_LATEST = Instant(4_000_000_000_000)
"""Later than any record, so that each arrived when the log says so."""


def audit_dead_letters(found: Audit, deployment: Deployment, rows: Rows) -> None:
    """Compare the dead letters with the poison: unchanged, with its reason."""
    wanted = {
        (str(one.sending.topic), one.partition, one.offset): one.sending
        for one in deployment.sent
        if one.sending.poison is not None
    }
    seen = set()
    for topic in (*INPUTS, Topic.EVIDENCE):
        for row in rows[topic.dead_letters]:
            letter = dead_letter.read(row)
            if isinstance(letter, Reject):
                found.report("dead letters that cannot be read", [letter])
                continue
            place = str(letter.topic), letter.partition, letter.offset
            seen.add(place)
            record = wanted.get(place)
            if record is None:
                found.report("good records rejected", [(place, letter.reject)])
                continue
            if letter.reject.reason is not record.poison:
                case = place, letter.reject, record.poison
                found.report("dead letters of another reason", [case])
            size = len(record.value or b"")
            value = (
                None
                if size > dead_letter.LIMIT - len(record.key or b"")
                else record.value
            )
            own = letter.key, letter.value, list(letter.headers)
            if own != (record.key, value, record.headers):
                found.report("dead letters changed", [place])
    found.report("dead letters lost", wanted.keys() - seen)


def written(stages: Stages, evidence: Sequence[Row], tables: Tables) -> Written:
    """Play the evidence once, as a single worker without a fault would."""
    out = Written(defaultdict(list), defaultdict(list), {})
    for partition, records in _by_partition(evidence).items():
        table = MemoryTable(stages.flags.due_at)
        for key, value in tables.get(partition, {}).items():
            table.apply(key, value)
        table.recovered()
        batch = Batch(Topic.EVIDENCE, partition, records)
        output = stages.flags.process(batch, table, _LATEST)
        for message in output.messages:
            if message.topic == Topic.FLAG_CHANGES:
                out.changes[message.key].append(message)
            elif message.topic == Topic.FLAGS:
                out.flags[message.key].append(message)
            elif message.topic == Topic.TENANT_ACTIVITY:
                told = activity_wire.decode(message.value)
                out.activity[told.tenant_id, partition] = told.activity
    return out


def with_incidents(rows: Sequence[Row]) -> frozenset[str]:
    """Answer the tenants that had an incident at some time."""
    alerts = [alert_wire.decode(row.value) for row in rows]
    return frozenset(
        alert.tenant_id
        for alert in alerts
        if not isinstance(alert, Reject) and alert.tenant_id is not None
    )


def audit_log(
    found: Audit, wanted: Written, rows: Rows, stricken: frozenset[str]
) -> None:
    """Compare every record of the flags stage with what the log makes of it.

    Of `stricken` tenants only what incidents cannot have changed.
    """
    for topic, of_topic, view in (
        (Topic.FLAG_CHANGES, wanted.changes, _turns),
        (Topic.FLAGS, wanted.flags, _stands),
    ):
        seen: dict[bytes, list[Message | Row]] = defaultdict(list)
        for row in rows[topic]:
            seen[row.key].append(row)
        for key in of_topic.keys() | seen.keys():
            strict = key.partition(b"/")[0].decode() not in stricken
            look = _as_it_is if strict else view
            must, is_ = look(of_topic.get(key, ())), look(seen.get(key, ()))
            if must != is_:
                found.report(*_difference(topic, key, must, is_))


def _as_it_is(records: Iterable[Message | Row]) -> list[tuple]:
    return [(record.value, record.headers) for record in records]


def _turns(records: Iterable[Message | Row]) -> list[tuple]:
    """Answer the turns that a flag takes, without what an incident decides."""
    turns = []
    for record in records:
        change = flag_wire.decode_change(record.value or b"")
        if isinstance(change, Reject):
            turns.append((change,))
        elif change.type is ChangeType.CLEARED:
            turns.append((change.cleared_by, change.blamed, change.actor))
        else:
            flag = change.flag
            turns.append((flag.failure_class, flag.side, flag.persistent))
    return _without_repeats(turns)


def _stands(records: Iterable[Message | Row]) -> list[tuple]:
    """Answer the flags that stood, without what an incident decides."""
    stood = []
    for record in records:
        flag = None if record.value is None else flag_wire.decode_flag(record.value)
        if isinstance(flag, Flag):
            flag = flag._replace(
                revision=0,
                updated_at=Instant(0),
                incident=None,
                suppress_recommended=False,
            )
        stood.append((flag,))
    return _without_repeats(stood)


def _without_repeats(one: list[tuple]) -> list[tuple]:
    return [kind for kind, _ in itertools.groupby(one)]


def _difference(
    topic: str, key: bytes, wanted: list[tuple], seen: list[tuple]
) -> tuple[str, list[object]]:
    """Say what is wrong with the records of one key."""
    more, less = Counter(seen) - Counter(wanted), Counter(wanted) - Counter(seen)
    told = [(key, len(wanted), len(seen), list(less)[:1], list(more)[:1])]
    if less:
        return f"{topic}: lost", told
    if any(one in wanted for one in more):
        return f"{topic}: repeated", told
    if more:
        return f"{topic}: invented", told
    return f"{topic}: in another order", told


def audit_activity(found: Audit, wanted: Written, rows: Sequence[Row]) -> None:
    """Activity names its batch, comes once, and adds up."""
    names: Counter[tuple[str, int, int]] = Counter()
    sums: dict[tuple[str, int], Activity] = {}
    for row in rows:
        told = activity_wire.decode(row.value)
        if isinstance(told, Reject):
            found.report("activity that cannot be read", [told])
            continue
        names[told.tenant_id, told.partition, told.offset] += 1
        of = told.tenant_id, told.partition
        sums.setdefault(of, Activity()).merge(told.activity)
    found.report("activity repeated", [n for n, times in names.items() if times > 1])
    for of in sums.keys() | wanted.activity.keys():
        must, is_ = wanted.activity.get(of, Activity()), sums.get(of, Activity())
        for part in ("outcomes", "passed", "failed"):
            one, other = getattr(must, part), getattr(is_, part)
            if one != other:
                found.report(f"activity: {part} differ", [(of, one, other)])
        if must.contradicted.keys() != is_.contradicted.keys():
            found.report("activity: contradictions differ", [of])


def audit_subscriber(found: Audit, rows: Rows, *, complete: bool) -> None:
    """Check what the contracts promise to a read_committed subscriber.

    `complete`: the changes topic holds everything since the first flag.
    """
    for topic in (Topic.FLAG_CHANGES, Topic.FLAGS, Topic.ALERTS):
        ids = Counter(dict(row.headers).get("ce_id") for row in rows[topic])
        found.report(f"{topic}: ce_id twice", [i for i, n in ids.items() if n > 1])
        _audit_revisions(found, topic, rows[topic])
    changes: dict[bytes, list[FlagChange]] = defaultdict(list)
    for row in rows[Topic.FLAG_CHANGES]:
        change = flag_wire.decode_change(row.value or b"")
        if isinstance(change, Reject):
            found.report("changes that cannot be read", [(row.key, change)])
            continue
        changes[row.key].append(change)
        _audit_envelope(found, row, change.flag, change.revision)
    for row in rows[Topic.FLAGS]:
        flag = None if row.value is None else flag_wire.decode_flag(row.value)
        if isinstance(flag, Reject):
            found.report("flags that cannot be read", [(row.key, flag)])
        elif flag is not None:
            _audit_envelope(found, row, flag, flag.revision)
    for key, of_key in changes.items():
        _audit_turns(found, key, of_key, complete=complete)
    _audit_compacted(found, changes, rows[Topic.FLAGS], complete=complete)
    homes: dict[bytes, set[int]] = defaultdict(set)
    for topic in (Topic.EVIDENCE, Topic.FLAG_CHANGES, Topic.FLAGS):
        for row in rows[topic]:
            homes[row.key].add(row.partition)
    found.report(
        "keys in several partitions",
        [k for k, where in homes.items() if len(where) > 1],
    )


def _audit_envelope(found: Audit, row: Row, flag: Flag, revision: int) -> None:
    """Key and headers must be those of what the value says."""
    own = addresses.key(flag.tenant_id, flag.address)
    told = int(dict(row.headers)["ce_revision"])
    if (own, revision) != (row.key, told):
        found.report("value under another's key", [(row.key, own, told, revision)])


def _audit_revisions(found: Audit, topic: str, rows: Sequence[Row]) -> None:
    newest: dict[bytes, int] = {}
    for row in rows:
        revision = int(dict(row.headers)["ce_revision"])
        if revision <= newest.get(row.key, -1):
            case = row.key, newest[row.key], revision
            found.report(f"{topic}: revision does not grow", [case])
        newest[row.key] = revision


def _audit_turns(
    found: Audit, key: bytes, changes: Sequence[FlagChange], *, complete: bool
) -> None:
    """A flag is set, then perhaps updated, then cleared, then set again."""
    flagged = None if not complete else False
    for change in changes:
        setting = change.type is ChangeType.SET
        if flagged is not None and setting == flagged:
            case = key, [c.type.value for c in changes]
            found.report("set and clear do not alternate", [case])
            return
        flagged = change.type is not ChangeType.CLEARED


def _audit_compacted(
    found: Audit,
    changes: Mapping[bytes, Sequence[FlagChange]],
    rows: Sequence[Row],
    *,
    complete: bool,
) -> None:
    """Following the changes must give what the state topic says."""
    stands = compacted(rows)
    for key, of_key in changes.items():
        last, flag = of_key[-1], stands.get(key)
        if last.type is ChangeType.CLEARED:
            if flag is not None:
                found.report("cleared, yet on the state topic", [key])
        elif flag is None:
            found.report("set, yet not on the state topic", [key])
        elif _told(last.flag) != _told(flag):
            found.report("state topic differs from the last change", [(key, flag)])
    if complete:
        found.report("flags without a change", stands.keys() - changes.keys())


def _told(flag: Flag) -> tuple[object, ...]:
    return flag.failure_class, flag.side, flag.suppress_recommended, flag.persistent


def audit_alerts(found: Audit, rows: Sequence[Row]) -> None:
    """An alert is opened, then perhaps updated, then resolved; none of it twice."""
    open_now: set[bytes] = set()
    for row in rows:
        alert = alert_wire.decode(row.value)
        if isinstance(alert, Reject):
            found.report("alerts that cannot be read", [(row.key, alert)])
            continue
        opening = alert.type == alert_wire.TYPES[Turn.OPENED]
        if opening == (row.key in open_now):
            found.report("alerts out of turn", [(row.key, row.offset, alert.type)])
        if alert.open:
            open_now.add(row.key)
        else:
            open_now.discard(row.key)


def compacted(rows: Sequence[Row]) -> dict[bytes, Flag]:
    """Answer the flags that stand, as a subscriber to the state topic has them."""
    stands: dict[bytes, Flag] = {}
    for row in rows:
        if row.value is None:
            stands.pop(row.key, None)
            continue
        flag = flag_wire.decode_flag(row.value)
        assert isinstance(flag, Flag), flag
        stands[row.key] = flag
    return stands


def audit_core(
    found: Audit,
    stages: Stages,
    evidence: Iterable[tuple[bytes, bytes]],
    rows: Sequence[Row],
    stricken: frozenset[str],
) -> None:
    """Compare each final flag with what all evidence says in any order."""
    stands = compacted(rows)
    of_key: dict[bytes, list] = defaultdict(list)
    for key, value in evidence:
        of_key[key].append(evidence_wire.decode(value))
    rnd = random.Random(len(of_key))
    for key, pieces in of_key.items():
        flags = []
        for _ in range(2):
            rnd.shuffle(pieces)
            flags.append(_final(stages, pieces))
        if _shown(flags[0]) != _shown(flags[1]):
            found.report("traffic whose order decides: the test is wrong", [key])
        must, flag = flags[0], stands.get(key)
        held = flag is not None and not flag.suppress_recommended
        if must is not None and held and must.tenant_id in stricken:
            must = must._replace(suppress_recommended=False)
        if _shown(must) != _shown(flag):
            case = key, _shown(must), _shown(flag)
            found.report("final flag differs from the evidence", [case])
    found.report("flags of unknown addresses", stands.keys() - of_key.keys())


def _final(stages: Stages, pieces: list) -> Flag | None:
    state = EMPTY
    for piece in pieces:
        state = fold(state, piece).state
    one = pieces[0]
    policy = stages.flags.policies.of(one.tenant_id)
    now = max(piece.arrived_at for piece in pieces)
    context = Context(one.tenant_id, one.address, policy, (), now)
    return decide(state, context).flag


def _shown(flag: Flag | None) -> tuple[object, ...] | None:
    """Answer the part of a flag that the evidence alone decides."""
    if flag is None:
        return None
    return (*_told(flag), flag.consecutive_failures, flag.evidence)


def audit_stories(
    found: Audit, lives: Mapping[bytes, Life], rows: Sequence[Row]
) -> None:
    """Compare each final flag with what who made the traffic knows."""
    stands = compacted(rows)
    for key, life in lives.items():
        must, flag = life.expected, stands.get(key)
        endings = [step.ending.name for step in life.steps]
        if must.flagged != (flag is not None):
            kind = "not flagged" if must.flagged else "flagged"
            found.report(f"{kind}, against the story", [(key, endings)])
        elif flag is not None and (
            flag.consecutive_failures != must.failures
            or must.side not in {None, flag.side}
        ):
            found.report("flag tells another story", [(key, endings, flag)])
    found.report("flags of nobody", stands.keys() - lives.keys())


def _by_partition(rows: Sequence[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.partition].append(row)
    return found
