"""What kind of mail it is, in the words of many systems and languages."""

# ruff: noqa: RUF001  # letters of other scripts are what these tests are about

import pytest

from streams.core import dsn

DAEMON = "Mail Delivery System <mailer-daemon@example.net>"
PERSON = "Anna Example <a@example.com>"


def mail(text, *, sender=DAEMON, kind="text/plain; charset=utf-8", **headers):
    fields = {"From": sender, "To": "bounces@example.net", "Content-Type": kind}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\n" for name, value in fields.items())
    return f"{head}\n{text}".encode()


@pytest.mark.parametrize(
    "subject",
    [
        *("Out of Office: Invoice", "Automatic reply: Invoice", "[Auto-Reply] Invoice"),
        *("Auto: Invoice", "Abwesenheitsnotiz: Rechnung", "Autom. Antwort: Rechnung"),
        *("Ich bin im Urlaub", "Réponse automatique : Facture", "Absence du bureau"),
        *("Respuesta automática: Factura", "Fuera de la oficina: Factura"),
        *("Resposta automática: Fatura", "Fora do escritório: Fatura"),
        *("Risposta automatica: Fattura", "Fuori ufficio: Fattura"),
        *("Automatisch antwoord: Factuur", "Afwezig: Factuur", "Autosvar: Faktura"),
        *("Frånvaro: Faktura", "Automatisk svar: Faktura", "Automaattinen vastaus"),
        *("Automatyczna odpowiedź: Faktura", "Automatická odpověď: Faktura"),
        *("Otomatik yanıt: Fatura", "Automatikus válasz: Számla"),
        *("Автоматический ответ: Счет", "Автоответ: Счет", "自動応答: 請求書"),
        *("不在通知", "自动答复: 发票", "自動回覆: 發票", "자동 회신: 청구서"),
    ],
)
def test_an_absent_persons_answer_is_no_bounce_whatever_it_says(subject):
    text = (
        "I am away; your mail could not be delivered to me.\n\nb@example.org helps.\n"
    )
    raw = mail(text, sender=PERSON, Subject=subject, Return_Path="<>")
    parsed = dsn.parse(raw)
    assert parsed.kind == "auto_reply"
    assert parsed.reports == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-generated (vacation)"},
        {"X_Autoreply": "yes"},
        {"X_Autorespond": "yes"},
        {"Precedence": "auto_reply"},
    ],
)
def test_fields_tell_an_answering_program_from_a_mailer(headers):
    text = "Undeliverable until Monday: a@example.com does not exist in this office.\n"
    raw = mail(text, sender=PERSON, Subject="Thanks", Return_Path="<>", **headers)
    assert dsn.parse(raw).kind == "auto_reply"


@pytest.mark.parametrize("outcome", ["displayed", "deleted"])
def test_a_receipt_is_no_report(outcome):
    text = (
        "--x\nContent-Type: text/plain\n\nYour message was not delivered to anyone.\n"
        "--x\nContent-Type: message/disposition-notification\n\n"
        f"Final-Recipient: rfc822;a@x.test\nDisposition: x/y; {outcome}\n--x--\n"
    )
    kind = "multipart/report; report-type=disposition-notification; boundary=x"
    parsed = dsn.parse(mail(text, kind=kind, Subject="Not read: Undelivered?"))
    assert parsed.kind == "auto_reply"


@pytest.mark.parametrize(
    ("subject", "headers"),
    [
        (
            "Undelivered mail: your bounce rate",
            {"List_Unsubscribe": "<mailto:u@x.test>"},
        ),
        ("Re: Undelivered Mail Returned to Sender", {}),
        ("AW: Unzustellbar: Rechnung", {}),
        ("回复：系统退信", {}),
    ],
)
def test_a_person_who_writes_about_a_bounce_is_no_bounce(subject, headers):
    text = "> <b@example.org>: host mx.example.org said: 550 5.1.1 User unknown\n"
    parsed = dsn.parse(mail(text, sender=PERSON, Subject=subject, **headers))
    assert parsed.kind == "not_a_bounce"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Delivery failed", "Your parcel could not be delivered.\n\n{}\n"),
        ("Zustellung fehlgeschlagen", "Paket nicht zugestellt.\n\nKontakt: {}\n"),
        ("Entrega de su pedido", "No se pudo entregar su pedido. Escriba a {}.\n"),
        ("Доставка заказа", "Заказ не удалось доставить. Обращайтесь: {}\n"),
        ("商品の配信について", "配信できませんでした。お問い合わせ: {}\n"),
        ("包裹投递通知", "您的包裹投递失败，请联系 {}\n"),
    ],
)
def test_a_shop_whose_parcel_did_not_arrive_is_no_mailer(subject, text):
    raw = mail(text.format("b@example.org"), sender="info@example.org", Subject=subject)
    assert dsn.parse(raw).reports == ()


