"""Documents that stay true: links, commands, decisions, the changelog."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from streams.cli.main import cli

LINK = re.compile(r"(?<!\!)\[[^\]]+\]\((?!https?://|mailto:|#)([^)#\s]+)[^)]*\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = ("README.md", "CONTRIBUTING.md", "AGENTS.md")
SECTIONS = ("Context", "Decision", "Consequences", "Alternatives")


def documents(texts):
    return {path: text for path, text in texts.items() if path.suffix == ".md"}


def shell_lines(text):
    """Answer the command lines of a document's shell blocks, continued ones joined."""
    for language, block in FENCE.findall(text):
        if language in {"sh", "bash", "console"}:
            yield from block.replace("\\\n", " ").splitlines()


def inline_commands(text):
    """Answer what stands between backticks and is a command of ours."""
    prose = FENCE.sub("", text)
    return re.findall(r"`((?:mailflag|make) [^`]+)`", prose)


def called(texts, program):
    for path, text in documents(texts).items():
        for line in (*shell_lines(text), *inline_commands(text)):
            if re.match(rf"(?:[A-Z_]+=\S+ )*{program}\s", line):
                words = shlex.split(line, comments=True)
                yield path, words[words.index(program) + 1 :]


def test_every_link_to_a_file_leads_to_one(texts, root):
    dead = [
        f"{path}: {target}"
        for path, text in documents(texts).items()
        for target in LINK.findall(FENCE.sub("", text))
        if not (root / path.parent / target).exists()
    ]
    assert dead == []


def test_every_make_target_in_a_document_exists(texts, root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^\.PHONY: (\S+)$", makefile, re.MULTILINE))
    named = [
        (str(path), word)
        for path, words in called(texts, "make")
        for word in words
        if "=" not in word and not word.startswith("-")
    ]
    assert named
    assert [each for each in named if each[1] not in targets] == []


def problem(words):
    """Answer what is wrong with a call of `mailflag`, or None."""
    command, context = cli, click.Context(cli)
    for word in words:
        if word.startswith("-"):
            option = word.partition("=")[0]
            known = {o for p in command.get_params(context) for o in p.opts}
            known |= {o for p in command.get_params(context) for o in p.secondary_opts}
            if option not in known:
                return f"no option {option}"
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            if found is None:
                return f"no command {word}"
            command, context = found, click.Context(found, parent=context)
    return None


def test_every_mailflag_command_in_a_document_exists(texts):
    wrong = [
        f"{path}: mailflag {shlex.join(words)}: {what}"
        for path, words in called(texts, "mailflag")
        if not any("..." in word for word in words)
        for each in alternatives(words)
        if (what := problem(each))
    ]
    assert wrong == []


def test_every_mailflag_command_of_the_compose_file_exists(root):
    compose = root / "docker-compose.kafka.yml"
    services = yaml.safe_load(compose.read_text(encoding="utf-8"))["services"]
    commands = [s["command"] for s in services.values() if s["image"] == "mailflag"]
    assert commands
    assert [(words, what) for words in commands if (what := problem(words))] == []


def alternatives(words):
    """Answer the calls that `show|replay` stands for."""
    for position, word in enumerate(words):
        if re.fullmatch(r"[a-z]+(\|[a-z]+)+", word):
            return [
                [*words[:position], each, *words[position + 1 :]]
                for each in word.split("|")
            ]
    return [words]


def test_the_readme_names_every_command_and_no_other(texts):
    readme = texts[Path("README.md")]
    table = re.findall(r"^\| `mailflag (\w+)` \|", readme, re.MULTILINE)
    assert sorted(table) == sorted(cli.list_commands(click.Context(cli)))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_guide_shows_commands(texts, name):
    assert list(shell_lines(texts[Path(name)]))


def test_the_map_has_every_room(texts, tracked):
    tops = {path.parts[0] for path in tracked if len(path.parts) > 1}
    rooms = {top for top in tops if not top.startswith(".")} - {"streams", "docs"}
    for path in tracked:
        if path.parts[0] == "streams" and path.name not in {"__init__.py", "py.typed"}:
            rooms.add("/".join(path.parts[:2]))
    named = set(re.findall(r"^\| `([^`]+)` \|", texts[Path("AGENTS.md")], re.MULTILINE))
    assert rooms - named == set()


def test_the_changelog_has_a_place_for_what_comes_next(texts):
    text = texts[Path("CHANGELOG.md")]
    releases = re.findall(r"^## \[([^\]]+)\](.*)$", text, re.MULTILINE)
    assert releases[0] == ("Unreleased", "")
    for version, date in releases[1:]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert re.fullmatch(r" - \d{4}-\d\d-\d\d", date)


def test_decisions_are_numbered_without_a_gap_and_indexed(texts):
    folder = Path("docs/adr")
    pages = sorted(p for p in texts if p.parent == folder and p.name != "README.md")
    numbers = [int(page.name[:4]) for page in pages]
    assert pages
    assert numbers == list(range(1, len(pages) + 1))
    index = texts[folder / "README.md"]
    for page in pages:
        title = re.match(r"# (\d+)\. (.+)\n", texts[page])
        assert int(title[1]) == int(page.name[:4]), page
        assert f"| [{page.name[:4]}]({page.name}) | {title[2]} |" in index


def test_a_decision_says_why_and_what_else_was_weighed(texts):
    folder = Path("docs/adr")
    for path, text in texts.items():
        if path.parent == folder and path.name != "README.md":
            headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
            assert tuple(headings) == SECTIONS, path
            assert re.search(r"^Status: \w+.*, \d{4}-\d\d$", text, re.MULTILINE), path


def test_every_decision_that_the_code_names_exists(texts):
    named = {
        number
        for path, text in texts.items()
        if path.suffix in {".py", ".toml", ".yml", ".yaml", ".md"}
        for number in re.findall(r"docs/adr/(\d{4})", text)
    }
    there = {p.name[:4] for p in texts if p.parent == Path("docs/adr")}
    assert named <= there
