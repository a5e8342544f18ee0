"""Scenarios in which something must be found."""

from dataclasses import replace

from streams.simulation.fault import (
    MX_HOP,
    RELAY_HOP,
    Fault,
    flapping,
    growing,
)
from streams.simulation.play import Play, Run, Truth
from streams.simulation.post import Held
from streams.simulation.scenario import EVERY, FLEET, Stage, scenario
from streams.simulation.traffic import DAY, HOUR


@scenario(5, *EVERY, 200_000, 1_000_000, incident=True)
def password_expired(stage: Stage) -> Play:
    """The relay's password expires: every mail is refused with 535."""
    tenant = stage.tenant(relay=True)
    return stage.broken(tenant, stage.fault("submission_auth_failed", RELAY_HOP))


@scenario(*EVERY, incident=True)
def relay_unreachable(stage: Stage) -> Play:
    """The relay refuses connections or does not answer."""
    tenant = stage.tenant(relay=True)
    return stage.broken(tenant, stage.fault("submission_connect_failed", RELAY_HOP))


@scenario(*EVERY, incident=True)
def relay_certificate_expired(stage: Stage) -> Play:
    """The relay's certificate expires: no TLS, no mail."""
    tenant = stage.tenant(relay=True)
    return stage.broken(tenant, stage.fault("tls_failed", RELAY_HOP))


@scenario(*EVERY, incident=True)
def relay_denied(stage: Stage) -> Play:
    """The relay does not relay for the tenant any more."""
    tenant = stage.tenant(relay=True)
    return stage.broken(tenant, stage.fault("relay_denied", RELAY_HOP, share=0.96))


@scenario(*EVERY, incident=True)
def sender_address_refused(stage: Stage) -> Play:
    """The relay does not take the sender address."""
    tenant = stage.tenant(relay=True)
    return stage.broken(tenant, stage.fault("sender_rejected", RELAY_HOP))


@scenario(200, 2_000, 20_000, incident=True)
def sending_quota_used_up(stage: Stage) -> Play:
    """The daily quota at the relay is used up by noon."""
    tenant = stage.tenant(relay=True)
    fault = stage.fault("sending_quota_exceeded", RELAY_HOP)
    return stage.broken(tenant, fault, also=("rate_limited",))


@scenario(200, 2_000, 20_000, incident=True)
def one_host_of_four(stage: Stage) -> Play:
    """One sending host of four has the old password."""
    tenant = stage.tenant(relay=True)
    tenant.hosts = [f"app{n}.t1.test" for n in range(4)]
    return stage.broken(
        tenant, stage.fault("submission_auth_failed", RELAY_HOP, host=2)
    )


@scenario(200, 2_000, 20_000, incident=True)
def one_host_of_eight(stage: Stage) -> Play:
    """One sending host of eight cannot do TLS with the relay."""
    tenant = stage.tenant(relay=True)
    tenant.hosts = [f"app{n}.t1.test" for n in range(8)]
    fault = stage.fault("tls_failed", RELAY_HOP, host=5)
    return stage.broken(tenant, replace(fault, end=fault.end + 6 * HOUR), hard=True)


@scenario(20, 200, 2_000, 20_000, 200_000, incident=True)
def provider_blocks(stage: Stage) -> Play:
    """A big provider blocks the tenant's sending hosts."""
    tenant = stage.tenant(relay=False, firms=False)
    fault = stage.fault("sender_blocked", MX_HOP, operators=frozenset({"google"}))
    return stage.broken(tenant, fault, scope="provider", provider="google")


@scenario(200, 2_000, 20_000, incident=True)
def provider_blocks_behind_a_relay(stage: Stage) -> Play:
    """A big provider blocks the tenant's relay: 250 first, a report later."""
    tenant = stage.tenant(relay=True, firms=False)
    fault = stage.fault("sender_blocked", MX_HOP, operators=frozenset({"google"}))
    return stage.broken(tenant, fault, scope="provider", provider="google")


