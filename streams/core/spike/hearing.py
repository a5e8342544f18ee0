"""Activity in: good mails to the ledger, failures to the channels they speak for."""

from dataclasses import dataclass

from streams.core.activity import Activity, Failed, Hop, Weighed
from streams.core.failure import FailureClass
from streams.core.spike import calibration as cal
from streams.core.spike.blame import PASSING, PAST_US, SENDER
from streams.core.spike.channel import BEYOND, SUBMISSION, Channel, Voice
from streams.core.spike.ledger import Passed
from streams.core.spike.rate import Rate
from streams.core.spike.tenant import Tenant

_WAITED_FOR = (SENDER & PASSING) | {FailureClass.DELIVERY_EXPIRED}
"""Told when a server has tried for long: how long says how patient it is."""


_SUBMISSION = Hop.SUBMISSION


@dataclass(slots=True)
class Heard:
    """What one batch's failures brought to one channel."""

    name: str
    oldest: int
    """Bucket of the oldest failure."""
    replies_only: bool = True
    """None of them was told by a report."""
    voices: int = 0
    """New customers."""
    others: int = 0
    """New customers with classes that are not the sender's."""


def hear_goods(tenant: Tenant, activity: Activity) -> None:
    """Count the good mails of a batch."""
    rates, ledger = tenant.rates, tenant.ledger
    for (minute, provider), counts in sorted(activity.passed.items()):
        submitted, by_mx, by_relay = counts
        taken = by_mx + by_relay
        rates.submission.goods += submitted
        if taken:
            rates.beyond.goods += taken
            rate = rates.of.get(provider)
            if rate is None and len(rates.of) < cal.RATES:
                rate = rates.of[provider] = Rate()
                if len(ledger.tracked) < cal.COUNTED_PROVIDERS:
                    ledger.tracked[provider] = tenant.now
            if rate is not None:
                rate.goods += taken
            channel = tenant.providers.get(provider)
            if channel is not None and by_mx > 0:
                channel.goods_since_failure += by_mx
        ledger.add(Passed(minute, provider, submitted, by_mx, by_relay), tenant.now)
        tenant.submission.goods_since_failure += submitted
        tenant.beyond.goods_since_failure += by_mx


def hear_failures(tenant: Tenant, activity: Activity) -> list[Heard]:
    """Let the failures of a batch vote; answer what each channel heard."""
    calm = tenant.calm
    heard: dict[str, Heard] = {}
    for failed, weighed in sorted(activity.failed.items()):
        bucket, _ = tenant.ledger.bucket(failed.minute, tenant.now)
        if weighed.lag and calm and failed.failure_class not in _WAITED_FOR:
            tenant.lags.add(weighed.lag)
        operator = weighed.operator or failed.provider
        for channel in _channels(tenant, failed, operator):
            if channel.incident is None and failed.minute <= tenant.explained_until(
                channel
            ):
                continue  # a straggler of an incident that is over
            news = heard.get(channel.name)
            if news is None:
                news = heard[channel.name] = Heard(channel.name, bucket)
            elif bucket < news.oldest:
                news.oldest = bucket
            if weighed.lag:
                news.replies_only = False
            if _vote(tenant, channel, failed, weighed, bucket):
                news.voices += 1
                news.others += failed.failure_class not in SENDER
    for channel in tenant.channels():
        channel.fleet.thin()
    return list(heard.values())


def hear_contradictions(tenant: Tenant, activity: Activity) -> list[Channel]:
    """Take back the votes of customers that got their mail; answer where any was.

    Each was a good mail, whatever its server said.
    """
    changed: dict[str, Channel] = {}
    for customer in sorted({customer for _, customer in activity.contradicted}):
        voice = None
        for channel in tenant.channels():
            taken = channel.contradict(customer)
            if taken is None:
                continue
            changed[channel.name] = channel
            if channel is tenant.submission:
                good = Passed(taken.bucket, taken.provider, 1, 0, 0)
                tenant.ledger.add(good, tenant.now)
            else:
                voice = taken
        if voice is not None:  # two channels heard it: it was one mail
            good = Passed(voice.bucket, voice.provider, 0, 1, 0)
            tenant.ledger.add(good, tenant.now)
    return list(changed.values())


def _channels(tenant: Tenant, failed: Failed, operator: str) -> list[Channel]:
    """Say for which hypotheses a failure speaks.

    An open incident explains what falls under it; only what nothing explains
    speaks for several.
    """
    own = tenant.submission
    if failed.hop is _SUBMISSION:
        troubled = (
            own.incident is not None or own.strong.ratio >= tenant.rates.threshold / 2
        )
        if troubled or failed.failure_class not in PAST_US:
            return [own]
    for channel in tenant.providers.values():
        if channel.incident is not None and (
            channel.name == failed.provider or channel.incident.provider == operator
        ):
            return [channel]
    if tenant.beyond.incident is not None:
        return [tenant.beyond]
    provider = tenant.make_channel(failed.provider)
    return [tenant.beyond] if provider is None else [tenant.beyond, provider]


def _vote(
    tenant: Tenant, channel: Channel, failed: Failed, weighed: Weighed, bucket: int
) -> bool:
    channel.fail(bucket, weighed.trials, weighed.lag, tenant.now)
    session = not weighed.lag
    channel.fleet.fail(weighed.host, bucket, weighed.trials, by_session=session)
    memory = channel if channel is tenant.submission else tenant.beyond
    if channel.incident is None and memory.chronic(failed.customer, bucket):
        return False
    voice = Voice(
        bucket,
        failed.failure_class,
        tenant.named(failed.provider),
        weighed.operator or failed.provider,
        weight=weighed.weight,
    )
    return channel.vote(failed.customer, voice)


def learn_rates(tenant: Tenant, channel: Channel, heard: Heard) -> None:
    """Let a calm channel's failures raise its base rate."""
    limit, _ = tenant.rates.limits(channel)
    if channel.strong.ratio >= limit / 2:
        return
    rates = tenant.rates
    if channel.name == SUBMISSION:
        rate, votes = rates.submission, heard.voices
    elif channel.name == BEYOND:
        rate, votes = rates.beyond, heard.voices - heard.others
        rates.others.votes += heard.others
    else:
        rate, votes = rates.make(channel.name), heard.voices
    rate.votes += votes
    rate.goods += heard.voices
