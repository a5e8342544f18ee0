"""What Faust and aiokafka do wrong now and then ends the process, never silently."""

import pytest

from streams.engine.exits import ExitCode

pytestmark = pytest.mark.broker


@pytest.mark.parametrize(
    ("fault", "config", "code"),
    [
        ("seek_hangs", {"request_timeout": 2.0}, ExitCode.SEEK_FAILED),
        ("seek_cancelled", {}, ExitCode.SEEK_FAILED),
        ("opening_hangs", {"stall_limit": 3.0}, ExitCode.STALLED),
        ("opening_hangs", {"recovery_deadline": 3.0}, ExitCode.UNAVAILABLE),
        ("opening_cancelled", {}, ExitCode.OPEN_FAILED),
    ],
)
def test_a_worker_that_cannot_take_its_partitions_over_ends(
    flow, worker, fault, config, code
):
    flow.send(b"tenant/a@mail.example", b"set 1")
    flow.flush()
    assert worker(flow, fault=fault, config=config).wait() == code
    assert flow.left == 1
