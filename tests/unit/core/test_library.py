"""Replies as mail libraries hand them on: what the server said, and no more."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.core.classify import Classifier
from streams.core.failure import FailureClass, PeerRole, Phase
from streams.core.reply import MAX_TEXT, parse
from streams.wire import rulebook

TO, FROM = "karl@example.com", "billing@example.net"


@pytest.fixture(scope="module")
def classifier():
    return Classifier(rulebook.load())


def wire(code, *lines):
    """A reply as its server sends it."""
    *first, last = lines
    return "\n".join([*(f"{code}-{line}" for line in first), f"{code} {last}"])


REPLIES = [
    (550, "User unknown"),
    (550, "5.1.1 <karl@example.com>: Recipient address rejected: User unknown"),
    (550, "5.1.1 The account does not exist.", "5.1.1 See https://example.com/"),
    (550, "5.7.1 Versand gesperrt"),
    (550, "relay not permitted"),
    (550, "No such user - 'karl' here"),
    (552, "5.2.2 Mailbox full"),
    (552, "Message size exceeds fixed limit"),
    (553, "5.1.8 Domain of sender address does not exist"),
    (554, "Sending paused for this account"),
    (554, 'Rejected by "content" filter, see C:\\log'),
    (451, "4.3.0 <billing@example.net>: Temporary lookup failure"),
    (451, "Please try again later"),
    (450, "4.7.1 Client host rejected: cannot find your reverse hostname"),
    (421, "4.7.0 Too many connections, closing channel"),
    (530, "5.7.0 Must issue a STARTTLS command first"),
    (535, "5.7.8 Error: authentication failed: authentication failure"),
]

PYTHON = {
    Phase.RCPT: "smtplib.SMTPRecipientsRefused: {{'karl@example.com': {pair}}}",
    Phase.MAIL: "smtplib.SMTPSenderRefused: ({in_pair}, 'billing@example.net')",
    Phase.DATA_END: "smtplib.SMTPDataError: {pair}",
    Phase.AUTH: "smtplib.SMTPAuthenticationError: {pair}",
}
JAVA = {
    Phase.RCPT: (
        "javax.mail.SendFailedException: Invalid Addresses;\n  nested exception is:\n"
        "\tcom.sun.mail.smtp.SMTPAddressFailedException: {wire}\n"
        "\n\tat com.sun.mail.smtp.SMTPTransport.rcptTo(SMTPTransport.java:1862)"
    ),
    Phase.MAIL: (
        "com.sun.mail.smtp.SMTPSendFailedException: {wire}\n;\n  nested exception is:\n"
        "\torg.eclipse.angus.mail.smtp.SMTPSenderFailedException: {wire}\n"
    ),
    Phase.AUTH: "jakarta.mail.AuthenticationFailedException: {wire}\n",
    None: (
        "org.springframework.mail.MailSendException: Failed messages: "
        "com.sun.mail.smtp.SMTPSendFailedException: {wire}\n"
        "; message exceptions (1) are:\nFailed message 1: x: {wire}"
    ),
}
PHPMAILER = {
    Phase.MAIL: (
        "The following From address failed: billing@example.net : MAIL FROM command"
        " failed,{bare}\r\n,{code},{enhanced}SMTP server error: MAIL FROM command"
        " failed Detail: {bare}\r\n SMTP code: {code}{more}"
    ),
    Phase.DATA_END: (
        "SMTP Error: data not accepted.SMTP server error: DATA END command failed"
        " Detail: {bare} SMTP code: {code}{more}"
    ),
    Phase.AUTH: (
        "SMTP Error: Could not authenticate. SMTP server error: Password command failed"
        " Detail: {bare} SMTP code: {code}{more}"
    ),
}
SYMFONY = {
    Phase.RCPT: (
        'Expected response code "250/251/252" but got code "{code}", with message'
        ' "{wire}".'
    ),
    Phase.AUTH: (
        'Failed to authenticate on SMTP server with username "u" using the following'
        ' authenticators: "LOGIN". Authenticator "LOGIN" returned "Expected response'
        ' code "235" but got code "{code}", with message "{wire}".".'
    ),
    None: 'Expected response code 250 but got code "{code}", with message "{wire}"',
}
PEAR = {
    phase: what + " [SMTP: Invalid response code received from server (code: {code},"
    " response: {text})]"
    for phase, what in {
        Phase.MAIL: "Failed to set sender: billing@example.net",
        Phase.RCPT: "Failed to add recipient: karl@example.com",
        Phase.AUTH: "authentication failure",
        Phase.DATA_END: "Failed to send data",
    }.items()
}
NODEMAILER = {
    Phase.RCPT: "Error: Can't send mail - all recipients were rejected: {wire}",
    Phase.MAIL: (
        "Error: Mail command failed: {wire}\n    at SMTPConnection._formatError"
        " (/srv/app/node_modules/nodemailer/lib/smtp-connection/index.js:790:19)"
    ),
    Phase.DATA_END: "Message failed: {wire}",
    Phase.AUTH: "Invalid login: {wire}",
    Phase.BANNER: "Invalid greeting. response={wire}: {wire}",
}
MSMTP = {
    phase: what + "\nmsmtp: server message: {messages}\nmsmtp: could not send mail"
    " (account default from /etc/msmtprc)"
    for phase, what in {
        Phase.MAIL: (
            "msmtp: envelope from address billing@example.net not accepted by the"
            " server"
        ),
        Phase.RCPT: (
            "msmtp: recipient address karl@example.com not accepted by the server"
        ),
        Phase.DATA_END: "msmtp: the server did not accept the mail",
        Phase.AUTH: "msmtp: authentication failed (method PLAIN)",
    }.items()
}
MSMTP_LOG = {
    Phase.RCPT: (
        "host=mail.example.com tls=on from=billing@example.net smtpstatus={code}"
        " smtpmsg='{wire}' errormsg='recipient address karl@example.com not accepted"
        " by the server' exitcode=EX_DATAERR"
    )
}
GO = {
    Phase.MAIL: "send failed: sending SMTP MAIL FROM command: {wire}",
    Phase.RCPT: (
        "sending SMTP RCPT TO command: {wire}, affected recipient(s): karl@example.com"
    ),
    Phase.DATA_END: "closing SMTP DATA writer: {wire}",
    None: "gomail: could not send email 1: {wire}",
}
EMAIL_SENDER = "billing@example.net failed after MAIL FROM: {text}"
OTHERS = {
    None: "Net::SMTPFatalError: {wire}\n",
    Phase.RCPT: (
        "while talking to mx.example.com.: >>> RCPT To:<karl@example.com>"
        " <<< {transcript}"
    ),
    Phase.DATA_END: " -> . <** {transcript}",
    Phase.MAIL: EMAIL_SENDER,
}
LETTRE = {None: "{severity} error ({code}): {text}"}
LIBRARIES = {
    "smtplib": PYTHON,
    "javamail": JAVA,
    "phpmailer": PHPMAILER,
    "symfony": SYMFONY,
    "pear": PEAR,
    "nodemailer": NODEMAILER,
    "msmtp": MSMTP,
    "msmtp's log": MSMTP_LOG,
    "go": GO,
    "others": OTHERS,
    "lettre": LETTRE,
}
CASES = [
    pytest.param(form, phase, id=f"{name}-{phase}")
    for name, forms in LIBRARIES.items()
    for phase, form in forms.items()
]


def wrapped(form, code, *lines):
    sent = wire(code, *lines)
    head = lines[0].split(" ")[0]
    enhanced = head if head[1:2] == "." else ""
    text = "\n".join(lines)
    in_pair = f"{code}, {text.encode()!r}"
    return form.format(
        code=code,
        wire=sent,
        text=text,
        bare=text.replace(f"{enhanced} ", "") if enhanced else text,
        enhanced=enhanced,
        more=f" Additional SMTP info: {enhanced}" if enhanced else "",
        in_pair=in_pair,
        pair=f"({in_pair})",
        messages=sent.replace("\n", "\nmsmtp: server message: "),
        transcript=sent.replace("\n", "\n<<< "),
        severity="permanent" if code >= 500 else "transient",
    )


@pytest.mark.parametrize(("form", "phase"), CASES)
def test_a_library_changes_nothing_of_what_a_reply_means(classifier, form, phase):
    for reply in REPLIES:
        bare = parse(wire(*reply), phase=phase)
        read = parse(wrapped(form, *reply))
        code = None if form is EMAIL_SENDER else bare.code
        assert (read.code, read.enhanced, read.phase) == (code, bare.enhanced, phase)
        for role in (None, PeerRole.RELAY, PeerRole.MX):
            told = classifier.classify(read._replace(code=bare.code), role)
            assert told == classifier.classify(bare, role), reply


@pytest.mark.parametrize(("form", "phase"), CASES)
def test_no_words_of_a_server_are_taken_for_a_librarys(classifier, form, phase):
    examples = [text for rule in classifier.rules.rules for text in rule.examples]
    for text in examples[::29]:
        code, _, said = text.partition(" ")
        if code.isdigit() and code >= "400":
            bare = parse(text, phase=phase)
            read = parse(wrapped(form, int(code), said))._replace(code=bare.code)
            assert classifier.classify(read) == classifier.classify(bare), text


@pytest.mark.parametrize(("form", "phase"), CASES)
def test_a_phase_that_is_known_wins_over_a_librarys(form, phase):
    text = wrapped(form, *REPLIES[1])
    assert parse(text, phase=Phase.DATA).phase is Phase.DATA
    assert parse(text).phase is phase


NAMES = {
    "Mailbox unavailable.": 550,
    "Exceeded storage allocation.": 552,
    "Mailbox name not allowed.": 553,
    "User not local; please try a different path.": 551,
    "Transaction failed.": 554,
    "Service not available, closing transmission channel.": 421,
    "Error in processing.": 451,
    "Insufficient system storage.": 452,
}


@pytest.mark.parametrize(("name", "code"), NAMES.items())
@pytest.mark.parametrize("said", ["5.7.1 Versand gesperrt", "No such user", ""])
def test_dotnets_name_of_a_code_is_no_word_of_the_server(classifier, name, code, said):
    bare = parse(f"{code} {said}".strip(), phase=Phase.RCPT)
    read = parse(
        f"System.Net.Mail.SmtpFailedRecipientException: {name}"
        f" The server response was: {said}"
    )
    assert read == bare
    assert classifier.classify(read) == classifier.classify(bare)


def test_dotnets_name_of_a_code_tells_the_code_where_nothing_else_does():
    read = parse("System.Net.Mail.SmtpException: Exceeded storage allocation.")
    assert (read.code, read.text) == (552, "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Mailbox unavailable. The server response was: 4.2.0 Greylisted", 450),
        ("Mailbox unavailable. The server response was: 553 5.7.1 no", 553),
        ("Postfach nicht verf\xfcgbar. Die Serverantwort war: Unbekannt", 550),
        (
            (
                "Syntax error, command unrecognized. The server response was:"
                " 5.7.3 Authentication unsuccessful"
            ),
            None,
        ),
        ("MailKit.Net.Smtp.SmtpCommandException: 5.1.1 User unknown", None),
    ],
)
def test_a_code_of_dotnet_is_what_its_name_allows(text, code):
    assert parse(text).code == code


def test_a_command_in_a_trace_of_dotnet_tells_the_phase():
    read = parse(
        "Exception: System.Net.Mail.SmtpException: Mailbox unavailable. The server"
        " response was: 5.7.1 No  at System.Net.Mail.DataStopCommand.CheckResponse"
        "(SmtpStatusCode statusCode, String serverResponse)"
    )
    assert (read.phase, read.text) == (Phase.DATA_END, "No")


@pytest.mark.parametrize(
    "text",
    [
        "Invalid Addresses",
        "javax.mail.SendFailedException: Invalid Addresses",
        "SMTP Error: The following recipients failed: karl@example.com",
        "The following From address failed: k@example.com : MAIL FROM command failed,,",
    ],
)
def test_a_heading_alone_means_nothing(classifier, text):
    verdict = classifier.classify(parse(text))
    assert verdict.failure_class is FailureClass.UNKNOWN


def test_phpmailer_tells_no_code_of_a_refused_recipient(classifier):
    text = "SMTP Error: The following recipients failed: karl@example.com: User unknown"
    read = parse(text)
    assert (read.code, read.phase, read.text) == (None, Phase.RCPT, "User unknown")
    assert classifier.classify(read).failure_class is FailureClass.BAD_MAILBOX


@pytest.mark.parametrize(
    "form",
    [
        PHPMAILER[Phase.MAIL],
        PHPMAILER[Phase.DATA_END],
        "k@example.com : MAIL FROM command failed,{bare},{code},",
        "k@example.com : MAIL FROM command failed,{bare} ,{code}, SMTP-Fehler: x",
    ],
)
def test_numbers_in_a_reply_are_no_codes_of_phpmailer(form):
    read = parse(wrapped(form, 552, "Size 10,485,760 is over 450,451 bytes"))
    assert (read.code, read.text) == (552, "Size 10,485,760 is over 450,451 bytes")


def test_that_phpmailer_could_not_authenticate_is_evidence_where_nobody_spoke():
    text = "SMTP Error: Could not authenticate. SMTP server error: AUTH command failed"
    assert (parse(text).text, parse(text).phase) == (text, Phase.AUTH)


def test_old_phpmailer_tells_the_code_first():
    text = (
        "The following From address failed: k@example.com : MAIL FROM command failed,"
        "550,,The address is not valid."
    )
    assert (parse(text).code, parse(text).text) == (550, "The address is not valid.")


@pytest.mark.parametrize(
    ("text", "code", "phase"),
    [
        ("curl: (55) RCPT failed: 550", 550, Phase.RCPT),
        (
            (
                "Got bad greeting from SMTP host: a.example.com, port: 25,"
                " response: 554 No"
            ),
            *(554, Phase.BANNER),
        ),
        ("Net::SMTPServerBusy: 451 busy", 451, None),
        (
            "Net::SMTPUnknownError: could not get 3xx (421: 421 4.7.0 Later\n)",
            *(421, Phase.DATA),
        ),
        (
            (
                "com.sun.mail.smtp.SMTPSendFailedException: 554 No\n"
                "\tat com.sun.mail.smtp.SMTPTransport.issueSendCommand(S.java:2)\n"
                "\tat com.sun.mail.smtp.SMTPTransport.finishData(S.java:1)"
            ),
            *(554, Phase.DATA_END),
        ),
        (
            "MailKit.Security.AuthenticationException: 535: 5.7.8 Not valid",
            *(535, Phase.AUTH),
        ),
        (
            (
                "System.Net.Mail.SmtpFailedRecipientsException: Unable to send to all"
                " recipients. ---> System.Net.Mail.SmtpFailedRecipientException:"
                " Mailbox unavailable. The server response was: No such user"
            ),
            *(550, Phase.RCPT),
        ),
        ("(550, b'User unknown', 'billing@example.net')", 550, Phase.MAIL),
        ("{'karl@example.com': (550, 'User unknown')}", 550, Phase.RCPT),
        ("aiosmtplib.errors.SMTPHeloError: (501, 'Bad name')", 501, Phase.EHLO),
    ],
)
def test_a_library_tells_the_phase(text, code, phase):
    assert (parse(text).code, parse(text).phase) == (code, phase)


SEVERAL = (
    "smtplib.SMTPRecipientsRefused: {'a@example.com': (550, b'User unknown'),"
    " 'b@example.com': (452, b'4.2.2 Mailbox full')}"
)


def test_of_several_recipients_it_is_the_reply_about_ours():
    assert parse(SEVERAL, recipient="a@example.com").text == "User unknown"
    assert parse(SEVERAL, recipient="b@example.com").text == "Mailbox full"


def test_an_address_that_ends_like_another_is_another():
    assert parse(SEVERAL.replace("a@", "ab@"), recipient="b@example.com").code == 452


def test_of_several_recipients_one_that_was_taken_tells_nothing():
    text = "{'a@example.com': (250, b'Ok'), 'b@example.com': (550, b'User unknown')}"
    assert parse(text).code == 550


def test_of_several_recipients_the_mildest_reply_counts_when_ours_is_not_known():
    assert parse(SEVERAL).code == 452
    assert parse(SEVERAL, recipient="c@example.com").code == 452


@pytest.mark.parametrize(
    "text",
    [
        (
            "javax.mail.MessagingException: Could not connect to SMTP host:"
            " mail.example.com, port: 25; nested exception is:"
            " java.net.ConnectException: Connection refused"
        ),
        "smtplib.SMTPServerDisconnected: Connection unexpectedly closed",
        (
            "SMTP connect() failed. SMTP server error: Failed to connect to server"
            " SMTP code: 110 Additional SMTP info: Connection timed out"
        ),
        'Connection could not be established with host "mail.example.com:25"',
        "Error: connect ECONNREFUSED 192.0.2.1:587",
        (
            "System.Net.Mail.SmtpException: Failure sending mail. ---> System.Net."
            "WebException: Unable to connect to the remote server"
        ),
    ],
)
def test_where_no_server_replied_a_librarys_words_are_the_evidence(classifier, text):
    read = parse(text, phase=Phase.CONNECT)
    assert read.text == " ".join(text.split())
    told = classifier.classify(read, PeerRole.RELAY)
    assert told.failure_class is FailureClass.SUBMISSION_CONNECT_FAILED


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), max_size=200))
def test_a_literal_of_python_is_read_back(text):
    expected = " ".join(text.split())
    assume(not expected.startswith("550"))  # the code again, as some libraries have it
    assert parse(f"({550}, {text.encode()!r})").text == parse(f"550 {expected}").text


@pytest.mark.parametrize(
    "part",
    [
        *("(550, b'", "(550, b'\\", "Exception: 550 ", "MAIL FROM command failed,"),
        *(",550,", "The server response was: ", "server message: 550 ", "smtpmsg='"),
        *(">>> RCPT <<< ", " at a.b (/", "(code: 550, response: ", "a@b.test: "),
        *("recipients failed: ", "' errormsg"),
        'Expected response code 250 but got code "550", with message "',
    ],
)
def test_any_words_of_libraries_can_be_read(part):
    for text in (part * (MAX_TEXT // len(part)), f"smtpmsg='{part * 500}"):
        assert len(parse(text).text) <= MAX_TEXT
