"""What an incident tells of hosts, from its first failure to its end."""

import pytest

from streams.core.activity import MINUTE, Activity, Hop, Trial
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike.detector import step, wake_at
from streams.core.spike.incident import Scope, Turn
from streams.core.spike.snapshot import dump, load
from streams.core.spike.tenant import Tenant

START = Instant(1_767_571_200_000)
BLOCKED = FailureClass.SENDER_BLOCKED
PROVIDERS = ("google", "yahoo", "isp.test")


class Pool:
    """A tenant with three hosts, of whose mail to some providers some is refused."""

    def __init__(self, *, put_away=False):
        self.tenant, self.now, self.put_away = Tenant("t-1", START), START, put_away
        self.said = []

    def minutes(self, count, *, hosts=(), providers=PROVIDERS):
        """Let each host send to each provider; the named ones are refused there."""
        for _ in range(count):
            self.now = Instant(self.now + MINUTE)
            activity = Activity()
            for host in ("app1", "app2", "app3"):
                for provider in PROVIDERS:
                    if host in hosts and provider in providers:
                        activity.add(self.refused(host, provider))
                    else:
                        now = self.now
                        activity.accept(now, now, provider, Hop.MX, host)
            self.step(activity)

    def step(self, activity):
        self.said += step(self.tenant, activity, self.now).verdicts
        wanted = wake_at(self.tenant)
        if wanted is not None and wanted <= self.now:
            self.said += step(self.tenant, None, self.now).verdicts
        if self.put_away:
            self.tenant = load(dump(self.tenant))

    def refused(self, host, provider):
        return Trial(
            arrived_at=self.now,
            at=self.now,
            tried_at=self.now,
            customer=f"{host}-{provider}-{self.now}",
            provider=provider,
            hop=Hop.MX,
            reported=False,
            attempt=1,
            final=True,
            failure_class=BLOCKED,
            known=True,
            counted=None,
            through=host,
        )


@pytest.mark.parametrize("put_away", [False, True])
def test_a_host_that_one_provider_blocks_is_told_from_those_that_it_takes(put_away):
    pool = Pool(put_away=put_away)
    pool.minutes(120)
    pool.minutes(45, hosts=["app2"], providers=["google"])
    last = pool.said[-1]
    assert last.incident.scope is Scope.PROVIDER
    failed = last.figures.failed
    assert last.figures.hosts == ((("app2", failed),), failed, ("app1", "app3"), 1)
    assert pool.said[0].figures.hosts.delivering == ("app1", "app3")


def test_what_another_provider_takes_does_not_speak_for_one_that_blocks_all_hosts():
    pool = Pool()
    pool.minutes(120)
    pool.minutes(45, hosts=["app1", "app2", "app3"], providers=["google"])
    for told in pool.said:
        assert {host for host, _ in told.figures.hosts.failing} == {
            "app1",
            "app2",
            "app3",
        }
        assert told.figures.hosts.delivering == ()


def test_failures_that_came_to_nothing_name_no_host_of_a_later_incident():
    pool = Pool()
    pool.minutes(60)
    pool.minutes(1, hosts=["app3"])
    pool.minutes(240)
    pool.minutes(20, hosts=["app1"])
    assert [host for host, _ in pool.said[0].figures.hosts.failing] == ["app1"]


def test_when_it_works_again_nobody_is_told_that_others_deliver():
    pool = Pool()
    pool.minutes(120)
    pool.minutes(30, hosts=["app2"])
    pool.minutes(120)
    last = pool.said[-1]
    assert last.turn is Turn.RESOLVED
    assert last.figures.hosts.failing == (("app2", 90),)
    assert last.figures.hosts.delivering == ()
