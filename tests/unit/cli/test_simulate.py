"""`mailflag simulate`: events in order of arrival, and the labels beside them."""

import json

import pytest
from click.testing import CliRunner

from streams.cli.simulate import command
from streams.core.failure import FailureClass
from streams.core.instant import parse
from streams.simulation import SCENARIOS


def run(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


def labelled(tmp_path, *arguments):
    """Answer the events, and what the labels say."""
    file = tmp_path / "truth.json"
    done = run(*arguments, "--labels", file)
    assert done.exit_code == 0, done.output
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return events, json.loads(file.read_bytes())


def test_an_incident_is_labelled_with_what_must_be_found(tmp_path):
    events, labels = labelled(tmp_path, "password_expired", "--volume", 20)
    assert (labels["scenario"], labels["volume"], labels["seed"]) == (
        "password_expired",
        20,
        1,
    )
    [incident] = labels["incidents"]
    assert incident["expected"] == "page"
    assert (incident["scope"], incident["provider"]) == ("tenant", None)
    assert incident["causes"] == [FailureClass.SUBMISSION_AUTH_FAILED]
    assert incident["tenants"] == sorted({event["tenant_id"] for event in events})


def test_the_labels_are_true_of_the_events(tmp_path):
    events, labels = labelled(tmp_path, "password_expired", "--volume", 20)
    [incident] = labels["incidents"]
    struck = [e for e in events if e.get("smtp", {}).get("phase") == "auth"]
    assert struck
    assert parse(incident["since"]) <= min(parse(e["time"]) for e in struck)
    assert max(parse(e["time"]) for e in struck) <= parse(incident["until"])
    heard = {}
    for event in struck:
        heard.setdefault(event["customer_id"], event["arrived_at"])
    assert list(heard.values())[2] == incident["third_customer_at"]
    judged_from, until = parse(labels["judged_from"]), parse(labels["until"])
    assert judged_from < parse(incident["since"]) < until
    assert parse(events[-1]["arrived_at"]) < until


def test_a_quiet_scenario_has_no_incidents(tmp_path):
    events, labels = labelled(tmp_path, "one_customer_only", "--volume", 20)
    assert events
    assert labels["incidents"] == []


def test_a_provider_that_refuses_what_it_delivers_is_worth_a_warning(tmp_path):
    _, labels = labelled(tmp_path, "server_lies", "--volume", 200)
    [incident] = labels["incidents"]
    assert (incident["expected"], incident["scope"]) == ("warning", "provider")
    assert incident["provider"] == "google"
    assert "response_mismatch" in incident["causes"]


def test_labels_change_no_event(tmp_path):
    plain = run("password_expired").stdout.splitlines()
    events, _ = labelled(tmp_path, "password_expired")
    assert [json.loads(line) for line in plain] == events


def test_without_a_volume_it_is_the_first_listed(tmp_path):
    _, labels = labelled(tmp_path, "one_customer_only")
    assert labels["volume"] == SCENARIOS["one_customer_only"].volumes[0]


def test_a_volume_that_is_not_listed_is_refused_with_those_that_are():
    done = run("weekend", "--volume", 7)
    assert done.exit_code == 2
    assert "--volume" in done.stderr
    assert "weekend is not played at 7 mails a day" in done.stderr
    assert "20, 200, 2000" in done.stderr
    assert done.stdout == ""


def test_labels_that_cannot_be_written_are_told_before_the_events(tmp_path):
    done = run("weekend", "--labels", tmp_path / "no" / "truth.json")
    assert done.exit_code == 2
    assert "--labels" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("kind", ["incident", "quiet"])
def test_the_list_says_which_scenarios_are_incidents(kind):
    listed = [line.split()[:2] for line in run().stdout.splitlines()]
    wanted = [
        [s.name, kind] for s in SCENARIOS.values() if s.incident is (kind == "incident")
    ]
    assert [line for line in listed if line[1] == kind] == wanted
