"""When evidence becomes an incident, and which channel it belongs to."""

import math
from collections import Counter

from streams.core.activity import Hop
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike.blame import PASSING, family
from streams.core.spike.channel import OF_ALL, SUBMISSION, Channel, Rise
from streams.core.spike.incident import Incident, Scope, Turn
from streams.core.spike.ratio import rows, works_again
from streams.core.spike.scope import move, odds
from streams.core.spike.tenant import Tenant, total
from streams.core.spike.verdict import Verdict, verdict


def consider(tenant: Tenant, channel: Channel, *, by_time: bool) -> Verdict | None:
    """Open an incident if the evidence is strong, broad and lasting enough."""
    if by_time:
        if not channel.votes:
            return None
        tenant.weigh(channel, channel.matured)
    found = _evidence(tenant, channel)
    if found is None:
        return None
    since, opens_at, weak = found
    stale = channel.replies_only and tenant.now - max(channel.votes) > cal.STALE
    if stale or hidden(tenant, channel, since):
        return None
    if tenant.now < opens_at:
        if not channel.due or channel.due > opens_at:
            channel.due = opens_at
        return None
    asks = channel.replies_only and (by_time or weak or _passing(channel))
    if asks and _over(tenant, channel, since):
        return None
    return _open(tenant, channel, since)


def hidden(tenant: Tenant, channel: Channel, since: int) -> bool:
    """Say whether our own hop refuses most mail, so that little can tell of others.

    Some of its answers read as if they came from elsewhere, and no good mail is
    there to contradict them; only reports show what became of mail behind us.
    """
    own = tenant.submission
    if channel is own or own.incident is None or not channel.replies_only:
        return False
    failed = sum(n for bucket, n in own.failures.items() if bucket >= since)
    return failed > total(tenant.goods_since(own.name, since))


def _passing(channel: Channel) -> bool:
    """Say whether most customers fail with what often heals by itself."""
    return bool(channel.voices) and channel.cause() in PASSING


def _evidence(tenant: Tenant, channel: Channel) -> tuple[int, int, bool] | None:
    """Answer since when there is evidence, and when it has lasted long enough.

    And whether it is weak: with that, a slip adds up with an outage that is over.
    """
    limit, customers = tenant.rates.limits(channel)
    strong, weak = channel.strong, channel.weak
    if strong.ratio >= limit and _broad(channel, strong, customers):
        return strong.since, _lasts(tenant, channel), False
    enough = weak.ratio >= limit + cal.WEAK_EXTRA
    if enough and _broad(channel, weak, cal.WEAK_CUSTOMERS):
        return weak.since, weak.since + cal.WEAK_SPAN, True
    return None


def _broad(channel: Channel, rise: Rise, customers: int) -> bool:
    """Say whether enough customers fail, and enough of them alike.

    One fault shows as one family of classes; three customers with three causes
    are three troubles. What our own relay says in words that nobody knows may be any.
    """
    voices = channel.since(rise.since, rise.votes)
    if len(voices) < customers:
        return False
    alike = Counter(family(voice.failure_class) for voice in voices)
    most = max(alike.values())
    if channel.name == SUBMISSION:
        named = [v for v in voices if v.failure_class is not FailureClass.UNKNOWN]
        kinds = Counter(family(voice.failure_class) for voice in named)
        most = max(kinds.values(), default=0) + len(voices) - len(named)
    return most >= cal.CUSTOMERS


def _lasts(tenant: Tenant, channel: Channel) -> int:
    """Answer when strong evidence has lasted long enough to be no mere slip."""
    since, passing = channel.strong.since, _passing(channel)
    start = since
    if passing or channel.run < since + cal.MINUTE:
        start = max(since, channel.run)
    if not passing:
        return start + cal.SPAN
    if len(channel.since(since)) >= cal.PASSING_CUSTOMERS:
        return start + cal.PASSING_SPAN_LEAST  # mail is not rare now
    gaps = cal.PASSING_GAPS * cal.DAY / max(1.0, tenant.rates.mails_a_day)
    span = min(cal.PASSING_SPAN_MOST, max(cal.PASSING_SPAN_LEAST, gaps))
    return start + int(span)


def _over(tenant: Tenant, channel: Channel, since: int) -> bool:
    """Say whether a short trouble has passed.

    Asked by the order of attempts, and by the good mails that came in since the
    last failure did: either may be the first to know.
    """
    found = rows(tenant.goods_since(channel.name, since), channel.failures)
    base = tenant.rates.hypotheses(channel)[0].base
    ratio, _ = works_again(found, base, math.inf)
    after = channel.goods_since_failure
    failures = sum([failed for _, _, failed in found])
    before = max(0.0, sum([goods for _, goods, _ in found]) - after)
    share = failures / (failures + before + 1)
    return ratio >= cal.WORKS or after * -math.log(1 - share) >= cal.WORKS


def _open(tenant: Tenant, channel: Channel, since: int) -> Verdict | None:
    owner, operator = channel, None
    if channel is not tenant.submission:
        if tenant.beyond.incident is not None:
            return None
        owner, operator = _owner(tenant, channel, since)
        if owner.incident is not None:
            return None
        twin = _twin(tenant, channel, operator)
        if twin is not None:
            return move(tenant, twin, tenant.beyond, None)
    if owner is not channel:
        owner.votes = {b: list(w) for b, w in channel.votes.items()}
        owner.failures = dict(channel.failures)
        owner.fleet = channel.fleet.copy()
        owner.voices = dict(channel.voices)
        owner.last, owner.lag, owner.run = channel.last, channel.lag, channel.run
    cause = channel.cause()
    owner.forget(since)
    owner.due, owner.recovered_at = 0, None
    owner.strong = owner.strong._replace(since=since, votes=OF_ALL)
    owner.incident = Incident(
        tenant_id=tenant.id,
        hop=Hop.SUBMISSION if owner is tenant.submission else Hop.MX,
        since=Instant(since),
        opened_at=tenant.now,
        scope=Scope.TENANT if operator is None else Scope.PROVIDER,
        provider=operator,
        cause=cause,
        mismatch=owner.mismatch,
        last_seen_at=tenant.now,
        told_at=tenant.now,
    )
    if owner.of_provider:  # its votes are no evidence for the tenant's channel
        tenant.beyond.clear()
    tenant.check_at = tenant.now + cal.CHECK_EVERY
    return verdict(tenant, owner, Turn.OPENED)


def _owner(tenant: Tenant, channel: Channel, since: int) -> tuple[Channel, str | None]:
    """Answer the channel that explains the evidence best, and whom it blames.

    An operator is blamed, or, with None, the whole tenant's mail.
    """
    found = odds(tenant, channel, since)
    if channel.of_provider:
        if found.tenant > 0:
            return tenant.beyond, None
        return channel, channel.label
    if found.tenant >= 0 or found.operator is None:
        return channel, None
    named = None if found.name is None else tenant.make_channel(found.name)
    return named or channel, found.operator


def _twin(tenant: Tenant, channel: Channel, operator: str | None) -> Channel | None:
    """Answer a provider's incident that was the beginning of this one."""
    kind = family(channel.cause())
    for other in tenant.providers.values():
        incident = other.incident
        if incident is None:
            continue
        age = tenant.now - incident.opened_at
        alike = family(incident.cause) == kind
        if (alike and age < cal.TWIN_ALIKE) or (operator is None and age < cal.TWIN):
            return other
    return None
