"""Alerts as on-call tools see them, on `mail.alerts.v1`.

One record for each change, the same key for life. Members that may be missing
are null when the contract names them for every alert, else left out.
"""

from typing import Any, NamedTuple

import orjson

from streams.core.failure import FailureClass
from streams.core.instant import Instant, parse, render
from streams.core.sample import Sample
from streams.core.spike import wording
from streams.core.spike.alert import MISMATCH, Alert, Kind, Severity
from streams.core.spike.fleet import Hosts
from streams.core.spike.incident import Scope, Turn
from streams.wire import own
from streams.wire.envelope import Envelope, Outgoing
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import Topic

SCHEMA = "alert.v1"
SOURCE = "/mailflag/spikes"
_NAME = 255
_HOSTS = 10

_Body = dict[str, Any]
TYPES = {
    Turn.OPENED: "alert-opened",
    Turn.CHANGED: "alert-updated",
    Turn.RESOLVED: "alert-resolved",
}
_CLASSES = {c.value: c for c in FailureClass}


class PublishedAlert(NamedTuple):
    """What the service itself reads of an alert again."""

    type: str
    key: str
    kind: Kind
    severity: Severity
    revision: int
    opened_at: Instant
    resolved_at: Instant | None
    parent: str | None
    tenant_id: str | None
    scope: Scope
    provider: str | None
    cause: str
    classes: dict[FailureClass, int]
    """Customers by the class that they fail with."""
    customers: int
    body: dict[str, Any]
    """The whole alert."""

    @property
    def open(self) -> bool:
        """Whether it is not resolved."""
        return self.resolved_at is None


def record(alert: Alert) -> Outgoing:
    """Answer the record of an alert."""
    key = alert.key.encode()
    kind = TYPES[alert.turn]
    envelope = Envelope(
        SOURCE, f"mailflag.{kind}.v1", key, alert.revision, alert.at, SCHEMA
    )
    return Outgoing(Topic.ALERTS, key, encode(alert), envelope.headers())


def encode(alert: Alert) -> bytes:
    """Write an alert as the value of a record."""
    body: _Body = {
        "type": TYPES[alert.turn],
        "key": alert.key,
        "kind": alert.kind,
        "severity": alert.severity,
        "revision": alert.revision,
        "at": render(alert.at),
        "opened_at": render(alert.opened_at),
        "resolved_at": None if alert.resolved_at is None else render(alert.resolved_at),
        "evidence_from": render(alert.evidence_from),
        "last_seen_at": render(alert.last_seen_at),
        "parent": alert.parent,
        "tenant_id": alert.tenant_id,
        "scope": alert.scope,
        "provider": None if alert.provider is None else alert.provider[:_NAME],
        "cause": alert.cause_word,
        "side": alert.side,
        "causes": [
            {"class": failure_class, "customers": customers}
            for failure_class, customers in alert.causes
        ],
        "customers_failing": alert.customers,
        "mails_failed": alert.failed,
        "mails_reached": alert.reached,
        "share": round(alert.share, 4),
        "baseline": round(alert.base, 4),
        "tenants": alert.tenants,
        "samples": [_sample(sample) for sample in alert.samples],
        "hosts": [host[:_NAME] for host in alert.involved[:_HOSTS]],
        "summary": wording.summary(alert),
        "where_to_check": wording.where_to_check(alert),
        "what_to_do": wording.what_to_do(alert),
    }
    if alert.hop is not None:
        body["hop"] = alert.hop
    if alert.peer is not None:
        body["peer"] = alert.peer
    if alert.children:
        body["children"] = list(alert.children)
    if alert.hosts.failing:
        body |= _hosts(alert.hosts)
    if alert.ratio is not None and alert.threshold is not None:
        body["likelihood_ratio"] = round(alert.ratio, 2)
        body["likelihood_threshold"] = round(alert.threshold, 2)
    return orjson.dumps(body)


def decode(value: bytes | None) -> PublishedAlert | Reject:
    """Read a value of the alerts topic."""
    return own.read(value, SCHEMA, _to_alert)


def read(key: bytes, value: bytes | None) -> PublishedAlert | Reject:
    """Read a record of the alerts topic; under another key it is none of ours."""
    alert = decode(value)
    if not isinstance(alert, Reject) and alert.key.encode() != key:
        return Reject(RejectReason.SCHEMA_VIOLATION, "key: mismatch")
    return alert


def _to_alert(body: _Body) -> PublishedAlert:
    resolved_at = body.get("resolved_at")
    classes = {
        _CLASSES[cause["class"]]: int(cause["customers"])
        for cause in body.get("causes", ())
        if cause["class"] in _CLASSES
    }
    return PublishedAlert(
        type=body["type"],
        key=body["key"],
        kind=Kind(body["kind"]),
        severity=Severity(body["severity"]),
        revision=int(body["revision"]),
        opened_at=_instant(body["opened_at"]),
        resolved_at=None if resolved_at is None else _instant(resolved_at),
        parent=body.get("parent"),
        tenant_id=body.get("tenant_id"),
        scope=Scope(body["scope"]),
        provider=body.get("provider"),
        cause=body["cause"],
        classes=classes,
        customers=int(body.get("customers_failing", 0)),
        body=body,
    )


def _hosts(hosts: Hosts) -> _Body:
    return {
        "failures_by_host": [
            {"host": host, "mails": mails} for host, mails in hosts.failing[:_HOSTS]
        ],
        "mails_traced": hosts.traced,
        "hosts_delivering": list(hosts.delivering[:_HOSTS]),
    }


def _sample(sample: Sample) -> _Body:
    body: _Body = {"at": render(sample.at), "text": sample.text}
    optional = {
        "code": sample.code,
        "enhanced": sample.enhanced,
        "peer": sample.peer,
        "host": sample.host,
        "template_id": sample.template_id,
    }
    return body | {k: v for k, v in optional.items() if v is not None}


def _instant(text: str) -> Instant:
    at = parse(text)
    if at is None:
        message = "no RFC 3339 time"
        raise ValueError(message)
    return at


__all__ = ["MISMATCH", "PublishedAlert", "decode", "encode", "read", "record"]
