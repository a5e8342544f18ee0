"""What kind of mail it is: bounce, delay notice, auto-reply, complaint, challenge.

Structure decides before words: a feedback report is a complaint whatever its
subject says. Words decide only together: who sends it, its subject and a sentence
that says that something was not delivered.
"""

from streams.core.dsn import wording
from streams.core.dsn.mime import Letter, first
from streams.core.dsn.report import ReportKind

MAX_LOOKED_AT = 4096
"""Characters of a notification that tell what kind of mail it is."""

SURELY_MACHINE = 2
"""What `machine` answers when sender and subject both are a mail system's."""


def report_in(letter: Letter) -> Letter:
    """Answer the report that a person, or a list, sends on; else the mail itself."""
    inner = letter.forwarded
    if inner is None:
        return letter
    if inner.status or inner.feedback:
        inner.texts = inner.texts or letter.texts
        inner.headers += letter.headers
        return inner
    surely = machine(inner) >= SURELY_MACHINE
    return inner if surely and not is_daemon(letter) else letter


def is_complaint(letter: Letter) -> bool:
    """Say whether somebody complains about a message (RFC 5965)."""
    if letter.feedback or letter.report_type == "feedback-report":
        return True
    if letter.status:
        return False
    return bool(wording.COMPLAINT_SUBJECT.is_in(letter.header("subject"))) and bool(
        letter.returned
    )


def machine(letter: Letter) -> int:
    """Say how much sender and subject look like a mail system's, from 0 to 2."""
    if letter.header("x-failed-recipients"):
        return 2
    if _is_written(letter):
        return 0
    subject = letter.header("subject")
    daemon = letter.header("return-path") == "<>" or is_daemon(letter)
    if not daemon and not _is_about_mail("\n".join([subject, *letter.texts])):
        return 0
    return bool(daemon) + bool(wording.SUBJECT.is_in(subject))


def _is_about_mail(text: str) -> bool:
    """Say whether it is mail that did not arrive, and no parcel."""
    return wording.MAIL.is_in(text[:MAX_LOOKED_AT])


def is_daemon(letter: Letter) -> bool:
    """Say whether the sender is named as mail systems are."""
    sender = letter.header("from")
    return not sender or any(
        wording.DAEMON.is_in(name) for name in (sender, letter.header("return-path"))
    )


def _is_written(letter: Letter) -> bool:
    """Say whether a person, or a program for a person, wrote to us.

    Their words may quote a bounce, or say that they cannot be reached. A bounce to
    the owner of a mailing list has the list's fields as well, and X-BeenThere.
    """
    if letter.receipt:
        return True
    if is_daemon(letter):
        return False
    return (
        bool(wording.ANSWER.match(letter.header("subject")))
        or _is_auto_reply(letter)
        or bool(letter.header("list-unsubscribe") and not letter.header("x-beenthere"))
    )


def _is_auto_reply(letter: Letter) -> bool:
    """Say whether a program answers for a person (RFC 3834)."""
    precedence = letter.header("precedence").lower()
    return (
        letter.receipt
        or letter.report_type == "disposition-notification"
        or precedence.replace("_", "-") == "auto-reply"
        or "vacation" in letter.header("auto-submitted").lower()
        or bool(wording.AUTO_SUBJECT.is_in(letter.header("subject")))
        or bool(
            first(
                letter.headers,
                *("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply"),
            )
        )
    )


def says_failed(text: str) -> bool:
    """Say whether a sentence says that something was not delivered."""
    return wording.FAILED.is_in(text[:MAX_LOOKED_AT])


def says_whom(text: str) -> bool:
    """Say whether a list of recipients is announced, whatever became of them."""
    return wording.LISTED.is_in(text[:MAX_LOOKED_AT])


def says_relayed(text: str) -> bool:
    """Say whether a message went on to a system that sends no reports."""
    return wording.RELAYED.is_in(text[:MAX_LOOKED_AT])


def says_delivered(letter: Letter, text: str) -> bool:
    """Say whether a notification is about a success."""
    return bool(
        wording.DELIVERED.is_in(f"{letter.header('subject')}\n{text[:MAX_LOOKED_AT]}")
    )


def says_delayed(letter: Letter, text: str) -> bool:
    """Say whether a notification is about a delay, and not about the end."""
    if wording.DELAYED.is_in(text[:MAX_LOOKED_AT]):
        return True
    subject = letter.header("subject")
    return bool(wording.DELAY_SUBJECT.is_in(subject)) and not says_failed(subject)


def without_report(letter: Letter, text: str) -> ReportKind:
    """Answer what a mail is that reports no delivery."""
    if wording.CHALLENGE.is_in(text[:MAX_LOOKED_AT]):
        return ReportKind.CHALLENGE
    submitted = letter.header("auto-submitted").lower()
    if submitted.startswith("auto-replied") or _is_auto_reply(letter):
        return ReportKind.AUTO_REPLY
    return ReportKind.NOT_A_BOUNCE
