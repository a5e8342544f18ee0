"""A version of an event, once released, only ever changes in ways that break nobody.

`released/` holds the schemas as they were last released. When a release is made,
they are copied there from `schemas/`; nothing else is a reason to change them.
"""

import copy
import json
from pathlib import Path

import pytest
from compatibility import breaches_of_reading, breaches_of_writing

from streams.wire import contract

RELEASED = Path(__file__).with_name("released")
READ = ("send-attempt.v1", "dsn-event.v1", "flag-command.v1")
WRITTEN = ("flag.v1", "flag-change.v1", "dead-letter.v1")


def released(name):
    return json.loads((RELEASED / f"{name}.schema.json").read_text(encoding="utf-8"))


def test_every_released_schema_is_compared():
    names = {p.name.removesuffix(".schema.json") for p in RELEASED.iterdir()}
    assert names == {*READ, *WRITTEN}


@pytest.mark.parametrize("name", READ)
def test_what_could_be_published_still_can(name):
    assert breaches_of_reading(released(name), contract.schema(name)) == []


@pytest.mark.parametrize("name", WRITTEN)
def test_who_could_read_us_still_can(name):
    assert breaches_of_writing(released(name), contract.schema(name)) == []


def changed(name, change):
    schema = released(name)
    new = copy.deepcopy(schema)
    change(new)
    return schema, new


READING = {
    "another required member": lambda s: s["required"].append("customer_id"),
    "a shorter id": lambda s: s["properties"]["id"].update(maxLength=10),
    "one outcome less": lambda s: s["properties"]["outcome"]["enum"].remove("failed"),
    "null no longer": lambda s: s["properties"]["customer_id"].update(type="string"),
    "a pattern": lambda s: s["properties"]["id"].update(pattern="^[a-z]+$"),
    "a smaller code": lambda s: s["properties"]["smtp"]["properties"]["code"].update(
        maximum=599 - 1
    ),
}
WRITING = {
    "a member that may be missing": lambda s: s["required"].remove("side"),
    "a member that is gone": lambda s: s["properties"].pop("summary"),
    "a side that nobody knows": lambda s: s["properties"]["side"]["enum"].append("x"),
    "a longer summary": lambda s: s["properties"]["summary"].update(maxLength=10000),
    "a number as text": lambda s: s["properties"]["revision"].update(type="string"),
}
HARMLESS = {
    "a new optional member": lambda s: s["properties"].update(x={"type": "string"}),
    "another description": lambda s: s.update(description="other words"),
}


@pytest.mark.parametrize("change", READING)
def test_a_change_that_breaks_publishers_is_noticed(change):
    assert breaches_of_reading(*changed("send-attempt.v1", READING[change]))


@pytest.mark.parametrize("change", WRITING)
def test_a_change_that_breaks_subscribers_is_noticed(change):
    assert breaches_of_writing(*changed("flag.v1", WRITING[change]))


@pytest.mark.parametrize("change", HARMLESS)
def test_a_harmless_change_is_let_through(change):
    old, new = changed("flag.v1", HARMLESS[change])
    assert breaches_of_writing(old, new) == []
    assert breaches_of_reading(old, new) == []
