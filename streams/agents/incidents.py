"""The incidents of each tenant, as the alerts topic tells every worker.

Flags ask for every piece of evidence, so the answer is looked up; of the alerts only
those are read again that have changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.policy import OpenIncident
from streams.core.spike.alert import Kind
from streams.engine.bulletin import Bulletin
from streams.wire import alert as alert_wire
from streams.wire.alert import PublishedAlert
from streams.wire.reject import Reject
from streams.wire.topic import Topic

_SHARE = 5
"""A class that fewer than a fifth of the customers fail with is chance."""


def _alerts() -> Bulletin:
    return Bulletin(Topic.ALERTS)


@dataclass(slots=True)
class OpenIncidents:
    """Answers which incidents of a tenant are open now."""

    bulletin: Bulletin = field(default_factory=_alerts)
    _revision: int = field(default=-1, init=False)
    _read: dict[bytes, PublishedAlert | Reject] = field(
        default_factory=dict, init=False
    )
    """Key -> the alert if it is open, or why it cannot be read."""
    _over: dict[str, Instant] = field(default_factory=dict, init=False)
    """Key -> when it was resolved."""
    _by_tenant: dict[str, tuple[OpenIncident, ...]] = field(
        default_factory=dict, init=False
    )

    def of(self, tenant_id: str) -> tuple[OpenIncident, ...]:
        """Answer a tenant's open incidents."""
        if self._revision != self.bulletin.revision:
            self._look()
        return self._by_tenant.get(tenant_id, ())

    def resolved_at(self, key: str) -> Instant | None:
        """Answer when an incident was resolved; None while it is open or unknown."""
        if self._revision != self.bulletin.revision:
            self._look()
        return self._over.get(key)

    def alerts(self) -> Iterator[PublishedAlert]:
        """Go through all open alerts."""
        if self._revision != self.bulletin.revision:
            self._look()
        found = self._read.values()
        return (alert for alert in found if isinstance(alert, PublishedAlert))

    def unreadable(self) -> int:
        """Answer how many alerts cannot be read: whether they are open is unknown."""
        if self._revision != self.bulletin.revision:
            self._look()
        return sum(isinstance(alert, Reject) for alert in self._read.values())

    def _look(self) -> None:
        """Read what has changed on the bulletin."""
        self._revision = self.bulletin.revision
        for key in self.bulletin.take_changed():
            self._forget(key)
            value = self.bulletin.get(key)
            if value is not None:
                self._take(key, value)

    def _forget(self, key: bytes) -> None:
        self._over.pop(_text(key), None)
        alert = self._read.pop(key, None)
        if not isinstance(alert, PublishedAlert) or not alert.tenant_id:
            return
        found = self._by_tenant.pop(alert.tenant_id, ())
        rest = tuple(incident for incident in found if incident.key != alert.key)
        if rest:
            self._by_tenant[alert.tenant_id] = rest

    def _take(self, key: bytes, value: bytes) -> None:
        """Keep an alert if it is open; note when it was resolved if it is not."""
        alert = alert_wire.read(key, value)
        if isinstance(alert, PublishedAlert) and alert.resolved_at is not None:
            self._over[alert.key] = alert.resolved_at
            return
        self._read[key] = alert
        if isinstance(alert, Reject) or not alert.tenant_id:
            return
        if alert.kind is Kind.SPIKE:
            incident = OpenIncident(alert.key, _classes(alert), alert.opened_at)
            found = (*self._by_tenant.get(alert.tenant_id, ()), incident)
            ordered = sorted(found, key=lambda i: (i.opened_at, i.key))
            self._by_tenant[alert.tenant_id] = tuple(ordered)


def _text(key: bytes) -> str:
    return key.decode(errors="replace")


def _classes(alert: PublishedAlert) -> frozenset[FailureClass]:
    """Answer the classes that the incident shows as, without chance ones."""
    counts = alert.classes
    enough = sum(counts.values()) / _SHARE
    named = {c for c, customers in counts.items() if customers >= enough}
    return frozenset(named | {c for c in counts if c == alert.cause})
