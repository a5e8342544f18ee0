"""The day as it was published, and as the stages understood it without Kafka."""

import orjson
import pytest

from streams.adapters.offline import Offline
from streams.app import build_stages
from streams.core.instant import parse, render
from streams.demo.day import FEWEST, day
from streams.demo.story import Story
from streams.settings import Settings
from streams.wire.topic import Topic

TYPES = {
    Topic.SEND_ATTEMPTS: "send-attempt",
    Topic.DSN_EVENTS: "dsn",
    Topic.FLAG_COMMANDS: "flag-command",
}


@pytest.fixture(scope="session")
def start():
    return parse("2026-03-02T00:00:00Z")


@pytest.fixture(scope="session")
def events(start):
    return list(day(1, start, events=FEWEST))


def lines(events):
    for event in events:
        try:
            document = orjson.loads(event.value or b"")
        except orjson.JSONDecodeError:
            yield event.value or b"null"
            continue
        arrived = render(event.arrived_at)
        yield orjson.dumps(
            document | {"type": TYPES[event.topic], "arrived_at": arrived}
        )


@pytest.fixture(scope="session")
def refused():
    return []


@pytest.fixture(scope="session")
def published(events, refused):
    """What subscribers would have read, in order."""
    told = []
    stages = build_stages(Settings(dead_letter_share=1.0, dead_letter_run=0))
    offline = Offline(
        stages.by_topic(), told.append, refused.append, stages.bulletins()
    )
    for _ in offline.run(lines(events)):
        pass
    return told


@pytest.fixture(scope="session")
def story(published):
    one = Story()
    for message in published:
        one.observe(message.topic, message.key, message.value, message.headers)
    return one
