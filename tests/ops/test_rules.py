"""The rules as Prometheus itself reads and evaluates them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "grafana" / "prometheus"
OPERATING = ROOT / "docs" / "operating.md"

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


def test_the_documented_command_puts_the_operators_addresses_in(promtool, tmp_path):
    text = OPERATING.read_text(encoding="utf-8")
    (command,) = re.findall(
        r"^sed .*?(?= > alerts\.yml$)", text, re.MULTILINE | re.DOTALL
    )
    changed = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert ".example" not in re.sub(r"^ *#.*", "", changed, flags=re.MULTILINE)
    assert changed.count("https://wiki.your.org/mailflag/runbooks/Mailflag") > 15
    assert "https://grafana.your.org/d/mailflag-" in changed
    (tmp_path / "alerts.yml").write_text(changed, encoding="utf-8")
    checked = promtool("check", "rules", str(tmp_path / "alerts.yml"))
    assert checked.returncode == 0, checked.stderr
