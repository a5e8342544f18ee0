"""Ordinary traffic: the days before, and a day of runs, retries and late bounces.

What is wrong at a time of the day is told by troubles; this module only asks them.
"""

from collections.abc import Callable
from random import Random

from streams.core.instant import Instant
from streams.demo import answer as answers
from streams.demo.answer import Answer
from streams.demo.cast import TENANTS, Customer, Fate, Tenant, customers
from streams.demo.logbook import HOUR, MINUTE, SECOND, Logbook, Mail
from streams.demo.mailbag import Bounce, Stand, bounces, retold

Trouble = Callable[[Tenant, Customer, int], Answer | None]
"""Says what goes wrong for a tenant and a customer at a time, if anything."""

DAY = 24 * HOUR
_DAYS_BEFORE = 5 * DAY
_MAILS_A_DAY = (1, 1, 1, 2, 2, 3)
_GREYLISTS = 0.012
_PASSING = 0.006
_REFUSES_ONCE = 0.0015
_TEMPLATES = ("invoice", "reminder", "news", "notice")
_LATE = {
    Fate.GONE: "bad_mailbox",
    Fate.DISABLED: "mailbox_disabled",
    Fate.FULL: "mailbox_full",
}
"""Class of the real bounces that fit a customer's fate."""


class Traffic:
    """Writes the mail of all tenants into a logbook."""

    def __init__(self, random: Random, start: Instant, logbook: Logbook) -> None:
        """Begin the day at `start`."""
        self.start = start
        self.random = random
        self.logbook = logbook
        self.troubles: list[Trouble] = []
        self.afterwards: list[Callable[[], None]] = []
        """What is written once the day's mail is."""
        self.people: dict[str, list[Customer]] = {}

    def invite(self, count: int) -> None:
        """Give the tenants `count` customers altogether, each tenant a few at least."""
        for tenant in TENANTS:
            share = max(count * tenant.per_mille // 1000, 12)
            self.people[tenant.id] = customers(self.random, tenant, share)

    def hour(self, hour: float) -> int:
        """Answer the instant of an hour of the day; negative ones are yesterday's."""
        return int(self.start + hour * HOUR)

    def days_before(self) -> None:
        """Write one mail to every customer: the days that are still in the topics."""
        for tenant in TENANTS:
            for customer in self.people[tenant.id]:
                at = self.start - self.random.randrange(HOUR, _DAYS_BEFORE)
                self.send(tenant, customer, at, "news")

    def day(self) -> None:
        """Write the day's mail: most of it in one run, the rest over the day."""
        for tenant in TENANTS:
            for customer in self.people[tenant.id]:
                for _ in range(self.random.choice(_MAILS_A_DAY)):
                    self.send(tenant, customer, self._moment(tenant))
        for write in self.afterwards:
            write()

    def _moment(self, tenant: Tenant) -> int:
        if self.random.random() < 0.4:  # noqa: PLR2004  # share of the run
            return self.hour(tenant.run_at + self.random.random() * 1.5)
        return self.hour(self.random.triangular(0, 23.7, 13))

    def send(
        self, tenant: Tenant, customer: Customer, at: int, template: str | None = None
    ) -> Mail:
        """Write one mail from the first attempt to the last word about it."""
        template = template or self.random.choice(_TEMPLATES)
        mail = self.logbook.mail(tenant, customer, template)
        trouble = next(
            (a for t in self.troubles if (a := t(tenant, customer, at))), None
        )
        if trouble is not None:
            self.logbook.attempt(mail, at, trouble)
            return mail
        if tenant.relay:
            self._through_relay(mail, at)
        else:
            self._to_mx(mail, at)
        return mail

    def _to_mx(self, mail: Mail, at: int) -> None:
        fate = mail.customer.fate
        if fate is not Fate.WELL:
            self.logbook.attempt(mail, at, self._refusal(fate))
            return
        dice = self.random.random()
        attempt = 1
        if dice < _GREYLISTS:
            self.logbook.attempt(mail, at, answers.GREYLISTED)
            at, attempt = at + self.random.randrange(5, 12) * MINUTE, 2
        elif dice < _GREYLISTS + _PASSING:
            passing = self.random.choice(answers.PASSING)
            for attempt in range(1, self.random.randrange(2, 4)):
                self.logbook.attempt(mail, at, passing, attempt)
                at += (4 + 3 * attempt) * MINUTE
            attempt += 1
        elif dice < _GREYLISTS + _PASSING + _REFUSES_ONCE:
            self.logbook.attempt(mail, at, self.random.choice(answers.ONE_OFF))
            return
        self.logbook.attempt(mail, at, answers.TAKEN, attempt)

    def _refusal(self, fate: Fate) -> Answer:
        match fate:
            case Fate.FULL:
                return answers.FULL
            case Fate.DISABLED:
                return answers.DISABLED
            case _:
                return self.random.choice(answers.UNKNOWN_USER)

    def _through_relay(self, mail: Mail, at: int) -> None:
        self.logbook.attempt(mail, at, answers.TAKEN)
        if mail.customer.fate is not Fate.WELL:
            lag = self.random.randrange(5, 240) * SECOND
            told = self.random.choice(_fitting(_LATE[mail.customer.fate]))
            self.bounce(mail, told, at, at + lag)

    def bounce(self, mail: Mail, told: Bounce, sent_at: int, at: int) -> None:
        """Let a real report come back about a mail."""
        stand = Stand(
            mail.tenant.id,
            mail.customer.address,
            mail.message_id,
            Instant(sent_at),
            Instant(at),
        )
        self.logbook.report(at, retold(told, stand), tenant_id=mail.tenant.id)


def _fitting(failure_class: str) -> list[Bounce]:
    """Answer the real bounces of a class that can be about anybody."""
    return [
        each
        for each in bounces()
        if each.kind == "bounce"
        and each.movable
        and each.recipients[0].failure_class == failure_class
        and each.recipients[0].status.startswith("5")
    ]