@scenario(200, 2_000, 20_000, incident=True)
def hoster_blocks_firms(stage: Stage) -> Play:
    """The operator of many firms' domains blocks the tenant's hosts."""
    tenant = stage.tenant(relay=False, firms=True)
    fault = stage.fault("sender_blocked", MX_HOP, operators=frozenset({"microsoft"}))
    return stage.broken(tenant, fault, scope="provider", provider="microsoft")


@scenario(200, 2_000, 20_000, incident=True)
def hoster_blocks_firms_behind_a_relay(stage: Stage) -> Play:
    """The same behind a relay: only reports know who runs the domains."""
    tenant = stage.tenant(relay=True, firms=True)
    fault = stage.fault("sender_blocked", MX_HOP, operators=frozenset({"microsoft"}))
    return stage.broken(tenant, fault, scope="provider", provider="microsoft")


@scenario(2_000, 20_000, incident=True)
def small_provider_blocks(stage: Stage) -> Play:
    """A provider with a twentieth of the customers blocks the tenant."""
    tenant = stage.tenant(relay=False, firms=False)
    fault = stage.fault("sender_blocked", MX_HOP, operators=frozenset({"t-online"}))
    return stage.broken(tenant, fault, scope="provider", provider="t-online")


@scenario(200, 2_000, 20_000, incident=True)
def signature_broken(stage: Stage) -> Play:
    """DKIM and SPF are broken: all big providers refuse, small ones do not care."""
    tenant = stage.tenant(relay=False)
    big = frozenset({"google", "microsoft", "yahoo", "gmx", "apple"})
    fault = stage.fault("sender_domain_auth_failed", MX_HOP, operators=big)
    return stage.broken(tenant, fault)


@scenario(200, 2_000, 20_000, incident=True)
def signature_broken_behind_a_relay(stage: Stage) -> Play:
    """The same behind a relay: it comes back by reports."""
    tenant = stage.tenant(relay=True)
    big = frozenset({"google", "microsoft", "yahoo", "gmx", "apple"})
    fault = stage.fault("sender_domain_auth_failed", MX_HOP, operators=big)
    return stage.broken(tenant, fault)


@scenario(200, 2_000, 20_000, incident=True)
def reverse_name_gone(stage: Stage) -> Play:
    """The sending host lost its reverse DNS: most servers refuse it."""
    tenant = stage.tenant(relay=False)
    return stage.broken(tenant, stage.fault("sender_host_dns", MX_HOP, share=0.8))


@scenario(200, 2_000, 20_000, incident=True)
def resolver_down(stage: Stage) -> Play:
    """The sending hosts cannot resolve any domain."""
    tenant = stage.tenant(relay=False)
    return stage.broken(tenant, stage.fault("dns_failure", MX_HOP))


@scenario(200, 2_000, 20_000, incident=True)
def addresses_mangled(stage: Stage) -> Play:
    """A bug cuts addresses: unknown users everywhere, at addresses that worked."""
    tenant = stage.tenant(relay=False)
    return stage.broken(tenant, stage.fault("bad_mailbox", MX_HOP, share=0.9))


@scenario(200, 2_000, 20_000, incident=True)
def directory_lost(stage: Stage) -> Play:
    """A provider lost its directory: unknown users that worked yesterday."""
    tenant = stage.tenant(relay=False, firms=False)
    fault = stage.fault("bad_mailbox", MX_HOP, operators=frozenset({"google"}))
    return stage.broken(tenant, fault, scope="provider", provider="google")


@scenario(20, 200, 2_000, 20_000, incident=True)
def words_nobody_knows(stage: Stage) -> Play:
    """The relay refuses everything with words that say nothing."""
    tenant = stage.tenant(relay=True)
    return stage.broken(tenant, stage.fault("unknown", RELAY_HOP), hard=True)


@scenario(200, 2_000, 20_000, incident=True)
def template_looks_like_spam(stage: Stage) -> Play:
    """A new template looks like spam to most servers."""
    tenant = stage.tenant(relay=False)
    return stage.broken(tenant, stage.fault("spam_content", MX_HOP, share=0.7))


