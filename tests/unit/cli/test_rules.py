"""`mailflag rules`: rules are checked before they judge."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.rules import command

GOOD = """[[rule]]
id = "ours.good"
class = "policy_rejected"
say = ["the crocodile said no"]
source = "our gateway"
examples = ["550 the crocodile said no"]
"""


def run(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "ours.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_built_in_rules_are_in_order():
    done = run("check")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "all in order" in done.stderr


def test_a_good_file_is_in_order(write):
    done = run("check", write(GOOD))
    assert done.exit_code == 0
    assert done.stderr == "1 rules, all in order\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD.replace("550 the", "550 a"), "is classified by none"),
        (GOOD.replace('["the', '["user unknown (", "the'), "brackets do not match"),
        (GOOD.replace("policy_rejected", "sad"), "no such class 'sad'"),
        (GOOD + GOOD, "the id is used twice"),
        ("[[rule]", "is not TOML"),
        (GOOD.replace("say =", 'unless = ["crocodile"]\nsay ='), "never wins"),
    ],
)
def test_what_is_wrong_is_printed(write, text, told):
    done = run("check", write(text))
    assert done.exit_code == 1
    assert told in done.stdout
    assert "ours" in done.stdout


def test_the_page_about_the_classes_is_what_the_rules_make():
    page = Path("docs/classes.md").read_text(encoding="utf-8")
    assert run("classes").stdout == page


def test_the_rule_that_the_documentation_shows_is_in_order(write):
    page = Path("docs/rules.md").read_text(encoding="utf-8")
    shown = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert shown
    done = run("check", write("\n".join(shown)))
    assert (done.exit_code, done.stdout) == (0, "")
