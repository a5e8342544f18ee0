"""`mailflag classify`: rows in, rows out."""

import json

import pytest
from click.testing import CliRunner

from streams.cli.classify import command

MEMBERS = ["class", "side", "address_policy", "confidence", "rule", "conflict"]


def run(rows, *arguments):
    text = (
        rows
        if isinstance(rows, str | bytes)
        else "".join(json.dumps(row) + "\n" for row in rows)
    )
    return CliRunner().invoke(command, [*arguments], input=text)


def answers(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_row_becomes_one_row_in_the_same_order():
    rows = [
        {"code": 550, "enhanced": "5.1.1", "text": "User unknown"},
        {"code": 552, "text": "Mailbox full"},
        {"code": 535, "text": "Authentication failed", "peer_role": "relay"},
    ]
    done = run(rows)
    assert done.exit_code == 0
    assert [row["class"] for row in answers(done)] == [
        *("bad_mailbox", "mailbox_full", "submission_auth_failed")
    ]
    assert all(list(row) == MEMBERS for row in answers(done))


@pytest.mark.parametrize(
    "row",
    [
        {},
        dict.fromkeys(("code", "enhanced", "text", "phase", "peer_role")),
        {"text": ""},
        {"text": "x", "more": [1]},
    ],
)
def test_any_member_may_be_null_or_missing(row):
    done = run([row])
    assert done.exit_code == 0
    assert answers(done)[0]["class"] == "unknown"


def test_a_code_may_be_a_text_and_a_phase_may_have_its_old_name():
    row = {"code": "550", "text": "user unknown", "phase": "HELO"}
    done = run([row])
    assert answers(done)[0]["side"] != "recipient"


def test_what_is_said_about_the_peer_decides():
    row = {"text": "Connection refused"}
    done = run([{**row, "peer_role": "mx"}, {**row, "peer_role": "relay"}])
    assert [row["class"] for row in answers(done)] == [
        *("network_error", "submission_connect_failed")
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "empty line"),
        ("   ", "empty line"),
        ("{", "not JSON"),
        ("\udcff", "not JSON"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"code": "5xx"}', "code is not a reply code"),
        ('{"code": 5000}', "code is not a reply code"),
        ('{"text": 1}', "text is not a text"),
        ('{"phase": "lunch"}', "phase is none of"),
        ('{"peer_role": "boss"}', "peer_role is none of"),
    ],
)
def test_a_bad_line_is_told_with_its_number_and_the_others_are_done(line, told):
    good = '{"text": "user unknown"}'
    text = f"{good}\n{line}\n{good}\n"
    done = run(text.encode(errors="surrogateescape"))
    assert done.exit_code == 1
    assert [row["class"] for row in answers(done)] == ["bad_mailbox"] * 2
    error = json.loads(done.stderr)
    assert error["line"] == 2
    assert told in error["error"]


def test_a_last_line_without_an_end_is_a_row():
    assert len(answers(run('{"text": "x"}\n{"text": "y"}'))) == 2


def test_a_mark_before_the_first_line_and_a_code_with_a_point_are_understood():
    rows = b'\xef\xbb\xbf{"code": 550.0, "text": "user unknown"}\r\n{"code": 550.5}\r\n'
    done = run(rows)
    assert [row["class"] for row in answers(done)] == ["bad_mailbox"]
    assert json.loads(done.stderr)["line"] == 2


def test_nothing_in_is_nothing_out():
    done = run("")
    assert (done.exit_code, done.stdout) == (0, "")


def test_rules_of_ones_own_decide_first(tmp_path):
    rules = tmp_path / "ours.toml"
    rules.write_text(
        '[[rule]]\nid = "ours.x"\nclass = "policy_rejected"\nsay = ["user unknown"]\n'
        'source = "us"\nexamples = ["550 user unknown"]\n',
        encoding="utf-8",
    )
    done = run([{"text": "user unknown"}], "--rules", str(rules))
    assert answers(done)[0]["rule"] == "ours.x"


def test_for_people_there_is_a_table():
    done = run([{"code": 550, "text": "user unknown \x1b[31m"}], "--table")
    assert "bad_mailbox" in done.stdout
    assert "\x1b[31m" not in done.stdout
