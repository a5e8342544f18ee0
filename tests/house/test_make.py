"""The Makefile: targets that explain themselves, and clear words when it cannot."""

import re
import shutil
import subprocess

import pytest

TARGETS = ("demo", "check", "test", "bench", "lock", "clean", "help")


@pytest.fixture
def make(root, tmp_path):
    """Answer a function that runs make on a copy of the Makefile and the locks."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shutil.copy(root / "Makefile", tmp_path)
    shutil.copy(root / "pyproject.toml", tmp_path)
    shutil.copytree(root / "requirements", tmp_path / "requirements")
    (tmp_path / "streams").mkdir()
    shutil.copy(root / "streams" / "__init__.py", tmp_path / "streams")

    def run(*arguments):
        return subprocess.run(
            ["make", *arguments],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )

    return run


def test_make_alone_lists_every_target_with_a_word_about_it(make, root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (\S+)$", makefile, re.MULTILINE))
    listed = make().stdout
    assert phony >= set(TARGETS)
    for target in phony:
        assert re.search(rf"^  make {target} +\S", listed, re.MULTILINE), target


def test_without_a_usable_python_make_says_what_to_do(make):
    ran = make("PYTHON=no-such-python", ".venv/.installed")
    assert ran.returncode != 0
    assert "no Python from 3.11 to 3.14 found at no-such-python" in ran.stderr


def test_a_python_that_cannot_make_environments_is_named(make, tmp_path):
    """As Debian's `python3` without the package python3-venv."""
    crippled = tmp_path / "python3"
    crippled.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n')
    crippled.chmod(0o755)
    ran = make(f"PYTHON={crippled}", ".venv/.installed")
    assert ran.returncode != 0
    assert f"{crippled} cannot make virtual environments" in ran.stderr


def test_the_makefile_needs_no_gnu_make_younger_than_macos_has(root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    younger = r"\.ONESHELL|\.RECIPEPREFIX|^[A-Z_]+ *(?:!=|::=)|\$\((?:file|intcmp|let) "
    assert not re.search(younger, makefile, re.MULTILINE)
