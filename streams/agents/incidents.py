"""The incidents of each tenant, as the alerts topic tells every worker.

Flags ask for every piece of evidence, so the answer is looked up; the alerts are
read again only when one has changed.
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
    _read: dict[bytes, tuple[bytes, PublishedAlert | Reject | None]] = field(
        default_factory=dict, init=False
    )
    """Key -> value, and the alert if it is open, or why it cannot be read."""
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
        found = (alert for _, alert in self._read.values())
        return (alert for alert in found if isinstance(alert, PublishedAlert))

    def unreadable(self) -> int:
        """Answer how many alerts cannot be read: whether they are open is unknown."""
        if self._revision != self.bulletin.revision:
            self._look()
        return sum(isinstance(alert, Reject) for _, alert in self._read.values())

    def _look(self) -> None:
        """Read what has changed on the bulletin."""
        self._revision = self.bulletin.revision
        read = {}
        for key, value in self.bulletin.items():
            old = self._read.get(key)
            if old is None or old[0] != value:
                old = value, self._take(key, value)
            read[key] = old
        for key in self._read.keys() - read.keys():
            self._over.pop(_text(key), None)
        self._read = read
        by_tenant: dict[str, list[OpenIncident]] = {}
        for _, alert in read.values():
            if not isinstance(alert, PublishedAlert) or not alert.tenant_id:
                continue
            if alert.kind is not Kind.SPIKE:
                continue
            incident = OpenIncident(alert.key, _classes(alert), alert.opened_at)
            by_tenant.setdefault(alert.tenant_id, []).append(incident)
        self._by_tenant = {
            tenant_id: tuple(sorted(found, key=lambda i: (i.opened_at, i.key)))
            for tenant_id, found in by_tenant.items()
        }

    def _take(self, key: bytes, value: bytes) -> PublishedAlert | Reject | None:
        """Answer an alert if it is open; note when it was resolved if it is not."""
        self._over.pop(_text(key), None)
        alert = alert_wire.read(key, value)
        if isinstance(alert, Reject) or alert.resolved_at is None:
            return alert
        self._over[alert.key] = alert.resolved_at
        return None


def _text(key: bytes) -> str:
    return key.decode(errors="replace")


def _classes(alert: PublishedAlert) -> frozenset[FailureClass]:
    """Answer the classes that the incident shows as, without chance ones."""
    counts = alert.classes
    enough = sum(counts.values()) / _SHARE
    named = {c for c, customers in counts.items() if customers >= enough}
    return frozenset(named | {c for c in counts if c == alert.cause})
