"""What operators see of a system at work: pages, panels, rules, all with data."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml
from demo_day import CUSTOMERS, STRICKEN
from mail_deployment import wait_for

GRAFANA = Path(__file__).parents[2] / "grafana"
BOARDS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((GRAFANA / "dashboards").glob("*.json"))
}
CHOSEN = {
    # The day so far is played in less, and nothing comes after it.
    "$__rate_interval": "5m",
    "$__range": "5m",
    "$job": "mailflag",
    "$instance": ".+",
    "$tenant": ".*",
}
REFUSED = 'class="submission_auth_failed"'
RULES = yaml.safe_load((GRAFANA / "prometheus" / "recording.yml").read_text())

pytestmark = [pytest.mark.ops, pytest.mark.broker]


def chosen(expr):
    """Put values in the place of Grafana's variables."""
    for name, value in CHOSEN.items():
        expr = expr.replace(name, value)
    assert "$" not in expr
    return expr


def targets(name):
    return [
        pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
        for panel in BOARDS[name]["panels"]
        for target in panel.get("targets", ())
    ]


def page(worker, path):
    url = f"http://127.0.0.1:{worker.port}/{path}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers["Content-Type"], refused.read()


def test_every_worker_is_up_ready_and_scraped(scene):
    up = scene.prometheus.ask("up and on (instance) mailflag_worker_ready == 1")
    assert [value for _, value in up] == [1, 1]


def test_the_metrics_page_keeps_the_rules_of_prometheus(scene):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    for worker in scene.workers:
        status, kind, body = page(worker, "metrics")
        assert status == 200
        assert kind.startswith("text/plain; version=0.0.4")
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=body, check=False, capture_output=True
        )
        assert checked.returncode == 0, checked.stderr.decode()
        assert checked.stderr == b""


def test_liveness_and_readiness_answer(scene):
    worker = scene.workers[0]
    assert page(worker, "healthz")[0] == 200
    status, _, body = page(worker, "readyz")
    assert (status, json.loads(body)) == (200, {"status": "ready", "missing": []})


@pytest.mark.parametrize("path", ["table/", "router/", "stats", "graph", "performance"])
def test_none_of_fausts_own_pages_is_served(scene, path):
    assert page(scene.workers[0], path)[0] == 404


@pytest.mark.parametrize("expr", targets("flags"))
def test_every_panel_of_the_flags_board_has_data(scene, expr):
    assert scene.prometheus.ask(chosen(expr)), chosen(expr)


@pytest.mark.parametrize("expr", targets("pipeline"))
def test_every_panel_of_the_pipeline_board_has_data(scene, expr):
    assert scene.prometheus.ask(chosen(expr)), chosen(expr)


@pytest.mark.parametrize("expr", targets("incidents"))
def test_every_panel_of_the_incidents_board_has_data(scene, expr):
    assert scene.prometheus.ask(chosen(expr)), chosen(expr)


@pytest.mark.parametrize(
    "expr",
    [
        # Not only those who had failed when it was opened: growth is told soon.
        'mailflag_alert_customers{class="submission_auth_failed"} >= 50',
        f"sum(mailflag_flag_changes_total{{{REFUSED}}}) >= {CUSTOMERS}",
        f'mailflag_alert_customers{{tenant="{STRICKEN}", scope="tenant"}}',
        'max(mailflag_alerts_open{kind="spike"}) >= 1',
        'sum(mailflag_alerts_announced_total{event="alert-opened"}) >= 1',
        "time() - min(mailflag_alert_opened_timestamp_seconds) < 600",
        "sum(mailflag_flags_standing) > 0",
        'sum(mailflag_flag_changes_total{change="flag-set"}) > 0',
        'sum(mailflag_flag_changes_total{change="flag-cleared"}) > 0',
        "sum(mailflag_flag_clears_total) > 0",
        'sum(mailflag_records_rejected_total{reason="not_json"}) > 0',
        'sum(mailflag_evidence_total{kind="report"}) > 0',
        'sum(mailflag_messages_written_total{topic="mail.address-flags.v1"}) > 0',
        'count(mailflag_lag_records{stage="flags"}) == 4',
        "sum(mailflag_table_keys) > 100",
        'sum(mailflag_alertmanager_requests_total{result="delivered"}) >= 1',
    ],
)
def test_what_happened_is_in_the_metrics(scene, expr):
    assert scene.prometheus.ask(expr)


def test_every_recorded_series_is_recorded(scene):
    recorded = [rule["record"] for g in RULES["groups"] for rule in g["rules"]]
    # Averages over a day without its last hour cannot be there yet.
    recorded.remove("job_side:mailflag_flags_set:rate15m_avg1d")

    def missing():
        return [name for name in recorded if not scene.prometheus.ask(name)]

    assert wait_for(lambda: not missing(), 20), missing()


def test_no_rule_fails_and_a_healthy_system_raises_no_alert_but_the_watchdog(scene):
    groups = scene.prometheus.get("rules")["groups"]
    assert groups
    failed = [
        rule["name"] for g in groups for rule in g["rules"] if rule["health"] == "err"
    ]
    assert failed == []
    firing = scene.prometheus.ask('ALERTS{alertstate="firing"}')
    assert [labels["alertname"] for labels, _ in firing] == ["MailflagWatchdog"]


def test_what_stands_in_the_tables_is_what_subscribers_see(scene):
    """The gauge of standing flags equals the compacted topic's."""
    scene.deployment.settle()
    counted = scene.prometheus.ask("sum(mailflag_flags_standing)")
    rows = scene.deployment.tails["mail.address-flags.v1"].read()
    newest = {row.key: row.value for row in rows}
    standing = sum(value is not None for value in newest.values())

    def agreed():
        counted[:] = scene.prometheus.ask("sum(mailflag_flags_standing)")
        return counted[0][1] == standing

    assert wait_for(agreed, 20), (counted, standing)


def test_a_restarted_worker_counts_the_same_flags(scene):
    before = scene.prometheus.ask("sum(mailflag_flags_standing)")[0][1]
    assert before > 0
    for worker in scene.workers:
        worker.stop()
    restarted = scene.deployment.start().wait_ready()

    def standing():
        return sum(restarted.metric("mailflag_flags_standing").values())

    assert wait_for(lambda: standing() == before, 20), (standing(), before)
