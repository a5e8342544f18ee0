"""`mailflag policy`: what holds for a tenant, and mistakes with their lines."""

import json

import pytest
from click.testing import CliRunner

from streams.cli.main import cli
from streams.cli.policy import thresholds
from streams.core.evidence import Failure
from streams.core.failure import TRAITS, Confidence, FailureClass
from streams.core.policy import FlagPolicy, Threshold

FILE = """\
[default]
clear_on = "delivered"

[tenant."t-42"]
clear_late_bounce_after = "90m"
suppress = false
thresholds = { mailbox_full = 2, tls_failed = 1 }

[tenant."t-42".own]
helo_names = ["mail.example.com"]
"""
KNOWN = (
    *("clear_on", "clear_late_bounce_after", "clear_on_incident_resolve"),
    *("suppress", "thresholds", "own"),
)
MISTAKEN = """\
[default]
suppress = "no"

[tenant.a]
clear_on = "never; [default]"
typo = 1
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(FILE)
    return path


def run(*words):
    return CliRunner().invoke(cli, ["policy", *map(str, words)], prog_name="mailflag")


def shown(*words):
    return json.loads(run("show", *words).stdout)


def test_what_a_tenants_table_leaves_open_is_the_defaults(file):
    told = shown("t-42", "--policy-file", file)
    assert told["table"] == "tenant.t-42"
    assert told["clear_on"] == "delivered"
    assert told["clear_late_bounce_after"] == "90m"
    assert told["suppress"] is False
    assert told["own"]["helo_names"] == ["mail.example.com"]


def test_a_tenant_without_a_table_has_the_default(file):
    told = shown("t-1", "--policy-file", file)
    assert (told["table"], told["clear_on"]) == ("default", "delivered")
    assert told["suppress"] is True


def test_without_a_file_the_built_in_policy_is_shown():
    told = shown("t-1")
    assert (told["file"], told["table"], told["clear_on"]) == (
        None,
        "default",
        "settled",
    )
    assert told["clear_late_bounce_after"] is None


def test_thresholds_say_where_they_differ_from_the_classes_own(file):
    told = shown("t-42", "--policy-file", file)["thresholds"]
    assert told["mailbox_full"] == {"permanent": 2, "transient": 2, "changed": True}
    assert [kind for kind, t in told.items() if t["changed"]] == ["mailbox_full"]
    assert told.keys() == {kind.value for kind in FailureClass}


@pytest.mark.parametrize("kind", list(FailureClass))
def test_what_is_shown_is_what_the_flags_decide_by(kind):
    policy = FlagPolicy(thresholds={kind: Threshold(permanent=7, transient=9)})
    traits = TRAITS[kind]
    told = thresholds(policy)[kind]
    for permanent, number in ((True, told.permanent), (False, told.transient)):
        failure = Failure(
            kind,
            traits.side,
            traits.address_policy,
            Confidence.HIGH,
            "rule",
            permanent,
            None,
            None,
            None,
            None,
            "",
        )
        assert policy.needed(failure) == number


def test_a_person_gets_words_for_numbers(file):
    told = run("show", "t-42", "--policy-file", file, "--table").stdout
    assert "only by proof that a message arrived" in told
    assert "mail.example.com" in told
    rows = {line.split()[1]: line for line in told.splitlines() if line[:1] == "│"}
    assert "at once" in rows["bad_mailbox"]
    assert rows["tls_failed"].count("never") == 2


def test_a_sound_file_is_said_to_be_one(file):
    done = run("check", file, "--table")
    assert done.exit_code == 0
    assert "no mistake; a default, and 1 tenant with a table of its own" in done.stdout
    assert json.loads(run("check", file).stdout)["mistakes"] == []


def test_every_mistake_is_a_line_of_its_own_with_line_and_key(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(MISTAKEN)
    done = run("check", path, "--table")
    assert done.exit_code == 1
    assert [line.removeprefix(f"{path}:") for line in done.stdout.splitlines()] == [
        "2: default.suppress must be true or false",
        "5: tenant.a.clear_on must be one of settled, accepted, delivered",
        f"6: tenant.a.typo is not known; known are {', '.join(KNOWN)}",
    ]
    told = json.loads(run("check", path).stdout)
    assert (told["tenants"], len(told["mistakes"])) == (None, 3)


@pytest.mark.parametrize("content", [b"[default\n", b"\xff\xfe", b"x = " + b"[" * 2000])
def test_what_is_no_toml_is_one_mistake(tmp_path, content):
    path = tmp_path / "policy.toml"
    path.write_bytes(content)
    done = run("check", path)
    assert done.exit_code == 1
    assert len(json.loads(done.stdout)["mistakes"]) == 1


def test_a_policy_file_that_is_not_there_is_a_mistake_in_the_settings(tmp_path):
    done = run("show", "t", "--policy-file", tmp_path / "none.toml")
    assert "cannot be read" in str(done.exception)
