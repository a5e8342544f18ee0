"""What kind of mail it is: bounce, delay notice, auto-reply, complaint, challenge.

Structure decides before words: a feedback report is a complaint whatever its
subject says. Words decide only together: who sends it, its subject and a sentence
that says that something was not delivered.
"""

import re

from streams.core.dsn.mime import Letter, first
from streams.core.dsn.report import ReportKind

MAX_LOOKED_AT = 4096
"""Characters of a notification that tell what kind of mail it is."""


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_DAEMON = _any(
    *(r"mailer-?daemon", r"post.?master", r"mail(?:er)? ?deliver", r"mdaemon"),
    *(r"delivery (?:sub)?system", r"mail (?:system|administrator)", r"mail ?server"),
    *(r"system administrator", r"mail\.delivery", r"imss@", r"interscan", r"exchange"),
    *(r"e-?mail (?:system|server)", r"internet mail", r"mailer@", r"bounce"),
    *(r"content-filter", r"symantec", r"messagelabs", r"mta@", r"smtp@"),
)
_SUBJECT = _any(
    *(r"undeliver", r"non.?deliver", r"not deliver", r"unable to deliver", r"delivery"),
    *(r"fail\w* (?:\w+ )?(?:notice|mail|message|deliver)", r"failure notice"),
    *(r"returned? (?:to sender|mail|message)", r"mail system error", r"delayed mail"),
    r"mail.{0,20}(?:fail|return|not be deliver|could not)",
    r"could(?: ?n.t| not) (?:be )?(?:send|deliver)",
    *(r"message (?:delayed|failure|not)", r"rejected", r"processing error", r"bounce"),
    *(r"blocked", r"\bndn\b", r"\bndr\b", r"\bdsn\b", r"nameserver error"),
    *(
        r"unknown (?:user|recipient|address)",
        r"user unknown",
        r"considered unsolicited",
    ),
    r"warning: (?:could not|message)",
    # German, French, Italian, Spanish, Portuguese, Polish, Dutch.
    *(r"unzustellbar", r"nicht zugestellt", r"non remis", r"echec", r"échec"),
    *(
        r"non recapitabil",
        r"mancat",
        r"no entregad",
        r"no se p\w+ entregar",
        r"devuelto",
        r"devolvid",
    ),
    *(r"n[aã]o entregue", r"niedostarczon", r"onbestelbaar"),
    # Russian, Japanese, Chinese.
    *(r"недоставлен", r"не доставлен", r"配信", r"エラー", r"返送", r"退信", r"退回"),
)
_FAILED = _any(
    r"(?:could|can|did|was|were|has|have|is|are)(?:n.t| not)(?: yet)?(?: be(?:en)?)?"
    r" (?:deliver|sent|reach|transmi|transfer|process|accept)",
    *(r"cannot be (?:deliver|sent)", r"not been delivered", r"wasn't delivered"),
    *(
        r"unable to (?:deliver|send|process)",
        r"undeliver",
        r"was blocked",
        r"was aborted",
    ),
    r"delivery (?:\w+ ){0,4}(?:fail|abort|error|problem|was not)",
    *(
        r"fail(?:ed|ure) (?:to|permanently|for|notice)",
        r"permanent (?:fatal )?(?:er|fa)",
    ),
    *(r"fatal errors?", r"following (?:recipient|address|user)", r"had errors"),
    *(r"unknown user", r"user unknown", r"no such user", r"does not exist"),
    *(r"(?:valid|unknown|invalid) (?:user|recipient|address)", r"mailbox (?:is )?full"),
    *(r"rejected (?:by|your|due)", r"(?:has been|is being) returned", r"quota"),
    *(r"encountered (?:an error|delivery)", r"delivery (?:error|problem)s?"),
    *(r"considered unsoli", r"transcript of session", r"server message", r"smtp error"),
    r"generated (?:the )?(?:following )?response|returned to (?:you|sender)",
    r"account (?:is |has been )?(?:disabled|closed|over)",
    *(
        r"non .{0,20}(?:consegn|entregad|remis)",
        r"nicht zugestellt",
        r"не может быть",
        r"no se p\w+ entregar",
    ),
)
_DELAYED = _any(
    *(r"(?:not|n't) yet been (?:deliver|transfer|sent)", r"has not yet"),
    *(r"still undelivered", r"still being retried", r"will retry", r"delay reason"),
    *(r"will (?:keep|continue|be) (?:trying|tr[iy]ed|retr)", r"being delayed"),
    *(r"warning (?:message )?only", r"temporary failure report", r"only a temporary"),
    *(r"need to resend", r"need not resend", r"notification about a delay"),
    *(r"delayed for more", r"attempts will continue", r"delivery incomplete"),
    *(r"could not send m\w+ for past", r"message (?:is |was |has been )?delayed"),
    *(r"continue (?:to )?try", r"temporary problem delivering", r"has been delayed"),
    r"will be (?:repeated|retried|attempted)",
)
_DELIVERED = _any(
    r"success(?:ful(?:ly)?)? (?:delivered|mail delivery|delivery)",
    r"(?:was|has been|were) (?:successfully )?(?:delivered|received by)",
    *(r"delivery (?:confirmation|receipt)", r"return receipt", r"successfully relayed"),
    r"notification \(success\)",
)
_DELAY_SUBJECT = _any(
    *(r"\bwarning\b", r"delay", r"not yet", r"still being retried", r"incomplete"),
    r"temporar",
)
_AUTO_SUBJECT = _any(
    r"out of (?:the )?office",
    r"auto.?(?:matic|mated)? ?(?:repl|respon|antwort|confirm)",
    *(r"autorepl", r"vacation", r"on (?:annual |holiday )?leave", r"away from"),
    *(r"abwesen", r"automatische", r"r[eé]ponse automatique", r"absence"),
    *(r"risposta automatica", r"fuori sede", r"respuesta automatica"),
    *(r"fuera de la", r"resposta automatica", r"автоответ", r"自動返信", r"自动回复"),
)
_CHALLENGE = _any(
    r"(?:click|follow|visit|reply|answer|respond|use)\b[^\0]{0,120}(?:confirm|verif"
    r"|authenti|allowed list|approve|white ?list|prove|ensure delivery|be delivered)",
    r"protected by (?:bluebottle|spamarrest|boxbe|tmda|a spam)|challenge.?response",
    *(r"spam ?arrest", r"boxbe", r"tmda", r"confirm[^\0]{0,60}(?:human|person|real)"),
)
_COMPLAINT_SUBJECT = _any(
    *(r"complaint about message", r"abuse report", r"spam (?:report|complaint)"),
    *(r"fbl report", r"feedback loop", r"email feedback report"),
)


