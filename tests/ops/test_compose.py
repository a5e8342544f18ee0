"""The compose file's Kafka without Docker: set up by the image's own code, and run.

In the image `kafka.docker.KafkaDockerWrapper`, which is part of Kafka, makes the
server's properties of the environment; here it does so with the same environment,
but for the addresses and the folder.
"""

import os
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from kafka_broker import KafkaMissing, artefacts, free_port

COMPOSE = Path(__file__).parents[2] / "docker-compose.kafka.yml"
WRAPPER = "kafka.docker.KafkaDockerWrapper"
OF_THE_IMAGE = {"CLUSTER_ID", "KAFKA_HEAP_OPTS"}
"""What its scripts use; all else is for the wrapper."""
START_LIMIT = 60.0

pytestmark = [pytest.mark.ops, pytest.mark.broker]


@pytest.fixture(scope="module")
def service():
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["kafka"]


@pytest.fixture(scope="module")
def java(service):
    _, _, version = service["image"].partition(":")
    try:
        return ["java", "-cp", f"{artefacts(version)}/*"]
    except KafkaMissing as missing:
        pytest.skip(f"no Kafka: {missing}")


@pytest.fixture(scope="module")
def environment(service, tmp_path_factory):
    """Answer the environment, with free ports and a folder of this machine."""
    inside, outside, controller = (f"127.0.0.1:{free_port()}" for _ in range(3))
    places = (
        ("kafka:19092", inside),
        ("kafka:29093", controller),
        ("127.0.0.1:9092", outside),
        ("//:19092", f"//{inside}"),
        ("//:29093", f"//{controller}"),
        ("//:9092", f"//{outside}"),
        ("/var/lib/kafka/data", str(tmp_path_factory.mktemp("data"))),
    )
    told = {}
    for name, value in service["environment"].items():
        text = str(value)
        for place, here in places:
            text = text.replace(place, here)
        told[name] = text
    return told


@pytest.fixture(scope="module")
def properties(java, environment, tmp_path_factory):
    """Answer the server's properties as the image makes them, once formatted."""
    ours, mounted, made = (tmp_path_factory.mktemp(n) for n in ("d", "m", "f"))
    (ours / "server.properties").write_text("process.roles=broker,controller\n")
    for name in ("log4j2.yaml", "tools-log4j2.yaml"):
        (ours / name).touch()
    where = {"default": ours, "mounted": mounted, "final": made}
    folders = [f"--{kind}-configs-dir={folder}" for kind, folder in where.items()]
    done = subprocess.run(
        [*java, WRAPPER, "setup", *folders],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return made / "server.properties"


def pairs(properties):
    lines = properties.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def name_of(variable):
    """Answer the property that a variable stands for."""
    return variable.removeprefix("KAFKA_").lower().replace("_", ".")


@pytest.fixture(scope="module")
def broker(java, environment, properties):
    """A Kafka with these properties; answers where clients outside find it."""
    heap = environment["KAFKA_HEAP_OPTS"].split()
    kafka = subprocess.Popen(
        [java[0], *heap, *java[1:], "kafka.Kafka", str(properties)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield wait_for_address(environment, kafka)
    finally:
        kafka.kill()
        kafka.wait()


def wait_for_address(environment, kafka):
    _, _, address = environment["KAFKA_ADVERTISED_LISTENERS"].rpartition("OUTSIDE://")
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end and kafka.poll() is None:
        try:
            admin.list_topics(timeout=1)
        except KafkaException:
            continue
        return address
    error = f"Kafka does not answer at {address}: exit code {kafka.poll()}"
    raise AssertionError(error)


def test_every_variable_becomes_a_property(environment, properties):
    wanted = {
        name_of(variable): value
        for variable, value in environment.items()
        if variable not in OF_THE_IMAGE
    }
    assert wanted.items() <= pairs(properties).items()


def test_the_folder_is_formatted_with_the_cluster_id(environment, properties):
    folder = Path(pairs(properties)["log.dirs"])
    written = (folder / "meta.properties").read_text(encoding="utf-8")
    assert f"cluster.id={environment['CLUSTER_ID']}" in written


def test_the_broker_knows_every_property(broker, environment):
    admin = AdminClient({"bootstrap.servers": broker, "log_level": 0})
    asked = ConfigResource(ResourceType.BROKER, "1")
    told = admin.describe_configs([asked])[asked].result(10)
    # What a broker has no definition of, it keeps to itself like a password.
    known = {name for name, entry in told.items() if not entry.is_sensitive}
    names = {name_of(v) for v in environment if v not in OF_THE_IMAGE}
    assert names - known == set()


def test_a_client_outside_is_told_the_address_that_it_can_reach(broker):
    admin = AdminClient({"bootstrap.servers": broker, "log_level": 0})
    (one,) = admin.list_topics(timeout=10).brokers.values()
    assert f"{one.host}:{one.port}" == broker