@scenario(200, 2_000, 20_000, incident=True)
def breaks_in_a_billing_run(stage: Stage) -> Play:
    """The monthly invoices go out, and the password expires in the middle."""
    tenant = stage.tenant(relay=True)
    fault = stage.fault("submission_auth_failed", RELAY_HOP)
    made = stage.broken(tenant, replace(fault, end=fault.start + 5_400))
    run = Run(tenant, fault.start - 1_800, fault.end + 1_800, stage.volume * 3)
    made.runs.append(run)
    return made


@scenario(20, 200, 2_000, incident=True)
def broken_from_the_first_mail(stage: Stage) -> Play:
    """A new tenant has never sent a mail that arrived."""
    tenant = stage.tenant(relay=True)
    made = stage.broken(
        tenant, stage.fault("submission_auth_failed", RELAY_HOP), hard=True
    )
    made.silent[tenant.id] = stage.onset
    return made


@scenario(200, 2_000, 20_000, incident=True)
def slowly_worse(stage: Stage) -> Play:
    """A fault creeps in: nothing at first, four mails of five in the end."""
    tenant = stage.tenant(relay=True)
    span = 2 * stage.span
    fault = stage.fault(
        "submission_connect_failed", RELAY_HOP, shape=growing(span, 0.8)
    )
    return stage.broken(tenant, replace(fault, end=fault.start + span), hard=True)


@scenario(2_000, 20_000, incident=True)
def on_and_off(stage: Stage) -> Play:
    """Eight minutes down, eight minutes up, for three hours: one incident."""
    tenant = stage.tenant(relay=True)
    fault = stage.fault(
        "submission_connect_failed", RELAY_HOP, shape=flapping(480, 480)
    )
    end = fault.start + 3 * HOUR + 480
    return stage.broken(tenant, replace(fault, end=end), hard=True)


@scenario(2_000, 20_000, incident=True)
def twice(stage: Stage) -> Play:
    """An outage, three good hours, the same outage again: two incidents."""
    tenant = stage.tenant(relay=True)
    first = replace(
        stage.fault("submission_auth_failed", RELAY_HOP), end=stage.onset + HOUR
    )
    second = replace(first, start=stage.onset + 4 * HOUR, end=stage.onset + 5.5 * HOUR)
    made = stage.broken(tenant, first)
    made.faults.append(second)
    made.truths.append(replace(made.truths[0], start=second.start, end=second.end))
    made.end = second.end + stage.tail
    return made


@scenario(200, 2_000, 20_000, incident=True)
def events_come_late(stage: Stage) -> Play:
    """A third of the events of an outage come up to half an hour late."""
    tenant = stage.tenant(relay=True)
    fault = stage.fault("submission_auth_failed", RELAY_HOP)
    made = stage.broken(tenant, fault, hard=True)
    step = 900.0
    spans = int((fault.end - fault.start) / step)
    made.post.held = tuple(
        Held(fault.start + n * step, fault.start + (n + 1) * step, 0.35, 1_200)
        for n in range(spans)
    )
    return made


@scenario(20, 200, 2_000, 20_000, incident=True)
def events_come_three_times(stage: Stage) -> Play:
    """Every event is delivered three times."""
    tenant = stage.tenant(relay=True)
    made = stage.broken(tenant, stage.fault("tls_failed", RELAY_HOP), hard=True)
    made.post.twice, made.post.copies = 1.0, 2
    return made


@scenario(200, 2_000, 20_000, incident=True)
def a_clock_is_a_month_ahead(stage: Stage) -> Play:
    """One host's clock is 30 days ahead, and then the password expires."""
    tenant = stage.tenant(relay=True)
    tenant.hosts = ["app1.t1.test", "app2.t1.test"]
    made = stage.broken(
        tenant, stage.fault("submission_auth_failed", RELAY_HOP), hard=True
    )
    made.post.skews = {"app1.t1.test": 30 * DAY, "app2.t1.test": -420.0}
    return made


@scenario(20, 200, 2_000, incident=True)
def at_night(stage: Stage) -> Play:
    """The relay dies at night, when hardly any mail is sent."""
    tenant = stage.tenant(relay=True)
    stage.onset = stage.onset // DAY * DAY + DAY + 1.5 * HOUR
    stage.span = max(stage.span, 9 * HOUR)
    fault = stage.fault("submission_connect_failed", RELAY_HOP)
    return stage.broken(tenant, fault, hard=True)


