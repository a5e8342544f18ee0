"""Scenarios in which nobody may be paged."""

from dataclasses import replace

from streams.simulation.answer import MX
from streams.simulation.cast import Customer, Tenant
from streams.simulation.fault import MX_HOP, RELAY_HOP, Fault
from streams.simulation.play import Play, Run
from streams.simulation.post import Held
from streams.simulation.scenario import EVERY, FLEET, Stage, scenario
from streams.simulation.traffic import DAY, HOUR

# ruff: noqa: PLR2004 - a world is made of numbers


@scenario(5, *EVERY, incident=False)
def ordinary_week(stage: Stage) -> Play:
    """A week of ordinary life."""
    made = stage.quiet(stage.tenant())
    made.end = made.start + (7 if stage.volume < 20_000 else 3) * DAY
    return made


@scenario(FLEET, incident=False)
def ordinary_fleet(stage: Stage) -> Play:
    """Three ordinary days of forty tenants."""
    made = stage.quiet(*stage.fleet())
    made.end = made.start + 3 * DAY
    return made


@scenario(20, 200, 2_000, 20_000, incident=False)
def billing_run(stage: Stage) -> Play:
    """Month end: days of mail within three hours, to addresses rarely written to."""
    tenant = stage.tenant()
    made = stage.quiet(tenant)
    days = {20: 30, 200: 15, 2_000: 6}.get(stage.volume, 2)
    end = stage.onset + 3 * HOUR
    made.runs.append(Run(tenant, stage.onset, end, stage.volume * days))
    return made


@scenario(200, 2_000, 20_000, incident=False)
def old_list(stage: Stage) -> Play:
    """An old list is imported: half of its addresses do not exist."""
    tenant = stage.tenant()
    return _campaign(stage, tenant, _strangers(stage, tenant, 0.5))


@scenario(200, 2_000, 20_000, incident=False)
def customers_of_old(stage: Stage) -> Play:
    """A campaign to customers that were not written to for years."""
    tenant = stage.tenant()
    return _campaign(stage, tenant, _strangers(stage, tenant, 0.25))


@scenario(20, 200, 2_000, 20_000, incident=False)
def one_noisy_customer(stage: Stage) -> Play:
    """One customer's server refuses everything, for a reason that looks like ours."""
    tenant = stage.tenant(relay=False)
    made = stage.quiet(tenant)
    made.faults, made.runs = _noise(stage, tenant, 1)
    return made


@scenario(200, 2_000, 20_000, incident=False)
def two_noisy_customers(stage: Stage) -> Play:
    """The same with two customers at once."""
    tenant = stage.tenant(relay=False)
    made = stage.quiet(tenant)
    made.faults, made.runs = _noise(stage, tenant, 2)
    return made


@scenario(200, 2_000, 20_000, incident=False)
def greylisting_everywhere(stage: Stage) -> Play:
    """Three of five servers ask to come again, for hours."""
    tenant = stage.tenant(relay=False)
    tenant.habits = replace(tenant.habits, greylisting=0.6)
    return stage.quiet(tenant)


@scenario(200, 2_000, 20_000, incident=False)
def relay_restarts(stage: Stage) -> Play:
    """The relay restarts three times: 20 to 45 s without it, all retried."""
    tenant = stage.tenant(relay=True)
    made = stage.quiet(tenant)
    made.faults = [
        _blip(stage, stage.onset + (n + 0.8 * stage.rng.random()) * stage.span / 3)
        for n in range(3)
    ]
    return made


@scenario(200, 2_000, 20_000, incident=False)
def relay_restarts_in_a_billing_run(stage: Stage) -> Play:
    """The relay restarts in the middle of a billing run."""
    tenant = stage.tenant(relay=True)
    made = stage.quiet(tenant)
    end = stage.onset + 2 * HOUR
    made.runs.append(Run(tenant, stage.onset, end, stage.volume * 3))
    made.faults = [_blip(stage, stage.onset + stage.rng.uniform(0.2, 0.8) * 2 * HOUR)]
    return made


@scenario(200, 2_000, 20_000, incident=False)
def mailboxes_full_after_holidays(stage: Stage) -> Play:
    """A twelfth of the mailboxes are full for a day."""
    tenant = stage.tenant(relay=False)
    made = stage.quiet(tenant)
    made.faults = [
        Fault("mailbox_full", MX_HOP, stage.onset, stage.onset + DAY, share=0.08)
    ]
    return made


@scenario(200, 2_000, 20_000, incident=False)
def backlog_of_an_old_outage(stage: Stage) -> Play:
    """A stuck partition delivers the failures of an outage that was over long ago."""
    tenant = stage.tenant(relay=True)
    made = stage.quiet(tenant)
    span = {200: 10}.get(stage.volume, 2) * HOUR
    began = stage.onset - span - 8 * HOUR
    made.faults = [Fault("submission_auth_failed", RELAY_HOP, began, began + span)]
    made.post.held = (Held(began, began + span, 1.0, 600),)
    made.post.held = (Held(began, stage.onset, 1.0, 600),)
    return made


