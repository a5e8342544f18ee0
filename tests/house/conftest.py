"""What the house tests look at: the tracked files of this checkout."""

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root():
    """Answer the top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def tracked():
    """Answer every file that git tracks and that is there, relative to the top."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    names = [name for name in listed.stdout.split("\0") if name]
    return [Path(name) for name in names if (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def texts(tracked):
    """Answer the text of every tracked file that is UTF-8, by its path."""
    found = {}
    for path in tracked:
        try:
            found[path] = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


@pytest.fixture(scope="session")
def modules():
    """Answer the syntax tree of every module of the package, by its path."""
    return {
        path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "streams").rglob("*.py"))
    }
