"""The workflows: valid, pinned, and with the least rights."""

import re
import subprocess

import pytest
import yaml

USES = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<pin>\S+)(?P<comment>.*)")
RIGHTS = {"contents: read", "id-token: write"}
SCHEMAS = {
    "vendor.github-workflows": ".github/workflows/*.yml",
    "custom.github-workflows-require-timeout": ".github/workflows/*.yml",
    "vendor.dependabot": ".github/dependabot.yml",
    "vendor.github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
    "vendor.github-issue-forms": ".github/ISSUE_TEMPLATE/[!c]*.yml",
    "vendor.compose-spec": "docker-compose*.yml",
}


@pytest.fixture(scope="module")
def workflows(root):
    found = sorted((root / ".github" / "workflows").glob("*.yml"))
    assert found
    return {path.name: path.read_text(encoding="utf-8") for path in found}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_it_is_what_its_reader_expects(root, schema):
    checker = root / ".cache" / "tools" / "bin" / "check-jsonschema"
    if not checker.exists():
        pytest.skip("no check-jsonschema: make environment")
    files = sorted(root.glob(SCHEMAS[schema]))
    assert files
    checked = subprocess.run(
        [checker, "--builtin-schema", schema, *files],
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_action_is_pinned_to_a_commit_and_says_its_version(workflows):
    loose = [
        f"{name}: {found[0]}"
        for name, text in workflows.items()
        for found in USES.finditer(text)
        if not re.fullmatch(r"[0-9a-f]{40}", found["pin"])
        or not re.fullmatch(r" # v\d+\.\d+\.\d+", found["comment"])
    ]
    assert loose == []
    assert all(USES.search(text) for text in workflows.values())


def test_one_action_has_one_pin(workflows):
    pins = {}
    for text in workflows.values():
        for found in USES.finditer(text):
            pins.setdefault(found["action"], set()).add(found["pin"])
    assert {action for action, each in pins.items() if len(each) > 1} == set()


def test_a_workflow_has_no_rights_and_a_job_only_what_it_needs(workflows):
    for name, text in workflows.items():
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {}, name
        assert "concurrency" in workflow, name
        for job, body in workflow["jobs"].items():
            rights = {f"{what}: {right}" for what, right in body["permissions"].items()}
            assert rights <= RIGHTS, f"{name}: {job}"


def test_a_workflow_puts_nothing_from_outside_into_a_shell(workflows):
    """`${{ github.event... }}` in a script is how a title becomes a command."""
    for name, text in workflows.items():
        for job in yaml.safe_load(text)["jobs"].values():
            for step in job["steps"]:
                assert "${{" not in step.get("run", ""), f"{name}: {step}"


def test_every_make_target_of_a_workflow_exists(workflows, root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^\.PHONY: (\S+)$", makefile, re.MULTILINE))
    called = {
        word
        for text in workflows.values()
        for line in re.findall(r"run: make (.*)", text)
        for word in re.findall(r"(?<!\S)[a-z]+(?!\S)", line.partition("ARGS")[0])
    }
    assert called
    assert called <= targets


@pytest.fixture(scope="module")
def jobs(workflows):
    return yaml.safe_load(workflows["ci.yml"])["jobs"]


def matrix(job):
    """Answer every combination of a job that is listed by itself."""
    return job["strategy"]["matrix"]


def test_every_python_that_we_support_is_checked(jobs, root):
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    supported = re.findall(r"Programming Language :: Python :: (3\.\d+)", text)
    assert len(supported) > 2
    assert matrix(jobs["check"])["python"] == supported


def test_the_oldest_and_the_newest_kafka_are_tested_with_old_and_new_pythons(jobs):
    tested = {(one["kafka"], one["python"]) for one in matrix(jobs["kafka"])["include"]}
    for python in ("3.11", "3.13"):
        assert {("3.9.1", python), ("4.1.1", python)} <= tested


@pytest.mark.parametrize("program", ["prometheus", "prometheus-alertmanager", "zsh"])
def test_what_the_tests_run_beside_kafka_is_installed(jobs, program):
    """A test that misses it is skipped, and a skip in CI is a failure."""
    steps = [step.get("run", "") for step in jobs["kafka"]["steps"]]
    installing = next(run for run in steps if "apt-get install" in run)
    assert program in installing.split()
