"""The Kafka that the demo plays on: one inside this process, or a real one.

The embedded one is librdkafka's mock cluster: it knows groups and transactions, but
neither administration nor compaction, and it forgets the oldest records of a
partition beyond 5 MB. On a real one the demo has topics of its own, and takes them
away again.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from confluent_kafka import KafkaError, KafkaException, Producer

from streams.adapters.kafka_admin import TopicAdmin
from streams.adapters.kafka_client import Cluster
from streams.adapters.topic_plan import Wanted, Wish, names, plan
from streams.core.instant import Instant, to_datetime
from streams.errors import MailflagError, Unavailable
from streams.settings import Settings, load

APP_ID = "mailflag-demo"
PARTITIONS = 4
_PATIENCE = 10.0


@contextmanager
def embedded_kafka() -> Iterator[Settings]:
    """Run a Kafka inside this process; answers the settings to reach it.

    Raises:
        Unavailable: it does not come up, or does not know a topic.
    """
    # Whatever Kafka it is told of, a producer with a mock cluster talks to that.
    owner = Producer(
        {"bootstrap.servers": "-", "test.mock.num.brokers": 1, "log_level": 0}
    )
    try:
        broker = next(iter(owner.list_topics(timeout=_PATIENCE).brokers.values()))
        settings = load(
            {
                "bootstrap_servers": f"{broker.host}:{broker.port}",
                "topic_prefix": "",
                "app_id": APP_ID,
                "security_protocol": "PLAINTEXT",
            }
        )
        # A topic of the mock cluster begins to exist when it is asked for.
        for name in names(Wish(app_id=APP_ID)):
            owner.list_topics(name, timeout=_PATIENCE)
    except KafkaException as error:
        message = f"the embedded Kafka does not answer: {error.args[0].str()}"
        raise Unavailable(message) from None
    yield settings
    owner.flush(0)


@contextmanager
def topics_of_our_own(
    bootstrap_servers: str, now: Instant, *, keep: bool
) -> Iterator[Settings]:
    """Create topics under a prefix of this run on a real Kafka; delete them after.

    Raises:
        Unavailable: no broker answers.
        ConfigurationError: the brokers refuse the topics.
    """
    prefix = f"{APP_ID}-{to_datetime(now):%Y%m%d-%H%M%S}."
    app_id = f"{APP_ID}-{to_datetime(now):%Y%m%d-%H%M%S}"
    settings = load(
        {
            "bootstrap_servers": bootstrap_servers,
            "topic_prefix": prefix,
            "app_id": app_id,
        }
    )
    wish = Wish(prefix, app_id, PARTITIONS)
    admin = TopicAdmin(settings, wish)
    wanted = [_for_another_day(one) for one in plan(wish, admin.found())]
    try:
        admin.create(wanted)
        yield settings
    except BaseException:
        # What went wrong is to be told, not what could not be tidied up after it.
        if not keep:
            with suppress(MailflagError):
                _take_away(settings, wish)
        raise
    if not keep:
        _take_away(settings, wish)


def _for_another_day(wanted: Wanted) -> Wanted:
    """Let records keep the times they are given, and stay however old these are."""
    settings = wanted.manifest.settings
    changed = {"message.timestamp.type": "CreateTime"}
    if "retention.ms" in settings:
        changed["retention.ms"] = "-1"
    manifest = wanted.manifest._replace(settings={**settings, **changed})
    return wanted._replace(manifest=manifest)


def _take_away(settings: Settings, wish: Wish) -> None:
    """Delete what this run has made: the topics under its prefix, and its group."""
    client = Cluster(settings).admin()
    asked = [
        *client.delete_topics(list(names(wish)), request_timeout=_PATIENCE).values(),
        *client.delete_consumer_groups([wish.app_id]).values(),
    ]
    gone = {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.GROUP_ID_NOT_FOUND,
    }
    for future in asked:
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() not in gone:
                message = (
                    f"topics under {wish.prefix} could not be deleted:"
                    f" {error.args[0].str()}"
                )
                raise Unavailable(message) from None
