"""A Prometheus of our own, with the rules that are published, scraping every second."""

import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import yaml
from kafka_broker import free_port

RULES = Path(__file__).parents[2] / "grafana" / "prometheus"
SCRAPED_EVERY = "1s"
START_LIMIT = 30.0


class PrometheusServer:
    """One process; its data goes with it."""

    def __init__(self, program, ports):
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="mailflag-prometheus-"))
        config = self._folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(self._config(ports)), encoding="utf-8")
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    f"--config.file={config}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--log.level=warn",
                ],
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready()

    @staticmethod
    def _config(ports):
        targets = [f"127.0.0.1:{port}" for port in ports]
        return {
            "global": {
                "scrape_interval": SCRAPED_EVERY,
                "evaluation_interval": SCRAPED_EVERY,
            },
            "rule_files": [str(RULES / "recording.yml"), str(RULES / "alerts.yml")],
            "scrape_configs": [
                {"job_name": "mailflag", "static_configs": [{"targets": targets}]}
            ],
        }

    def _wait_until_ready(self):
        url = f"http://127.0.0.1:{self.port}/-/ready"
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(url, timeout=2).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            else:
                return
        log = (self._folder / "log").read_text(encoding="utf-8")
        error = f"Prometheus does not start: {log}"
        raise AssertionError(error)

    def get(self, path, **parameters):
        """Answer the data of an API request."""
        asked = urllib.parse.urlencode(parameters)
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{asked}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            error = f"{parameters}: {refused.read().decode()}"
            raise AssertionError(error) from None

    def ask(self, query):
        """Answer the samples of a query now: labels and value of each."""
        data = self.get("query", query=query)
        assert data["resultType"] == "vector", query
        return [(one["metric"], float(one["value"][1])) for one in data["result"]]

    def close(self):
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self._folder, ignore_errors=True)
