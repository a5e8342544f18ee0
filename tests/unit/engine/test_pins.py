"""The engine runs on the versions it was proven with, and on no others."""

import re
import tomllib
from pathlib import Path

import pytest

from streams.engine import pins
from streams.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[3]


def test_the_installed_versions_are_the_pinned_ones():
    pins.assert_pins()


@pytest.mark.parametrize("package", pins.PINS)
def test_another_version_is_refused_by_name(package, monkeypatch):
    monkeypatch.setitem(pins.PINS, package, "0.0.1")
    with pytest.raises(ConfigurationError, match=f"{package} 0.0.1 is needed"):
        pins.assert_pins()


def test_a_missing_package_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(pins, "PINS", {"no-such-package": "1"})
    with pytest.raises(ConfigurationError, match="none is installed"):
        pins.assert_pins()


def test_the_project_installs_the_pinned_versions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = dict(
        re.match(r"([\w-]+)==([\w.]+)", line).groups()
        for line in project["project"]["dependencies"]
        if "==" in line
    )
    assert pins.PINS.items() <= wanted.items()
