"""What topics must be, and when one that exists differs from that."""

import pytest

from streams.adapters.topic_plan import (
    Difference,
    Found,
    Wish,
    differences,
    names,
    plan,
)
from streams.wire import contract
from streams.wire.topic import Topic

CHANGELOG = "mailflag-flags-changelog"
GROUP = {Topic.EVIDENCE, Topic.FLAGS, Topic.FLAG_CHANGES, CHANGELOG}


def by_name(wish, found=None):
    return {wanted.name: wanted for wanted in plan(wish, found or {})}


def as_wanted(wanted, **changed):
    """The topic just as it must be, except for some settings."""
    settings = {**wanted.manifest.settings, **changed}
    return Found(wanted.partitions, 1, {k: v for k, v in settings.items() if v})


def with_partitions(wish, topic, partitions):
    return {topic: as_wanted(by_name(wish)[topic])._replace(partitions=partitions)}


def test_a_deployment_has_every_topic_of_the_contracts_and_its_changelog():
    changelogs = {one.topic for one in contract.changelogs("mailflag")}
    assert set(names(Wish())) == {*contract.manifests(), *changelogs}
    assert CHANGELOG in changelogs


def test_prefix_and_application_are_part_of_the_names():
    topics = names(Wish("staging.", "acme"))
    assert all(name.startswith("staging.") for name in topics)
    assert "staging.acme-flags-changelog" in topics
    assert "staging.mail.send-attempts.v1" in topics


def test_new_topics_have_the_partitions_of_their_manifests():
    wanted = by_name(Wish())
    for topic, manifest in contract.manifests().items():
        assert wanted[topic].partitions == manifest.partitions


def test_another_number_is_for_every_topic_but_those_that_have_one():
    wanted = by_name(Wish(partitions=24))
    for topic in (Topic.ALERTS, Topic.SPIKE_DIGESTS, "mailflag-rollup-changelog"):
        assert wanted.pop(topic).partitions == 1
    assert {one.partitions for one in wanted.values()} == {24}


@pytest.mark.parametrize("prefix", ["", "staging."])
@pytest.mark.parametrize("there", sorted(GROUP))
def test_topics_that_belong_together_follow_the_one_that_exists(prefix, there):
    wish = Wish(prefix)
    found = with_partitions(wish, prefix + there, 7)
    wanted = by_name(wish, found)
    for topic in GROUP:
        assert wanted[prefix + topic].partitions == 7
        assert wanted[prefix + topic].exactly == 7
    assert wanted[prefix + Topic.SEND_ATTEMPTS].partitions == 12


def test_of_those_that_disagree_the_evidence_decides():
    found = {
        **with_partitions(Wish(), CHANGELOG, 5),
        **with_partitions(Wish(), Topic.EVIDENCE, 7),
    }
    wanted = by_name(Wish(), found)
    assert differences(wanted[Topic.EVIDENCE], found[Topic.EVIDENCE]) == []
    assert differences(wanted[CHANGELOG], found[CHANGELOG]) == [
        Difference(CHANGELOG, "partitions", "7", "5")
    ]


def test_without_evidence_the_changelog_decides_since_its_keys_have_their_places():
    found = {
        **with_partitions(Wish(), Topic.FLAGS, 5),
        **with_partitions(Wish(), CHANGELOG, 7),
    }
    assert by_name(Wish(), found)[Topic.EVIDENCE].partitions == 7


def test_an_input_may_have_any_number_of_partitions():
    found = with_partitions(Wish(), Topic.SEND_ATTEMPTS, 1)
    wanted = by_name(Wish(), found)[Topic.SEND_ATTEMPTS]
    assert differences(wanted, found[Topic.SEND_ATTEMPTS]) == []


def test_a_number_that_was_asked_for_must_be_there():
    wish = Wish(partitions=24)
    for topic in (Topic.SEND_ATTEMPTS, Topic.EVIDENCE):
        found = with_partitions(wish, topic, 12)
        assert differences(by_name(wish, found)[topic], found[topic]) == [
            Difference(topic, "partitions", "24", "12")
        ]


def test_what_is_missing_beside_an_existing_topic_is_made_to_fit_it():
    wish = Wish(partitions=24)
    found = with_partitions(wish, Topic.EVIDENCE, 12)
    assert by_name(wish, found)[CHANGELOG].partitions == 12


def test_a_topic_as_it_must_be_has_no_differences():
    for wanted in plan(Wish(), {}):
        assert differences(wanted, as_wanted(wanted)) == []


DAY = 86_400_000


@pytest.mark.parametrize(
    ("topic", "setting", "found", "expected"),
    [
        (Topic.SEND_ATTEMPTS, "retention.ms", 7 * DAY - 1, f"at least {7 * DAY}"),
        (Topic.SEND_ATTEMPTS, "message.timestamp.type", "CreateTime", "LogAppendTime"),
        (Topic.SEND_ATTEMPTS, "cleanup.policy", "compact", "delete"),
        (Topic.DSN_EVENTS, "max.message.bytes", 1048588, "at least 2097152"),
        (Topic.FLAGS, "cleanup.policy", "compact,delete", "compact"),
        (Topic.FLAGS, "segment.ms", 7 * DAY, "at most 10800000"),
        (Topic.FLAGS, "min.cleanable.dirty.ratio", 0.5, "at most 0.1"),
        (Topic.FLAGS, "delete.retention.ms", DAY, f"at least {7 * DAY}"),
        (Topic.FLAGS, "max.compaction.lag.ms", 2**63 - 1, f"at most {7 * DAY}"),
    ],
)
def test_a_setting_that_differs_is_told(topic, setting, found, expected):
    wanted = by_name(Wish())[topic]
    assert differences(wanted, as_wanted(wanted, **{setting: str(found)})) == [
        Difference(topic, setting, expected, str(found))
    ]


@pytest.mark.parametrize(
    ("topic", "setting", "found"),
    [
        (Topic.SEND_ATTEMPTS, "retention.ms", 14 * DAY),
        (Topic.SEND_ATTEMPTS, "retention.ms", -1),
        (Topic.SEND_ATTEMPTS, "max.message.bytes", 8388608),
        (Topic.FLAGS, "segment.ms", 3600000),
        (Topic.FLAGS, "min.cleanable.dirty.ratio", 0.01),
        (Topic.FLAGS, "max.compaction.lag.ms", DAY),
    ],
)
def test_more_where_more_does_no_harm_is_no_difference(topic, setting, found):
    wanted = by_name(Wish())[topic]
    assert differences(wanted, as_wanted(wanted, **{setting: str(found)})) == []


def test_a_setting_that_the_broker_does_not_know_is_told():
    wanted = by_name(Wish())[Topic.FLAGS]
    assert differences(wanted, as_wanted(wanted, **{"segment.ms": ""})) == [
        Difference(Topic.FLAGS, "segment.ms", "at most 10800000", "unknown")
    ]


def test_too_few_copies_are_told_only_when_a_number_was_asked_for():
    for wish, told in ((Wish(), []), (Wish(replication_factor=3), ["at least 3"])):
        wanted = by_name(wish)[Topic.FLAGS]
        found = as_wanted(wanted)
        assert [d.expected for d in differences(wanted, found)] == told
