"""A real Prometheus that scrapes real workers on a real Kafka fed with the demo's day.

The workers tell a real Alertmanager of the incident that is open in it.
"""

import asyncio
import shutil
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "broker"))

from alertmanager_server import PROGRAM as ALERTMANAGER
from alertmanager_server import AlertmanagerServer
from demo_day import CUSTOMERS, STRICKEN, DemoDay
from kafka_broker import KafkaBroker, KafkaMissing
from mail_deployment import Deployment
from prometheus_server import PrometheusServer


@pytest.fixture(scope="session")
def broker():
    """A Kafka for the whole session; the tests are skipped where there is none."""
    one = KafkaBroker()
    try:
        one.start()
    except KafkaMissing as missing:
        pytest.skip(f"no Kafka: {missing}")
    yield one
    one.close()


@pytest.fixture(scope="session")
def prometheus_program():
    found = shutil.which("prometheus")
    if found is None:
        pytest.skip("prometheus is not installed")
    return found


class Scene:
    """Two workers with their hands full, who watches them, and whom they tell."""

    def __init__(self, kafka, program):
        self.deployment = Deployment(kafka)
        self.alertmanager = AlertmanagerServer()
        told = {"log_level": "info", "alertmanager_urls": self.alertmanager.url}
        self.workers = [self.deployment.start(**told) for _ in range(2)]
        asyncio.run(self.alertmanager.start())
        for worker in self.workers:
            worker.wait_ready()
        ports = [worker.port for worker in self.workers]
        self.prometheus = PrometheusServer(program, ports)
        self.traffic = DemoDay(seed=1, now=int(time.time() * 1000))

    def play(self):
        """Publish the day so far, and wait until Prometheus can draw lines of it."""
        asked = "min(count_over_time(mailflag_transaction_seconds_count[1m])) > 20"
        seen = self.deployment.play(
            self.traffic, lambda: self.prometheus.ask(asked), limit=90
        )
        assert seen, "Prometheus has not seen the workers at work"
        # All of its customers are flagged, and the alert that opened with the first
        # of them has said how many more they have become.
        incident = (
            f'mailflag_alert_customers{{tenant="{STRICKEN}"}} >= 50 and on() '
            'sum(mailflag_flag_changes_total{class="submission_auth_failed"})'
            f" >= {CUSTOMERS}"
        )
        told = self.deployment.play(
            self.traffic, lambda: self.prometheus.ask(incident), limit=120
        )
        assert told, self.prometheus.ask("mailflag_alert_customers")

    def close(self):
        self.prometheus.close()
        self.deployment.close()
        self.alertmanager.close()


@pytest.fixture(scope="session")
def scene(broker, prometheus_program):
    if shutil.which(ALERTMANAGER) is None:
        pytest.skip(f"{ALERTMANAGER} is not installed")
    one = Scene(broker.address, prometheus_program)
    try:
        one.play()
        yield one
    finally:
        one.close()