@scenario(200, 2_000, 20_000, incident=True)
def server_lies(stage: Stage) -> Play:
    """A gateway refuses mail that it delivers: proof follows for most of it."""
    tenant = stage.tenant(relay=False, firms=False)
    fault = stage.fault(
        "bad_mailbox", MX_HOP, operators=frozenset({"google"}), lying=0.6
    )
    return stage.broken(
        tenant,
        fault,
        scope="provider",
        provider="google",
        also=("response_mismatch",),
    )


@scenario(2_000, 20_000, incident=True)
def reputation_decays(stage: Stage) -> Play:
    """A provider refuses a little more of the tenant's mail every hour."""
    tenant = stage.tenant(relay=False, firms=False)
    span = 20 * HOUR
    fault = stage.fault(
        "sender_blocked",
        MX_HOP,
        operators=frozenset({"google"}),
        shape=growing(span, 0.5),
    )
    made = stage.broken(
        tenant,
        replace(fault, end=fault.start + span),
        scope="provider",
        provider="google",
        hard=True,
    )
    made.end = fault.start + span + stage.tail
    return made


@scenario(FLEET, incident=True)
def shared_relay_down(stage: Stage) -> Play:
    """The relay that nearly all tenants share goes down: one page."""
    return _fleet(stage, "submission_connect_failed", RELAY_HOP, part=0.9)


@scenario(FLEET, incident=True)
def half_a_fleet_without_tls(stage: Stage) -> Play:
    """One of two shared relays breaks TLS for its tenants: one page."""
    return _fleet(stage, "tls_failed", RELAY_HOP, part=0.45)


@scenario(FLEET, incident=True)
def provider_blocks_the_platform(stage: Stage) -> Play:
    """A big provider refuses the mail of all tenants: one page."""
    return _fleet(stage, "sender_blocked", MX_HOP, part=1.0, provider="google")


@scenario(FLEET, incident=True)
def roll_out_breaks_one_after_another(stage: Stage) -> Play:
    """A deployment breaks one tenant every two minutes."""
    made = _fleet(stage, "sender_rejected", RELAY_HOP, part=0.7)
    (fault,), truth = made.faults, made.truths[0]
    hit = sorted(truth.tenants)
    stage.rng.shuffle(hit)
    made.faults = [
        replace(fault, tenants=frozenset({name}), start=fault.start + 120 * n)
        for n, name in enumerate(hit)
    ]
    made.truths = [replace(truth, hard=True)]
    return made


@scenario(FLEET, incident=True)
def two_tenants_two_causes(stage: Stage) -> Play:
    """Two tenants of a fleet break within minutes, for different reasons: two pages."""
    fleet = stage.fleet()
    for tenant in fleet:
        tenant.relay = True
    one, other = fleet[-1], fleet[-2]
    end = stage.onset + 3 * HOUR
    made = stage.quiet(*fleet)
    made.faults = [
        Fault(
            "submission_auth_failed", RELAY_HOP, stage.onset, end, frozenset({one.id})
        ),
        Fault(
            "sender_rejected", RELAY_HOP, stage.onset + 300, end, frozenset({other.id})
        ),
    ]
    made.truths = [
        Truth(
            "tenant",
            frozenset({fault.cause}),
            fault.start,
            fault.end,
            fault.tenants or frozenset(),
        )
        for fault in made.faults
    ]
    return made


def _fleet(
    stage: Stage, cause: str, hop: str, *, part: float, provider: str | None = None
) -> Play:
    fleet = stage.fleet()
    for tenant in fleet:
        if hop == RELAY_HOP:
            tenant.relay = True
    hit = frozenset(one.id for one in fleet if stage.rng.random() < part)
    operators = None if provider is None else frozenset({provider})
    fault = Fault(cause, hop, stage.onset, stage.onset + 2 * HOUR, hit, operators)
    made = stage.quiet(*fleet)
    made.faults.append(fault)
    scope = "platform" if provider is None else "provider"
    made.truths.append(
        Truth(scope, frozenset({cause}), fault.start, fault.end, hit, provider)
    )
    return made
