"""The published contracts are in order, and the guard notices when they are not."""

import json
import shutil

import pytest
import yaml
from contract_guard import findings

from streams.core.failure import FailureClass
from streams.wire import contract
from streams.wire.reject import RejectReason
from streams.wire.topic import INPUTS, Topic


def test_the_contracts_are_in_order():
    assert findings(contract.folder()) == []


@pytest.fixture
def copy(tmp_path):
    """A copy of the contracts, to be broken."""
    return shutil.copytree(contract.folder(), tmp_path / "schemas")


def edit_json(path, change):
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def edit_yaml(path, change):
    document = yaml.safe_load(path.read_text())
    change(document)
    path.write_text(yaml.safe_dump(document))


def drop(path):
    path.unlink()


ATTEMPTS = "topics/mail.send-attempts.v1.yaml"
FLAGS = "topics/mail.address-flags.v1.yaml"
FLAG = "flag.v1.schema.json"
BREACHES = {
    "a topic with an underscore": (
        lambda f: edit_yaml(f / ATTEMPTS, lambda m: m.update(topic="mail.send_att.v1")),
        "not a topic name with a version",
    ),
    "a manifest under another name": (
        lambda f: (f / ATTEMPTS).rename(f / "topics/other.v1.yaml"),
        "the file is not named after its topic",
    ),
    "a manifest with an unknown member": (
        lambda f: edit_yaml(f / ATTEMPTS, lambda m: m.update(colour="red")),
        "colour",
    ),
    "a manifest without a schema's file": (
        lambda f: drop(f / "send-attempt.v1.schema.json"),
        "no schema send-attempt.v1",
    ),
    "an input that believes the producer's time": (
        lambda f: edit_yaml(
            f / ATTEMPTS, lambda m: m["settings"].pop("message.timestamp.type")
        ),
        "has the broker's time",
    ),
    "a topic that is kept for ever": (
        lambda f: edit_yaml(f / ATTEMPTS, lambda m: m["settings"].pop("retention.ms")),
        "no retention",
    ),
    "a compacted topic with a segment of a week": (
        lambda f: edit_yaml(
            f / FLAGS, lambda m: m["settings"].update({"segment.ms": 604800000})
        ),
        "segment.ms is not 1 to 6 hours",
    ),
    "a value that fits no batch": (
        lambda f: edit_yaml(f / FLAGS, lambda m: m.update(value_max_bytes=2000000)),
        "does not fit a batch",
    ),
    "dead letters kept for a week": (
        lambda f: edit_yaml(
            f / "patterns/dead-letter.yaml",
            lambda m: m["settings"].update({"retention.ms": 604800000}),
        ),
        "not kept for 14 days",
    ),
    "an input without dead letters": (
        lambda f: edit_yaml(f / "patterns/dead-letter.yaml", lambda m: m["of"].pop(0)),
        "no dead letters of",
    ),
    "a changelog that forgets": (
        lambda f: edit_yaml(
            f / "patterns/changelog.yaml",
            lambda m: m["settings"].update({"cleanup.policy": "delete"}),
        ),
        "a changelog is not compacted",
    ),
    "a schema of no topic": (
        lambda f: shutil.copy(f / FLAG, f / "orphan.v1.schema.json"),
        "orphan.v1: of no topic",
    ),
    "a schema with another id": (
        lambda f: edit_json(f / FLAG, lambda s: s.update({"$id": "https://x.test/y"})),
        "$id is not the file's name",
    ),
    "a schema that is none": (
        lambda f: edit_json(f / FLAG, lambda s: s.update(type="flag")),
        "no valid JSON Schema",
    ),
    "a string of any length": (
        lambda f: edit_json(
            f / FLAG, lambda s: s["properties"]["summary"].pop("maxLength")
        ),
        "/summary: a string of any length",
    ),
    "a number without bounds": (
        lambda f: edit_json(
            f / FLAG, lambda s: s["properties"]["revision"].pop("maximum")
        ),
        "/revision: a number without bounds",
    ),
    "closed content": (
        lambda f: edit_json(f / FLAG, lambda s: s.update(additionalProperties=False)),
        "closed content",
    ),
    "an example that breaks its schema": (
        lambda f: edit_json(
            f / "examples/flag/v1/unknown-mailbox.json",
            lambda e: e.update(since="yesterday"),
        ),
        "unknown-mailbox.json: format at ['since']",
    ),
    "a schema with too few examples": (
        lambda f: drop(f / "examples/flag/v1/unknown-mailbox.json"),
        "flag.v1: 2 examples",
    ),
    "a schema without examples": (
        lambda f: (f / "examples/flag").rename(f / "examples/flog"),
        "flag.v1: 0 examples",
    ),
    "examples of no schema": (
        lambda f: shutil.copytree(f / "examples/flag", f / "examples/flog"),
        "of no schema",
    ),
    "an example with somebody's IP address": (
        lambda f: edit_json(
            f / "examples/send-attempt/v1/accepted.json",
            lambda e: e["smtp"].update(peer_ip="8.8.4.4"),
        ),
        "8.8.4.4 may be somebody's",
    ),
    "a topic that AsyncAPI does not know": (
        lambda f: edit_yaml(
            f / "asyncapi.yaml", lambda a: a["channels"].pop("sendAttempts")
        ),
        "mail.send-attempts.v1 has a channel or a manifest, not both",
    ),
    "another retention in AsyncAPI": (
        lambda f: edit_yaml(
            f / ATTEMPTS, lambda m: m["settings"].update({"retention.ms": 3600000})
        ),
        "mail.send-attempts.v1 has another retention.ms",
    ),
    "another schema in AsyncAPI": (
        lambda f: edit_yaml(
            f / "asyncapi.yaml",
            lambda a: a["components"]["messages"]["sendAttempt"]["payload"].update(
                schema={"$ref": "./dsn-event.v1.schema.json"}
            ),
        ),
        "mail.send-attempts.v1 refers to ./dsn-event.v1.schema.json",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_the_guard_rejects(copy, breach):
    spoil, expected = BREACHES[breach]
    spoil(copy)
    assert any(expected in finding for finding in findings(copy)), findings(copy)


def test_every_logical_name_has_a_manifest_and_the_other_way_round(contracts):
    assert set(contracts.manifests) == set(Topic)


def test_the_inputs_are_what_the_manifests_call_input(contracts):
    inputs = {n for n, m in contracts.manifests.items() if m["role"] == "input"}
    assert inputs == set(INPUTS)


def test_evidence_flags_changes_and_the_flags_changelog_have_equal_partitions():
    changelog, *_ = contract.changelogs("mailflag")
    assert changelog.topic == "mailflag-flags-changelog"
    partitions = {
        manifest.partitions
        for manifest in (
            contract.manifest(Topic.EVIDENCE),
            contract.manifest(Topic.FLAGS),
            contract.manifest(Topic.FLAG_CHANGES),
            changelog,
        )
    }
    assert len(partitions) == 1


def test_each_dead_letter_topic_is_named_after_its_source():
    for topic in (*INPUTS, Topic.EVIDENCE):
        manifest = contract.manifest(topic.dead_letters)
        assert manifest.settings["retention.ms"] == str(14 * 24 * 3_600_000)
        assert topic in manifest.content


def test_the_flag_schema_names_every_class(contracts):
    known = contracts.schemas["flag.v1"]["properties"]["class"]["examples"]
    assert known == [c.value for c in FailureClass]


def test_the_dead_letter_schema_names_every_reason(contracts):
    reasons = contracts.schemas["dead-letter.v1"]["properties"]["dlq-reason"]["enum"]
    assert reasons == [r.value for r in RejectReason]
