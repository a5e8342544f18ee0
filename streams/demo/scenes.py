"""The day's stories: one for each thing that mailflag tells apart.

Each scene writes its own mail, or says what goes wrong for the mail of others.
"""

import orjson

from streams.core.evidence import CommandAction
from streams.core.instant import Instant, render
from streams.demo import answer as answers
from streams.demo.answer import Answer
from streams.demo.cast import (
    ALDER,
    BIRCH,
    BLOCKING_PROVIDER,
    CEDAR,
    DUNE,
    EMBER,
    FJORD,
    GROVE,
    TENANTS,
    Customer,
    Fate,
    Tenant,
    customer,
)
from streams.demo.logbook import MINUTE, SECOND
from streams.demo.mailbag import Bounce, bounce, bounces, redated
from streams.demo.traffic import Traffic
from streams.wire.topic import Topic

PASSWORD_EXPIRES = 10.0
PASSWORD_RENEWED = 11.0
BLOCKED_FROM = 13.0
BLOCKED_TO = 17.0
GATEWAY = "gateway.example.net"
"""The customer's server that refuses what it has handed on."""
_ORDINARY_MAIL = "RnJvbTogYWRhQGV4YW1wbGUuY29tDQoNCkhlbGxvIQ0K"
_TENANTS = {tenant.id: tenant for tenant in TENANTS}


def password_expires(traffic: Traffic) -> None:
    """For an hour the relay takes no login: everybody fails, nobody is to blame.

    Most of the mail is sent again at noon; the rest stays flagged.
    """
    begins, ends = traffic.hour(PASSWORD_EXPIRES), traffic.hour(PASSWORD_RENEWED)
    failed: list[Customer] = []

    def trouble(tenant: Tenant, customer: Customer, at: int) -> Answer | None:
        if tenant is not ALDER or not begins <= at < ends:
            return None
        failed.append(customer)
        return answers.WRONG_PASSWORD

    traffic.troubles.append(trouble)
    traffic.afterwards.append(lambda: _sent_again(traffic, failed))


def _sent_again(traffic: Traffic, failed: list[Customer]) -> None:
    for each in failed:
        if traffic.random.random() < 0.85:  # noqa: PLR2004  # share of the mail
            at = traffic.hour(12 + traffic.random.random())
            traffic.send(ALDER, each, at, "reminder")


def provider_blocks(traffic: Traffic) -> None:
    """One provider blocks one tenant for some hours; what comes later clears."""
    begins, ends = traffic.hour(BLOCKED_FROM), traffic.hour(BLOCKED_TO)

    def trouble(tenant: Tenant, customer: Customer, at: int) -> Answer | None:
        blocked = tenant is EMBER and customer.domain == BLOCKING_PROVIDER
        return answers.BLOCKED if blocked and begins <= at < ends else None

    traffic.troubles.append(trouble)


def server_lies(traffic: Traffic) -> None:
    """A gateway hands the mail on and then refuses it.

    The server behind it had a long queue; its report, hours later, tells the truth.
    """
    told = bounce("refused-yet-delivered.delivered")
    for number in range(1, 9):
        name = f"broker.{number}"
        one = Customer(f"B-9{number:05}", f"{name}@{GATEWAY}", GATEWAY, Fate.WELL)
        for hour in (8.4, 11.3, 16.2)[: 1 + number % 3]:
            at = traffic.hour(hour + number / 40)
            mail = traffic.logbook.mail(BIRCH, one, "notice")
            traffic.logbook.attempt(mail, at, answers.LYING)
            traffic.bounce(mail, told, at, at + (120 + 25 * number) * MINUTE)


def one_failure_clears(traffic: Traffic) -> None:
    """A server is away for an evening; the next mail arrives."""
    one = Customer("C-900001", "hugo.stein@village.test", "village.test", Fate.WELL)
    traffic.send(CEDAR, one, traffic.hour(-30), "notice")
    mail = traffic.logbook.mail(CEDAR, one, "notice")
    for attempt, hour in enumerate((6.0, 6.2, 6.5, 7.2, 8.4), 1):
        traffic.logbook.attempt(mail, traffic.hour(hour), answers.TIMED_OUT, attempt)
    traffic.logbook.attempt(mail, traffic.hour(10.0), answers.GIVEN_UP, 6)
    again = traffic.logbook.mail(CEDAR, one, "notice")
    traffic.logbook.attempt(again, traffic.hour(14.5), answers.TAKEN)


def one_failure_persists(traffic: Traffic) -> None:
    """A closed account, and somebody who keeps writing to it for four days."""
    one = Customer("D-900001", "mila.horn@bigmail.test", "bigmail.test", Fate.DISABLED)
    for hour in (-75.0, -51.0, -27.0, -3.0, 7.6, 18.1):
        traffic.send(DUNE, one, traffic.hour(hour), "invoice")


