"""What must hold for a folder of contracts: each breach is a line of text.

It reads files, not the loader, so that a test can break a copy and see it found.
"""

import ipaddress
import json
import re

import jsonschema_rs
import yaml

DAY = 86_400_000
HOUR = 3_600_000
TOPIC = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*\.v[1-9][0-9]*")
MIN_EXAMPLES, MIN_INVALID = 3, 2
EXAMPLE_NETWORKS = [
    ipaddress.ip_network(network)
    for network in (
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
    )
]
"""Addresses for documentation: RFC 5737 and RFC 3849."""
SCALARS = {"string", "integer", "number"}


def findings(folder):
    """Answer the first breaches in a folder of contracts, none when it is in order."""
    contracts = Contracts(folder)
    for look in (
        manifest_findings,
        pattern_findings,
        schema_findings,
        example_findings,
        asyncapi_findings,
    ):
        # What follows builds on what has been looked at.
        if found := list(look(contracts)):
            return found
    return []


class Contracts:
    """The files of a folder, parsed."""

    def __init__(self, folder):
        self.manifests = _yaml(folder / "topics")
        self.patterns = _yaml(folder / "patterns")
        self.asyncapi = yaml.safe_load((folder / "asyncapi.yaml").read_text())
        self.manifest_schema = _json(folder / "manifest.schema.json")
        self.schemas = {
            path.name.removesuffix(".schema.json"): _json(path)
            for path in sorted(folder.glob("*.v*.schema.json"))
        }
        self.examples = {
            path.relative_to(folder / "examples"): _json(path)
            for path in sorted((folder / "examples").rglob("*.json"))
        }

    def dead_letters(self):
        pattern = self.patterns["dead-letter"]
        return {
            pattern["topic"].format(source=source): pattern for source in pattern["of"]
        }

    def validator(self, name):
        registry = jsonschema_rs.Registry(
            [(schema.get("$id", name), schema) for name, schema in self.schemas.items()]
        )
        return jsonschema_rs.Draft202012Validator(
            self.schemas[name], registry=registry, validate_formats=True
        )


def _json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _yaml(folder):
    return {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.yaml"))
    }


def manifest_findings(contracts):
    shape = jsonschema_rs.Draft202012Validator(contracts.manifest_schema)
    for name, manifest in contracts.manifests.items():
        yield from (f"{name}: {e.message}" for e in shape.iter_errors(manifest))
        topic = manifest.get("topic", "")
        if topic != name:
            yield f"{name}: the file is not named after its topic {topic}"
        if not TOPIC.fullmatch(topic):
            yield f"{name}: not a topic name with a version"
        if manifest.get("schema") not in contracts.schemas:
            yield f"{name}: no schema {manifest.get('schema')}"
        elif manifest["schema"].rpartition(".")[2] != topic.rpartition(".")[2]:
            yield f"{name}: topic and schema are of different versions"
        source = manifest.get("partitions_of", name)
        if source not in contracts.manifests:
            yield f"{name}: as many partitions as {source}, which does not exist"
        settings = manifest.get("settings", {})
        yield from _size_findings(name, manifest)
        log_append = settings.get("message.timestamp.type") == "LogAppendTime"
        if (manifest.get("role") == "input") != log_append:
            yield f"{name}: an input, and nothing else, has the broker's time"
        if settings.get("cleanup.policy") == "compact":
            yield from _compaction_findings(name, settings)
        elif "retention.ms" not in settings:
            yield f"{name}: no retention"


def pattern_findings(contracts):
    shape = jsonschema_rs.Draft202012Validator(contracts.manifest_schema)
    for name, pattern in contracts.patterns.items():
        yield from (f"{name}: {e.message}" for e in shape.iter_errors(pattern))
        yield from _size_findings(name, pattern)
    dead_letter = contracts.patterns["dead-letter"]
    inputs = {n for n, m in contracts.manifests.items() if m.get("role") == "input"}
    if missing := inputs - set(dead_letter["of"]):
        yield f"no dead letters of {sorted(missing)}"
    if dead_letter["settings"].get("retention.ms") != 14 * DAY:
        yield "dead letters are not kept for 14 days"
    changelog = contracts.patterns["changelog"]
    if changelog["settings"].get("cleanup.policy") != "compact":
        yield "a changelog is not compacted"
    yield from _compaction_findings("changelog", changelog["settings"])
    for table, source in changelog["tables"].items():
        if source not in contracts.manifests:
            yield f"the table {table} is of {source}, which does not exist"


def _size_findings(name, manifest):
    batch = manifest.get("settings", {}).get("max.message.bytes", 0)
    if manifest.get("value_max_bytes", 0) >= batch:
        yield f"{name}: the largest value does not fit a batch"


def _compaction_findings(name, settings):
    if not HOUR <= settings.get("segment.ms", 0) <= 6 * HOUR:
        yield f"{name}: segment.ms is not 1 to 6 hours"
    if settings.get("min.cleanable.dirty.ratio") != 0.1:
        yield f"{name}: min.cleanable.dirty.ratio is not 0.1"
    if settings.get("delete.retention.ms", 0) < DAY:
        yield f"{name}: tombstones are kept for less than a day"


