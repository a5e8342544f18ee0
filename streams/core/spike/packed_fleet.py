"""Which hosts of ours fail and which deliver, as parts of a snapshot."""

from streams.core.spike import calibration as cal
from streams.core.spike.fleet import Deliveries, Fleet, Hosts, Through
from streams.core.spike.packing import Names, Packer, Unpacker


def pack_fleet(body: Packer, fleet: Fleet, names: Names) -> None:
    """Write what failed through which host."""
    body.natural(len(fleet.by_host))
    for host, through in fleet.by_host.items():
        body.natural(2 * names.number(host) + through.by_session)
        buckets = sorted(through.trials)
        body.ascending(buckets, cal.MINUTE)
        for bucket in buckets:
            body.natural(through.trials[bucket])


def load_fleet(source: Unpacker, names: list[str]) -> Fleet:
    """Read what failed through which host."""
    fleet = Fleet()
    for _ in source.times():
        number, by_session = divmod(source.natural(), 2)
        through = fleet.by_host[names[number]] = Through()
        through.by_session = bool(by_session)
        for bucket in list(source.ascending(cal.MINUTE)):
            through.trials[bucket] = source.natural()
    return fleet


def pack_deliveries(body: Packer, deliveries: Deliveries, names: Names) -> None:
    """Write which hosts got mail through, when and where."""
    body.natural(len(deliveries.newest))
    for host, places in deliveries.newest.items():
        body.natural(names.number(host))
        body.natural(len(places))
        for place, minute in places.items():
            body.natural(names.number(place))
            body.integer(minute // cal.MINUTE)


def load_deliveries(source: Unpacker, names: list[str]) -> Deliveries:
    """Read which hosts got mail through, when and where."""
    deliveries = Deliveries()
    for _ in source.times():
        places = deliveries.newest[names[source.natural()]] = {}
        for _ in source.times():
            place = names[source.natural()]
            places[place] = source.integer() * cal.MINUTE
    return deliveries


def pack_hosts(body: Packer, hosts: Hosts, names: Names) -> None:
    """Write what was told of the hosts of an incident."""
    body.natural(len(hosts.failing))
    for host, mails in hosts.failing:
        body.natural(names.number(host))
        body.natural(mails)
    body.natural(hosts.traced)
    body.natural(len(hosts.delivering))
    for host in hosts.delivering:
        body.natural(names.number(host))


def load_hosts(source: Unpacker, names: list[str]) -> Hosts:
    """Read what was told of the hosts of an incident."""
    failing = tuple((names[source.natural()], source.natural()) for _ in source.times())
    traced = source.natural()
    return Hosts(
        failing, traced, tuple(names[source.natural()] for _ in source.times())
    )
