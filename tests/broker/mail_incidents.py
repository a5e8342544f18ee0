"""The incidents of a run: tenants that are struck, and what must be told of each.

Each is opened once and resolved once, under the cause that it has, and Alertmanager
knows of it what the topic says. Of two tenants with one kind of fault the second is
part of the first one's incident, for a while or for good, and of no other.
"""

from collections.abc import Sequence

from confluent_kafka import KafkaException
from mail_deployment import Deployment
from mail_traffic import Traffic
from pager import Pager
from stricken_tenant import FAULTS, Phase, StrickenTenant

from streams.adapters.notice import EXPIRY
from streams.core.instant import Instant
from streams.wire import alert as alert_wire
from streams.wire.alert import PublishedAlert
from streams.wire.topic import Topic

ONCE = ["alert-opened", "alert-resolved"]
REACTION = 5.0
"""Seconds in which workers look at their clock and say what it changes."""
REPEATED_MS = (EXPIRY.total_seconds() + REACTION) * 1000
"""How much later than its end Alertmanager may take an alert for over: a worker that
had not heard of the end may have told of it as open once more."""
KINDS = ((0, 1, 2), (0, 1, 0), (1, 2, 2), (2, 2, 0))
"""Faults of the stricken tenants of a run. Three with one fault would be told as one
incident of the platform."""


class Incidents:
    """Strikes tenants, mends what ails them, and hears what is told."""

    def __init__(
        self,
        deployment: Deployment,
        traffic: Traffic,
        pager: Pager,
        kinds: Sequence[int],
    ) -> None:
        self.pager = pager
        self.tenants: list[StrickenTenant] = []
        self._deployment = deployment
        self._traffic = traffic
        self._kinds = kinds

    def begin(self, now: int) -> None:
        """Strike the next tenant, if there is one left."""
        number = len(self.tenants)
        if number < len(self._kinds):
            fault = FAULTS[self._kinds[number]]
            tenant = StrickenTenant(number, fault, now)
            self.tenants.append(tenant)
            self._deployment.send(self._traffic.publish(tenant.fails()))

    def mend(self, now: int) -> None:
        """Let the tenants whose incident has been told of send mail again."""
        waiting = [one for one in self.tenants if one.phase is Phase.BEGUN]
        try:
            turns = self.turns() if waiting else {}
        except (KafkaException, TimeoutError):
            return  # struck
        for tenant in waiting:
            if turns[tenant.id]:
                tenant.phase = Phase.OPEN
                mail = tenant.works_again(now)
                self._deployment.send(self._traffic.publish(mail))

    @property
    def untold(self) -> list[str]:
        """The tenants of whose incident nothing has been told."""
        return [one.id for one in self.tenants if one.phase is Phase.BEGUN]

    @property
    def are_over(self) -> bool:
        return all("alert-resolved" in turns for turns in self.turns().values())

    def turns(self) -> dict[str, list[str]]:
        """Answer which turns were told of each tenant, but for updates."""
        turns: dict[str, list[str]] = {one.id: [] for one in self.tenants}
        causes = {one.id: one.fault.cause for one in self.tenants}
        for alert in self._alerts():
            if alert.tenant_id in turns and alert.type != "alert-updated":
                right = alert.cause == causes[alert.tenant_id]
                what = "" if right else f" {alert.cause}"
                turns[alert.tenant_id].append(alert.type + what)
        return turns

    def not_once(self) -> dict[str, list[str]]:
        """Answer the tenants of which more or less was told than one incident."""
        return {who: turns for who, turns in self.turns().items() if turns != ONCE}

    def strange_parents(self) -> dict[str, list[str]]:
        """Answer the tenants that were called part of what they are no part of."""
        alerts = self._alerts()
        keys = {alert.tenant_id: alert.key for alert in alerts}
        strange = {}
        for number, one in enumerate(self.tenants):
            told = {a.parent for a in alerts if a.tenant_id == one.id and a.parent}
            older = self.tenants[:number]
            right = {keys.get(o.id) for o in older if o.fault is one.fault}
            if told - right:
                strange[one.id] = sorted(told - right)
        return strange

    def differing(self, now: int) -> set[str]:
        """Answer the alerts that are open here, but not there."""
        there = {key for key, end in self.pager.ends().items() if end > now}
        return there ^ {key for key, one in self._newest().items() if one.open}

    def unknown_ends(self) -> list[str]:
        """Answer the incidents of which Alertmanager does not know when they ended.

        The workers' clocks are ahead of its own, and of two ends in the future it
        keeps the later one: that of the last repetition before.
        """
        ends, ours = self.pager.ends(), {one.id for one in self.tenants}
        return [
            key
            for key, alert in self._newest().items()
            if alert.tenant_id in ours
            and alert.resolved_at is not None
            and not 0 <= ends.get(key, Instant(0)) - alert.resolved_at <= REPEATED_MS
        ]

    def _newest(self) -> dict[str, PublishedAlert]:
        return {alert.key: alert for alert in self._alerts()}

    def _alerts(self) -> list[PublishedAlert]:
        """Answer all that was told of incidents, in order."""
        rows = self._deployment.tails[Topic.ALERTS].read()
        told = [alert_wire.decode(row.value) for row in rows]
        return [alert for alert in told if isinstance(alert, PublishedAlert)]
