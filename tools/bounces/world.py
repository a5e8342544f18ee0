"""Who is where in the small internet, derived from the mails that are sent in it."""

from collections import defaultdict
from pathlib import Path

from tools.bounces.clock import Clock
from tools.bounces.internet import Script, Zone
from tools.bounces.mail import RETURN_DOMAIN, Mail
from tools.bounces.postfix import Instance

MAILER = ("mta1.mailer.example", "192.0.2.10")
SUBMITTER = ("app1.mailer.example", "192.0.2.5")
RELAY = ("relay1.hoster.example", "203.0.113.5")
CORP = ("mx.corp.example.net", "198.51.100.5")
CORP_DOMAINS = (
    "corp.example.net",
    "staff.example.net",
    "legacy.example.net",
    "loop.example.net",
)
CORP_REWRITES = {
    "forward@corp.example.net": "old.account@bigmail.test",
    "forward2@corp.example.net": "older.account@bigmail.test",
    "team@corp.example.net": "a.one@staff.example.net, b.two@staff.example.net",
}
CORP_LISTS = """\
announce a.one@staff.example.net, b.two@staff.example.net
owner-announce a.one@staff.example.net
"""
UNREACHABLE = "198.51.100.250"


def _inline(table: dict[str, str]) -> str:
    """Write a table as Postfix reads it within a parameter."""
    return f"inline:{{ {' '.join(f'{{ {k} = {v} }}' for k, v in table.items())} }}"


class World:
    """Addresses, names and servers, derived from the mails."""

    def __init__(self, mails: list[Mail]) -> None:
        """Give every server that a mail meets a name, an address and a script."""
        self.zone = Zone()
        self.scripts: dict[str, Script] = {}
        """IP address to the script of the server there."""
        self.deaf: list[str] = []
        """IP addresses that never answer a connection."""
        self._routes: dict[str, str] = {}
        self._demands: dict[str, str] = {}
        for host, ip in (MAILER, SUBMITTER, RELAY, CORP):
            self.zone.a[host] = ip
        self.zone.mx[RETURN_DOMAIN] = MAILER[0]
        for domain in CORP_DOMAINS:
            self.zone.mx[domain] = CORP[0]
        by_host: dict[str, list[Mail]] = defaultdict(list)
        for mail in mails:
            if mail.route:
                self._routes[mail.return_path] = f"[{mail.route}]"
            for recipient in mail.to:
                via = None if mail.route == RELAY[0] else mail.route
                host = via or f"mx.{recipient.domain}"
                if recipient.domain not in CORP_DOMAINS and mail not in by_host[host]:
                    by_host[host].append(mail)
        for number, (host, served) in enumerate(by_host.items(), 10):
            self._settle(host, f"198.51.100.{number}", served)

    def _settle(self, host: str, ip: str, mails: list[Mail]) -> None:
        """Give one server its names and its script, as its mails ask for it."""
        options: dict[str, object] = {}
        for mail in mails:
            options |= mail.host
        domain = host.removeprefix("mx.")
        dns, connect = options.get("dns"), options.get("connect")
        if dns == "nxdomain":
            return
        self.zone.mx[domain] = {
            "null-mx": "",
            "lost-mx": f"old.{domain}",
            "our-own-mx": MAILER[0],
        }.get(str(dns), host)
        if dns == "servfail":
            self.zone.broken.add(domain)
        if dns is not None:
            return
        self.zone.a[host] = UNREACHABLE if connect == "unreachable" else ip
        if options.get("demand"):
            self._demands[domain] = f"smtp-{options['demand']}:"
        if connect == "silent":
            self.deaf.append(ip)
        if connect is None:
            recipients = [r for mail in mails for r in mail.to]
            self.scripts[ip] = Script(host, recipients, options, CORP[1])

    @property
    def addresses(self) -> list[str]:
        """All addresses of this internet that exist."""
        return sorted(set(self.zone.a.values()) - {UNREACHABLE})

    def instances(self, directory: Path, clock: Clock) -> list[Instance]:
        """Answer the Postfix instances: ours, a hoster's relay, a company's."""
        ours = {
            "virtual_mailbox_domains": RETURN_DOMAIN,
            "virtual_mailbox_maps": "static:reports/",
            "transport_maps": _inline(self._demands),
            "sender_dependent_relayhost_maps": _inline(self._routes),
            "smtp_sasl_auth_enable": "yes",
            "smtp_sasl_password_maps": _inline({"submission.hoster.example": "a:b"}),
            "smtp_sasl_security_options": "noanonymous",
        }
        relay = {
            "mynetworks": "192.0.2.0/24 198.51.100.0/24",
            "relay_domains": "loop.example.net",
            "transport_maps": _inline({"loop.example.net": f"smtp:[{CORP[0]}]"}),
            "hopcount_limit": "8",
        }
        corp = {
            "mydestination": "corp.example.net",
            "virtual_mailbox_domains": "staff.example.net gateway.example.net",
            "virtual_mailbox_maps": "static:staff/",
            "relay_domains": "loop.example.net legacy.example.net",
            "transport_maps": _inline(
                {
                    "loop.example.net": f"smtp:[{RELAY[0]}]",
                    "legacy.example.net": "program:",
                }
            ),
            "virtual_alias_maps": _inline(CORP_REWRITES),
            "relocated_maps": _inline(
                {"s.hall@corp.example.net": "s.hall@elsewhere.example.org"}
            ),
            "alias_maps": "texthash:$config_directory/lists",
            "hopcount_limit": "8",
        }
        return [
            Instance(*who, directory / who[0], parameters, clock.environment())
            for who, parameters in ((MAILER, ours), (RELAY, relay), (CORP, corp))
        ]
