"""Logins, certificates and rights end to end, and what a refused worker says."""

import re
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from kafka_broker import KafkaMissing, free_port
from mail_deployment import MAILFLAG, Deployment, wait_for
from mail_incident import ExpiredPassword
from mail_traffic import Sending, Traffic
from secure_kafka import PASSWORD, USER, Certificates, SecureKafka

from streams.engine.exits import ExitCode
from streams.wire.topic import Topic

ROOT = Path(__file__).parents[2]
OPERATING = ROOT / "docs" / "operating.md"
ALERT = ROOT / "schemas" / "examples" / "alert" / "v1" / "opened-for-a-tenant.json"
ROW = re.compile(
    r"^\| (?P<who>\w+) \| (?P<kind>\w+) \| (?P<pattern>\w+) \| `(?P<name>[^`]+)` \|"
    r" (?P<operations>[\w, ]+) \|$",
    re.MULTILINE,
)

UNAVAILABLE_AT_START = 69
"""As every command exits that finds no Kafka."""

pytestmark = [pytest.mark.ops, pytest.mark.broker]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def kafka(certificates):
    one = SecureKafka(certificates)
    try:
        one.start()
    except KafkaMissing as missing:
        pytest.skip(f"no Kafka: {missing}")
    if not one.can_be_hurt:
        one.close()
        pytest.skip("the broker is not a process of the tests")
    one.add_user()
    yield one
    one.close()


def documented(deployment, who="worker"):
    """Answer the rights that the documentation gives to a worker or another."""
    text = OPERATING.read_text(encoding="utf-8")
    rows = [row for whose, *row in ROW.findall(text) if whose == who]
    assert rows
    for kind, pattern, told, operations in rows:
        name = told.replace("<prefix>", deployment.prefix)
        name = name.replace("<app id>", deployment.app_id)
        for operation in operations.split(", "):
            yield kind, pattern, name, operation


@pytest.fixture
def deploy(kafka):
    made = []

    def make(port, *, allowed=documented):
        one = Deployment(kafka.address, workers_kafka=f"127.0.0.1:{port}")
        made.append(one)
        kafka.allow(allowed(one))
        return one

    yield make
    for one in made:
        one.close()


@pytest.fixture
def secret(tmp_path, monkeypatch):
    """Let the password stand in a file."""
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    monkeypatch.setenv("MAILFLAG_SASL_PASSWORD_FILE", str(file))
    return file


def works(deployment, **options):
    """Let a worker process mail; all that was sent must have come through."""
    worker = deployment.start(**options).wait_ready()
    traffic = Traffic(5, now=int(time.time() * 1000), people=50)
    deployment.send(traffic.take(200))
    deployment.send(traffic.poisons())
    deployment.settle()
    assert worker.stop() == ExitCode.OK


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_worker_logs_in_with_a_password(kafka, deploy, secret, mechanism):
    works(
        deploy(kafka.password_port),
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism=mechanism,
        sasl_username=USER,
    )


def test_a_worker_logs_in_with_a_password_inside_tls(
    kafka, deploy, secret, certificates
):
    works(
        deploy(kafka.password_tls_port),
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username=USER,
        ssl_ca_location=certificates.path("ca.pem"),
    )


def test_a_worker_shows_its_certificate(kafka, deploy, certificates):
    works(
        deploy(kafka.certificate_port),
        security_protocol="SSL",
        ssl_ca_location=certificates.path("ca.pem"),
        ssl_certificate_location=certificates.path("worker.pem"),
        ssl_key_location=certificates.path("worker.key"),
    )


def implied(used):
    """Leave out what reading or writing includes."""
    stronger = {(kind, name) for kind, name, op in used if op in {"READ", "WRITE"}}
    return {one for one in used if one[2] != "DESCRIBE" or one[:2] not in stronger}


def test_a_worker_needs_the_documented_rights_and_uses_every_one(kafka, deploy, secret):
    deployment = deploy(kafka.password_port)
    login = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_username": USER,
    }
    now = int(time.time() * 1000)
    traffic = Traffic(5, now=now, people=50)
    worker = deployment.start(**login).wait_ready()
    deployment.send(traffic.poisons())
    deployment.send(traffic.publish(ExpiredPassword(now).events()))
    internal = (Topic.EVIDENCE, Topic.TENANT_ACTIVITY, Topic.SPIKE_DIGESTS)
    deployment.send(Sending(topic, b"t", b"poison", [], 0, None) for topic in internal)
    alerts = deployment.tails[Topic.ALERTS]
    assert wait_for(lambda: deployment.flush() or alerts.read(), 60)
    assert worker.stop() == ExitCode.OK
    deployment.start(**login).wait_ready()  # which reads what the first has written
    ours = (deployment.prefix, deployment.app_id)
    denied = {one for one in kafka.audited("Denied") if one[1].startswith(ours)}
    assert denied == set()
    used = {one for one in kafka.audited("Allowed") if one[1].startswith(ours)}
    given = list(documented(deployment))
    unused = [
        (kind, pattern, name, operation)
        for kind, pattern, name, operation in given
        if not any(
            used_kind == kind
            and (
                used_name.startswith(name)
                if pattern == "prefixed"
                else used_name == name
            )
            and used_operation.replace("_", "") == operation.upper()
            for used_kind, used_name, used_operation in implied(used)
        )
    ]
    assert unused == []


