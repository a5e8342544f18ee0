"""Who runs the recipient's mail: one name for all hosts and domains of an operator.

A block by an operator shows at every domain that it hosts, so mail is counted
by operator. The name is that of the table, else the registered domain of the
mail exchanger, else that of the address: never empty, always lower case.
"""

from functools import lru_cache

_HOSTS = {
    "amazon": "amazonaws.com amazonses.com awsapps.com",
    "apple": "apple.com icloud.com me.com",
    "barracuda": "barracudanetworks.com cudamail.com",
    "cisco": "iphmx.com",
    "comcast": "comcast.net",
    "fastmail": "messagingengine.com",
    "forcepoint": "mailcontrol.com",
    "free": "free.fr proxad.net",
    "gmx": "gmx.net gmx.com gmx.de web.de mail.com",
    "godaddy": "secureserver.net",
    "google": "google.com googlemail.com gmail.com psmtp.com",
    "hornetsecurity": "hornetsecurity.com antispameurope.com hornetdrive.com",
    "ionos": "ionos.com ionos.de kundenserver.de 1and1.com perfora.net",
    "laposte": "laposte.net",
    "mailru": "mail.ru",
    "messagelabs": "messagelabs.com",
    "microsoft": "outlook.com hotmail.com microsoft.com mx.microsoft office365.us "
    "partner.outlook.cn",
    "mimecast": "mimecast.com mimecast.co.za mimecast-offshore.com",
    "netease": "netease.com 163.com 126.com",
    "orange": "orange.fr wanadoo.fr orange.net",
    "ovh": "ovh.net ovh.ca mail.ovh.net",
    "proofpoint": "pphosted.com ppe-hosted.com gpphosted.com",
    "proton": "protonmail.ch proton.ch",
    "qq": "qq.com exmail.qq.com",
    "retarus": "retarus.com",
    "sophos": "sophos.com reflexion.net hydra.sophos.com",
    "strato": "rzone.de strato.de",
    "t-online": "t-online.de",
    "trendmicro": "trendmicro.com trendmicro.eu",
    "yahoo": "yahoodns.net yahoo.com yahoo.net aol.com",
    "yandex": "yandex.net yandex.ru",
    "zoho": "zoho.com zoho.eu zoho.in zohomail.com",
}
"""Suffixes of mail exchangers' names, seen in public MX records."""

_DOMAINS = {
    "apple": "icloud.com me.com mac.com",
    "comcast": "comcast.net",
    "fastmail": "fastmail.com fastmail.fm",
    "free": "free.fr",
    "gmx": "gmx.de gmx.net gmx.at gmx.ch gmx.com web.de mail.com email.de",
    "google": "gmail.com googlemail.com google.com",
    "laposte": "laposte.net",
    "mailru": "mail.ru bk.ru inbox.ru list.ru",
    "microsoft": "outlook.com outlook.de outlook.fr hotmail.com hotmail.de "
    "hotmail.fr hotmail.it hotmail.es hotmail.co.uk live.com live.de live.fr "
    "live.nl live.co.uk msn.com onmicrosoft.com",
    "netease": "163.com 126.com yeah.net",
    "orange": "orange.fr wanadoo.fr",
    "proton": "proton.me protonmail.com pm.me",
    "qq": "qq.com foxmail.com",
    "t-online": "t-online.de magenta.de",
    "yahoo": "yahoo.com yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.ca yahoo.co.uk "
    "yahoo.co.in yahoo.com.br ymail.com rocketmail.com aol.com aol.de",
    "yandex": "yandex.ru yandex.com ya.ru",
    "zoho": "zohomail.com zoho.com",
}
"""Recipient domains whose operator is known without asking the DNS."""


def _by_suffix(table: dict[str, str]) -> dict[str, str]:
    return {s: name for name, suffixes in table.items() for s in suffixes.split()}


_BY_HOST = _by_suffix(_HOSTS)
_BY_DOMAIN = _by_suffix(_DOMAINS)

OPERATORS = frozenset(_HOSTS) | frozenset(_DOMAINS)
"""Names of operators that run the mail of many domains."""

_SUBMISSION = ("smtp.", "smtp-", "email-smtp.", "submission.", "mail.", "relay")
"""How hosts are called that take outgoing mail."""
_SECOND_LEVEL = frozenset("ac co com edu gob gov gv ne net nom or org".split())  # noqa: SIM905  # the words read better than a list
"""Labels under which a country's registry registers names, as in `co.uk`."""
_COUNTRY = 2
"""Length of a country's top-level domain (ISO 3166)."""
_LONGEST_NAME = 253
"""RFC 1035 section 2.3.4; a report can call itself anything."""


@lru_cache(maxsize=65_536)
def provider(mx: str | None, domain: str) -> str:
    """Say who runs the mail of `domain`, from its mail exchanger if known.

    Args:
        mx: name of the mail exchanger that answered, or Remote-MTA of a report;
            None while only a relay of ours has been seen.
        domain: domain of the canonical address, an A-label.
    """
    host = _name(mx)
    if host is not None:
        return _operator(host, _BY_HOST) or registered(host)
    return _operator(domain, _BY_DOMAIN) or registered(domain)


def is_exchanger(host: str) -> bool:
    """Say whether a host is known to take an operator's customers' mail.

    The same operators also run servers that mail is handed in at; these are
    called so.
    """
    name = _name(host)
    if name is None or _operator(name, _BY_HOST) is None:
        return False
    return not name.startswith(_SUBMISSION)


def _name(mx: str | None) -> str | None:
    """Answer a usable host name, or None for an IP address or a bare label."""
    if mx is None:
        return None
    host = mx.strip().rstrip(".").lower()
    if "." not in host or ":" in host or host[-1:].isdigit() or host[:1] == "[":
        return None
    return host if len(host) <= _LONGEST_NAME else None


def _operator(name: str, table: dict[str, str]) -> str | None:
    """Answer whose suffix the name ends in, the longest suffix first."""
    while name:
        if name in table:
            return table[name]
        _, _, name = name.partition(".")
    return None


def registered(name: str) -> str:
    """Answer the registered domain of a host, by rule instead of a suffix list.

    The public suffix list is a moving 250 kB; being wrong here splits or joins
    small providers and never loses mail.
    """
    labels = name.rstrip(".").lower().split(".")
    if labels[-1][-1:].isdigit():
        return name  # an IP address has no domain
    deep = len(labels[-1]) == _COUNTRY and labels[-2:-1] and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3 if deep else -2 :])
