"""The published contracts: topic manifests and JSON Schemas, as `schemas/` has them.

The files are the only place where a limit, a retention or a shape is written
down; whatever needs one asks here.
"""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import yaml


class Role(StrEnum):
    """What a topic is to mailflag."""

    INPUT = "input"
    """Written by others, read by ingest."""
    INTERNAL = "internal"
    """From one stage to the next."""
    OUTPUT = "output"
    """For subscribers."""
    DEAD_LETTER = "dead-letter"
    """Records of another topic that cannot be used."""
    CHANGELOG = "changelog"
    """State of a table; the engine's alone."""


class Manifest(NamedTuple):
    """What the contract says about one topic."""

    topic: str
    """Logical name, without the deployment's prefix."""
    role: Role
    owner: str
    content: str
    key: str
    schema: str | None
    """Event and version, as `send-attempt.v1`; a changelog has none."""
    value_max_bytes: int
    """Largest value of a record, uncompressed."""
    partitions: int
    """Number that a new topic is created with."""
    partitions_of: str | None
    """The topic whose number of partitions this one always has."""
    settings: Mapping[str, str]
    """Topic settings as Kafka names and writes them."""


def folder() -> Path:
    """Answer where the contracts are: in the package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    packaged = package / "schemas"
    return packaged if packaged.is_dir() else package.parent / "schemas"


@cache
def manifests() -> Mapping[str, Manifest]:
    """Answer the manifest of each topic by its name, dead-letter topics included."""
    pattern = _load(folder() / "patterns" / "dead-letter.yaml")
    documents = [
        *(_load(path) for path in sorted((folder() / "topics").glob("*.yaml"))),
        *(_filled(pattern, source=topic) for topic in pattern["of"]),
    ]
    alone = {d["topic"]: _manifest(d) for d in documents if "partitions" in d}
    joined = {
        d["topic"]: _manifest(d, alone[d["partitions_of"]].partitions)
        for d in documents
        if "partitions" not in d
    }
    return alone | joined


def manifest(topic: str) -> Manifest:
    """Answer the manifest of a topic by its logical name."""
    return manifests()[topic]


def changelogs(app_id: str) -> Iterator[Manifest]:
    """Answer the manifest of the changelog of each table of an application."""
    pattern = _load(folder() / "patterns" / "changelog.yaml")
    for table, source in pattern["tables"].items():
        document = _filled(pattern, app=app_id, table=table) | {"partitions_of": source}
        yield _manifest(document, manifest(source).partitions)


@cache
def schema_names() -> tuple[str, ...]:
    """Answer the names of all event schemas, as `send-attempt.v1`."""
    files = folder().glob("*.v[0-9]*.schema.json")
    return tuple(sorted(file.name.removesuffix(".schema.json") for file in files))


def schema(name: str) -> dict[str, Any]:
    """Answer the JSON Schema of an event and version, as `send-attempt.v1`."""
    text = (folder() / f"{name}.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def schema_id(name: str) -> str:
    """Answer the URI that names a schema; the `ce_dataschema` header."""
    return str(schema(name)["$id"])


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """Compile the schema of an event and version.

    Formats are not asserted: what is a time or an address is decided by the
    decoders, each with a reason of its own. Contract tests do assert them.
    """
    return jsonschema_rs.Draft202012Validator(
        schema(name), registry=registry(), validate_formats=False, offline=True
    )


@cache
def registry() -> jsonschema_rs.Registry:
    """Answer all schemas by their URI, for references between them."""
    return jsonschema_rs.Registry(
        [(schema_id(name), schema(name)) for name in schema_names()]
    )


def _load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def _filled(pattern: dict[str, Any], **names: str) -> dict[str, Any]:
    """Answer a pattern with `{source}`, `{app}` and `{table}` filled in."""
    return {
        member: value.format(**names) if isinstance(value, str) else value
        for member, value in pattern.items()
    }


def _manifest(document: dict[str, Any], partitions: int | None = None) -> Manifest:
    return Manifest(
        topic=document["topic"],
        role=Role(document["role"]),
        owner=document["owner"],
        content=document["content"],
        key=document["key"],
        schema=document.get("schema"),
        value_max_bytes=document["value_max_bytes"],
        partitions=partitions or document["partitions"],
        partitions_of=document.get("partitions_of"),
        settings={name: str(value) for name, value in document["settings"].items()},
    )
