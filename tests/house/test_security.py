"""The linter's security rules, those of bandit: on, and off only for a reason."""

import re
import tomllib

SKIPPED = re.compile(r"# noqa: (?P<rules>[A-Z0-9, ]+?)(?P<reason>\s+\S.*)?$")
RULE = re.compile(r"\bS\d{3}\b")


def lint(root):
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["tool"]["ruff"]["lint"]


def test_the_security_rules_are_on_for_everything_that_users_run(root):
    told = lint(root)
    assert told["select"] == ["ALL"]
    assert not [rule for rule in told["ignore"] if rule.startswith("S")]
    loose = {
        pattern
        for pattern, rules in told["per-file-ignores"].items()
        if any(RULE.fullmatch(rule) or rule == "S" for rule in rules)
    }
    assert loose <= {"tests/**", "benchmarks/**"}


def test_a_security_rule_that_is_off_says_why(root):
    for line in (root / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if re.match(r'\s+"S\d*",', line):
            assert re.search(r"# \w+", line), line


def test_a_line_that_a_security_rule_passes_over_says_why(texts):
    silent = [
        f"{path}:{number}"
        for path, text in texts.items()
        if path.suffix == ".py"
        for number, line in enumerate(text.splitlines(), start=1)
        for found in SKIPPED.finditer(line)
        if RULE.search(found["rules"]) and not found["reason"]
    ]
    assert silent == []
