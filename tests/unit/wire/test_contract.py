"""The contracts are found beside the code in a checkout, and inside a wheel."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from streams.wire import contract
from streams.wire.contract import Role
from streams.wire.topic import Topic

CHECKOUT = Path(contract.__file__).parents[2]


def test_in_a_checkout_the_contracts_lie_beside_the_package():
    assert contract.folder() == CHECKOUT / "schemas"


def test_in_a_wheel_the_contracts_lie_inside_the_package(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "streams", tmp_path / "streams", ignore=ignored)
    shutil.copytree(CHECKOUT / "schemas", tmp_path / "streams/schemas")
    shown = (
        "from streams.wire import contract as c; print(c.folder(), len(c.manifests()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    found, count = done.stdout.split()
    assert Path(found) == tmp_path / "streams/schemas"
    assert int(count) == len(contract.manifests())


def test_the_manifest_of_a_topic_is_found_by_its_logical_name():
    manifest = contract.manifest(Topic.SEND_ATTEMPTS)
    assert manifest.role is Role.INPUT
    assert manifest.settings["message.timestamp.type"] == "LogAppendTime"
    assert all(type(value) is str for value in manifest.settings.values())


def test_a_topic_without_a_manifest_is_an_error_of_ours():
    with pytest.raises(KeyError):
        contract.manifest("mail.nothing.v1")


def test_a_changelog_is_named_after_application_and_table():
    changelog, *others = contract.changelogs("acme")
    assert changelog.topic == "acme-flags-changelog"
    assert changelog.role is Role.CHANGELOG
    assert changelog.partitions_of == Topic.EVIDENCE
    assert changelog.partitions == contract.manifest(Topic.EVIDENCE).partitions
    assert "`flags`" in changelog.content
    assert {one.topic: one.partitions_of for one in others} == {
        "acme-spikes-changelog": Topic.TENANT_ACTIVITY,
        "acme-rollup-changelog": Topic.SPIKE_DIGESTS,
    }


def test_schemas_refer_to_each_other_without_a_network():
    validator = contract.validator("flag-change.v1")
    assert not validator.is_valid({"type": "flag-set", "flag": {}})
