"""TLS and SASL, on every connection that a worker has: Faust's and the engine's."""

import shutil
import subprocess

import pytest
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka_broker import KafkaBroker, KafkaMissing
from oracle import Flow
from worker_process import wait_for

from streams.engine.exits import ExitCode

pytestmark = pytest.mark.broker

USER, PASSWORD = "worker", "correct horse"
ITERATIONS = 4096


def make_certificate(folder):
    """Make a key and a certificate for the loopback address."""
    certificate = folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", folder / "key.pem", "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate


class SecureBroker(KafkaBroker):
    """A broker whose second listener speaks SASL over TLS only."""

    def __init__(self, folder):
        super().__init__(heap="512m")
        self.certificate, keys = make_certificate(folder), folder / "keys.pem"
        keys.write_text((folder / "key.pem").read_text() + self.certificate.read_text())
        self.proxy_port = self.proxied_port
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        self._settings |= {
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,PROXIED:SASL_SSL,CONTROLLER:PLAINTEXT"
            ),
            "listener.name.proxied.ssl.keystore.type": "PEM",
            "listener.name.proxied.ssl.keystore.location": str(keys),
            "listener.name.proxied.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.proxied.scram-sha-512.sasl.jaas.config": scram,
        }

    def know(self, user, password):
        """Let a user in."""
        credential = UserScramCredentialUpsertion(
            user,
            ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS),
            password.encode(),
        )
        admin = AdminClient({"bootstrap.servers": self.address})
        for done in admin.alter_user_scram_credentials([credential]).values():
            done.result(20)


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    broker = SecureBroker(tmp_path_factory.mktemp("tls"))
    try:
        broker.start()
    except KafkaMissing as missing:
        pytest.skip(f"no Kafka: {missing}")
    if not broker.can_be_hurt:
        pytest.skip("the broker is not a process of the tests")
    broker.know(USER, PASSWORD)
    yield broker
    broker.close()


@pytest.fixture
def told(secure):
    """What a worker must be told to be let in."""
    return {
        "protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": USER,
        "sasl_password": PASSWORD,
        "cafile": str(secure.certificate),
    }


@pytest.fixture
def secure_flow(secure):
    return Flow(secure.address, inputs={"attempts": 2})


def start(worker, flow, secure, security):
    return worker(flow, f"127.0.0.1:{secure.proxied_port}", security=security)


def test_a_worker_that_the_broker_knows_works_over_tls(
    secure, secure_flow, worker, told
):
    one = start(worker, secure_flow, secure, told).wait_ready()
    (topic,) = secure_flow.inputs
    for number in range(50):
        key = b"tenant/user%d@mail.example" % number
        secure_flow.forward(topic, key, b"set x", number % 2)
    secure_flow.flush()
    wait_for(lambda: one.state["tallies"] == {"forwarded": 50, "set": 50})
    assert one.state["tallies"] == {"forwarded": 50, "set": 50}
    assert PASSWORD not in one.text
    assert one.stop() == ExitCode.OK


def test_a_wrong_password_is_a_configuration_error(secure, secure_flow, worker, told):
    one = start(worker, secure_flow, secure, {**told, "sasl_password": "wrong"})
    assert one.wait() == ExitCode.CONFIGURATION
    assert "SASL" in one.said("worker_failed")[-1]["reason"]


def test_a_certificate_that_nobody_vouches_for_is_a_configuration_error(
    secure, secure_flow, worker, told, tmp_path
):
    stranger = make_certificate(tmp_path)
    one = start(worker, secure_flow, secure, {**told, "cafile": str(stranger)})
    assert one.wait() == ExitCode.CONFIGURATION
    assert "SSL" in one.said("worker_failed")[-1]["reason"]
