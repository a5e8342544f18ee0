"""Many tenants' incidents to as few pages as there are faults.

A tenant's incident is paged unless a parent explains it: a crowd of tenants in
the same trouble at once, or a provider that refuses the mail of several. Nothing
flows back to the tenants.
"""

from collections.abc import Iterable, Sequence

from streams.core.activity import Hop
from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike.alert import Alert
from streams.core.spike.blame import kin
from streams.core.spike.case import Case, Waiting
from streams.core.spike.crowd import Crowd
from streams.core.spike.incident import Incident, Turn
from streams.core.spike.parent import Parent, explained, remembered
from streams.core.spike.pools import Finding, Pools
from streams.core.spike.siblings import (
    begun,
    failing_everywhere,
    lied_about,
    one_fault,
    parts,
    siblings,
    waits_until,
    woken_for,
)
from streams.core.spike.taken import Taken
from streams.core.spike.telling import (
    customers_by_class,
    mismatch_alert,
    parent_alert,
    tenant_alert,
)
from streams.core.spike.verdict import Verdict
from streams.core.spike.word import Digest


class Rollup:
    """All open incidents and parents; one for all tenants."""

    __slots__ = (
        *("_alerts", "_now", "cases", "crowd", "parents", "pools"),
        *("taken", "waiting"),
    )

    def __init__(self) -> None:
        """Start empty."""
        self.crowd = Crowd()
        self.pools = Pools()
        self.cases: dict[str, Case] = {}
        self.waiting: dict[str, Waiting] = {}
        self.parents: list[Parent] = []
        self.taken = Taken()
        self._alerts: list[Alert] = []
        self._now = Instant(0)

    def step(self, digests: Sequence[Digest], now: Instant) -> list[Alert]:
        """Take in what partitions told, do what is due, and say what came of it."""
        self._now, self._alerts = now, []
        for digest in digests:
            self._hear(digest)
        for key in [k for k, w in self.waiting.items() if w.until <= now]:
            # Placing the one before may have made a parent that covers this one, too.
            waited, case = self.waiting.pop(key, None), self.cases.get(key)
            if waited and case and case.failures >= waited.failures:
                self._place(case, waited=True)
        for provider in self.pools.due(now):
            self._look(provider)
        for parent in self._open():
            if now >= parent.checked_at + cal.CHECK_EVERY:
                parent.checked_at = now
                self._check(parent)
        self.crowd.forget(now)
        self.parents = remembered(self.parents, now)
        return self._alerts

    def wake_at(self) -> Instant | None:
        """Say when a step without news is wanted."""
        due = [waited.until for waited in self.waiting.values()]
        due += [parent.checked_at + cal.CHECK_EVERY for parent in self._open()]
        return Instant(min(due)) if due else None

    def _open(self) -> list[Parent]:
        return [parent for parent in self.parents if parent.resolved_at is None]

    def _hear(self, digest: Digest) -> None:
        now = self._now
        self.crowd.greet(digest.greetings, now)
        self.pools.hear(digest, now)
        words = sorted(digest.words, key=lambda word: word.tenant_id)
        for word in words:
            for parent in self._open():
                if word.tenant_id in parent.children:
                    parent.hear(word, now)
            if word.failed:
                self.crowd.note(word.tenant_id, word.suspicion, now)
            for key in word.heard:
                if key in self.cases:
                    self.cases[key].failures += 1
        for word in words:
            for verdict in word.verdicts:
                self._take(verdict)
            for mismatch in word.mismatches:
                of = lied_about(mismatch.tenant_id, self.cases.values())
                self._alerts.append(mismatch_alert(mismatch, parent=of, at=now))

    def _take(self, verdict: Verdict) -> None:
        """Note what a tenant says of an incident."""
        incident, key = verdict.incident, verdict.incident.key
        case = self.cases.get(key)
        if case is None:
            if verdict.turn is Turn.RESOLVED:
                return
            case = self.cases[key] = Case(incident, verdict.figures)
            self._place(case, waited=False)
            return
        was = case.incident
        moved = (was.cause, was.provider) != (incident.cause, incident.provider)
        case.incident, case.figures = incident, verdict.figures
        if verdict.turn is Turn.RESOLVED:
            del self.cases[key]
            self.waiting.pop(key, None)
            for other in [c for c in self.cases.values() if c.parent == key]:
                self.waiting.setdefault(other.incident.key, other.orphaned(self._now))
        elif moved and self._alone(case) and self._joins(case):
            return
        if case.told:
            self._tell(case, verdict.turn)
        if moved and case.told and case.parent is None:
            for part in parts(incident, self.cases.values()):
                self._tell_as(part, key)

    def _place(self, case: Case, *, waited: bool) -> None:
        """Decide who is told of an incident: a parent's page may cover it."""
        incident, now = case.incident, self._now
        self.crowd.fell(incident, now)
        if self._joins(case):
            return
        straggles = any(parent.covers(case.fault) for parent in self.parents)
        if straggles and not waited:
            self.waiting[incident.key] = case.orphaned(now)
            return
        kind = kin(incident.cause)
        paged, active = explained(self.parents, kind), self.crowd.active
        alike = siblings(incident, self.cases.values(), paged, now)
        crowd = self.crowd.gather(kind, paged, now)
        if crowd := crowd or one_fault(incident, alike, active):
            self._join(case, self._raise_crowd(incident, crowd))
            return
        if finding := self.pools.company(incident):
            self._join(case, self._raise_finding(finding))
            return
        woken = woken_for(alike, active)
        if woken is not None and (until := waits_until(incident, woken)) > now:
            self.waiting[incident.key] = Waiting(until, 0)
            self._tell_as(case, woken.incident.key)
            return
        company = len(self.crowd.peers(kind, now, cal.CROWD_WINDOW)) > 1
        if company and woken is None and not waited:  # for the others, once
            self.waiting[incident.key] = Waiting(now + cal.COMPANY, 0)
            return
        self._tell_as(case, None)

    def _joins(self, case: Case) -> bool:
        """Make an incident a child, if an open parent is its fault."""
        for parent in reversed(self._open()):
            if parent.covers(case.fault):
                self._join(case, parent)
                return True
        return False

    def _alone(self, case: Case) -> bool:
        """Say whether no parent covers an incident, though another may."""
        return case.parent not in {parent.key for parent in self.parents}

    def _join(self, case: Case, parent: Parent) -> None:
        parent.adopt(case.incident.tenant_id, case.incident.hop)
        self.waiting.pop(case.incident.key, None)
        self._tell_as(case, parent.key)

    def _tell_as(self, case: Case, parent: str | None) -> None:
        """Tell of an incident, with its parent if it has one."""
        turn = Turn.CHANGED if case.told else Turn.OPENED
        if not case.told or case.parent != parent:
            case.told, case.parent = True, parent
            self._tell(case, turn)

    def _tell(self, case: Case, turn: Turn) -> None:
        now, told = self._now, case.verdict(turn)
        case.revision = revision = max(case.revision + 1, now)
        alert = tenant_alert(told, parent=case.parent, revision=revision, at=now)
        self._alerts.append(alert)

    def _raise_crowd(self, incident: Incident, tenants: list[str]) -> Parent:
        cause, provider = self.crowd.trouble(tenants)
        if incident.provider not in {None, provider}:
            provider = None  # two operators refuse
        since = begun(tenants, kin(incident.cause), self.cases.values())
        parent = Parent.at(self._now, since or self._now, cause, provider)
        self._raise(parent, tenants)
        return parent

    def _raise(self, parent: Parent, tenants: Iterable[str]) -> None:
        for tenant_id in tenants:
            suspect = self.crowd.suspects.get(tenant_id)
            parent.adopt(tenant_id, suspect.trouble.hop if suspect else Hop.MX)
        self.parents.append(parent)
        recent = self._now - cal.TWIN
        young = [c for c in self.cases.values() if c.incident.opened_at > recent]
        covered = [case for case in young if parent.covers(case.fault)]
        for case in covered:
            parent.adopt(case.incident.tenant_id, case.incident.hop)
        self._tell_parent(parent, Turn.OPENED, covered)
        for case in covered:
            self._join(case, parent)

    def _tell_parent(
        self, parent: Parent, turn: Turn, cases: Sequence[Case] | None = None
    ) -> None:
        parent.revision = max(parent.revision + 1, self._now)
        children = self._children(parent) if cases is None else cases
        verdicts = [case.verdict(turn) for case in children]
        parent.most = customers_by_class(parent, [v.figures for v in verdicts])
        alert = parent_alert(parent, turn, verdicts, self._now)
        parent.told_at, parent.told = self._now, (alert.customers, alert.tenants)
        self._alerts.append(alert)

    def _children(self, parent: Parent) -> list[Case]:
        return [case for case in self.cases.values() if case.parent == parent.key]

    def _outdated(self, parent: Parent) -> bool:
        """Say whether what was told of a parent is no longer how bad it is."""
        children = self._children(parent)
        parent.most = customers_by_class(parent, [case.figures for case in children])
        hit = parent.most.total(), len(parent.children)
        told_anew_at = parent.told_anew_at(hit)
        return told_anew_at is not None and self._now >= told_anew_at

    def _check(self, parent: Parent) -> None:
        now = self._now
        parent.settle(now)
        if (parent.young(now) and parent.refine()) or self._outdated(parent):
            self._tell_parent(parent, Turn.CHANGED)
        if not parent.over(now):
            return
        parent.resolved_at = now
        self._tell_parent(parent, Turn.RESOLVED)
        parent.close()
        for key, case in self.cases.items():
            told_alone = case.told and case.parent is None
            if case.incident.tenant_id in parent.children and not told_alone:
                self.waiting[key] = case.orphaned(now)

    def _look(self, provider: str) -> None:
        names = provider, self.pools.operator(provider)
        known = any(p.explains(name) for p in self._open() for name in names)
        own = failing_everywhere(filter(self._alone, self.cases.values()))
        finding = self.pools.look(provider, self._now, explained=known, besides=own)
        if finding is None:
            return
        for parent in self._open():
            twin = self._now - parent.opened_at < cal.TWIN
            if twin and kin(parent.cause) == kin(finding.cause):
                parent.widen()
                self._tell_parent(parent, Turn.CHANGED)
                return
        self._raise_finding(finding)

    def _raise_finding(self, finding: Finding) -> Parent:
        provider, votes = self.pools.reach(finding)
        parent = Parent.at(self._now, finding.since, finding.cause, provider)
        parent.found(finding, votes)
        if provider is not None:
            parent.recall(self.pools.history(finding, self._now))
        self.pools.by_provider[finding.provider].forget()
        self._raise(parent, sorted({tenant for tenant, _ in votes}))
        return parent
