"""What the topics of a deployment must be, and how they differ from what they are.

Pure: a plan is made from the manifests, and compared with what a broker said. A
topic is never made smaller, and never changed once it exists, so a plan follows
what is there: the number in a manifest is for a new topic, and where several
topics must have one number it is the number that is there already.
"""

from collections.abc import Mapping
from typing import NamedTuple

from streams.wire import contract
from streams.wire.contract import Manifest, Role

PARTITIONS = "partitions"
REPLICATION_FACTOR = "replication.factor"
DEFAULT_REPLICATION = -1
"""As the broker does by default (KIP-464)."""

_AT_LEAST = frozenset({"retention.ms", "delete.retention.ms", "max.message.bytes"})
"""Settings of which more does no harm."""
_AT_MOST = frozenset(
    {"segment.ms", "min.cleanable.dirty.ratio", "max.compaction.lag.ms"}
)
"""Settings of which less does no harm."""
_FOR_EVER = "-1"


class Wish(NamedTuple):
    """What the deployment decides about its topics."""

    prefix: str = ""
    """Put before every name, as it stands."""
    app_id: str = "mailflag"
    partitions: int | None = None
    """Instead of what the manifests say; topics of one partition keep it."""
    replication_factor: int = DEFAULT_REPLICATION


class Found(NamedTuple):
    """A topic as the broker describes it."""

    partitions: int
    replication_factor: int
    settings: Mapping[str, str]


class Wanted(NamedTuple):
    """A topic as it must be."""

    name: str
    """Real name, with the prefix."""
    manifest: Manifest
    partitions: int
    """What a new topic is created with."""
    exactly: int | None
    """What an existing topic must have; None when any number will do."""
    replication_factor: int


class Difference(NamedTuple):
    """What is otherwise than it must be."""

    topic: str
    setting: str
    expected: str
    found: str


def names(wish: Wish) -> dict[str, Manifest]:
    """Answer all topics of a deployment by their real names."""
    manifests = [*contract.manifests().values(), *contract.changelogs(wish.app_id)]
    return {wish.prefix + manifest.topic: manifest for manifest in manifests}


def plan(wish: Wish, found: Mapping[str, Found]) -> list[Wanted]:
    """Say what every topic must be, given those that exist.

    Topics that must have equal numbers of partitions follow the one that exists:
    its keys have their places.
    """
    topics = names(wish)
    return [_wanted(name, wish, topics, found) for name in topics]


def _wanted(
    name: str, wish: Wish, topics: Mapping[str, Manifest], found: Mapping[str, Found]
) -> Wanted:
    manifest = topics[name]
    wished = wish.partitions if manifest.partitions > 1 else None
    group = _group(manifest, wish, topics)
    there = [found[one].partitions for one in group if one in found]
    number = (there[0] if there else None) or wished or manifest.partitions
    return Wanted(
        name,
        manifest,
        partitions=number if group else wished or manifest.partitions,
        exactly=wished or (number if group else None),
        replication_factor=wish.replication_factor,
    )


def _group(manifest: Manifest, wish: Wish, topics: Mapping[str, Manifest]) -> list[str]:
    """Answer the topics that have as many partitions as this one, or nothing.

    The one that the others are named after comes first, then changelogs, whose
    keys must stay where they are.
    """
    source = manifest.partitions_of or manifest.topic
    followers = [name for name, m in topics.items() if m.partitions_of == source]
    followers.sort(key=lambda name: topics[name].role is not Role.CHANGELOG)
    return [wish.prefix + source, *followers] if followers else []


def differences(wanted: Wanted, found: Found) -> list[Difference]:
    """Say how a topic that exists differs from what it must be."""
    compared = [
        (PARTITIONS, wanted.exactly or found.partitions, found.partitions),
        *(
            (setting, value, found.settings.get(setting, "unknown"))
            for setting, value in wanted.manifest.settings.items()
            if not _will_do(setting, value, found.settings.get(setting))
        ),
    ]
    if wanted.replication_factor > found.replication_factor:
        replicas = (wanted.replication_factor, found.replication_factor)
        compared.append((REPLICATION_FACTOR, *replicas))
    return [
        Difference(wanted.name, setting, bound(setting, str(value)), str(actual))
        for setting, value, actual in compared
        if str(value) != str(actual)
    ]


def bound(setting: str, value: str) -> str:
    """Answer a setting's value with the direction in which more is allowed."""
    if setting in _AT_LEAST or setting == REPLICATION_FACTOR:
        return f"at least {value}"
    return f"at most {value}" if setting in _AT_MOST else value


def _will_do(setting: str, value: str, found: str | None) -> bool:
    if found is None:
        return False
    if setting in _AT_LEAST:
        return found == _FOR_EVER or int(found) >= int(value)
    if setting in _AT_MOST:
        return float(found) <= float(value)
    return found == value
