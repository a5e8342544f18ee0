"""A real Kafka for tests, benchmarks and the demo: started, hurt and stopped here.

Where it comes from, in this order: a running broker named by
`MAILFLAG_TEST_KAFKA`; Apache Kafka's own artefacts through Maven, as one process
on free loopback ports; the Docker image `apache/kafka`; else `KafkaMissing` says
why there is none. Nothing is downloaded twice: the artefacts are kept in the
checkout under `.cache/kafka-<version>`.
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_VERSION = "4.1.1"
LOG4J_VERSION = "2.25.1"
START_LIMIT = 120.0
"""Seconds until a broker must answer; four are usual."""

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""

DEPENDENCY = """    <dependency>
      <groupId>{group}</groupId>
      <artifactId>{artifact}</artifactId>
      <version>{version}</version>
    </dependency>"""

LOGGING = """<Configuration status="warn">
  <Appenders>
    <File name="file" fileName="{log}">
      <PatternLayout pattern="%d{{ISO8601}} %p %c{{1}} %m%n"/>
    </File>
  </Appenders>
  <Loggers>
    <Root level="warn"><AppenderRef ref="file"/></Root>
  </Loggers>
</Configuration>
"""

SERVER = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{proxied},\
CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{proxy}
listener.security.protocol.map=\
PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={logs}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
log.cleaner.backoff.ms=1000
log.cleaner.dedupe.buffer.size=16777216
log.initial.task.delay.ms=1000
"""


class KafkaMissing(Exception):
    """There is no way to a broker on this machine; the message says why."""


def free_port() -> int:
    """Answer a loopback port that nothing listens on.

    Below the range from which outgoing connections get theirs: a port from that
    range may be taken by any of them while the broker is down.
    """
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def artefacts(version: str) -> Path:
    """Answer the folder with Kafka's jars, fetched through Maven when missing."""
    folder = CHECKOUT / ".cache" / f"kafka-{version}"
    libs = folder / "libs"
    if (folder / "complete").exists():
        return libs
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            message = f"no {tool} to run Kafka {version} with"
            raise KafkaMissing(message)
    parts = [
        ("org.apache.kafka", "kafka_2.13", version),
        ("org.apache.kafka", "kafka-tools", version),
        ("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J_VERSION),
        ("org.apache.logging.log4j", "log4j-core", LOG4J_VERSION),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    dependencies = "\n".join(
        DEPENDENCY.format(group=group, artifact=artifact, version=number)
        for group, artifact, number in parts
    )
    (folder / "pom.xml").write_text(POM.format(dependencies=dependencies))
    fetched = subprocess.run(
        [
            *("mvn", "-q", "-B", "dependency:copy-dependencies"),
            *("-DincludeScope=runtime", "-DoutputDirectory=libs"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if fetched.returncode:
        message = f"Maven cannot fetch Kafka {version}: {fetched.stdout[-400:]}"
        raise KafkaMissing(message)
    (folder / "complete").touch()
    return libs


class KafkaBroker:
    """One broker that can be started, killed, frozen and started again.

    `address` is where clients connect; `proxied` is a second listener that
    advertises `proxy_port`, for a fault proxy between workers and broker.
    """

    def __init__(
        self,
        version: str | None = None,
        *,
        heap: str = "768m",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare a broker of a version; `KAFKA_VERSION` is the default.

        `settings` go after the test's own into the server's properties.
        """
        self.version = version or os.environ.get("KAFKA_VERSION", DEFAULT_VERSION)
        self.port = free_port()
        self.proxied_port = free_port()
        self.proxy_port = free_port()
        self._controller_port = free_port()
        self._heap = heap
        self._settings = dict(settings or {})
        self._folder = Path(tempfile.mkdtemp(prefix="mailflag-kafka-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._container: str | None = None
        self._external = os.environ.get("MAILFLAG_TEST_KAFKA")

    def __enter__(self):
        """Start and be ready."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and leave nothing behind."""
        self.close()

    @property
    def address(self) -> str:
        """Bootstrap servers, as `host:port`."""
        return self._external or f"127.0.0.1:{self.port}"

    @property
    def can_be_hurt(self) -> bool:
        """Say whether the broker is a process of ours, to be killed and frozen."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Process id of the broker."""
        assert self._process is not None, "the broker is not a process of ours"
        return self._process.pid

    @property
    def logs(self) -> Path:
        """Folder of the topics' logs, if the broker is a process of ours."""
        return self._folder / "logs"

    def start(self) -> None:
        """Start the broker and wait until it answers."""
        if self._external is None and self._container is None:
            self._launch()
        self._wait_until_it_answers()

    def kill(self) -> None:
        """End the broker as a power cut would; `start` brings it back."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stop the broker's clock: connections stay, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen broker go on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Stop the broker and remove its logs."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.thaw()
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._container is not None:
            subprocess.run(["docker", "rm", "-f", self._container], check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self) -> None:
        try:
            libs = artefacts(self.version)
        except KafkaMissing as missing:
            self._launch_container(missing)
            return
        config = self._folder / "server.properties"
        java = ["java", "-cp", f"{libs}/*"]
        if not config.exists():
            self._format(java, config)
        options = [f"-Xmx{self._heap}", f"-Xms{self._heap}", "-XX:+UseSerialGC"]
        logging = f"-Dlog4j2.configurationFile=file:{self._folder / 'log4j2.xml'}"
        console = (self._folder / "console").open("ab")
        self._process = subprocess.Popen(
            [java[0], *options, *java[1:], logging, "kafka.Kafka", str(config)],
            stdout=console,
            stderr=console,
            start_new_session=True,
        )

    def _format(self, java: list[str], config: Path) -> None:
        log = self._folder / "log4j2.xml"
        log.write_text(LOGGING.format(log=self._folder / "kafka.log"))
        config.write_text(
            SERVER.format(
                port=self.port,
                proxied=self.proxied_port,
                proxy=self.proxy_port,
                controller=self._controller_port,
                logs=self.logs,
            )
            + "".join(f"{name}={value}\n" for name, value in self._settings.items())
        )
        tool = [*java, f"-Dlog4j2.configurationFile=file:{log}"]
        storage = [*tool, "kafka.tools.StorageTool"]
        cluster = subprocess.run(
            [*storage, "random-uuid"], capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        subprocess.run(
            [*storage, "format", "-t", cluster, "-c", str(config)],
            capture_output=True,
            check=True,
        )

    def _launch_container(self, missing: KafkaMissing) -> None:
        if shutil.which("docker") is None:
            message = f"{missing}; and no docker"
            raise KafkaMissing(message) from missing
        ports = f"127.0.0.1:{self.port}"
        environment = {
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_LISTENERS": f"PLAINTEXT://:{self.port},CONTROLLER://:29093",
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{ports}",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": (
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
            ),
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:29093",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        }
        settings = [f"-e{name}={value}" for name, value in environment.items()]
        started = subprocess.run(
            [
                *("docker", "run", "-d", "--rm", "-p", f"{ports}:{self.port}"),
                *settings,
                f"apache/kafka:{self.version}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if started.returncode:
            message = f"{missing}; and docker: {started.stderr.strip()[:200]}"
            raise KafkaMissing(message) from missing
        self._container = started.stdout.strip()

    def _wait_until_it_answers(self) -> None:
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            if self._process is not None and self._process.poll() is not None:
                break
            with contextlib.suppress(KafkaException):
                if admin.list_topics(timeout=1).brokers:
                    return
        console = self._folder / "console"
        told = console.read_text()[-800:] if console.exists() else ""
        message = f"Kafka at {self.address} does not answer {told}"
        raise KafkaMissing(message)
