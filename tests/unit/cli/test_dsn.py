"""`mailflag dsn`: mails in, one row for each recipient out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.dsn import command

MEMBERS = [
    *("file", "kind", "recipient", "original_recipient", "final_recipient", "action"),
    *("status", "reply_code", "diagnostic", "message_id", "envelope_id", "class"),
    *("side", "address_policy", "confidence", "rule"),
]
BOUNCE = """From: mailer-daemon@example.net
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="x"

--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mta.example.net
Original-Envelope-Id: t-1/a@example.com/m-1

Final-Recipient: rfc822;a@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

Final-Recipient: rfc822;b@example.com
Action: delayed
Status: 4.4.1

--x
Content-Type: text/rfc822-headers

Message-ID: <m-1@example.net>
--x--
"""
LETTER = "From: a@example.com\nSubject: Hello\n\nHow are you?\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "bounce.eml").write_text(BOUNCE, encoding="utf-8")
    (tmp_path / "letter.eml").write_text(LETTER, encoding="utf-8")
    (tmp_path / ".hidden").write_text(BOUNCE, encoding="utf-8")
    return tmp_path


def run(*arguments, **given):
    return CliRunner().invoke(command, [str(a) for a in arguments], **given)


def answers(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_recipient_of_each_mail_below_a_folder_is_a_row(folder):
    done = run(folder)
    assert done.exit_code == 0
    rows = answers(done)
    assert [row["kind"] for row in rows] == ["bounce", "delayed", "not_a_bounce"]
    assert all(list(row) == MEMBERS for row in rows)
    assert rows[0] | {"file": None} == {
        "file": None,
        "kind": "bounce",
        "recipient": "a@example.com",
        "original_recipient": None,
        "final_recipient": "a@example.com",
        "action": "failed",
        "status": "5.1.1",
        "reply_code": 550,
        "diagnostic": "550 5.1.1 User unknown",
        "message_id": "<m-1@example.net>",
        "envelope_id": "t-1/a@example.com/m-1",
        "class": "bad_mailbox",
        "side": "recipient",
        "address_policy": "immediate",
        "confidence": "high",
        "rule": "recipient.unknown",
    }


def test_a_delay_says_nothing_of_the_address(folder):
    delayed = answers(run(folder))[1]
    assert (delayed["class"], delayed["address_policy"]) == ("network_error", "never")


def test_a_mail_that_reports_nobody_is_one_row(folder):
    row = answers(run(folder / "letter.eml"))[0]
    assert row["class"] == "not_a_bounce"
    assert row["address_policy"] == "never"
    assert row["recipient"] is row["side"] is row["rule"] is None


def test_a_mail_may_come_on_standard_input():
    rows = answers(run("-", input=BOUNCE))
    assert [row["file"] for row in rows] == ["-", "-"]


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_done(folder):
    (folder / "a-empty.eml").write_bytes(b"\n")
    done = run(folder)
    assert done.exit_code == 1
    assert len(answers(done)) == 3
    error = json.loads(done.stderr)
    assert error["error"] == "empty"
    assert error["file"].endswith("a-empty.eml")


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are all UTF-8")
def test_a_name_of_any_bytes_is_told(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.eml")).write_text(BOUNCE)
    done = CliRunner().invoke(command, [str(tmp_path)])
    assert json.loads(done.stdout.splitlines()[0])["file"] == (
        f"{tmp_path}/caf\\xe9.eml"
    )


def test_for_people_there_is_a_table(folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = run(folder, "--table").stdout
    assert "bounce.eml" in shown
    assert "not_a_bounce" in shown


@pytest.mark.parametrize("name", ["classify", "dsn", "explain", "rules"])
def test_the_engine_is_not_loaded_to_read_a_mail(name):
    program = (
        f"import sys, streams.cli.{name};"
        "print({'faust', 'aiokafka', 'aiohttp', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "set()"
