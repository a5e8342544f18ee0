"""The rules as Prometheus itself reads and evaluates them."""

import shutil
import subprocess
from pathlib import Path

import pytest

PROMETHEUS = Path(__file__).parents[2] / "grafana" / "prometheus"

pytestmark = pytest.mark.ops


@pytest.fixture(scope="module")
def promtool():
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed")

    def run(*arguments):
        return subprocess.run(
            [found, *arguments],
            cwd=PROMETHEUS / "tests",
            check=False,
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize("file", ["recording.yml", "alerts.yml"])
def test_prometheus_can_read_the_rules(promtool, file):
    checked = promtool("check", "rules", "--lint-fatal", f"../{file}")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    "file", sorted(p.name for p in (PROMETHEUS / "tests").glob("*.yml"))
)
def test_the_alert_fires_stays_quiet_and_resolves(promtool, file):
    tested = promtool("test", "rules", file)
    assert tested.returncode == 0, tested.stdout + tested.stderr
