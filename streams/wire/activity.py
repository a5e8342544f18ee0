"""A tenant's activity as JSON on `mailflag.tenant-activity.v1`, keyed by tenant.

Decoding gives back the activity that was encoded, except that only the first
contradictions carry the server's words: a record stays bounded whatever a batch
holds.
"""

from functools import lru_cache
from heapq import nlargest
from typing import Any, NamedTuple

import orjson

from streams.core.activity import (
    HOSTS,
    Activity,
    Contradiction,
    Failed,
    Hop,
    Weighed,
)
from streams.core.failure import FailureClass
from streams.core.instant import Instant, parse, render
from streams.core.sample import Sample
from streams.wire import own
from streams.wire.envelope import Outgoing
from streams.wire.reject import Reject
from streams.wire.topic import Topic

SCHEMA = "tenant-activity.v1"
_TEXTS = 100
"""So many contradictions of a record carry the server's words."""
_NAME = 255
"""Longest name of a host, in characters."""

_Body = dict[str, Any]
_CLASSES = {c.value: c for c in FailureClass}
_HOPS = {hop.value: hop for hop in Hop}
_OPTIONAL = ("code", "enhanced", "peer", "host", "template_id")
"""What an answer need not have."""


class TenantActivity(NamedTuple):
    """What one batch of evidence says about one tenant."""

    tenant_id: str
    partition: int
    """Partition of the evidence."""
    offset: int
    """Offset of the batch's first record: with the partition it names the batch."""
    activity: Activity


def message(
    tenant_id: str, activity: Activity, partition: int, offset: int
) -> Outgoing:
    """Answer the record of one batch's activity of one tenant."""
    value = encode(TenantActivity(tenant_id, partition, offset, activity))
    return Outgoing(Topic.TENANT_ACTIVITY, tenant_id.encode(), value, ())


def encode(told: TenantActivity) -> bytes:
    """Write a batch's activity as the value of a record."""
    activity = told.activity
    lag = {} if activity.lag is None else {"least_lag_ms": activity.lag}
    return orjson.dumps(
        {
            "tenant_id": told.tenant_id,
            "partition": told.partition,
            "offset": told.offset,
            "outcomes": activity.outcomes,
            **lag,
            "passed": [
                {
                    "minute": render(Instant(minute)),
                    "provider": provider,
                    "submission": counts[0],
                    "mx": counts[1],
                    "relay": counts[2],
                }
                for (minute, provider), counts in activity.passed.items()
            ],
            "failed": [
                _failed(failed, weighed) for failed, weighed in activity.failed.items()
            ],
            **_delivered(activity.delivered),
            "samples": [
                _sample(*kind, sample)
                for kind, samples in activity.samples.items()
                for sample in samples
            ],
            "contradicted": [
                _contradiction(customer, contradiction, told=number < _TEXTS)
                for number, ((_, customer), contradiction) in enumerate(
                    activity.contradicted.items()
                )
            ],
        }
    )


def decode(value: bytes | None) -> TenantActivity | Reject:
    """Read a record's value; a Reject when none of ours can have written it."""
    return own.read(value, SCHEMA, _to_activity)


def _failed(failed: Failed, weighed: Weighed) -> _Body:
    body: _Body = {
        "minute": render(Instant(failed.minute)),
        "hop": failed.hop,
        "provider": failed.provider,
        "class": failed.failure_class,
        "customer": failed.customer,
        "weight": weighed.weight,
        "trials": weighed.trials,
        "lag_seconds": weighed.lag,
    }
    if weighed.operator:
        body["operator"] = weighed.operator
    if weighed.host:
        body["host"] = weighed.host[:_NAME]
    return body


def _delivered(delivered: dict[str, dict[str, int]]) -> _Body:
    """Answer a row for each minute of each host, of not too many hosts."""
    hosts = [*delivered]
    if not hosts:
        return {}
    if len(hosts) > HOSTS:
        newest = [(max(delivered[host].values()), host) for host in hosts]
        hosts = [host for _, host in nlargest(HOSTS, newest)]
    rows: dict[tuple[str, int], list[str]] = {}
    for host in hosts:
        for place, minute in delivered[host].items():
            rows.setdefault((host[:_NAME], minute), []).append(place)
    told = [
        {"minute": render(Instant(minute)), "host": host, "to": places}
        for (host, minute), places in rows.items()
    ]
    return {"delivered": told}


def _sample(
    hop: Hop, failure_class: FailureClass, provider: str, sample: Sample
) -> _Body:
    body: _Body = {
        "hop": hop,
        "class": failure_class,
        "provider": provider,
        "at": render(sample.at),
        "text": sample.text,
    }
    for name in _OPTIONAL:
        said = getattr(sample, name)
        if said is not None:
            body[name] = said
    return body


def _contradiction(customer: int, contradiction: Contradiction, *, told: bool) -> _Body:
    body: _Body = {
        "customer": customer,
        "server": contradiction.server[:_NAME],
        "arrived_at": render(contradiction.arrived_at),
        "at": render(contradiction.at),
        "class": contradiction.failure_class,
        "text": contradiction.text if told else "",
    }
    optional = {"code": contradiction.code, "enhanced": contradiction.enhanced}
    return body | {k: v for k, v in optional.items() if v is not None}


def _to_activity(body: _Body) -> TenantActivity:
    activity = Activity(outcomes=int(body["outcomes"]), lag=body.get("least_lag_ms"))
    for passed in body["passed"]:
        counts = [int(passed["submission"]), int(passed["mx"]), int(passed["relay"])]
        activity.passed[_minute(passed["minute"]), passed["provider"]] = counts
    for failed in body["failed"]:
        key = Failed(
            _minute(failed["minute"]),
            _HOPS[failed["hop"]],
            failed["provider"],
            _class(failed),
            int(failed["customer"]),
        )
        activity.failed[key] = Weighed(
            float(failed["weight"]),
            int(failed["trials"]),
            int(failed["lag_seconds"]),
            failed.get("operator", ""),
            failed.get("host", ""),
        )
    for delivered in body.get("delivered", ()):
        minute = _minute(delivered["minute"])
        for place in delivered["to"]:
            places = activity.delivered.setdefault(delivered["host"], {})
            places[place] = max(minute, places.get(place, minute))
    for sample in body["samples"]:
        kind = (_HOPS[sample["hop"]], _class(sample), sample["provider"])
        activity.samples.setdefault(kind, []).append(_to_sample(sample))
    for told in body["contradicted"]:
        of = (told["server"], int(told["customer"]))
        activity.contradicted[of] = _to_contradiction(told)
    return TenantActivity(
        body["tenant_id"], int(body["partition"]), int(body["offset"]), activity
    )


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


def _to_contradiction(body: _Body) -> Contradiction:
    return Contradiction(
        arrived_at=_instant(body["arrived_at"]),
        at=_instant(body["at"]),
        customer="",
        server=body["server"],
        failure_class=_class(body),
        code=body.get("code"),
        enhanced=body.get("enhanced"),
        text=body["text"],
    )


def _class(body: _Body) -> FailureClass:
    """Answer a class; one that only a newer version knows is unknown here."""
    return _CLASSES.get(body["class"], FailureClass.UNKNOWN)


def _instant(text: str) -> Instant:
    at = parse(text)
    if at is None:
        message = "no RFC 3339 time"
        raise ValueError(message)
    return at


_minute = lru_cache(maxsize=4096)(_instant)
"""The same of what is said again and again."""
