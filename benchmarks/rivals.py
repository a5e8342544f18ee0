"""What people use today to be told that mail is broken, as they would set it up.

Each is fed the same classified outcomes as the detector, by tenant, in order of
arrival: failures that stay (final ones, reports) and, where a rule can tell, the
share of those whose class is the sender's side. Their constants are those that did best
on the development seed at 200 mails a day: recall and precision against quiet plays
that page and pages an incident.
"""

# ruff: noqa: ANN001, ANN201, ANN204, PLR2004 - a script of figures

import math
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple


class Outcome(NamedTuple):
    """One classified outcome."""

    at: float
    tenant: str
    provider: str
    failed: bool
    cause: str


class Page(NamedTuple):
    """One page of a detector, with all that it said."""

    tenant: str | None
    opened: float
    resolved: float | None
    scope: str
    provider: str | None
    cause: str


@dataclass
class Minutes:
    """Counts of one tenant by minute, and its open page."""

    counts: deque = field(default_factory=deque)
    """(minute, outcomes, failures)."""
    recent: deque = field(default_factory=lambda: deque(maxlen=64))
    page: Page | None = None
    level: float = 0.0
    spread: float = 0.0
    seen: int = 0
    quiet: int = 0


class Rival:
    """Keeps pages; a rule decides at the end of each minute with mail."""

    name = ""

    def __init__(self):
        self.tenants = {}
        self.pages = []

    def hear(self, outcome):
        state = self.tenants.setdefault(outcome.tenant, Minutes())
        minute = int(outcome.at // 60)
        if not state.counts or state.counts[-1][0] != minute:
            if state.counts:
                self.decide(outcome.tenant, state, state.counts[-1][0])
            state.counts.append([minute, 0, 0])
            while state.counts[0][0] < minute - 360:
                state.counts.popleft()
        state.counts[-1][1] += 1
        if outcome.failed:
            state.counts[-1][2] += 1
            state.recent.append(outcome)

    def end(self):
        for tenant, state in self.tenants.items():
            if state.counts:
                self.decide(tenant, state, state.counts[-1][0])
            if state.page:
                self.pages.append(state.page)

    def window(self, state, minute, minutes):
        rows = [row for row in state.counts if row[0] > minute - minutes]
        return sum(row[1] for row in rows), sum(row[2] for row in rows)

    def set(self, tenant, state, minute, on):
        now = (minute + 1) * 60.0
        if on and state.page is None:
            causes = Counter(one.cause for one in state.recent)
            providers = Counter(one.provider for one in state.recent)
            provider, most = providers.most_common(1)[0]
            scope = "provider" if most >= 0.8 * len(state.recent) else "tenant"
            state.page = Page(
                tenant,
                now,
                None,
                scope,
                provider if scope == "provider" else None,
                causes.most_common(1)[0][0],
            )
        elif not on and state.page is not None:
            self.pages.append(state.page._replace(resolved=now))
            state.page = None

    def decide(self, tenant, state, minute):
        """Page or not when a minute is over; who decides at each outcome does not."""


class BurnRate(Rival):
    """Multi-window, multi-burn-rate alerts on an objective of 97 % (SRE workbook)."""

    name = "SRE burn rate 97 %"
    budget, least = 0.03, 10

    def decide(self, tenant, state, minute):
        on = False
        for long, short, factor in ((60, 5, 14.4), (360, 30, 6.0)):
            trials, failures = self.window(state, minute, long)
            lately, failing = self.window(state, minute, short)
            on = on or (
                failures >= self.least
                and failures / trials > factor * self.budget
                and failing / max(1, lately) > factor * self.budget
            )
        self.set(tenant, state, minute, on)


class Threshold(Rival):
    """More than 20 % of an hour's mail fails, and at least 3 mails do."""

    name = "20 % of an hour"
    share, least = 0.2, 3

    def decide(self, tenant, state, minute):
        trials, failures = self.window(state, minute, 60)
        self.set(
            tenant,
            state,
            minute,
            failures >= self.least and failures > self.share * trials,
        )


class Ewma(Rival):
    """The failing share of a span is 3 sigma above its moving average."""

    name = "EWMA 3 sigma"
    sigmas, least, alpha, width = 3, 3, 0.02, 60

    def decide(self, tenant, state, minute):
        if minute // self.width == state.seen:
            return
        trials, failures = self.window(state, minute, self.width)
        share = failures / max(1, trials)
        sigma = math.sqrt(max(state.spread, state.level / max(1, trials), 1e-5))
        high = (share - state.level) / sigma
        learnt, state.seen = state.seen > 0, minute // self.width
        if learnt and high > self.sigmas and failures >= self.least:
            self.set(tenant, state, minute, on=True)
        state.quiet = state.quiet + 1 if high < 1.5 else 0
        if state.quiet >= 3:
            self.set(tenant, state, minute, on=False)
        if state.page is None:
            off = share - state.level
            state.level += self.alpha * off
            state.spread = (1 - self.alpha) * (state.spread + self.alpha * off * off)


class MessageCusum(Rival):
    """A CUSUM of messages, 2 % against 30 %, with the threshold that did best."""

    name = "message CUSUM"
    threshold = 36.0
    _up, _down = math.log(0.3 / 0.02), math.log(0.98 / 0.7)

    def hear(self, outcome):
        state = self.tenants.setdefault(outcome.tenant, Minutes())
        if outcome.failed:
            state.recent.append(outcome)
            state.level = min(self.threshold + 6, state.level + self._up)
        else:
            state.level = max(0.0, state.level - self._down)
        minute = int(outcome.at // 60)
        if state.level >= self.threshold:
            self.set(outcome.tenant, state, minute, on=True)
        elif not state.level:
            self.set(outcome.tenant, state, minute, on=False)

    def end(self):
        self.pages += [s.page for s in self.tenants.values() if s.page]


ALL = (BurnRate, Threshold, Ewma, MessageCusum)
