"""An alert as Alertmanager is told it: labels for life, annotations for people.

Labels are identity there: another label is another alert. So they say what the
alert is and who must be woken; what moves while it is open, its cause, its scope
and its figures, is an annotation, and always about the newest evidence.
"""

from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from streams.core.instant import Instant, render
from streams.core.spike.alert import Kind
from streams.wire.alert import PublishedAlert

EXPIRY = timedelta(minutes=4)
"""A firing alert that is not repeated for so long is over for Alertmanager: four
repetitions, so that three may be lost, and less than the five minutes for which
an ended alert is told, so that what is no longer told is over either way."""
NAMES = {
    Kind.SPIKE: "MailflagIncident",
    Kind.PLATFORM_SPIKE: "MailflagPlatformIncident",
    Kind.RESPONSE_MISMATCH: "MailflagResponseMismatch",
}
"""The label `alertname` of each kind."""
TENANT = "{tenant}"
"""Stands in the dashboard's address for the tenant."""

Labels = tuple[tuple[str, str], ...]
_ONE = timedelta(milliseconds=1)
_PLAIN = ("summary", "where_to_check", "what_to_do", "cause", "side", "scope")
_OPTIONAL = ("provider", "hop", "peer", "parent")
_COUNTS = ("customers_failing", "mails_failed", "mails_reached", "tenants")
_TIMES = ("evidence_from", "last_seen_at", "resolved_at")


class Notice(NamedTuple):
    """One alert of Alertmanager: a set of labels, and what is known of it."""

    labels: Labels
    revision: int
    starts_at: Instant
    ended_at: Instant | None
    """None: it is firing."""
    annotations: dict[str, str]
    link: str
    """Where the dashboard shows it; empty: nowhere."""


def notice(alert: PublishedAlert, dashboard_url: str) -> Notice:
    """Answer the notice of an alert."""
    return Notice(
        labels(alert),
        alert.revision,
        alert.opened_at,
        alert.resolved_at,
        annotations(alert),
        link(alert, dashboard_url),
    )


def labels(alert: PublishedAlert) -> Labels:
    """Answer what identifies an alert.

    Two of them may change, together, when another alert begins or ceases to cover
    this one: `severity` and `incident`; the severity alone when the mail turns out to
    arrive. That is another alert for Alertmanager, as
    it must be, for somebody else is told or nobody. `incident` is the key of the
    alert that pages: the same for it and for all that it covers, so that one
    inhibition rule fits all.
    """
    said = {
        "alertname": NAMES[alert.kind],
        "incident": alert.parent or alert.key,
        "key": alert.key,
        "kind": alert.kind.value,
        "parent": alert.parent or "",
        "severity": alert.severity.value,
        "tenant": alert.tenant_id or "",
    }
    return tuple((name, value) for name, value in said.items() if value)


def annotations(alert: PublishedAlert) -> dict[str, str]:
    """Answer what a person is told of an alert; what is not known is left out."""
    body = alert.body
    said = {name: body.get(name) for name in (*_PLAIN, *_OPTIONAL, *_TIMES)}
    said |= {name: _number(body.get(name)) for name in _COUNTS}
    said |= {name: _percent(body.get(name)) for name in ("share", "baseline")}
    said["causes"] = ", ".join(
        f"{cause['class']}: {cause['customers']}" for cause in body.get("causes", ())
    )
    said["hosts"] = ", ".join(body.get("hosts", ()))
    said["hosts_delivering"] = ", ".join(body.get("hosts_delivering", ()))
    said["failures_by_host"] = ", ".join(
        f"{one['host']}: {one['mails']}" for one in body.get("failures_by_host", ())
    )
    said["covers"] = _number(len(body.get("children", ())) or None)
    said["samples"] = "\n".join(_sample(sample) for sample in body.get("samples", ()))
    said["likelihood"] = _likelihood(body)
    return {name: value for name, value in said.items() if value}


def link(alert: PublishedAlert, dashboard_url: str) -> str:
    """Answer the dashboard's address with the tenant filled in."""
    tenant = quote(alert.tenant_id or "", safe="")
    if not dashboard_url or TENANT in dashboard_url:
        return dashboard_url.replace(TENANT, tenant)
    # Grafana's own: a variable without a value would show nothing.
    joint = "&" if "?" in dashboard_url else "?"
    return f"{dashboard_url}{joint}var-tenant={tenant or '$__all'}"


def payload(told: Notice, now: Instant) -> dict[str, Any]:
    """Answer a notice as the API takes it (`postableAlert`, API v2).

    An end in the future would be firing, one before the start is refused, and with
    it perhaps others of the request; clocks and records may contain either.
    """
    if told.ended_at is None:
        ends_at = Instant(now + EXPIRY // _ONE)
    else:
        ends_at = min(told.ended_at, now)
    body: dict[str, Any] = {
        "labels": dict(told.labels),
        "annotations": told.annotations,
        "startsAt": render(told.starts_at),
        "endsAt": render(max(ends_at, told.starts_at)),
    }
    if told.link:
        body["generatorURL"] = told.link
    return body


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _likelihood(body: dict[str, Any]) -> str:
    ratio, threshold = body.get("likelihood_ratio"), body.get("likelihood_threshold")
    return "" if ratio is None or threshold is None else f"{ratio} of {threshold}"


def _sample(sample: dict[str, Any]) -> str:
    """Answer a server's answer as one line, with who gave it."""
    said = f"{sample['code']} {sample['text']}" if "code" in sample else sample["text"]
    where = f" ({sample['peer']})" if "peer" in sample else ""
    return " ".join(said.split()) + where
