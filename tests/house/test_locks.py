"""The locks: complete, hashed, without an origin, and true to pyproject.toml."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PINNED = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)", re.MULTILINE)
GROUPS = {
    "runtime": (),
    "rocksdb": (),
    "dev": ("build", "test", "lint"),
    "build": ("build",),
    "tools": ("tools",),
    "peers": ("peers",),
}
PROJECTS = {"runtime", "rocksdb", "dev"}
"""Locks that hold the dependencies of the project itself."""


def locked(root, lock):
    text = (root / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    return {canonicalize_name(m["name"]): m["version"] for m in PINNED.finditer(text)}


def asked_for(root, lock):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    asked = list(project["project"]["dependencies"]) if lock in PROJECTS else []
    for group in GROUPS[lock]:
        asked += project["dependency-groups"][group]
    return [Requirement(text) for text in asked]


@pytest.mark.parametrize("lock", GROUPS)
def test_a_lock_has_what_pyproject_asks_for(root, lock):
    versions = locked(root, lock)
    asked = asked_for(root, lock)
    assert asked
    for requirement in asked:
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not locked: make lock"
        assert requirement.specifier.contains(version, prereleases=True), requirement


@pytest.mark.parametrize("lock", GROUPS)
def test_every_line_of_a_lock_is_a_pin_a_hash_or_a_comment(root, lock):
    text = (root / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    allowed = re.compile(
        r"[\w.-]+==[^\\]+\\|\s+--hash=sha256:[0-9a-f]{64}(?: \\)?|\s*#.*"
    )
    assert [line for line in text.splitlines() if not allowed.fullmatch(line)] == []
    assert "--hash" in text


def test_the_image_has_what_tables_on_disk_need(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    (extra,) = project["project"]["optional-dependencies"]["rocksdb"]
    wanted = Requirement(extra)
    assert wanted.specifier.contains(locked(root, "rocksdb")[wanted.name])
    assert locked(root, "runtime").items() <= locked(root, "rocksdb").items()


@pytest.mark.parametrize("lock", ["runtime", "rocksdb", "build"])
def test_developers_have_the_versions_that_users_have(root, lock):
    assert locked(root, lock).items() <= locked(root, "dev").items()
