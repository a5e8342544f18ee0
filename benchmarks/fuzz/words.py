"""What people and servers write: addresses, times, replies, and the rules' phrases."""

# ruff: noqa: PLR2004 - chances are numbers

from random import Random

from benchmarks.fuzz import examples, mutation
from benchmarks.fuzz.target import Target, hold
from streams.cli.classify import BadRow, judge
from streams.core import address as addresses
from streams.core import instant, phrase
from streams.core import reply as replies
from streams.core.address import MAX_OCTETS, Address
from streams.core.attribution import envelope
from streams.core.provider import provider

_ADDRESSES = (
    *("karl@example.org", "Karl.M\xfcller@b\xfccher.example", '"a b"@example.org'),
    *("<karl@example.org>", "rfc822; karl@example.org", "@a.test,@b.test:k@c.test"),
    *('"a\\"@b"@example.org', "k@[IPv6:2001:db8::1]", "utf-8;a\\x{E9}@example.org"),
    *(
        "..a..@docomo.example",
        "k@xn--bcher-kva.example",
        "\u0130@example.org",
        "k@\u3002",
    ),
    *(
        "\ufb03@example.org",
        "a" * 64 + "@" + "b." * 120 + "test",
        "k@a..test",
        "k@-a.test",
    ),
)
_TIMES = (
    *("2026-03-02T08:14:07Z", "2026-03-02t08:14:07.5z", "2026-03-02 08:14:07+01:00"),
    *("2026-03-02T08:14:07.123456-23:59", "20260302T081407Z", "2026-W10-1T08:14:07Z"),
    *("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-060T00:00:00Z"),
)
_SLOW = (
    *("host ", "a.", "said: ", "550-", "5.1.1 ", "<", "(in reply to ", "but ", "@ "),
    *("(550, b'", "\\", "Exception: 550 ", "MAIL FROM command failed,", ",550,"),
    *("The server response was: ", "server message: 550 ", "smtpmsg='", ">>> RCPT <<<"),
    *('Expected response code 250 but got code "550", with message "', " at a.b (/"),
    *("(code: 550, response: ", "recipients failed: ", "a@b.test: ", " failed after "),
)

_LIBRARIES = (
    "smtplib.SMTPRecipientsRefused: {'k@example.org': (550, b'%')}",
    "MAIL FROM command failed,%,451,4.3.0 SMTP server error: % SMTP code: 451",
    "SendFailedException: Invalid Addresses; nested SMTPAddressFailedException: 550 %",
    "Mailbox unavailable. The server response was: % at System.Net.Mail.MailCommand.(",
    'Expected response code 250 but got code "550", with message "%".',
    "msmtp: server message: 550 % msmtp: could not send mail",
)


def _address(raw: bytes) -> bool:
    good = False
    text = raw.decode("utf-8", "surrogatepass" if b"\xed" in raw else "replace")
    for fold in (True, False):
        found = addresses.canonical(text, fold_local=fold)
        if isinstance(found, Address):
            spelled = str(found)
            hold(
                addresses.canonical(spelled, fold_local=fold) == found, "not canonical"
            )
            hold(len(spelled.encode()) <= MAX_OCTETS, "longer than an address")
            hold(spelled.isprintable(), "a control character")
            hold(addresses.key("t-42", found).decode(), "no key")
            provider(None, found.domain)
            good = True
    return good


def _times(raw: bytes) -> bool:
    text = raw.decode(errors="replace")
    at = instant.parse(text)
    if at is not None:
        hold(instant.parse(instant.render(at)) == at, "another time")
    told = envelope(text)
    hold(told is None or ("/" not in told.tenant_id and told.tenant_id), "no tenant")
    return at is not None or told is not None


def _reply(raw: bytes) -> bool:
    text = raw.decode(errors="replace")
    read = replies.parse(text)
    hold(len(read.text) <= replies.MAX_TEXT, "more than is looked at")
    hold(read.code is None or 200 <= read.code <= 599, "no reply code")
    examples.classifier().classify(read)
    provider(read.peer, "example.org")
    return read.severity is not None


def _row(raw: bytes) -> bool:
    try:
        row, _ = judge(examples.classifier(), raw)
    except BadRow as bad:
        hold("@" not in str(bad), "an address in an error")
        return False
    hold(isinstance(row, dict), "no row")
    return True


def _phrase(raw: bytes) -> bool:
    text = raw.decode(errors="replace")[:2000]
    try:
        parts = phrase.parse(text, {"user": frozenset({"user", "mailbox"})})
    except phrase.PhraseError:
        return False
    hold(all(phrase.length(part)[0] for part in parts), "a part without words")
    return True


def _replies(chance: Random) -> bytes:
    """Answer a reply: words that rules look for, and what makes patterns slow."""
    if chance.random() < 0.1:
        pieces = [chance.choice(_SLOW) for _ in range(chance.choice((1, 2, 4)))]
        text = "".join(pieces) * (8_192 // sum(map(len, pieces)))
    else:
        text = mutation.written(chance, examples.said())
        if chance.random() < 0.3:
            text = chance.choice(_LIBRARIES).replace("%", text)
    return text.encode(errors="replace")


def _phrases(chance: Random) -> bytes:
    pieces = ("(a|b|)", "...", "[user]", "x(s|ed)", "^", "$", "*spam*", "(", ")", "|")
    some = [chance.choice(pieces) for _ in range(chance.choice((1, 3, 8, 200)))]
    return chance.choice(("", " ")).join(some).encode()


def targets() -> list[Target]:
    """Answer the readers of words."""
    rows = [
        b'{"code": 550, "text": "5.1.1 User unknown", "phase": "rcpt"}',
        b'{"code": null, "enhanced": "4.7.1", "text": "later", "peer_role": "mx"}',
    ]
    times = [*_TIMES, "t-42/karl@example.org/m-1", "t+2D42/karl+40example.org/+00"]
    return [
        Target("address", mutation.texts_like(_ADDRESSES), _address, share=10),
        Target("time and envelope id", mutation.texts_like(times), _times, share=4),
        Target("reply", _replies, _reply, share=10),
        Target("row of classify", mutation.documents(rows), _row, share=4),
        Target("phrase", _phrases, _phrase, share=3),
    ]
