"""The whole chain over a file, without Kafka, through the command."""

import base64
import json
import random
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "streams.cli.main", "replay"]


def line(kind, at, arrived=None, **members):
    event = {"type": kind, "time": f"2026-11-20T{at}Z", "tenant_id": "t-1"} | members
    if arrived:
        event["arrived_at"] = f"2026-11-20T{arrived}Z"
    return event


def attempt(message, at, outcome, address="ada@example.com", **more):
    event = line("send-attempt", at, id=f"a-{message}-{at}", address=address)
    event |= {"message_id": message, "outcome": outcome} | more
    if outcome != "accepted":
        event.setdefault(
            "smtp",
            {
                "phase": "rcpt",
                "code": 550,
                "enhanced": "5.1.1",
                "text": "550 5.1.1 User unknown",
            },
        )
    return event


def bounce(message, at, address="ada@example.com", **more):
    return (
        line("dsn", at, id=f"d-{message}-{at}", address=address)
        | {
            "message_id": message,
            "action": "failed",
            "status": "5.1.1",
            "diagnostic": "smtp; 550 5.1.1 User unknown",
        }
        | more
    )


def replay(events, *options, text=None):
    given = text if text is not None else "".join(json.dumps(e) + "\n" for e in events)
    done = subprocess.run(
        [*COMMAND, "-", *options],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(row) for row in done.stdout.splitlines()], done.stderr


def types(rows):
    return [row["type"] for row in rows]


def test_a_flag_is_set_and_cleared():
    rows, said = replay(
        [attempt("m1", "10:00:00", "failed"), attempt("m2", "10:05:00", "accepted")]
    )
    assert types(rows) == ["flag-set", "flag-cleared"]
    assert rows[0]["flag"]["class"] == "bad_mailbox"
    assert rows[1]["cleared_by"] == "accepted"
    assert "1 set, 0 updated, 1 cleared, 0 standing" in said


def test_time_is_the_files_and_timers_run_up_to_the_last_arrival():
    story = [
        attempt("m1", "10:00:00", "accepted"),
        bounce("m1", "10:30:00"),
        attempt("m2", "12:00:00", "accepted"),
    ]
    too_soon = attempt("x", "12:59:59", "accepted", "bob@example.com")
    in_time = attempt("x", "13:00:00", "accepted", "bob@example.com")
    assert types(replay([*story, too_soon])[0]) == ["flag-set"]
    rows, _ = replay([*story, in_time])
    assert types(rows) == ["flag-set", "flag-cleared"]
    assert rows[1]["cleared_at"] == "2026-11-20T13:00:00.000Z"


def test_a_clear_that_became_due_long_before_the_next_event_has_its_own_time():
    rows, _ = replay(
        [
            attempt("m1", "10:00:00", "accepted"),
            bounce("m1", "10:01:00"),
            attempt("m2", "10:30:00", "accepted"),
            attempt("x", "23:00:00", "accepted", "bob@example.com"),
        ]
    )
    assert rows[1]["cleared_at"] == "2026-11-20T10:40:00.000Z"


def test_arrival_drives_the_order_and_bounds_what_is_believed():
    ahead = attempt("m1", "23:59:00", "failed", arrived_at="2026-11-20T10:00:00Z")
    rows, _ = replay(
        [
            ahead,
            attempt("m2", "10:01:00", "accepted", arrived_at="2026-11-20T10:01:00Z"),
        ]
    )
    assert types(rows) == ["flag-set", "flag-cleared"]


def test_bad_lines_are_rejected_with_line_and_reason_and_the_others_count():
    text = "\n".join(
        [
            "nonsense",
            "[]",
            '{"type":"postcard"}',
            "",
            json.dumps(attempt("m1", "10:00:00", "failed", address="nobody")),
            json.dumps(attempt("m1", "10:00:00", "failed", arrived_at="noon")),
            json.dumps(attempt("m1", "10:00:00", "failed")),
        ]
    )
    rows, said = replay(None, text=text)
    rejected = {r["line"]: r["reason"] for r in rows if r["type"] == "rejected"}
    assert rejected == {
        1: "not_json",
        2: "schema_violation",
        3: "schema_violation",
        5: "bad_address",
        6: "bad_time",
    }
    assert types(rows).count("flag-set") == 1
    assert "2 schema_violation" in said


