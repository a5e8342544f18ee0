"""What Alertmanager is told of an alert."""

import pytest
from alerts_told import NOON, alert

from streams.adapters.notice import annotations, labels, link, notice, payload
from streams.core.instant import Instant, parse

EXAMPLES = (
    "opened-for-a-tenant",
    "opened-for-the-platform",
    "covered-by-a-platform-alert",
    "response-mismatch",
    "resolved",
)


def test_labels_say_what_the_alert_is_and_who_must_be_woken():
    assert dict(labels(alert(key="k"))) == {
        "alertname": "MailflagIncident",
        "incident": "k",
        "key": "k",
        "kind": "spike",
        "severity": "critical",
        "tenant": "autohaus-muster",
    }


@pytest.mark.parametrize(
    "moved",
    [
        {"cause": "relay_unreachable"},
        {"side": "transient"},
        {"scope": "provider", "provider": "example.org"},
        {"customers_failing": 99},
        {"revision": 1_900_000_000_000},
        {"summary": "More of the same."},
    ],
    ids=lambda moved: next(iter(moved)),
)
def test_what_moves_while_an_alert_is_open_is_no_part_of_its_identity(moved):
    assert labels(alert(**moved)) == labels(alert())
    assert annotations(alert(**moved)) != annotations(alert()) or "revision" in moved


def test_an_alert_and_all_that_it_covers_share_the_incident():
    platform = alert("opened-for-the-platform")
    child = alert("covered-by-a-platform-alert", parent=platform.key)
    assert dict(labels(child))["incident"] == dict(labels(platform))["incident"]
    assert dict(labels(child))["parent"] == platform.key
    assert "parent" not in dict(labels(platform))
    assert "tenant" not in dict(labels(platform))


@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_empty_is_said(name):
    told = notice(alert(name), "")
    assert all(value for _, value in told.labels)
    assert all(isinstance(value, str) and value for value in told.annotations.values())


def test_a_person_reads_what_happened_and_what_to_do():
    said = annotations(alert())
    assert said["summary"].startswith("9 customers of autohaus-muster newly fail")
    assert said["causes"] == "submission_auth_failed: 9"
    assert said["share"] == "100.0%"
    assert said["samples"].splitlines()[0] == (
        "535 5.7.8 Error: authentication failed (smtp.example.net)"
    )
    assert {"where_to_check", "what_to_do", "hosts", "side"} <= said.keys()


def test_a_person_reads_which_hosts_fail_and_which_deliver():
    said = annotations(alert("covered-by-a-platform-alert"))
    assert said["hosts"] == "relay2.example.net"
    assert said["failures_by_host"] == "relay2.example.net: 19"
    assert said["hosts_delivering"] == "relay1.example.net"


def test_a_server_that_answers_in_lines_cannot_add_a_sample_of_its_own():
    samples = [{"at": "2026-03-02T08:31:30.000Z", "text": "no\nentry"}]
    assert annotations(alert(samples=samples))["samples"] == "no entry"


def test_a_firing_alert_ends_four_minutes_from_now_and_starts_when_it_was_opened():
    told = notice(alert(opened_at=NOON), "")
    later = Instant(NOON + 3_600_000)
    body = payload(told, later)
    assert parse(body["startsAt"]) == NOON
    assert parse(body["endsAt"]) == later + 240_000
    assert "generatorURL" not in body


@pytest.mark.parametrize(
    ("opened_at", "resolved_at", "now", "end"),
    [(0, 10, 20, 10), (0, 30, 20, 20), (25, 30, 20, 25), (25, 10, 20, 25)],
    ids=["past", "future", "not begun", "before its start"],
)
def test_an_end_is_neither_in_the_future_nor_before_the_start(
    opened_at, resolved_at, now, end
):
    told = notice(alert(), "")._replace(
        starts_at=Instant(NOON + opened_at), ended_at=Instant(NOON + resolved_at)
    )
    assert parse(payload(told, Instant(NOON + now))["endsAt"]) == NOON + end


@pytest.mark.parametrize(
    ("url", "tenant", "expected"),
    [
        ("", "t", ""),
        ("https://g.test/d/m", "t/ 1&", "https://g.test/d/m?var-tenant=t%2F%201%26"),
        ("https://g.test/d/m?x=1", "t", "https://g.test/d/m?x=1&var-tenant=t"),
        ("https://g.test/d/m", None, "https://g.test/d/m?var-tenant=$__all"),
        ("https://g.test/{tenant}/m", "a/b", "https://g.test/a%2Fb/m"),
        ("https://g.test/{tenant}/m", None, "https://g.test//m"),
    ],
)
def test_the_link_leads_to_the_tenants_dashboard(url, tenant, expected):
    assert link(alert(tenant_id=tenant), url) == expected
