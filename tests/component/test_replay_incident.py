"""An incident through the whole chain, offline: alerts, and the flags that it set."""

import datetime as dt
import json
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "streams.cli.main", "replay", "-"]
START = dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC)
EXPIRED = {
    "phase": "auth",
    "code": 535,
    "enhanced": "5.7.8",
    "text": "535 5.7.8 Error: authentication failed",
    "peer": "smtp.example.net",
    "peer_role": "relay",
}
UNKNOWN = {
    "phase": "rcpt",
    "code": 550,
    "enhanced": "5.1.1",
    "text": "550 5.1.1 User unknown",
    "peer": "smtp.example.net",
    "peer_role": "relay",
}


def attempt(number, minute, outcome, smtp=EXPIRED, name=None):
    at = START + dt.timedelta(minutes=minute)
    customer = name or f"c{number % 97}"
    event = {
        "type": "send-attempt",
        "id": f"e-{number}-{minute}-{outcome}",
        "time": at.isoformat().replace("+00:00", "Z"),
        "tenant_id": "t-1",
        "customer_id": customer,
        "address": f"{customer}@example.com",
        "message_id": f"m-{number}-{minute}@example.org",
        "outcome": outcome,
        "smtp": {"peer": "smtp.example.net", "peer_role": "relay"},
    }
    if outcome == "accepted":
        return event | {"smtp": event["smtp"] | {"phase": "data", "code": 250}}
    return event | {"smtp": smtp}


def expired_password(end=600):
    """Three hours of mail, an hour of refusals, and mail again."""
    events = []
    for number, minute in enumerate(range(0, end, 1)):
        broken = 180 <= minute < 240
        for n in range(4):
            outcome = "failed" if broken else "accepted"
            events.append(attempt(number * 4 + n, minute, outcome))
        if minute == 230:  # a bad address, of all times
            events.append(attempt(number, minute, "failed", UNKNOWN, "gone"))
    return events


def replay(events, *options):
    done = subprocess.run(
        [*COMMAND, *options],
        input="".join(json.dumps(e) + "\n" for e in events),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    assert [r for r in rows if r["type"] == "rejected"] == []
    return rows


@pytest.fixture(scope="module")
def rows():
    return replay(expired_password())


def of(rows, kind):
    return [row for row in rows if row["type"] == kind]


def test_an_expired_password_is_one_alert_that_opens_and_resolves(rows):
    (opened,), (resolved,) = of(rows, "alert-opened"), of(rows, "alert-resolved")
    assert opened["key"] == resolved["key"]
    assert opened["tenant_id"] == "t-1"
    assert opened["cause"] == "submission_auth_failed"
    assert opened["severity"] == "critical"
    assert "11:" in opened["summary"]
    assert resolved["resolved_at"] > "2026-11-20T12:00"


def test_flags_that_are_set_while_it_is_open_carry_its_key_and_are_held(rows):
    (opened,) = of(rows, "alert-opened")
    during = [
        row
        for row in rows
        if row["type"] in {"flag-set", "flag-updated"}
        and row["flag"]["class"] == "submission_auth_failed"
        and row["flag"]["updated_at"] > opened["at"]
    ]
    assert len(during) > 50
    assert {row["flag"]["incident"] for row in during} == {opened["key"]}
    assert not any(row["flag"]["suppress_recommended"] for row in during)


def test_an_address_that_is_really_bad_is_told_apart_from_the_incident(rows):
    (gone,) = [
        r for r in of(rows, "flag-set") if r["flag"]["address"] == "gone@example.com"
    ]
    assert gone["flag"]["class"] == "bad_mailbox"
    assert gone["flag"].get("incident") is None
    assert gone["flag"]["suppress_recommended"]


def test_a_policy_clears_them_all_at_once_when_the_incident_is_over(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[tenant."t-1"]\nclear_on_incident_resolve = true\nclear_on = "delivered"\n'
    )
    rows = replay(expired_password(), "--policy-file", str(policy))
    (opened,), (resolved,) = of(rows, "alert-opened"), of(rows, "alert-resolved")
    cleared = of(rows, "flag-cleared")
    assert {row["cleared_by"] for row in cleared} == {"incident_resolved"}
    held = {
        row["flag"]["address"]
        for row in rows
        if row["type"].startswith("flag-")
        and row["flag"].get("incident") == opened["key"]
    }
    assert {row["flag"]["address"] for row in cleared} == held
    assert len(cleared) == len(held)
    moments = {row["cleared_at"] for row in cleared}
    assert min(moments) >= resolved["at"]
    assert max(moments) < resolved["at"][:14] + "59"
    assert "gone@example.com" not in held


def test_a_replay_of_the_same_file_says_the_same(rows):
    assert replay(expired_password()) == rows


def test_a_report_shows_the_incident_without_any_address(tmp_path):
    page = tmp_path / "report.html"
    replay(expired_password(400), "--report", str(page))
    html = page.read_text()
    assert "newly fail at our own mail server since 11:00 UTC" in html
    assert "1,601 events" in html.replace("<b>", "").replace("</b>", "")
    assert "@example.com" not in html


def delayed(number, minute):
    """A relay's notice, four hours later, that it could reach nobody."""
    mail = attempt(number, minute, "accepted")
    at = START + dt.timedelta(minutes=minute + 240)
    return {
        "type": "dsn",
        "id": f"d-{number}-{minute}",
        "time": at.isoformat().replace("+00:00", "Z"),
        "tenant_id": "t-1",
        "address": mail["address"],
        "message_id": mail["message_id"],
        "action": "delayed",
        "status": "4.4.1",
        "diagnostic": "smtp; connect to mx.example.com[192.0.2.7]:25: timed out",
    }


def test_a_relay_that_takes_all_and_delivers_nothing_is_noticed_by_its_notices():
    events = []
    for minute in range(480):
        events += [attempt(minute * 4 + n, minute, "accepted") for n in range(4)]
        if minute >= 420:  # about the mail of the last hour before
            events += [delayed((minute - 240) * 4 + n, minute - 240) for n in range(4)]
    rows = replay(events)
    (opened,) = of(rows, "alert-opened")
    assert opened["cause"] == "network_error"
    assert opened["evidence_from"] >= "2026-11-20T11:00"
    assert opened["opened_at"] < "2026-11-20T15:10"
    assert of(rows, "flag-set") == []
