"""Words by which a notification is known for what it is, in many languages.

They are looked for as they are written: case alone does not count.
"""

import re


class Wording:
    """Any of several phrases, each a pattern in small letters."""

    def __init__(self, *phrases: str) -> None:
        """Take patterns; `^` is the start of a line."""
        self.phrases = phrases
        self._any = re.compile("|".join(phrases), re.MULTILINE)

    def is_in(self, text: str) -> bool:
        """Say whether one of them is there, whatever the case.

        The text is put into small letters for that: it is four times as fast as a
        pattern that does without regard to case.
        """
        small = text.lower()
        if not small.isascii():
            for letter, plain in _FOLDED.items():
                small = small.replace(letter, plain)
        return self._any.search(small) is not None


_FOLDED = {"i\u0307": "i", "\u0131": "i", "\u017f": "s"}
"""What `lower` makes of the Turkish capital I with its dot is two characters; its small
one without, and the long s, are letters of their own."""

DAEMON = Wording(
    *(r"mailer-?daemon", r"post.?master", r"mail(?:er)? ?deliver", r"mdaemon"),
    *(r"delivery (?:sub)?system", r"mail (?:system|administrator)", r"mail ?server"),
    *(r"system administrator", r"mail\.delivery", r"imss@", r"interscan", r"exchange"),
    *(r"e-?mail (?:system|server)", r"internet mail", r"mailer@", r"bounce"),
    *(r"content-filter", r"symantec", r"messagelabs", r"mta@", r"smtp@"),
)
SUBJECT = Wording(
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
    *(r"zustell", r"\bremise\b", r"\bentrega", r"\bconsegna", r"\brecapito"),
    *(r"\bfalha\b", r"bezorg", r"levere?ra", r"dostarcz", r"doru[cč]en", r"teslim"),
    # Russian, Japanese, Chinese, Korean.
    *(r"недоставлен", r"не доставлен", r"достав(?:к|ить)", r"配信", r"エラー", r"返送"),
    *(r"不達", r"送信でき", r"送信失敗", r"退信", r"退回", r"投[递遞]", r"送达"),
    *(r"반송", r"(?:발송|전송) ?실패", r"배달"),
)
FAILED = Wording(
    r"(?:could|can|did|was|were|has|have|is|are)(?:n.t| not)(?: yet)?(?: be(?:en)?)?"
    r" (?:deliver|sent|reach|transmi|transfer|process|accept)",
    *(r"cannot be (?:deliver|sent)", r"not(?: been)? delivered", r"wasn't delivered"),
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
    *(r"fatal errors?", r"had errors"),
    *(r"unknown user", r"user unknown", r"no such user", r"does not exist"),
    *(r"(?:valid|unknown|invalid) (?:user|recipient|address)", r"mailbox (?:is )?full"),
    *(r"rejected (?:by|your|due)", r"(?:has been|is being) returned", r"quota"),
    *(r"encountered (?:an error|delivery)", r"delivery (?:error|problem)s?"),
    *(r"considered unsoli", r"server message", r"smtp error"),
    r"generated (?:the )?(?:following )?response|returned to (?:you|sender)",
    r"account (?:is |has been )?(?:disabled|closed|over)",
    # German, French, Spanish, Portuguese, Italian.
    r"nicht (?:\w+ ){0,3}(?:zugestellt|gesendet|ausgeliefert)",
    *(
        r"unzustellbar",
        r"fehlgeschlagen",
        r"n.a (?:pas )?pu [êe]tre",
        r"n.ont pas pu",
        r"n.est pas parvenu",
    ),
    *(
        r"\bnon remis",
        r"[ée]chec d",
        r"impossible de (?:remettre|distribuer|livrer|joindre)",
    ),
    *(r"no (?:se )?(?:ha )?(?:pud?o|podido|puede|pudieron)", r"no entregad"),
    r"n[ãa]o (?:p[ôo]de|foi|puderam|foram) (?:ser )?(?:entreg|enviad)",
    *(
        r"falha (?:na|ao|de) ",
        r"non .{0,20}(?:consegn|recapitat)",
        r"impossibile (?:re|co)",
    ),
    # Polish, Dutch, Swedish, Danish, Czech, Turkish.
    *(r"nie (?:mo[żz]na|mog\w+|zosta\w+) ", r"niet (?:\w+ )?(?:bezorgd|afgeleverd)"),
    *(r"kunde inte (?:leverer|skick)", r"kunne ikke (?:lever|send)", r"nelze doru"),
    *(r"iletilemedi", r"teslim edilemedi"),
    # Russian, Japanese, Chinese, Korean.
    *(
        r"не может быть",
        r"не уда(?:лось|ется)",
        r"сбой доставки",
        r"не (?:был\w? )?доставлен",
    ),
    r"(?:配信|送信|配送).{0,12}(?:できません|できなかった|失敗|されません)",
    *(
        r"届きません",
        r"退回",
        r"退信",
        r"[无無]法(?:发送|投|傳送|送)",
        r"(?:投[递遞]|发送)失",
    ),
    *(r"실패하", r"전송할 수 없", r"배달되지 않"),
)
LISTED = Wording(r"following (?:recipient|address|user)", r"transcript of session")
"""What says of whom a notification is, and not what became of the message."""
MAIL = Wording(
    r"\b(?:your|the|this|of|following|ihre?|diese|votre|su|sua|uw) (?:e-?)?mail",
    *(r"messag", r"mensa[jg]", r"nachricht", r"correo", r"courrie", r"bericht"),
    *(
        r"mailbox",
        r"recipient",
        r"empf(?:ä|ae)nger",
        r"destinat",
        r"postfach",
        r"quota",
    ),
    *(r"письм", r"сообщени", r"получател", r"メール", r"宛先", r"[邮郵]件", r"收件人"),
    *(r"메일", r"수신자", r"\bsmtp\b", r"^[45]\d\d[ -]", r"undeliver", r"user unknown"),
)
"""What is spoken of when it is mail, and no parcel, that did not arrive."""
DELAYED = Wording(
    *(r"(?:not|n't) yet been (?:deliver|transfer|sent)", r"has not yet"),
    *(r"still undelivered", r"still being retried", r"will retry", r"delay reason"),
    *(r"will (?:keep|continue|be) (?:trying|tr[iy]ed|retr)", r"being delayed"),
    *(r"warning (?:message )?only", r"temporary failure report", r"only a temporary"),
    *(r"need to resend", r"need not resend", r"notification about a delay"),
    *(r"delayed for more", r"attempts will continue", r"delivery incomplete"),
    *(r"could not send m\w+ for past", r"message (?:is |was |has been )?delayed"),
    *(r"continue (?:to )?try", r"temporary problem delivering", r"has been delayed"),
    *(r"will be (?:repeated|retried|attempted)", r"has been postponed"),
    *(r"delivery is delayed", r"(?:i|we|it|server|system) will (?:re)?try again"),
    # German, French, Spanish, Portuguese, Italian, Dutch.
    *(r"noch nicht zugestellt", r"weiter(?:hin)? versucht", r"zustellung verz"),
    *(r"a [ée]t[ée] (?:retard|diff[ée]r)", r"pas encore [ée]t[ée] remis"),
    *(r"se ha (?:retrasado|demorado)", r"seguir[áa] intentando", r"foi adiada"),
    *(r"ainda n[ãa]o foi", r"[èe] stata ritardata", r"nog niet (?:bezorgd|afgeleverd)"),
    # Russian, Japanese, Chinese.
    *(r"(?:пока|еще|ещё) не (?:был\w? )?доставлен", r"попытки доставки будут"),
    *(
        r"配信が遅",
        r"遅延して",
        r"再送を(?:試|続)",
        r"[尚还還]未(?:投|送)",
        r"[继繼][续續][尝嘗]",
    ),
)
DELIVERED = Wording(
    r"success(?:ful(?:ly)?)? (?:delivered|mail delivery|delivery)",
    r"(?:was|has been|were) (?:successfully )?(?:delivered|received by)",
    *(r"delivery (?:confirmation|receipt)", r"return receipt", r"successfully relayed"),
    *(r"notification \(success\)", r"successful delivery notification"),
    r"delivery to .{0,80} is complete",
)
RELAYED = Wording(
    r"(?:was|were|has been) (?:successfully )?relayed",
    *(r"relayed to non-dsn", r"no delivery notification was sent by"),
)
DELAY_SUBJECT = Wording(
    *(r"\bwarning\b", r"delay", r"not yet", r"still being retried", r"incomplete"),
    *(
        r"temporar",
        r"遅延",
        r"延[迟遲]",
        r"задерж",
        r"verz(?:ö|oe)ger",
        r"diff[ée]r[ée]",
    ),
)
AUTO_SUBJECT = Wording(
    r"out of (?:the )?office",
    r"\bauto(?:.?m(?:at)?\w*)?[-. ]{0,2}(?:repl|respon|antwort|confirm|notif|svar)",
    *(r"^auto:", r"autorepl", r"\bvacation\b", r"on (?:annual |holiday )?leave\b"),
    *(r"away from", r"abwesen", r"im urlaub", r"urlaubs", r"automatische"),
    # French, Italian, Spanish, Portuguese.
    *(
        r"r[eé]ponse automatique",
        r"absence",
        r"risposta automatica",
        r"fuori (?:sede|uf)",
    ),
    *(r"respuesta autom[aá]tica", r"fuera de la", r"resposta autom[aá]tica"),
    r"fora do escrit",
    # Dutch, Swedish, Danish, Finnish, Polish, Czech, Turkish, Hungarian.
    *(r"automatisch antwoord", r"\bafwezig", r"fr[åa]nvaro", r"automaattinen"),
    *(r"automatyczna odpowied", r"automatick[áa] odpov", r"otomatik yan.t"),
    r"automatikus v[áa]lasz",
    # Russian, Japanese, Chinese, Korean.
    *(
        r"автоответ",
        r"автоматический ответ",
        r"自動(?:返信|応答|回[覆復])",
        r"不在通知",
    ),
    *(r"自动(?:回复|答复)", r"자동 ?(?:회신|응답|답장)", r"부재 ?중"),
)
ANSWER = re.compile(
    r"\s*(?:re|aw|antw|sv|vs|odp|ynt|回复|回覆|答复)\s*[:\uff1a]", re.IGNORECASE
)
CHALLENGE = Wording(
    r"(?:click|follow|visit|reply|answer|respond|use)\b[^\0]{0,120}(?:confirm|verif"
    r"|authenti|allowed list|approve|white ?list|prove|ensure delivery|be delivered)",
    r"protected by (?:bluebottle|spamarrest|boxbe|tmda|a spam)|challenge.?response",
    *(r"spam ?arrest", r"boxbe", r"tmda"),
    r"(?:confirm|prove|verify)[^\0]{0,60}(?:human|person|real|not a (?:spam|comp))",
    r"(?:klicken|best[äa]tigen)[^\0]{0,120}(?:kein spam|zuzustellen|freischalt)",
)
COMPLAINT_SUBJECT = Wording(
    *(r"complaint about message", r"abuse report", r"spam (?:report|complaint)"),
    *(r"fbl report", r"feedback loop", r"email feedback report"),
)
