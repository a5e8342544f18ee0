"""The dashboards keep the rules that Grafana's dashboard-linter checks, and ours.

The linter (github.com/grafana/dashboard-linter) is a program in Go; its rules are
few and stated here one by one, under the linter's names.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from streams.engine.readiness import Readiness
from streams.obs.metrics import Metrics

ROOT = Path(__file__).parents[3]
GRAFANA = ROOT / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
BOARDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES}
VARIABLES = {
    "flags": ["datasource", "job", "instance"],
    "incidents": ["datasource", "job", "instance", "tenant"],
    "pipeline": ["datasource", "job", "instance"],
}
UNITS = {"short", "s", "cps", "Bps", "bytes", "percentunit"}
SELECTOR = re.compile(r"\b([a-z_]\w*)(\{[^}]*\})?(\[[^\]]*\])?")
WORDS = {
    *("sum", "max", "min", "count", "by", "rate", "increase", "topk", "or", "and"),
    *("histogram_quantile", "time", "vector"),
}
LABELS = {
    *("stage", "topic", "reason", "side", "class", "cause", "said", "kind", "scope"),
    *("tenant", "event", "replica", "result", "instance", "version", "le"),
    "condition",
}


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def every_panel():
    return [
        pytest.param(panel, id=f"{name}: {panel['title']}")
        for name, board in BOARDS.items()
        for panel in panels(board)
    ]


def selectors(expr):
    """Answer name, matchers and range of every selector of an expression."""
    without_groups = re.sub(r"\bby \([^)]*\)", "", expr)
    for found in SELECTOR.finditer(re.sub(r'"[^"]*"', '""', without_groups)):
        if found[1] not in WORDS:
            yield found[1], found[2] or "", found[3] or ""


def matchers(expr):
    """Answer the matchers of every selector, with their values."""
    return re.findall(r"\{([^}]*)\}", expr)


@pytest.fixture(scope="module")
def series():
    metrics = Metrics()
    metrics.watch_readiness(lambda: Readiness(*[True] * 5))
    metrics.watch_flags(dict)
    metrics.watch_fuses(dict)
    metrics.watch_alerts(list)
    names = {family.name for family in metrics.registry.collect()}
    for one in metrics.catalogue:
        ends = ("_bucket", "_count", "_sum") if one.kind == "histogram" else ("",)
        names |= {one.name + end for end in ends}
    return names | {"process_cpu_seconds_total"}


def test_there_are_three_boards_and_each_has_its_own_identity():
    assert set(BOARDS) == set(VARIABLES)
    uids = {board["uid"] for board in BOARDS.values()}
    assert uids == {f"mailflag-{name}" for name in VARIABLES}


def test_the_committed_json_is_what_the_programs_make():
    pytest.importorskip("grafana_foundation_sdk")
    checked = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "grafana.src.render", "--check"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", VARIABLES)
def test_template_rules(name):
    """template-datasource, -job, -instance, -label-promql, -on-time-change-reload."""
    listed = BOARDS[name]["templating"]["list"]
    assert [one["name"] for one in listed] == VARIABLES[name]
    datasource, *queried = listed
    assert datasource["type"] == "datasource"
    assert datasource["query"] == "prometheus"
    assert datasource["label"] == "Data source"
    for one in queried:
        assert one["type"] == "query"
        assert one["datasource"]["uid"] == "$datasource"
        assert one["label"] == one["name"].title()
        assert one["multi"] is True
        assert one["includeAll"] is True
        assert one["allValue"] == (".*" if one["name"] == "tenant" else ".+")
        assert one["refresh"] == 2
        assert re.fullmatch(r"label_values\([a-z_]+(\{.+\})?, [a-z]+\)", one["query"])


@pytest.mark.parametrize("name", VARIABLES)
def test_a_board_is_not_editable_and_finds_the_others(name):
    board = BOARDS[name]
    assert board["editable"] is False
    assert board["description"]
    assert "mailflag" in board["tags"]
    assert [link["tags"] for link in board["links"]] == [["mailflag"]]


@pytest.mark.parametrize("name", VARIABLES)
def test_panels_are_in_rows_and_do_not_overlap(name):
    board = BOARDS[name]
    assert board["panels"][0]["type"] == "row"
    taken = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("panel", every_panel())
def test_panel_rules(panel):
    """panel-datasource, -title-description, -units, -no-targets."""
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["datasource"]["uid"] == "$datasource"
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "$datasource"
    refs = [target["refId"] for target in panel["targets"]]
    assert len(refs) == len(set(refs))


@pytest.mark.parametrize("panel", every_panel())
def test_target_rules(panel, series):
    """target-job, -instance, -rate-interval, -counter-agg; and known metrics only."""
    for target in panel["targets"]:
        expr = target["expr"]
        found = [one for one in selectors(expr) if one[0] not in LABELS]
        assert found
        assert {name for name, _, _ in found} <= series
        assert len(matchers(expr)) == len(found)
        for given in matchers(expr):
            assert 'job=~"$job"' in given
            assert 'instance=~"$instance"' in given
        for name, _, over in found:
            counts = name.endswith(("_total", "_bucket", "_count"))
            assert counts == bool(over), name
            called = re.findall(rf"(\w+)\({name}\{{[^}}]*\}}\[([^\]]*)\]\)", expr)
            assert set(called) <= {
                ("rate", "$__rate_interval"),
                ("increase", "$__range"),
            }
            assert bool(called) == counts, name


@pytest.mark.parametrize("panel", every_panel())
def test_a_line_is_named_by_labels_that_its_query_leaves(panel):
    if panel["type"] != "timeseries":
        return
    for target in panel["targets"]:
        legend = target["legendFormat"]
        left = set(re.findall(r"by \(([^)]*)\)", target["expr"]))
        kept = {label.strip() for one in left for label in one.split(",")}
        assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= kept


def test_a_gauge_that_every_worker_has_is_never_added_up():
    known_to_all = re.compile(r"mailflag_alert(s_open|_customers|_opened_\w+)\{")
    asked = [
        (target["expr"][: found.start()], target["expr"])
        for board in BOARDS.values()
        for panel in panels(board)
        for target in panel["targets"]
        for found in known_to_all.finditer(target["expr"])
    ]
    assert asked
    for before, expr in asked:
        assert re.search(r"(max|min) by \([^)]*\) \($", before), expr


def test_provisioning_installs_the_boards_and_the_data_source():
    folder = GRAFANA / "provisioning"
    read = {p.parent.name: yaml.safe_load(p.read_text()) for p in folder.rglob("*.yml")}
    (provider,) = read["dashboards"]["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    (source,) = read["datasources"]["datasources"]
    assert source["type"] == "prometheus"
    assert source["uid"] == "prometheus"
    scraped = yaml.safe_load((GRAFANA / "prometheus" / "prometheus.yml").read_text())
    interval = scraped["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == interval
    assert scraped["scrape_configs"][0]["job_name"] == "mailflag"
