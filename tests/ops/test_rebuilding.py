"""A table is rebuilt as docs/operating.md says, and says the same as before."""

import json
import subprocess
import time

import pytest
from confluent_kafka.admin import AdminClient
from mail_deployment import MAILFLAG, Deployment, wait_for
from mail_traffic import Traffic

from streams.engine.exits import ExitCode
from streams.wire import contract
from streams.wire.topic import Topic

pytestmark = [pytest.mark.ops, pytest.mark.broker]


@pytest.fixture
def deployment(broker):
    one = Deployment(broker.address)
    yield one
    one.close()


def newest(deployment):
    """Answer what subscribers know of each address, but for the incident.

    An incident that has opened since is open for evidence that is read again.
    """
    known = {}
    for row in deployment.tails[Topic.FLAGS].read():
        flag = row.value and json.loads(row.value)
        known[row.key] = flag and tuple(
            flag[member] for member in ("since", "class", "side", "last_failure_at")
        )
    return known


def test_a_lost_table_is_rebuilt_from_the_evidence(deployment, broker):
    worker = deployment.start().wait_ready()
    traffic = Traffic(41, now=int(time.time() * 1000), people=100)
    deployment.send(traffic.take(1500))
    deployment.settle()
    before = newest(deployment)
    told = len(deployment.tails[Topic.FLAG_CHANGES].read())
    assert len([value for value in before.values() if value]) > 20
    assert worker.stop() == ExitCode.OK

    topic = next(
        deployment.prefix + manifest.topic
        for manifest in contract.changelogs(deployment.app_id)
        if manifest.partitions_of == Topic.EVIDENCE
    )
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.delete_topics([topic])[topic].result(30)
    assert wait_for(lambda: topic not in admin.list_topics(timeout=10).topics, 30)
    subprocess.run(
        [
            *(MAILFLAG, "topics", "apply", "--bootstrap-servers", broker.address),
            *("--topic-prefix", deployment.prefix, "--app-id", deployment.app_id),
        ],
        check=True,
        capture_output=True,
    )

    rebuilt = deployment.start().wait_ready()
    standing = sum(value is not None for value in before.values())

    def counted():
        return sum(rebuilt.metric("mailflag_flags_standing").values())

    assert wait_for(lambda: counted() == standing, 60), (counted(), standing)
    # The gauge is of memory, and may be ahead of what is committed.
    changes = deployment.tails[Topic.FLAG_CHANGES]
    assert wait_for(lambda: len(changes.read()) > told, 30)
    assert wait_for(lambda: newest(deployment) == before, 30)
