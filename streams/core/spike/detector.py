"""One step of a tenant's detector: activity and time in, verdicts out.

The result does not depend on how activity was cut into batches, except for when
it is heard of; asking more often than needed changes nothing.
"""

from streams.core.activity import Activity, Hop
from streams.core.instant import Instant
from streams.core.sample import Sample, order
from streams.core.spike import calibration as cal
from streams.core.spike import rest
from streams.core.spike.channel import Channel
from streams.core.spike.clock import date
from streams.core.spike.evidence import SHOWN
from streams.core.spike.hearing import (
    Heard,
    hear_contradictions,
    hear_failures,
    hear_goods,
    learn_rates,
)
from streams.core.spike.mismatch import Mismatch
from streams.core.spike.opening import consider
from streams.core.spike.recovery import held_until, look
from streams.core.spike.scope import grown, growth_told_at, refine
from streams.core.spike.tenant import Tenant
from streams.core.spike.verdict import Verdict
from streams.core.spike.word import Suspicion, Word


def step(tenant: Tenant, activity: Activity | None, now: Instant) -> Word:
    """Take in a batch, if any, do what is due by `now`, and say what came of it."""
    looked = rest.passed_look(tenant, now - (activity is None))
    if looked is not None:
        tenant.check_at = looked + cal.CHECK_EVERY
    tenant.now = now
    day = now // cal.DAY
    if day > tenant.day:
        tenant.new_day(day)
    if activity is not None:
        if activity.lag is not None:
            tenant.clock.hear(activity.lag, now)
        date(activity, tenant.clock.behind(now), now)
    verdicts = [] if activity is None else _hear(tenant, activity)
    for channel in tenant.channels():
        if channel.due and channel.due <= now and channel.incident is None:
            channel.due = 0
            opened = consider(tenant, channel, by_time=True)
            verdicts += [opened] if opened else []
    if now >= tenant.check_at:
        verdicts += _check(tenant)
    mismatches = tenant.liars.forget(tenant.id, now)
    if activity is None:
        return Word(tenant.id, verdicts=verdicts, mismatches=mismatches)
    if activity.contradicted:
        mismatches += tenant.liars.hear(tenant.id, activity.contradicted, now)
    return _word(tenant, activity, verdicts, mismatches)


def wake_at(tenant: Tenant) -> Instant | None:
    """Say when the tenant wants a step without activity."""
    due: list[int] = []
    for channel in tenant.channels():
        if channel.incident is None:
            if channel.due:
                due.append(channel.due)
            continue
        if channel.recovered_at is None:
            due.append(rest.next_look(tenant))
        else:
            over = held_until(tenant, channel, channel.recovered_at)
            due.append(max(tenant.now + cal.SECOND, over))
        grows_at = growth_told_at(channel)
        if grows_at is not None:
            due.append(max(grows_at, tenant.check_at, tenant.now + cal.SECOND))
    lie = tenant.liars.due_at()
    if lie is not None:
        due.append(lie)
    return Instant(min(due)) if due else None


def _word(
    tenant: Tenant,
    activity: Activity,
    verdicts: list[Verdict],
    mismatches: list[Mismatch],
) -> Word:
    """Say what the roll-up has to know of a batch."""
    now = tenant.now
    quarter = now // cal.ACTIVE
    greets, tenant.greeted = quarter != tenant.greeted, quarter
    if activity.failed:
        tenant.troubled_at = now
    troubled = now - tenant.troubled_at < cal.TROUBLED
    return Word(
        tenant.id,
        greets=greets,
        suspicion=suspicion(tenant) if activity.failed else None,
        verdicts=verdicts,
        mismatches=mismatches,
        heard=[i.key for i in tenant.incidents() if i.last_seen_at == now],
        passed=activity.passed if troubled else {},
        failed=activity.failed,
        samples=_answers(activity),
    )


