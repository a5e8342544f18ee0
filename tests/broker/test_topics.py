"""`mailflag topics` on a real Kafka."""

import json
import subprocess
import sys
import uuid

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from streams.adapters.kafka_admin import require_topics
from streams.errors import ConfigurationError
from streams.settings import Settings
from streams.wire import contract

pytestmark = pytest.mark.broker


@pytest.fixture
def prefix():
    """A namespace of the test's own, since the broker is everybody's."""
    return f"t{uuid.uuid4().hex[:8]}."


@pytest.fixture
def topics(broker, prefix):
    """Run `mailflag topics ...` in that namespace: exit code, lines, errors."""

    def run(*arguments):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "streams.cli.main", "topics", *arguments),
                *("--bootstrap-servers", broker.address, "--topic-prefix", prefix),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, lines, done.stderr

    return run


@pytest.fixture
def settings(broker, prefix):
    return Settings(bootstrap_servers=broker.address, topic_prefix=prefix)


def states(lines):
    return {line["state"] for line in lines}


def create(broker, name, partitions, **config):
    admin = AdminClient({"bootstrap.servers": broker.address})
    settings = {name.replace("_", "."): value for name, value in config.items()}
    new = NewTopic(name, partitions, 1, config=settings)
    for made in admin.create_topics([new]).values():
        made.result()


def partitions(broker, name):
    admin = AdminClient({"bootstrap.servers": broker.address})
    return len(admin.list_topics(timeout=10).topics[name].partitions)


def test_what_is_applied_passes_the_check_and_is_not_made_twice(topics, settings):
    expected = len(contract.manifests()) + len(list(contract.changelogs("mailflag")))
    code, lines, _ = topics("check")
    assert (code, states(lines), len(lines)) == (1, {"missing"}, expected)
    with pytest.raises(ConfigurationError, match="run `mailflag topics apply`"):
        require_topics(settings)
    code, lines, _ = topics("apply")
    assert (code, states(lines), len(lines)) == (0, {"created"}, expected)
    for command in ("apply", "check"):
        code, lines, _ = topics(command)
        assert (code, states(lines), len(lines)) == (0, {"ok"}, expected)
    require_topics(settings)


def test_a_dry_run_creates_nothing(topics):
    code, lines, _ = topics("apply", "--dry-run")
    assert (code, states(lines)) == (0, {"would-create"})
    code, lines, _ = topics("check")
    assert (code, states(lines)) == (1, {"missing"})


def test_partitions_are_as_asked_for_and_equal_where_they_must_be(
    topics, broker, prefix
):
    code, _, _ = topics("apply", "--partitions", "4", "--replication-factor", "1")
    assert code == 0
    for name in ("mailflag.evidence.v1", "mailflag-flags-changelog"):
        assert partitions(broker, prefix + name) == 4
    assert partitions(broker, f"{prefix}mail.alerts.v1") == 1
    assert topics("check", "--partitions", "4")[0] == 0
    assert topics("check")[0] == 0
    code, lines, _ = topics("check", "--partitions", "8")
    assert code == 1
    assert {"partitions"} == {x["setting"] for x in lines if x["state"] == "differs"}


def test_what_differs_is_shown_and_left_alone(topics, broker, prefix, settings):
    name = f"{prefix}mail.send-attempts.v1"
    create(broker, name, 2)
    code, lines, _ = topics("apply")
    assert code == 1
    differing = [line for line in lines if line["state"] == "differs"]
    assert differing == [
        {
            "topic": name,
            "state": "differs",
            "setting": "message.timestamp.type",
            "expected": "LogAppendTime",
            "found": "CreateTime",
        }
    ]
    assert partitions(broker, name) == 2
    with pytest.raises(ConfigurationError, match=r"message\.timestamp\.type is Create"):
        require_topics(settings)


def test_a_changelog_that_does_not_fit_the_evidence_is_shown(topics, broker, prefix):
    create(broker, f"{prefix}mailflag.evidence.v1", 3)
    changelog = f"{prefix}mailflag-flags-changelog"
    create(broker, changelog, 5, cleanup_policy="compact")
    code, lines, _ = topics("apply")
    assert code == 1
    wrong = [
        x for x in lines if x["topic"] == changelog and x["setting"] == "partitions"
    ]
    assert [(x["expected"], x["found"]) for x in wrong] == [("3", "5")]
    assert partitions(broker, f"{prefix}mail.address-flags.v1") == 3


def test_what_the_broker_refuses_is_one_line_with_a_way_out(topics):
    code, lines, error = topics("apply", "--replication-factor", "3")
    assert (code, lines) == (2, [])
    assert len(error.splitlines()) == 1
    assert "--replication-factor" in error
