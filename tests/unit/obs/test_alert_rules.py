"""Every alert has its labels, annotations, runbook and test; none is orphaned."""

import re
from pathlib import Path

import pytest
import yaml

from streams.engine.readiness import Readiness
from streams.obs.metrics import Metrics

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "grafana" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
ALERTS = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))
RECORDED = yaml.safe_load((PROMETHEUS / "recording.yml").read_text(encoding="utf-8"))
RULES = {rule["alert"]: rule for g in ALERTS["groups"] for rule in g["rules"]}
RECORDS = {rule["record"]: rule for g in RECORDED["groups"] for rule in g["rules"]}
DASHBOARDS = {"mailflag-flags", "mailflag-incidents", "mailflag-pipeline"}
HEADINGS = [
    "Meaning",
    "Impact",
    "First three checks",
    "What to do",
    "How to silence it",
]
METRIC = re.compile(r"(?<![\w:])mailflag_\w+")
RECORDED_NAME = re.compile(r"\b[a-z_]+:mailflag_\w+:\w+")


def cases_of(alert):
    path = PROMETHEUS / "tests" / f"{alert}.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]


@pytest.fixture(scope="module")
def series():
    """Answer the name of every series that a worker can have."""
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


def test_no_alert_has_the_name_of_another():
    names = [rule["alert"] for g in ALERTS["groups"] for rule in g["rules"]]
    assert len(names) == len(set(names)) > 0
    assert all(re.fullmatch(r"Mailflag([A-Z][a-z]+)+", name) for name in names)


@pytest.mark.parametrize("alert", RULES)
def test_every_alert_says_how_urgent_it_is_and_what_it_is_about(alert):
    rule = RULES[alert]
    assert rule["labels"]["severity"] in {"critical", "warning", "none"}
    said = rule["annotations"]
    assert set(said) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert said["summary"].endswith(".")
    assert said["description"].endswith(".")
    assert "@" not in str(said)
    assert said["runbook_url"] == f"https://mailflag.example/docs/runbooks/{alert}.md"
    where, _, dashboard = said["dashboard_url"].rpartition("/")
    assert where == "https://grafana.example/d"
    assert dashboard in DASHBOARDS


def test_every_alert_has_a_runbook_and_every_runbook_an_alert():
    pages = {path.stem for path in RUNBOOKS.glob("Mailflag*.md")}
    assert pages == set(RULES)


@pytest.mark.parametrize("alert", RULES)
def test_a_runbook_says_what_on_call_must_know(alert):
    text = (RUNBOOKS / f"{alert}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {alert}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    parts = re.split(r"^## .*$", text, flags=re.MULTILINE)
    assert all(part.strip() for part in parts)
    assert re.findall(r"^(\d)\. ", parts[3], re.MULTILINE) == ["1", "2", "3"]


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda p: p.stem)
def test_the_links_of_a_runbook_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target, heading in re.findall(r"\]\(([^)#]+)#?([^)]*)\)", text):
        linked = (page.parent / target).read_text(encoding="utf-8")
        titles = re.findall(r"^#+ (.*)$", linked, re.MULTILINE)
        anchors = {"", *(title.lower().replace(" ", "-") for title in titles)}
        assert heading in anchors, f"{target}#{heading}"


def test_the_list_of_runbooks_is_complete():
    text = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^- \[(\w+)\]", text, re.MULTILINE) == list(RULES)


def test_every_alert_has_a_test_and_every_test_an_alert():
    assert {path.stem for path in (PROMETHEUS / "tests").glob("*.yml")} == set(RULES)


@pytest.mark.parametrize("alert", [a for a in RULES if a != "MailflagWatchdog"])
def test_an_alert_is_shown_to_fire_to_resolve_and_to_stay_quiet_just_below(alert):
    cases = {case["name"]: case["alert_rule_test"] for case in cases_of(alert)}
    fires = [bool(at.get("exp_alerts")) for at in cases["fires and resolves"]]
    assert fires == [False, True, False]
    quiet = [bool(at.get("exp_alerts")) for at in cases["stays quiet just below"]]
    assert quiet
    assert not any(quiet)
    for evaluated in cases.values():
        assert {at["alertname"] for at in evaluated} == {alert}


@pytest.mark.parametrize("alert", RULES)
def test_the_test_of_an_alert_states_all_its_annotations(alert):
    stated = [
        set(expected["exp_annotations"])
        for case in cases_of(alert)
        for at in case["alert_rule_test"]
        for expected in at.get("exp_alerts") or ()
    ]
    assert stated
    assert all(names == set(RULES[alert]["annotations"]) for names in stated)


def expressions():
    """Answer every expression and every tested series, by where it stands."""
    for name, rule in (*RULES.items(), *RECORDS.items()):
        yield name, str(rule["expr"])
    for alert in RULES:
        for case in cases_of(alert):
            for given in case["input_series"]:
                yield f"test of {alert}", given["series"]
    for page in RUNBOOKS.glob("*.md"):
        yield page.name, page.read_text(encoding="utf-8")


def test_only_metrics_of_the_catalogue_are_asked_for(series):
    unknown = {
        (where, name)
        for where, text in expressions()
        for name in METRIC.findall(RECORDED_NAME.sub("", text))
        if name not in series
    }
    assert unknown == set()


def test_only_series_that_are_recorded_are_asked_for_and_none_is_recorded_in_vain():
    asked = {n for _, text in expressions() for n in RECORDED_NAME.findall(text)}
    for board in (ROOT / "grafana" / "dashboards").glob("*.json"):
        asked |= set(RECORDED_NAME.findall(board.read_text(encoding="utf-8")))
    assert asked == set(RECORDS)


def test_recorded_series_are_named_level_metric_operations():
    for name in RECORDS:
        assert re.fullmatch(r"job(_[a-z]+)*:mailflag_[a-z_]+:[a-z0-9_]+", name), name
