"""A day of traffic of a dozen tenants, and the days before it: pure, and seeded.

The same seed, start and size give the same events, byte for byte.
"""

from collections.abc import Iterator
from operator import attrgetter
from random import Random

from streams.core.instant import Instant
from streams.demo import scenes
from streams.demo.logbook import Event, Logbook
from streams.demo.traffic import DAY, Traffic

EVENTS = 30_000
FEWEST = 3_000
"""Below that the scenes are all there is."""
_EVENTS_A_CUSTOMER = 2.75
_EVENTS_OF_SCENES = 1_200
_EVENTS_A_STALE_ADDRESS = 250


def day(seed: int, start: Instant, *, events: int = EVENTS) -> Iterator[Event]:
    """Answer about `events` events, in the order in which they arrive.

    All of them arrive before `start` plus 24 hours.
    """
    random = Random(seed)  # noqa: S311  # a day that can be played again
    logbook = Logbook(random, Instant(start + DAY))
    traffic = Traffic(random, start, logbook)
    people = int(max(events, FEWEST) / _EVENTS_A_CUSTOMER) - _EVENTS_OF_SCENES // 3
    traffic.invite(people)
    traffic.days_before()
    scenes.password_expires(traffic)
    scenes.provider_blocks(traffic)
    traffic.day()
    scenes.server_lies(traffic)
    scenes.one_failure_clears(traffic)
    scenes.one_failure_persists(traffic)
    scenes.stale_list(traffic, max(events // _EVENTS_A_STALE_ADDRESS, 30))
    scenes.noisy_customer(traffic)
    scenes.all_real_bounces(traffic)
    scenes.people_decide(traffic)
    scenes.broken_input(traffic)
    yield from sorted(logbook.events, key=attrgetter("arrived_at"))
