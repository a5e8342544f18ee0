"""What cannot work is refused at the start: one clear line, exit 2, no group joined."""

import os
import subprocess

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from kafka_broker import free_port
from mail_deployment import MAILFLAG, Deployment, wait_for

from streams.engine.exits import ExitCode
from streams.wire import contract
from streams.wire.topic import Topic

NO_KAFKA = 69
"""As every command exits that finds no Kafka."""

pytestmark = pytest.mark.ops


def refused(*options, **variables):
    """Run a worker that must not start; answer its exit code and its only line."""
    ran = subprocess.run(
        [MAILFLAG, "worker", *options],
        env={**os.environ, **variables},
        check=False,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert ran.stdout == ""
    lines = ran.stderr.splitlines()
    assert len(lines) == 1, ran.stderr
    assert lines[0].startswith("mailflag: ")
    return ran.returncode, lines[0]


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("MAILFLAG_WEB_PORT", "80000", ["MAILFLAG_WEB_PORT", "65535"]),
        ("MAILFLAG_BOOTSTRAP_SERVERS", "kafka", ["'kafka'", "host:port"]),
        ("MAILFLAG_WEBPORT", "6066", ["not a setting", "MAILFLAG_WEB_PORT"]),
        ("MAILFLAG_SECURITY_PROTOCOL", "SASL_SSL", ["sasl_username"]),
        ("MAILFLAG_SASL_PASSWORD_FILE", "no-such-file", ["no-such-file"]),
        ("MAILFLAG_POLICY_FILE", "no-such-file", ["no-such-file"]),
    ],
)
def test_a_wrong_setting_is_named_with_its_problem(variable, value, told):
    code, line = refused(**{variable: value, "MAILFLAG_CHECK_TOPICS": "false"})
    assert code == ExitCode.CONFIGURATION
    assert all(part in line for part in told), line


def test_a_secret_is_not_repeated_when_it_is_wrong(tmp_path):
    file = tmp_path / "key"
    file.write_bytes(b"swordfish\xff")
    _, line = refused(MAILFLAG_SASL_PASSWORD_FILE=str(file))
    assert "swordfish" not in line


def test_a_mistake_in_the_policy_is_named_with_its_line(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text('[default]\nclear_on = "never"\n')
    code, line = refused(f"--policy-file={file}", "--no-check-topics")
    assert code == ExitCode.CONFIGURATION
    assert "clear_on" in line
    assert "2" in line


def test_certificates_that_are_none_are_named(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    code, line = refused("--security-protocol=SSL", f"--ssl-ca-location={file}")
    assert code == ExitCode.CONFIGURATION
    assert "MAILFLAG_SSL" in line


def test_brokers_that_cannot_be_reached_are_named():
    port = free_port()
    code, line = refused(f"--bootstrap-servers=127.0.0.1:{port}")
    assert code == NO_KAFKA
    assert f"127.0.0.1:{port}" in line
    assert "MAILFLAG_BOOTSTRAP_SERVERS" in line


@pytest.fixture
def deployment(broker):
    one = Deployment(broker.address)
    yield one
    one.close()


@pytest.fixture
def admin(broker):
    return AdminClient({"bootstrap.servers": broker.address})


def changelog_of(deployment):
    """Answer the logical name of the flags table's changelog."""
    topics = [manifest.topic for manifest in contract.changelogs(deployment.app_id)]
    return next(topic for topic in topics if "flags" in topic)


def remade(admin, topic, partitions, settings):
    """Delete a topic and make it otherwise."""
    admin.delete_topics([topic])[topic].result(30)
    assert wait_for(lambda: topic not in admin.list_topics(timeout=10).topics, 30)
    made = admin.create_topics([NewTopic(topic, partitions, 1, config=settings)])
    made[topic].result(30)


def groups(admin):
    listed = admin.list_consumer_groups().result(30)
    return {group.group_id for group in listed.valid}


def refused_by(deployment, admin):
    worker = deployment.start()
    assert wait_for(lambda: not worker.alive, 60)
    lines = worker.text.splitlines()
    assert len(lines) == 1, worker.text
    assert deployment.app_id not in groups(admin)
    return worker.code, lines[0]


@pytest.mark.broker
def test_missing_topics_are_named(deployment, admin):
    topic = deployment.prefix + Topic.FLAG_COMMANDS
    admin.delete_topics([topic])[topic].result(30)
    assert wait_for(lambda: topic not in admin.list_topics(timeout=10).topics, 30)
    code, line = refused_by(deployment, admin)
    assert code == ExitCode.CONFIGURATION
    assert topic in line
    assert "mailflag topics apply" in line


@pytest.mark.broker
def test_a_wrong_number_of_partitions_is_named(deployment, admin):
    topic = deployment.prefix + changelog_of(deployment)
    settings = {"cleanup.policy": "compact"}
    remade(admin, topic, 7, settings)
    code, line = refused_by(deployment, admin)
    assert code == ExitCode.CONFIGURATION
    assert topic in line
    assert "7" in line
    assert str(deployment.counts[Topic.EVIDENCE]) in line


@pytest.mark.broker
@pytest.mark.parametrize("logical", [Topic.FLAGS, None], ids=["flags", "changelog"])
def test_a_wrong_cleanup_policy_is_named(deployment, admin, logical):
    logical = logical or changelog_of(deployment)
    topic = deployment.prefix + logical
    remade(admin, topic, deployment.counts[logical], {"cleanup.policy": "delete"})
    code, line = refused_by(deployment, admin)
    assert code == ExitCode.CONFIGURATION
    assert topic in line
    assert "cleanup.policy" in line
    assert "compact" in line


@pytest.mark.broker
def test_a_port_that_is_taken_is_named(deployment):
    worker = deployment.start(web_host="127.0.0.1")
    worker.wait_ready()
    other = subprocess.run(
        [
            *(MAILFLAG, "worker", f"--web-port={worker.port}"),
            *(f"--{n}={v}" for n, v in deployment.options().items()),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert other.returncode != 0
    assert str(worker.port) in other.stderr