def schema_findings(contracts):
    used = {m.get("schema") for m in contracts.manifests.values()}
    used |= {p.get("schema") for p in contracts.patterns.values()}
    for name, schema in contracts.schemas.items():
        if name not in used:
            yield f"{name}: of no topic"
        if not jsonschema_rs.meta.is_valid(schema):
            yield f"{name}: no valid JSON Schema"
            continue
        if schema.get("$schema") != "https://json-schema.org/draft/2020-12/schema":
            yield f"{name}: not of draft 2020-12"
        if schema.get("$id", "").rpartition("/")[2] != f"{name}.schema.json":
            yield f"{name}: $id is not the file's name"
        for word in ("title", "description"):
            if not schema.get(word):
                yield f"{name}: no {word}"
        yield from (f"{name}{breach}" for breach in _unbounded(schema, ""))


def _unbounded(schema, path):
    """Answer where a schema lets in values without end, or closes its content."""
    types = schema.get("type", [])
    types = {types} if isinstance(types, str) else set(types)
    if "string" in types and not {"maxLength", "enum", "const"} & set(schema):
        yield f"{path}: a string of any length"
    bounds = {"minimum", "maximum"}
    if {"integer", "number"} & types and not bounds <= set(schema):
        yield f"{path}: a number without bounds"
    if "array" in types and "maxItems" not in schema:
        yield f"{path}: an array of any length"
    if schema.get("additionalProperties") is False or "unevaluatedProperties" in schema:
        yield f"{path}: closed content"
    for name, member in schema.get("properties", {}).items():
        yield from _unbounded(member, f"{path}/{name}")
    for name, definition in schema.get("$defs", {}).items():
        yield from _unbounded(definition, f"{path}/$defs/{name}")
    if isinstance(schema.get("items"), dict):
        yield from _unbounded(schema["items"], f"{path}/items")


def example_findings(contracts):
    for name in contracts.schemas:
        event, _, version = name.rpartition(".")
        home = f"{event}/{version}"
        good = [p for p in contracts.examples if p.parent.as_posix() == home]
        bad = [
            p for p in contracts.examples if p.parent.as_posix() == f"{home}/invalid"
        ]
        if len(good) < MIN_EXAMPLES or len(bad) < MIN_INVALID:
            yield f"{name}: {len(good)} examples and {len(bad)} invalid ones"
        validator = contracts.validator(name)
        for path in good:
            for error in validator.iter_errors(contracts.examples[path]):
                yield f"examples/{path}: {error.kind.name} at {error.instance_path}"
        for path in bad:
            if set(contracts.examples[path]) != {"reason", "detail", "value"}:
                yield f"examples/{path}: not reason, detail and value"
    yield from _foreign_findings(contracts)


def _foreign_findings(contracts):
    """Answer examples that belong to no schema, or show what may be somebody's."""
    names = (name.rpartition(".") for name in contracts.schemas)
    homes = {f"{event}/{version}" for event, _, version in names}
    for path, example in contracts.examples.items():
        if "/".join(path.parts[:2]) not in homes:
            yield f"examples/{path}: of no schema"
        for text in _texts(example):
            if (ip := _ip(text)) and not any(ip in n for n in EXAMPLE_NETWORKS):
                yield f"examples/{path}: {text} may be somebody's"


def _texts(value):
    match value:
        case str():
            yield value
        case dict():
            for member in value.values():
                yield from _texts(member)
        case list():
            for item in value:
                yield from _texts(item)


def _ip(text):
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def asyncapi_findings(contracts):
    document = contracts.asyncapi
    if not str(document.get("asyncapi", "")).startswith("3.1"):
        yield "asyncapi: not of version 3.1"
    topics = contracts.manifests | contracts.dead_letters()
    channels = {c["address"]: c for c in document["channels"].values()}
    for topic in topics.keys() ^ channels.keys():
        yield f"asyncapi: {topic} has a channel or a manifest, not both"
    messages = document["components"]["messages"]
    for topic in topics.keys() & channels.keys():
        manifest, channel = topics[topic], channels[topic]
        (message,) = (
            m["$ref"].rpartition("/")[2] for m in channel["messages"].values()
        )
        part = "headers" if manifest["role"] == "dead-letter" else "payload"
        reference = messages[message][part]["schema"]["$ref"]
        if reference != f"./{manifest['schema']}.schema.json":
            yield f"asyncapi: {topic} refers to {reference}"
        content = manifest["content"].format(source=topic.removesuffix(".dlq"))
        if channel["description"] != content:
            yield f"asyncapi: {topic} is described in other words"
        kafka = channel["bindings"]["kafka"]
        source = contracts.manifests.get(manifest.get("partitions_of"), manifest)
        if kafka["partitions"] != source["partitions"]:
            yield f"asyncapi: {topic} has another number of partitions"
        for name, value in kafka["topicConfiguration"].items():
            said = value[0] if isinstance(value, list) else value
            if manifest["settings"].get(name) != said:
                yield f"asyncapi: {topic} has another {name}"