@scenario(200, 2_000, 20_000, incident=False)
def a_day_is_replayed(stage: Stage) -> Play:
    """All events of the day before, with its small troubles, come again."""
    tenant = stage.tenant()
    made = stage.quiet(tenant)
    made.replayed = (stage.onset - DAY, stage.onset, stage.onset)
    return made


@scenario(200, 2_000, 20_000, incident=False)
def a_clock_is_ahead(stage: Stage) -> Play:
    """One host's clock is 30 days ahead, another's ten minutes behind."""
    tenant = stage.tenant()
    tenant.hosts = ["app1.t1.test", "app2.t1.test"]
    made = stage.quiet(tenant)
    made.post.skews = {"app1.t1.test": 30 * DAY, "app2.t1.test": -600.0}
    return made


@scenario(20, 200, incident=False)
def one_customer_only(stage: Stage) -> Play:
    """A tenant with a single customer, whose server refuses for days."""
    tenant = stage.tenant(relay=False)
    tenant.customers, tenant.weights = tenant.customers[:1], [1.0]
    made = stage.quiet(tenant)
    made.faults = [stage.fault("sender_blocked", MX_HOP)]
    return made


@scenario(200, 2_000, 20_000, incident=False)
def provider_slows_us_down(stage: Stage) -> Play:
    """A provider lets a third of the mail come again later; it all arrives."""
    tenant = stage.tenant(relay=False, firms=False)
    made = stage.quiet(tenant)
    soft = tuple(one for one in MX["rate_limited"] if one.soft)
    made.faults = [
        Fault(
            "rate_limited",
            MX_HOP,
            stage.onset,
            stage.onset + 2 * HOUR,
            operators=frozenset({"microsoft"}),
            share=0.15,
            answers=soft,
        )
    ]
    return made


@scenario(200, 2_000, 20_000, incident=False)
def provider_hiccup(stage: Stage) -> Play:
    """A provider is away for a minute; every mail is tried again."""
    tenant = stage.tenant(relay=False, firms=False)
    made = stage.quiet(tenant)
    made.faults = [
        Fault(
            "network_error",
            MX_HOP,
            stage.onset,
            stage.onset + 60,
            operators=frozenset({"google"}),
        )
    ]
    return made


@scenario(200, 2_000, 20_000, incident=False)
def reports_come_at_once(stage: Stage) -> Play:
    """A day's reports were held back and come within ten minutes."""
    tenant = stage.tenant(relay=True)
    made = stage.quiet(tenant)
    made.post.held = (Held(stage.onset - DAY, stage.onset, 1.0, 600, kind="dsn"),)
    return made


@scenario(20, 200, 2_000, incident=False)
def weekend(stage: Stage) -> Play:
    """Three days without a mail, then all of it at once."""
    tenant = stage.tenant()
    made = stage.quiet(tenant)
    made.silent[tenant.id] = stage.onset
    made.runs = [
        Run(tenant, 0.0, stage.onset - 3 * DAY, int(stage.volume * 3), template="old"),
        Run(tenant, stage.onset, stage.onset + HOUR, int(stage.volume * 2)),
    ]
    return made


@scenario(200, 2_000, incident=False)
def ids_of_any_alphabet(stage: Stage) -> Play:
    """Ids hold blanks, quotes, colons and letters of other scripts."""
    tenant = stage.tenant()
    tenant.id = 'Müller & Söhne: "Ост" 東京 한국'
    tenant.customers = [
        one._replace(id=f"{one.id} ключ/№ 「{n}」")
        for n, one in enumerate(tenant.customers)
    ]
    return stage.quiet(tenant)


def _strangers(stage: Stage, tenant: Tenant, gone: float) -> list[Customer]:
    """Answer customers that the tenant has not written to."""
    rng = stage.rng
    count = max(60, int(stage.volume * 0.8))
    models = [rng.choice(tenant.customers) for _ in range(count)]
    return [
        model._replace(
            id=f"old-{number}",
            address=f"old{number}.{model.address}",
            gone=rng.random() < gone,
            full=False,
        )
        for number, model in enumerate(models)
    ]


def _campaign(stage: Stage, tenant: Tenant, customers: list[Customer]) -> Play:
    made = stage.quiet(tenant)
    end = stage.onset + 4 * HOUR
    made.runs.append(
        Run(tenant, stage.onset, end, len(customers), customers, "campaign")
    )
    return made


def _noise(stage: Stage, tenant: Tenant, count: int) -> tuple[list[Fault], list[Run]]:
    causes = ("sender_blocked", "network_error", "policy_rejected", "sender_host_dns")
    chosen = stage.rng.sample(tenant.customers, count)
    mails = int(max(30, min(2_000, stage.volume * 0.3)))
    end = stage.onset + stage.span
    faults = [
        Fault(stage.rng.choice(causes), MX_HOP, stage.onset, end, customer=one.id)
        for one in chosen
    ]
    return faults, [Run(tenant, stage.onset, end, mails, [one]) for one in chosen]


def _blip(stage: Stage, at: float) -> Fault:
    length = stage.rng.uniform(20, 45)
    return Fault("submission_connect_failed", RELAY_HOP, at, at + length)