def test_a_clear_of_what_is_not_flagged_outweighs_the_late_bounce_of_older_mail():
    clear = line("flag-command", "08:10:00", id="c-1", address="ada@example.com")
    clear |= {"action": "clear", "reason": "other", "actor": "support-7"}
    before = attempt("m-1", "08:00:00", "accepted")
    later = attempt("m-2", "09:00:00", "failed")
    late = bounce("m-1", "08:30:00")
    assert types(replay([before, late])[0]) == ["flag-set"]
    assert types(replay([before, clear, late])[0]) == []
    assert types(replay([before, clear, late, later])[0]) == ["flag-set"]


def test_a_recipient_that_is_left_out_of_a_used_report_is_told_of():
    mail = """\
From: MAILER-DAEMON@mx.example.com
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; nobody
Action: failed
Status: 5.1.1

Final-Recipient: rfc822; ada@example.com
Action: failed
Status: 5.1.1

--b--
"""
    raw = base64.b64encode(mail.encode()).decode()
    rows, summary = replay([line("dsn", "08:00:00", id="d-1", raw=raw)])
    assert types(rows) == ["flag-set"]
    assert "left out 1 of the recipients of used reports" in summary


def test_an_impossible_time_does_not_move_the_time_of_what_comes_after_it():
    impossible = attempt("m0", "10:00:00", "failed") | {"time": "9999-12-31T00:00:00Z"}
    arrived = attempt("m9", "10:00:00", "failed", arrived_at="9999-12-31T00:00:00Z")
    told, _ = replay([impossible, arrived, attempt("m1", "10:00:00", "failed")])
    assert sorted(row["line"] for row in told if row["type"] == "rejected") == [1, 2]
    flags = [row["flag"] for row in told if row["type"] == "flag-set"]
    assert [flag["since"] for flag in flags] == ["2026-11-20T10:00:00.000Z"]


def test_a_file_that_cannot_be_written_is_told_in_a_line(tmp_path):
    target = str(tmp_path / "none" / "changes.jsonl")
    done = subprocess.run(
        [*COMMAND, "-", "--changes", target],
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 74
    assert done.stderr.startswith(f"mailflag: {target}: ")
    assert done.stderr.count("\n") == 1


def test_many_rejects_do_not_blow_the_fuse_offline():
    rows, _ = replay(None, text="nonsense\n" * 3000)
    assert len(rows) == 3000


def test_files_can_be_named_and_standard_output_stays_empty(tmp_path):
    changes, alerts = tmp_path / "changes.jsonl", tmp_path / "alerts.jsonl"
    rows, _ = replay(
        [attempt("m1", "10:00:00", "failed")],
        *("--changes", str(changes), "--alerts", str(alerts)),
    )
    assert rows == []
    assert types(map(json.loads, changes.read_text().splitlines())) == ["flag-set"]
    assert alerts.read_text() == ""


def test_a_policy_is_tried_on_the_same_traffic(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('[tenant."t-1"]\nclear_on = "delivered"\n')
    events = [
        attempt("m1", "10:00:00", "failed"),
        attempt("m2", "10:05:00", "accepted"),
    ]
    rows, _ = replay(events, "--policy-file", str(policy))
    assert types(rows) == ["flag-set"]


def test_a_mistake_in_the_policy_is_named_with_its_line(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('[default]\n\nclear_on = "never"\n')
    done = subprocess.run(
        [*COMMAND, "--policy-file", str(policy)],
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "policy.toml:3: default.clear_on" in done.stderr


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_arrival_ends_with_the_same_flags(seed):
    chance = random.Random(seed)
    events = []
    for n in range(40):
        address = f"c{n % 8}@example.com"
        minute = f"10:{n:02d}:00"
        outcome = chance.choice(["accepted", "failed"])
        events.append(attempt(f"m{n}", minute, outcome, address))
        if outcome == "accepted" and chance.random() < 0.5:
            events.append(bounce(f"m{n}", f"11:{n:02d}:00", address))
    late = {"arrived_at": "2026-11-20T12:00:00Z"}
    ordered = [e | late for e in events]
    shuffled = chance.sample(ordered, len(ordered))
    end = attempt("z", "12:00:00", "accepted", "z@example.com")
    end |= {"arrived_at": "2026-11-30T12:00:00Z"}
    assert _standing(replay([*ordered, end])[0]) == _standing(
        replay([*shuffled, end])[0]
    )


def _standing(rows):
    flags = {}
    for row in rows:
        flag = row["flag"]
        if row["type"] == "flag-cleared":
            del flags[flag["address"]]
        else:
            flags[flag["address"]] = (flag["class"], flag["suppress_recommended"])
    return flags
