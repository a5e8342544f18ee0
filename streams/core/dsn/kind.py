"""What kind of mail it is: bounce, delay notice, auto-reply, complaint, challenge.

Structure decides before words: a feedback report is a complaint whatever its
subject says. Words decide only together: who sends it, its subject and a sentence
that says that something was not delivered.
"""

import re

from streams.core.dsn.mime import Letter, first
from streams.core.dsn.report import ReportKind

_DAEMON = re.compile(
    r"mailer-?daemon|postmaster|mail(?:er)? ?deliver|delivery (?:sub)?system|mdaemon"
    r"|mail (?:system|administrator)|system administrator|mail\.delivery|imss@|interscan"
    r"|e-?mail (?:system|server)|internet mail|mailer@|bounce|content-filter|no-?reply.*"
    r"deliver|symantec|messagelabs|mail ?server|mta@|smtp@|exchange",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|non.?deliver|not deliver|deliver[yi]\w* (?:\w+ )?(?:fail|problem|error"
    r"|status|report|notification|delay|incomplete)|fail\w* (?:\w+ )?(?:notice|mail"
    r"|message|deliver)|returned? (?:to sender|mail|message)|mail.{0,20}(?:fail|return"
    r"|not be deliver|could not)|mail system error|delayed mail|could(?: ?n.t| not) (?:be"
    r" )?(?:send|deliver)|unable to deliver|message (?:delayed|failure|not)|rejected"
    r"|processing error|bounce|blocked|failure notice|\bndn\b|\bndr\b|\bdsn\b"
    r"|nameserver error|unknown (?:user|recipient|address)|delivery|user unknown"
    r"|considered unsolicited|warning: (?:could not|message)|unzustellbar|nicht "
    r"zugestellt|non remis|echec|non recapitabil|mancat|no entregad|devuelto|devolvid"
    r"|nao entregue|недоставлен|не доставлен|niedostarczon|onbestelbaar|配信|配信不能"
    r"|退信|退回|エラー|配信でき|返送",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"(?:could|can|did|was|were|has|have|is|are)(?:n.t|not| not)(?: yet)?(?: be(?:en)?)?"
    r" (?:deliver|sent|reach|transmi|transfer|process|accept)"
    r"|cannot be (?:deliver|sent)|not been delivered|unable to (?:deliver|send|process)"
    r"|undeliver|delivery (?:\w+ ){0,4}(?:fail|abort|error|problem|was not)"
    r"|fail(?:ed|ure) (?:to|permanently|for|notice)|permanent (?:fatal )?(?:error|fail)"
    r"|fatal errors?|following (?:recipient|address|user)|unknown user|user unknown"
    r"|rejected (?:by|your|due)|was blocked|has been returned|is being returned"
    r"|encountered (?:an error|delivery)|delivery (?:error|problem)s?|had errors|does not exist|no such user|considered unsoli"
    r"|transcript of session|generated (?:the )?(?:following )?response|was aborted"
    r"|returned to (?:you|sender)|wasn't delivered|account (?:is |has been )?(?:disabled"
    r"|closed|over)|non .{0,20}(?:consegn|entregad|remis|zugestellt)|не может быть"
    r"|nicht zugestellt|server message|smtp error|(?:valid|unknown|invalid) (?:user|recipient|address)|mailbox (?:is )?full|quota",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"(?:not|n't) yet been (?:deliver|transfer|sent)|has not yet|still undelivered"
    r"|still being retried|will (?:keep|continue|be) (?:trying|tr[iy]ed|retr)|will retry"
    r"|warning (?:message )?only|temporary failure report|this is only a temporary"
    r"|need to resend|need not resend|notification about a delay|delayed for more"
    r"|attempts will continue|could not send m\w+ for past|delivery incomplete"
    r"|message (?:is |was |has been )?delayed|continue (?:to )?try|temporary problem "
    r"delivering|will be (?:repeated|retried|attempted)|being delayed|delay reason",
    re.IGNORECASE,
)
_DELIVERED = re.compile(
    r"success(?:ful(?:ly)?)? (?:delivered|mail delivery|delivery)|(?:was|has been|were)"
    r" (?:successfully )?(?:delivered|received by)|delivery (?:confirmation|receipt)"
    r"|return receipt|notification \(success\)|successfully relayed",
    re.IGNORECASE,
)
_DELAY_SUBJECT = re.compile(
    r"\bwarning\b|delay|not yet|still being retried|incomplete|temporar", re.IGNORECASE
)
_AUTO_SUBJECT = re.compile(
    r"out of (?:the )?office|auto.?(?:matic|mated)? ?(?:repl|respon|antwort|confirm)"
    r"|autorepl|vacation|on (?:annual |holiday )?leave|away from|abwesen|automatische"
    r"|reponse automatique|réponse automatique|absence|risposta automatica|respuesta "
    r"automatica|resposta automatica|автоответ|自動返信|自动回复|fuori sede|fuera de la",
    re.IGNORECASE,
)
_CHALLENGE = re.compile(
    r"(?:click|follow|visit|reply|answer|respond|use)\b.{0,120}(?:confirm|verif|authenti"
    r"|allowed list|approve|whitelist|white list|prove|ensure delivery|be delivered)"
    r"|challenge.?response|protected by (?:bluebottle|spamarrest|boxbe|tmda|a spam)"
    r"|spam ?arrest|boxbe|tmda|confirm.{0,60}(?:human|person|real)",
    re.IGNORECASE | re.DOTALL,
)
_COMPLAINT_SUBJECT = re.compile(
    r"complaint about message|abuse report|spam (?:report|complaint)|fbl report"
    r"|feedback loop|email feedback report",
    re.IGNORECASE,
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
    return bool(_FAILED.search(text))


def says_delivered(letter: Letter, text: str) -> bool:
    """Say whether a notification is about a success."""
    return bool(_DELIVERED.search(f"{letter.header('subject')}\n{text[:4000]}"))


def says_delayed(letter: Letter, text: str) -> bool:
    """Say whether a notification is about a delay, and not about the end."""
    if _DELAYED.search(text):
        return True
    subject = letter.header("subject")
    return bool(_DELAY_SUBJECT.search(subject)) and not says_failed(subject)


def without_report(letter: Letter, text: str) -> ReportKind:
    """Answer what a mail is that reports no delivery."""
    subject = letter.header("subject")
    submitted = letter.header("auto-submitted").lower()
    precedence = letter.header("precedence").lower()
    if _CHALLENGE.search(text[:4000]):
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