def is_complaint(letter: Letter) -> bool:
    """Say whether somebody complains about a message (RFC 5965)."""
    if letter.feedback or letter.report_type == "feedback-report":
        return True
    if letter.status:
        return False
    return bool(_COMPLAINT_SUBJECT.search(letter.header("subject"))) and bool(
        letter.returned
    )


def machine(letter: Letter) -> int:
    """Say how much sender and subject look like a mail system's, from 0 to 2."""
    if letter.header("x-failed-recipients"):
        return 2
    sender = letter.header("from")
    path = letter.header("return-path")
    daemon = (
        path == "<>" or not sender or _DAEMON.search(sender) or _DAEMON.search(path)
    )
    return bool(daemon) + bool(_SUBJECT.search(letter.header("subject")))


def says_failed(text: str) -> bool:
    """Say whether a sentence says that something was not delivered."""
    return bool(_FAILED.search(text[:MAX_LOOKED_AT]))


def says_delivered(letter: Letter, text: str) -> bool:
    """Say whether a notification is about a success."""
    return bool(
        _DELIVERED.search(f"{letter.header('subject')}\n{text[:MAX_LOOKED_AT]}")
    )


def says_delayed(letter: Letter, text: str) -> bool:
    """Say whether a notification is about a delay, and not about the end."""
    if _DELAYED.search(text[:MAX_LOOKED_AT]):
        return True
    subject = letter.header("subject")
    return bool(_DELAY_SUBJECT.search(subject)) and not says_failed(subject)


def without_report(letter: Letter, text: str) -> ReportKind:
    """Answer what a mail is that reports no delivery."""
    subject = letter.header("subject")
    submitted = letter.header("auto-submitted").lower()
    precedence = letter.header("precedence").lower()
    if _CHALLENGE.search(text[:MAX_LOOKED_AT]):
        return ReportKind.CHALLENGE
    if (
        letter.receipt
        or submitted.startswith("auto-replied")
        or precedence.replace("_", "-") == "auto-reply"
        or _AUTO_SUBJECT.search(subject)
        or first(
            letter.headers,
            *("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply"),
            "x-auto-response-suppress-reply",
        )
    ):
        return ReportKind.AUTO_REPLY
    return ReportKind.NOT_A_BOUNCE
