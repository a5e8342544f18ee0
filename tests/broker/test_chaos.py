"""A short run of many faults at once; `make chaos` does the long ones."""

import pytest
from chaos import Chaos, Plan
from fault_proxy import FaultProxy

pytestmark = pytest.mark.broker

FAULTS = ["kill", "stop", "lose", "cut", "broker", "step"]
"""kill -9, SIGSTOP beyond the session time-out, answers that never come, connections
that break, kill -9 of the broker, and a clock that is set."""
PLAN = Plan(
    seed=7,
    seconds=30,
    calm=10,
    rate=100,
    people=150,
    incident_every=10,
    incidents=1,
)


@pytest.fixture
def chaos(fragile):
    with FaultProxy(fragile.proxy_port, fragile.proxied_port) as proxy:
        one = Chaos(fragile, proxy, PLAN)
        yield one
        one.close()


def test_whatever_strikes_nothing_is_lost_invented_repeated_or_told_twice(chaos):
    chaos.run(FAULTS)
    chaos.settle()
    chaos.resolve()
    found = chaos.judge()
    violations = chaos.violations
    assert not violations, (violations, chaos.struck, chaos.keep_traces(found))
    assert set(chaos.struck) == set(FAULTS)