def _answers(activity: Activity) -> dict[str, Sample]:
    """Answer the newest answer about the mail to each provider, of a few of them."""
    newest: dict[str, Sample] = {}
    for failed, weighed in activity.failed.items():
        operator = weighed.operator or failed.provider
        kind = (failed.hop, failed.failure_class, operator)
        if failed.hop is Hop.MX and kind in activity.samples:
            last = activity.samples[kind][-1]
            known = newest.get(failed.provider, last)
            newest[failed.provider] = max(last, known, key=order)
    return dict(sorted(newest.items())[:SHOWN])


def suspicion(tenant: Tenant) -> Suspicion | None:
    """Say what trouble a tenant seems to be in."""
    strongest: Channel | None = None
    for channel in tenant.channels():
        if channel.incident is not None:
            incident = channel.incident
            return Suspicion(incident.cause, incident.hop, incident.provider)
        limit, _ = tenant.rates.limits(channel)
        if channel.strong.ratio < limit / 2 or len(channel.voices) < cal.SUSPECTS:
            continue
        if strongest is None or channel.strong.ratio > strongest.strong.ratio:
            strongest = channel
    if strongest is None:
        return None
    if strongest is tenant.submission:
        return Suspicion(strongest.cause(), Hop.SUBMISSION, None)
    operator, customers = strongest.operator()
    clear = customers >= cal.PROVIDER_DOMINANCE * len(strongest.voices)
    return Suspicion(strongest.cause(), Hop.MX, operator if clear else None)


def _hear(tenant: Tenant, activity: Activity) -> list[Verdict]:
    tenant.rates.mails += activity.outcomes
    if tenant.now > tenant.compact_at:
        tenant.compact()
    hear_goods(tenant, activity)
    tenant.deliveries.hear(activity.delivered)
    verdicts: list[Verdict] = []
    if activity.failed:
        tenant.evidence.add(activity.samples)
        for heard in hear_failures(tenant, activity):
            verdicts += _judge(tenant, heard)
    contradicted = activity.contradicted
    for channel in hear_contradictions(tenant, activity) if contradicted else ():
        if channel.incident is None and channel.votes:
            tenant.weigh(channel, channel.matured)
            _forget(tenant, channel)
        verdicts += refine(tenant, channel)
    if tenant.rates.mails >= tenant.rates.relearn_at:
        tenant.learn()
    return verdicts


def _judge(tenant: Tenant, heard: Heard) -> list[Verdict]:
    """Weigh what a channel heard, learn from it, and open an incident or forget."""
    channel = tenant.channel(heard.name)
    if channel is None:
        return []
    if channel.incident is not None:
        channel.incident.last_seen_at = tenant.now
        channel.incident.failures += 1
        return refine(tenant, channel)
    channel.replies_only = heard.replies_only
    tenant.weigh(channel, None if heard.replies_only else heard.oldest)
    learn_rates(tenant, channel, heard)
    if _forget(tenant, channel):
        return []
    opened = consider(tenant, channel, by_time=False)
    return [opened] if opened else []


def _forget(tenant: Tenant, channel: Channel) -> bool:
    """Forget what has come to nothing; answers whether that was all."""
    rises = [r for r in (channel.strong, channel.weak) if r.ratio > 0]
    if not rises:
        channel.rule_out()
        channel.clear()
        tenant.providers.pop(channel.name, None)
        return True
    since = min(rise.since for rise in rises)
    channel.rule_out(since)
    channel.forget(since)
    return False


def _check(tenant: Tenant) -> list[Verdict]:
    """Look at open incidents, and drop channels that have long been quiet."""
    open_ = tenant.troubled()
    if not open_ and not tenant.providers:
        return []
    tenant.check_at = tenant.now + cal.CHECK_EVERY
    verdicts = []
    for channel in open_:
        told = look(tenant, channel) or grown(tenant, channel)
        verdicts += [told] if told else []
    for name, channel in list(tenant.providers.items()):
        quiet = tenant.now - channel.last > cal.QUIET_CHANNEL
        if channel.incident is None and quiet:
            del tenant.providers[name]
    return verdicts