@pytest.fixture
def notifier(secret):
    """Start `mailflag notify` with a password; answer its process and web port."""
    started = []

    def start(deployment, kafka_port):
        port = free_port()
        options = {
            **deployment.options(),
            "bootstrap-servers": f"127.0.0.1:{kafka_port}",
            "security-protocol": "SASL_PLAINTEXT",
            "sasl-mechanism": "PLAIN",
            "sasl-username": USER,
            "alertmanager-urls": f"http://127.0.0.1:{free_port()}",
            "web-port": port,
        }
        for other in ("session-timeout-seconds", "transaction-timeout-seconds"):
            options.pop(other)
        words = [f"--{name}={value}" for name, value in options.items()]
        started.append(subprocess.Popen([str(MAILFLAG), "notify", *words]))
        return port

    yield start
    for process in started:
        process.kill()
        process.wait()


def is_ready(port):
    try:
        url = f"http://127.0.0.1:{port}/readyz"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def test_the_notifier_needs_the_documented_right_and_no_other(kafka, deploy, notifier):
    deployment = deploy(
        kafka.password_port, allowed=lambda one: documented(one, "notifier")
    )
    topic = deployment.prefix + Topic.ALERTS
    deployment.send([Sending(Topic.ALERTS, b"k", ALERT.read_bytes(), [], 0, None)])
    deployment.flush()
    port = notifier(deployment, kafka.password_port)
    assert wait_for(lambda: is_ready(port), 30)
    ours = (deployment.prefix, deployment.app_id)
    allowed = {one for one in kafka.audited("Allowed") if one[1].startswith(ours)}
    assert implied(allowed) == {("Topic", topic, "READ")}
    assert not any(one[1].startswith(ours) for one in kafka.audited("Denied"))


def refused(deployment, **options):
    """Run a worker that must not start; answer its exit code and its only line."""
    worker = deployment.start(**options)
    assert wait_for(lambda: not worker.alive, 60)
    lines = worker.text.splitlines()
    assert len(lines) == 1, worker.text
    return worker.code, lines[0]


def test_a_wrong_password_is_one_line_with_the_settings_to_look_at(
    kafka, deploy, secret
):
    secret.write_text("wrong horse")
    code, line = refused(
        deploy(kafka.password_port),
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username=USER,
    )
    assert code == ExitCode.CONFIGURATION
    assert "MAILFLAG_SASL_" in line
    assert "wrong horse" not in line


def test_a_broker_that_nobody_we_trust_has_signed_is_one_line(
    kafka, deploy, secret, certificates
):
    code, line = refused(
        deploy(kafka.password_tls_port),
        security_protocol="SASL_SSL",
        sasl_username=USER,
        ssl_ca_location=certificates.path("stranger.pem"),
    )
    assert code == ExitCode.CONFIGURATION
    assert "MAILFLAG_SSL_CA_LOCATION" in line


def test_a_missing_client_certificate_is_one_line(kafka, deploy, certificates):
    code, line = refused(
        deploy(kafka.certificate_port),
        security_protocol="SSL",
        ssl_ca_location=certificates.path("ca.pem"),
    )
    assert code in {ExitCode.CONFIGURATION, UNAVAILABLE_AT_START}
    assert line.startswith("mailflag: Kafka at 127.0.0.1:")


def test_a_user_who_may_see_no_topic_is_told_so(kafka, deploy, secret):
    code, line = refused(
        deploy(kafka.password_port, allowed=lambda _: []),
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username=USER,
    )
    assert code == ExitCode.CONFIGURATION
    assert "may not see" in line
    assert "mailflag topics apply" in line


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("Group", {ExitCode.COORDINATION_FAILED}),
        ("TransactionalId", {ExitCode.OPEN_FAILED, ExitCode.OUTPUT_REFUSED}),
    ],
)
def test_a_right_that_is_missing_ends_the_worker_and_is_named(
    kafka, deploy, secret, missing, expected
):
    def allowed(deployment):
        return [right for right in documented(deployment) if right[0] != missing]

    worker = deploy(kafka.password_port, allowed=allowed).start(
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username=USER,
    )
    assert wait_for(lambda: not worker.alive, 90), worker.text[-2000:]
    assert worker.code in expected, worker.text[-2000:]
    (failure,) = worker.said("worker_failed")
    assert "uthorization" in str(failure)