def stale_list(traffic: Traffic, count: int) -> None:
    """An old list is written to: a third of it is gone, and no set-up is at fault."""
    for number in range(1, count + 1):
        fate = traffic.random.choice((Fate.WELL, Fate.WELL, Fate.GONE))
        one = customer(traffic.random, f"F-8{number:05}", fate)
        at = traffic.hour(11.5 + traffic.random.random() * 0.4)
        traffic.send(FJORD, one, at, "news")


def noisy_customer(traffic: Traffic) -> None:
    """A machine writes to one full mailbox every few minutes: one customer fails."""
    address = "alarms@plant.example.org"
    one = Customer("G-900001", address, "plant.example.org", Fate.FULL)
    for number in range(240):
        traffic.send(GROVE, one, traffic.hour(1 + number * 0.08), "notice")


def all_real_bounces(traffic: Traffic) -> None:
    """Every real report once, about the very address that it was made about.

    Reports that took hours or days belong to mail of the days before. The tenant's
    own Postfix took the mail; the report is the first that is heard of a failure.
    """
    by_message: dict[str, list[Bounce]] = {}
    for told in bounces():
        by_message.setdefault(told.message_id, []).append(told)
    for number, reports in enumerate(by_message.values()):
        lags = [max(t.reported_at - t.arrived_at, 2 * SECOND) for t in reports]
        sent_at = traffic.hour(2 + 20 * number / len(by_message)) - max(lags)
        _handed_over(traffic, reports[0], sent_at)
        for told, lag in zip(reports, lags, strict=True):
            at = sent_at + lag
            raw = redated(told, Instant(sent_at), Instant(at))
            unnamed = told.envelope_id is None or "@" not in told.envelope_id
            tenant_id = told.tenant_id if unnamed else None
            traffic.logbook.report(at, raw, tenant_id=tenant_id)


def _handed_over(traffic: Traffic, told: Bounce, at: int) -> None:
    tenant = _TENANTS[told.tenant_id]._replace(relay="mta1.mailer.example")
    for each in told.recipients:
        domain = each.address.rpartition("@")[2]
        one = Customer(f"X-{told.message_id[2:6]}", each.address, domain, Fate.WELL)
        mail = traffic.logbook.mail(tenant, one, "invoice")
        mail = mail._replace(message_id=told.message_id)
        traffic.logbook.attempt(mail, at, answers.TAKEN)


def people_decide(traffic: Traffic) -> None:
    """Support clears a flag by hand, or has proof that the mail arrived."""
    decisions = (
        (CommandAction.CLEAR, "address_corrected", "customer rang, typo corrected"),
        (CommandAction.DELIVERED, "confirmed_delivered", "customer has the invoice"),
        (CommandAction.CLEAR, "customer_request", "mailbox emptied"),
        (CommandAction.DELIVERED, "confirmed_delivered", "customer answered"),
    )
    domain = "mill.example.net"
    for number, (action, reason, note) in enumerate(decisions):
        address = f"k.mail{number}@{domain}"
        one = Customer(f"C-80000{number}", address, domain, Fate.GONE)
        mail = traffic.send(CEDAR, one, traffic.hour(9 + number))
        at = traffic.hour(9.7 + number)
        traffic.logbook.command(
            mail, at, action, reason=reason, note=note, actor="support-7"
        )


def broken_input(traffic: Traffic) -> None:
    """Half a record, wrong types, reports about nobody: a real topic has them too."""
    for repeat in range(3):
        at = traffic.hour(3 + 7 * repeat)
        for number, (topic, value) in enumerate(_broken(at)):
            traffic.logbook.broken(topic, at + number * MINUTE, value)


def _broken(at: int) -> list[tuple[Topic, bytes | None]]:
    time = render(Instant(at))
    attempt = {
        "id": "x-1",
        "time": time,
        "tenant_id": CEDAR.id,
        "address": "ada@example.com",
        "message_id": "x-1",
        "outcome": "accepted",
    }
    attempts = (
        {"address": "nobody"},
        {"time": "yesterday"},
        {"time": "1970-01-01T00:00:00Z"},
        {"tenant_id": "a/b"},
        {"message_id": 7},
    )
    about_nobody = {"id": "x-2", "time": time, "action": "failed", "status": "5.1.1"}
    no_report = {"id": "x-3", "time": time, "raw": _ORDINARY_MAIL}
    values: list[tuple[Topic, bytes | None]] = [
        (Topic.SEND_ATTEMPTS, orjson.dumps(attempt | wrong)) for wrong in attempts
    ]
    return [
        *values,
        (Topic.SEND_ATTEMPTS, orjson.dumps(attempt)[:40]),
        (Topic.SEND_ATTEMPTS, None),
        (Topic.SEND_ATTEMPTS, b"\xff\xfe\x00"),
        (Topic.SEND_ATTEMPTS, b"[" * 5000),
        (Topic.DSN_EVENTS, orjson.dumps(about_nobody)),
        (Topic.DSN_EVENTS, orjson.dumps(no_report)),
        (Topic.FLAG_COMMANDS, orjson.dumps({"id": "x-4", "action": "delete"})),
    ]
