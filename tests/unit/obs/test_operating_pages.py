"""The pages for operators name only what exists, and all that they promise to name."""

import dataclasses
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from streams.cli.main import cli
from streams.core.policy import ClearOn, FlagPolicy
from streams.engine.event import Event
from streams.settings import FILE_SUFFIX, PREFIX, SECRETS, Settings
from streams.wire import policy_file

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = [
    *sorted((DOCS / "runbooks").glob("*.md")),
    *(page for page in (DOCS / "operating.md", DOCS / "subscribing.md")),
]
VARIABLE = re.compile(rf"\b{PREFIX}[A-Z_]+\b(?!\.)")
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(mailflag [^`]+)`")


def text_of(page):
    return page.read_text(encoding="utf-8")


def anchors(page):
    titles = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", title.lower()) for title in titles]
    return {title.replace(" ", "-") for title in plain}


def test_the_generated_tables_are_up_to_date():
    checked = subprocess.run(
        [sys.executable, "-m", "tools.operating_tables", "--check"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_files_and_headings_that_exist(page):
    for target, heading in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", text_of(page)):
        linked = page if not target else (page.parent / target).resolve()
        assert linked.exists(), target
        if heading:
            assert heading in anchors(linked), f"{target}#{heading}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_settings_that_are_named_exist(page):
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {PREFIX + name.upper() + FILE_SUFFIX for name in SECRETS}
    assert set(VARIABLE.findall(text_of(page))) <= known | {PREFIX}


def commands(page):
    """Answer the words after `mailflag` of every command that a page names."""
    text = text_of(page)
    lines = [line for block in FENCE.findall(text) for line in block.splitlines()]
    for line in (*lines, *INLINE.findall(" ".join(text.split()))):
        if line.startswith("mailflag "):
            yield shlex.split(line, comments=True)[1:]


def problem(words):
    """Answer what is wrong with a command, or None."""
    command, context = cli, click.Context(cli)
    for word in words:
        if word.startswith("-"):
            known = {
                o for p in command.get_params(context) for o in (*p.opts, "--help")
            }
            if word.partition("=")[0] not in known:
                return f"no option {word}"
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            if found is None:
                return f"no command {word}"
            command = found
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_that_are_named_exist(page):
    assert [(words, problem(words)) for words in commands(page) if problem(words)] == []


def test_commands_are_found_and_a_wrong_one_is_noticed():
    assert ["worker"] in commands(DOCS / "operating.md")
    assert problem(["dlq", "show", "--sumary"]) == "no option --sumary"
    assert problem(["dql"]) == "no command dql"


def test_every_event_of_the_log_is_explained():
    page = text_of(DOCS / "operating.md")
    table = page[page.index("| event | level |") :].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) == {event.value for event in Event}


def test_every_key_of_a_policy_has_its_line_in_the_table():
    page = text_of(DOCS / "operating.md")
    table = page[page.index("<!-- generated: policy -->") :].partition("<!-- end")[0]
    keys = re.findall(r"^\| `(\S+)`", table, re.MULTILINE)
    named = {key.partition(".")[0] for key in keys}
    fields = {field.name for field in dataclasses.fields(FlagPolicy)}
    assert named == set(policy_file.KEYS) == fields


def test_the_policy_file_that_is_shown_can_be_read():
    page = text_of(DOCS / "operating.md")
    form = re.compile(r"^```toml\n(\[default\].*?)^```$", re.MULTILINE | re.DOTALL)
    (shown,) = form.findall(page)
    book = policy_file.parse(shown, "policy.toml")
    assert book.default.clear_on_incident_resolve
    assert book.of("t-42").clear_on is ClearOn.DELIVERED
    assert book.of("t-42").thresholds == book.default.thresholds != {}
