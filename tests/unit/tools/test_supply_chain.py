"""What a release consists of, and what an audit says of it."""

import json
import re
from pathlib import Path

import pytest

from streams import __version__
from tools import audit, sbom

ROOT = Path(__file__).parents[3]
LOCK = (ROOT / "requirements" / "rocksdb.txt").read_text(encoding="utf-8")


def written():
    """As cyclonedx-py writes it: without a version of the root, hashes out of sight."""
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE)
    return {
        "metadata": {"component": {"bom-ref": "root", "name": "mailflag"}},
        "components": [
            {"bom-ref": name, "name": name, "version": version, "description": "line"}
            for name, version in pins
        ],
        "dependencies": [{"ref": name} for name, _ in pins] + [{"ref": "root"}],
    }


def test_the_project_has_the_version_of_its_package():
    root = sbom.completed(written(), LOCK)["metadata"]["component"]
    assert root["version"] == __version__
    assert root["purl"] == f"pkg:pypi/mailflag@{__version__}"


def test_every_component_has_the_hashes_of_the_lock_and_no_others():
    components = sbom.completed(written(), LOCK)["components"]
    assert all(one["hashes"] for one in components)
    told = [each["content"] for one in components for each in one["hashes"]]
    assert told == re.findall(r"--hash=sha256:(\w+)", LOCK)


def test_the_project_depends_on_every_component():
    document = sbom.completed(written(), LOCK)
    (root,) = [one for one in document["dependencies"] if one["ref"] == "root"]
    assert set(root["dependsOn"]) == {one["name"] for one in document["components"]}


def test_it_lists_the_lock_that_the_image_installs():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (lock,) = re.findall(r"-m tools\.sbom (\S+)", makefile)
    assert f"--requirement {lock}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def audited(*dependencies):
    return json.dumps({"dependencies": list(dependencies), "fixes": []})


HOLE = {"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}


def test_a_known_vulnerability_is_exit_code_1_and_is_named():
    said = audited({"name": "a", "version": "1.0", "vulns": [HOLE]})
    code, lines = audit.verdict(said)
    assert code == 1
    assert "a 1.0: PYSEC-1, mended in 2.0" in lines


def test_no_known_vulnerability_is_exit_code_0():
    code, _ = audit.verdict(audited({"name": "a", "version": "1.0", "vulns": []}))
    assert code == 0


@pytest.mark.parametrize(
    "said", ["", "{}", audited({"name": "a", "skip_reason": "not found"})]
)
def test_advisories_that_cannot_be_had_are_another_exit_code_and_say_so(said):
    code, (line,) = audit.verdict(said)
    assert code == 69
    assert "could" in line
    assert "be had" in line


def test_a_vulnerability_is_told_although_something_else_is_not_known():
    found = {"name": "a", "version": "1.0", "vulns": [HOLE]}
    code, _ = audit.verdict(audited(found, {"name": "b", "skip_reason": "not found"}))
    assert code == 1
