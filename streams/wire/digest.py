"""What one partition's tenants tell the roll-up, on `mailflag.spike-digests.v1`.

Internal, from one stage to the next. Rows are arrays, because a digest has many
of them; the schema says what stands where. A digest that would be too large for
a record is written as several: it is sums and lists, so that means the same.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from streams.core.activity import Failed, Hop, Weighed
from streams.core.failure import FailureClass
from streams.core.instant import Instant, parse, render
from streams.core.sample import Sample
from streams.core.spike.fleet import UNKNOWN, Hosts
from streams.core.spike.incident import Incident, Scope, Turn
from streams.core.spike.mismatch import Liar, Mismatch
from streams.core.spike.verdict import Figures, Verdict
from streams.core.spike.word import Digest, Origin, Suspicion, Word
from streams.wire import own
from streams.wire.envelope import Outgoing
from streams.wire.reject import Reject
from streams.wire.topic import Topic

SCHEMA = "spike-digest.v1"
_ROWS = 2_500
"""Most rows of a record: with the longest names still below the topic's limit."""

_Body = dict[str, Any]
_Row = list[Any]
_CLASSES = {c.value: c for c in FailureClass}
_HOPS = {hop.value: hop for hop in Hop}


def messages(digest: Digest, origin: Origin | None) -> list[Outgoing]:
    """Answer the records of a digest, usually one; each counts as one of its own."""
    key = b"" if origin is None else str(origin.partition).encode()
    made = []
    for part in _parts(digest):
        part.origin = origin
        if origin is not None:
            origin = origin._replace(number=origin.number + 1)
        made.append(Outgoing(Topic.SPIKE_DIGESTS, key, encode(part), ()))
    return made


def _parts(digest: Digest) -> Iterator[Digest]:
    """Cut a digest so that each part fits a record."""
    part, rows = Digest(greetings=digest.greetings), 0
    for key, counts in digest.pooled.items():
        if rows >= _ROWS:
            yield part
            part, rows = Digest(), 0
        part.pooled[key] = counts
        rows += 1
    for word in digest.words:
        for piece in _pieces(word):
            size = 1 + len(piece.passed) + len(piece.failed) + len(piece.verdicts)
            if rows and rows + size > _ROWS:
                yield part
                part, rows = Digest(), 0
            part.words.append(piece)
            rows += size
    if not part.empty:
        yield part


def _pieces(word: Word) -> Iterator[Word]:
    """Cut one tenant's word; what is decided goes first."""
    half = _ROWS // 2
    if len(word.passed) <= half and len(word.failed) <= half:
        yield word
        return
    passed, failed = list(word.passed.items()), list(word.failed.items())
    yield word._replace(passed=dict(passed[:half]), failed=dict(failed[:half]))
    for start in range(half, max(len(passed), len(failed)), half):
        yield Word(
            word.tenant_id,
            suspicion=word.suspicion,
            passed=dict(passed[start : start + half]),
            failed=dict(failed[start : start + half]),
        )


def encode(digest: Digest) -> bytes:
    """Write a digest as the value of a record."""
    body: _Body = {
        "greetings": digest.greetings,
        "pooled": [
            [render(Instant(minute)), provider, *counts]
            for (minute, provider), counts in digest.pooled.items()
        ],
        "words": [_word(word) for word in digest.words],
    }
    if digest.origin is not None:
        body["origin"] = digest.origin._asdict()
    return orjson.dumps(body)


def decode(value: bytes | None) -> Digest | Reject:
    """Read a record's value; a Reject when none of ours can have written it."""
    return own.read(value, SCHEMA, _to_digest)


def _word(word: Word) -> _Body:
    body: _Body = {
        "tenant_id": word.tenant_id,
        "verdicts": [_verdict(verdict) for verdict in word.verdicts],
        "mismatches": [_mismatch(mismatch) for mismatch in word.mismatches],
        "heard": list(word.heard),
        "passed": [
            [render(Instant(minute)), provider, *counts]
            for (minute, provider), counts in word.passed.items()
        ],
        "failed": [
            [
                render(Instant(failed.minute)),
                failed.hop,
                failed.provider,
                failed.failure_class,
                failed.customer,
                weighed.weight,
                weighed.trials,
                weighed.lag,
                weighed.operator,
            ]
            for failed, weighed in word.failed.items()
        ],
    }
    if word.samples:
        body["samples"] = {p: _sample(sample) for p, sample in word.samples.items()}
    if word.suspicion is not None:
        body["suspicion"] = {
            "class": word.suspicion.cause,
            "hop": word.suspicion.hop,
            "provider": word.suspicion.provider,
        }
    return body


def _verdict(verdict: Verdict) -> _Body:
    incident, figures = verdict.incident, verdict.figures
    return {
        "turn": verdict.turn,
        "hop": incident.hop,
        "since": render(incident.since),
        "opened_at": render(incident.opened_at),
        "last_seen_at": render(incident.last_seen_at),
        "told_at": render(incident.told_at),
        "resolved_at": _maybe(incident.resolved_at),
        "scope": incident.scope,
        "provider": incident.provider,
        "class": incident.cause,
        "mismatch": incident.mismatch,
        "failures": incident.failures,
        "causes": [[c, customers] for c, customers in figures.causes],
        "customers": figures.customers,
        "failed": figures.failed,
        "reached": figures.reached,
        "base": figures.base,
        "ratio": figures.ratio,
        "threshold": figures.threshold,
        "samples": [_sample(sample) for sample in figures.samples],
        "hosts": {
            "failing": [[host, mails] for host, mails in figures.hosts.failing],
            "traced": figures.hosts.traced,
            "delivering": list(figures.hosts.delivering),
        },
    }