def test_a_bounce_to_the_owner_of_a_mailing_list_is_one():
    raw = mail(
        "<a@example.com>:\n550 5.1.1 User unknown\n",
        sender="admin@example.org",
        Subject="Undeliverable mail",
        List_Unsubscribe="<mailto:u@x.test>",
        X_BeenThere="list@example.net",
    )
    assert dsn.parse(raw).kind == "bounce"


@pytest.mark.parametrize(
    "text",
    [
        "To prove your message was sent by a human, please visit the page below.\n",
        (
            "Um Ihre Nachricht zuzustellen, klicken Sie bitte auf den Link und"
            " bestätigen Sie, dass Sie kein Spammer sind.\n"
        ),
    ],
)
def test_who_asks_whether_we_are_a_person_challenges(text):
    assert dsn.parse(mail(text, sender=PERSON, Subject="Hello")).kind == "challenge"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (
            "Delivery delayed",
            'Delivery of email to this address "{}" has been postponed.',
        ),
        ("Delivery delayed", "Delivery is delayed to these recipients:\n\n{}\n"),
        (
            "delivery delayed",
            "<{}>:\nConnection refused\n\nI will try again for 3 days.\n",
        ),
        (
            "Verzögerte Zustellung",
            "An\n\n {}\n\nkonnte noch nicht zugestellt werden.\n",
        ),
        ("Remise différée", "La remise a été retardée pour :\n\n  {}\n"),
        ("Entrega retrasada", "La entrega se ha retrasado:\n\n  {}\n"),
        ("Entrega atrasada", "A entrega da mensagem foi adiada para:\n\n  {}\n"),
        ("配信遅延", "次の宛先へのメールの配信が遅延しています。\n\n  {}\n"),
        ("投递延迟", "您的邮件尚未投递到以下收件人，系统将继续尝试：\n\n  {}\n"),
        ("Доставка задержана", "Пока не доставлено:\n\n  {}\n"),
    ],
)
def test_a_delay_is_a_delay_in_every_language(subject, text):
    parsed = dsn.parse(mail(text.format("a@example.com"), Subject=subject))
    assert parsed.kind == "delayed"
    assert parsed.reports[0].recipient == "a@example.com"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("delivered", "Your message has been delivered to the following recipients:"),
        ("delivered", "The following addresses had successful delivery notifications"),
        ("relayed", "Your message was relayed to these recipients."),
        ("relayed", "The following addresses were relayed to non-DSN-aware mailers:"),
        (
            "relayed",
            (
                "Delivery to these recipients is complete, but no delivery notification"
                " was sent by the destination server:"
            ),
        ),
    ],
)
def test_a_success_that_lists_recipients_is_no_bounce(kind, text):
    raw = mail(f"{text}\n\na@example.com\n", Subject="Delivery notification")
    parsed = dsn.parse(raw)
    assert parsed.kind == kind
    assert parsed.reports[0].recipient == "a@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "收件人：{}\n\n退信原因：\n收件人邮箱已满\n",
        "无法发送到{}，邮件被退回\n",
        "宛先{}にメールを配信できませんでした\n",
        "메일 전송에 실패하였습니다.\n\n받는 사람 : {}\n",
    ],
)
def test_an_address_ends_where_a_script_without_spaces_starts(text):
    parsed = dsn.parse(mail(text.format("a@example.com"), Subject="系统退信"))
    assert parsed.kind == "bounce"
    assert [report.recipient for report in parsed.reports] == ["a@example.com"]
