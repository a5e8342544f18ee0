"""A skip in CI fails by name, unless it is expected."""

import os
import re
import subprocess
import sys
import tomllib

import pytest

SKIPPING = """
import pytest

def test_without_a_broker():
    pytest.skip("no broker")

@pytest.mark.skip(reason="known to CI")
def test_that_ci_knows():
    raise AssertionError

@pytest.mark.xfail(reason="no broker", strict=True)
def test_that_fails_as_expected():
    raise AssertionError

def test_that_runs():
    assert True
"""


@pytest.fixture
def suite(root, tmp_path):
    """Write a suite with our conftest and one expected skip; answer how to run it."""
    hook = (root / "tests" / "conftest.py").read_text(encoding="utf-8")
    (tmp_path / "conftest.py").write_text(hook, encoding="utf-8")
    listed = "[[skip]]\nreason = 'known .*'\nwhy = 'an example'\n"
    (tmp_path / "expected_skips.toml").write_text(listed, encoding="utf-8")
    (tmp_path / "test_example.py").write_text(SKIPPING, encoding="utf-8")

    def run(ci):
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider"],
            cwd=tmp_path,
            env={**os.environ, "CI": ci},
            check=False,
            capture_output=True,
            text=True,
        )

    return run


def test_an_unexpected_skip_fails_a_ci_run_by_name(suite):
    ran = suite("true")
    assert ran.returncode == 1
    assert "FAILED test_example.py::test_without_a_broker" in ran.stdout
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed" in ran.stdout


def test_a_skip_is_a_skip_on_a_developers_machine(suite):
    ran = suite("")
    assert ran.returncode == 0
    assert "1 passed, 2 skipped, 1 xfailed" in ran.stdout


def test_a_module_that_skips_itself_fails_a_ci_run(suite, tmp_path):
    module = "import pytest\npytest.importorskip('no_such_module')\n"
    (tmp_path / "test_example.py").write_text(module, encoding="utf-8")
    ran = suite("true")
    assert ran.returncode == 2
    assert "no_such_module" in ran.stdout


def test_every_expected_skip_says_why(root):
    text = (root / "tests" / "expected_skips.toml").read_text(encoding="utf-8")
    for skip in tomllib.loads(text).get("skip", []):
        assert skip.keys() == {"reason", "why"}
        assert skip["why"]
        assert re.compile(skip["reason"])