def _mismatch(mismatch: Mismatch) -> _Body:
    liar = mismatch.liar
    return {
        "turn": mismatch.turn,
        "server": liar.server,
        "customers": [[c, render(at)] for c, at in liar.customers.items()],
        "classes": [[c, times] for c, times in liar.classes.items()],
        "since": render(liar.since),
        "opened_at": _maybe(liar.opened_at),
        "told_at": render(liar.told_at),
        "resolved_at": _maybe(mismatch.resolved_at),
        "samples": [_sample(sample) for sample in liar.samples],
    }


def _sample(sample: Sample) -> _Body:
    return sample._asdict() | {"at": render(sample.at)}


def _to_digest(body: _Body) -> Digest:
    digest = Digest(greetings=int(body["greetings"]))
    if (origin := body.get("origin")) is not None:
        digest.origin = Origin(int(origin["partition"]), int(origin["number"]))
    for minute, provider, by_mx, by_relay in body["pooled"]:
        digest.pooled[_minute(minute), provider] = [int(by_mx), int(by_relay)]
    digest.words = [_to_word(word) for word in body["words"]]
    return digest


def _to_word(body: _Body) -> Word:
    tenant_id = body["tenant_id"]
    suspicion = body.get("suspicion")
    return Word(
        tenant_id,
        suspicion=None
        if suspicion is None
        else Suspicion(
            _class(suspicion["class"]), _HOPS[suspicion["hop"]], suspicion["provider"]
        ),
        verdicts=[_to_verdict(tenant_id, one) for one in body["verdicts"]],
        mismatches=[_to_mismatch(tenant_id, one) for one in body["mismatches"]],
        heard=list(body["heard"]),
        passed={
            (_minute(minute), provider): [int(count) for count in counts]
            for minute, provider, *counts in body["passed"]
        },
        failed=dict(_to_failed(row) for row in body["failed"]),
        samples={p: _to_sample(one) for p, one in body.get("samples", {}).items()},
    )


def _to_failed(row: _Row) -> tuple[Failed, Weighed]:
    minute, hop, provider, failure_class, customer, *weighed = row
    weight, trials, lag, operator = weighed
    failed = Failed(
        _minute(minute), _HOPS[hop], provider, _class(failure_class), int(customer)
    )
    return failed, Weighed(float(weight), int(trials), int(lag), operator)


def _to_verdict(tenant_id: str, body: _Body) -> Verdict:
    incident = Incident(
        tenant_id=tenant_id,
        hop=_HOPS[body["hop"]],
        since=_instant(body["since"]),
        opened_at=_instant(body["opened_at"]),
        scope=Scope(body["scope"]),
        provider=body["provider"],
        cause=_class(body["class"]),
        last_seen_at=_instant(body["last_seen_at"]),
        told_at=_instant(body["told_at"]),
        told_customers=int(body["customers"]),
        mismatch=bool(body["mismatch"]),
        failures=int(body["failures"]),
        resolved_at=_maybe_instant(body["resolved_at"]),
    )
    figures = Figures(
        customers=int(body["customers"]),
        causes=tuple((_class(c), int(n)) for c, n in body["causes"]),
        failed=int(body["failed"]),
        reached=int(body["reached"]),
        base=float(body["base"]),
        ratio=float(body["ratio"]),
        threshold=float(body["threshold"]),
        samples=tuple(_to_sample(sample) for sample in body["samples"]),
        hosts=_to_hosts(body.get("hosts")),
    )
    return Verdict(Turn(body["turn"]), incident, figures)


def _to_hosts(body: _Body | None) -> Hosts:
    """Answer what is told of hosts; older programs tell nothing."""
    if body is None:
        return UNKNOWN
    failing = tuple((host, int(mails)) for host, mails in body["failing"])
    return Hosts(failing, int(body["traced"]), tuple(body["delivering"]))


def _to_mismatch(tenant_id: str, body: _Body) -> Mismatch:
    liar = Liar(
        body["server"],
        {int(customer): _instant(at) for customer, at in body["customers"]},
        {_class(c): int(times) for c, times in body["classes"]},
        tuple(_to_sample(sample) for sample in body["samples"]),
        _instant(body["since"]),
        _maybe_instant(body["opened_at"]),
        _instant(body["told_at"]),
    )
    resolved_at = _maybe_instant(body["resolved_at"])
    return Mismatch(Turn(body["turn"]), tenant_id, liar, resolved_at)


def _to_sample(body: _Body) -> Sample:
    return Sample(
        at=_instant(body["at"]),
        code=body.get("code"),
        enhanced=body.get("enhanced"),
        text=body["text"],
        peer=body.get("peer"),
        host=body.get("host"),
        template_id=body.get("template_id"),
    )


def _class(name: str) -> FailureClass:
    """Answer a class; one that only a newer version knows is unknown here."""
    return _CLASSES.get(name, FailureClass.UNKNOWN)


def _maybe(at: Instant | None) -> str | None:
    return None if at is None else render(at)


def _maybe_instant(text: str | None) -> Instant | None:
    return None if text is None else _instant(text)


def _instant(text: str) -> Instant:
    at = parse(text)
    if at is None:
        message = "no RFC 3339 time"
        raise ValueError(message)
    return at


_minute = lru_cache(maxsize=4096)(_instant)
"""The same of what is said again and again."""
