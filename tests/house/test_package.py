"""The distribution: one version, and everything in it that runs need."""

import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from importlib import metadata

import pytest

import streams


def test_the_version_stands_in_one_place(texts):
    declared = [
        str(path)
        for path, text in texts.items()
        if re.search(r"^(?:__version__|version) = \"", text, re.MULTILINE)
    ]
    assert declared == ["streams/__init__.py"]
    assert metadata.version("mailflag") == streams.__version__


@pytest.fixture(scope="module")
def unpacked(root, tmp_path_factory):
    """Build the wheel as a release does, without a network, and unpack it."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", *offline, str(root)],
        check=True,
        cwd=folder,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_carries_every_contract_and_every_rule(unpacked, tracked):
    contracts = [path for path in tracked if path.parts[0] == "schemas"]
    package = [path for path in tracked if path.parts[0] == "streams"]
    assert contracts
    expected = {f"streams/{path}" for path in contracts} | {str(p) for p in package}
    there = {str(p.relative_to(unpacked)) for p in unpacked.rglob("*") if p.is_file()}
    assert expected - there == set()
    assert "streams/py.typed" in there


def test_the_unpacked_wheel_works_away_from_the_checkout(unpacked, tmp_path):
    """It finds its own contracts, and its command answers."""
    program = (
        "from streams.wire import contract; print(contract.folder())\n"
        "from streams.cli.main import cli; cli(['--help'])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        check=True,
        capture_output=True,
        text=True,
    )
    first, _, rest = ran.stdout.partition("\n")
    assert first == str(unpacked / "streams" / "schemas")
    assert "Usage: " in rest
