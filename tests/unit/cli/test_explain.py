"""`mailflag explain`: why a reply means what it means, and what to do."""

import json

import pytest
from click.testing import CliRunner

from streams.cli.explain import command

REPLY = (
    "host mx.example.com[192.0.2.1] said: 550 5.1.1 <a@example.com>: Recipient address"
    " rejected: User unknown (in reply to RCPT TO command)"
)
MAIL = (
    "From: mailer-daemon@example.net\nSubject: failure notice\n\n"
    "I'm afraid I wasn't able to deliver your message.\n\n"
    "<a@example.com>:\nMailbox full\n"
)


def run(*arguments, **given):
    return CliRunner().invoke(command, [str(a) for a in arguments], **given)


def test_a_reply_is_explained_with_its_rule_the_words_and_the_advice():
    explained = json.loads(run(REPLY).stdout)
    assert explained["class"] == "bad_mailbox"
    assert explained["rule"] == "recipient.unknown"
    assert explained["said"] == "user unknown"
    assert explained["source"]
    assert explained["reply"]["phase"] == "rcpt"
    assert explained["reply"]["peer"] == "mx.example.com"
    assert explained["what_to_do"].startswith("Ask the customer")


def test_a_code_alone_is_explained_without_words():
    explained = json.loads(run("550 5.2.2").stdout)
    assert explained["rule"] == "code.x.2.2"
    assert explained["said"] is None


def test_phase_and_role_can_be_told():
    done = run("550 no", "--phase", "auth", "--peer-role", "relay")
    assert json.loads(done.stdout)["side"] != "recipient"


def test_a_mail_in_a_file_or_on_standard_input_is_explained(tmp_path):
    file = tmp_path / "bounce.eml"
    file.write_text(MAIL, encoding="utf-8")
    for done in (run(file), run("-", input=MAIL)):
        explained = json.loads(done.stdout)
        assert explained["kind"] == "bounce"
        assert explained["recipient"] == "a@example.com"
        assert explained["class"] == "mailbox_full"


def test_a_mail_that_is_no_report_is_said_to_be_none():
    done = run("-", input="From: a@example.com\n\nHello\n")
    assert json.loads(done.stdout) == {"kind": "not_a_bounce"}


@pytest.mark.parametrize("said", ["550 User unknown", "550-5.1.1 No\n550 such user"])
def test_a_reply_in_a_file_or_on_standard_input_is_one(tmp_path, said):
    file = tmp_path / "reply.txt"
    file.write_text(said + "\n", encoding="utf-8")
    for done in (run(file), run(input=said + "\n"), run(said)):
        assert json.loads(done.stdout)["class"] == "bad_mailbox"


@pytest.mark.parametrize("content", [b"\0\xff\x17", b"x" * 10_000])
def test_what_is_neither_mail_nor_reply_is_no_bounce(content):
    assert json.loads(run(input=content).stdout) == {"kind": "not_a_bounce"}


@pytest.mark.parametrize("what", ["bounce.eml", "/var/mail/nobody", "", " "])
def test_a_file_that_is_not_there_is_no_reply(what):
    assert run(what).exit_code == 2


def test_a_folder_or_nothing_is_told(tmp_path):
    assert "mailflag dsn" in run(tmp_path).stderr
    assert "Nothing to explain" in run(input="\n").stderr


def test_people_get_sentences():
    shown = run(REPLY, "--table").stdout
    assert "bad at the first permanent failure" in shown
    assert '"user unknown" in the text' in shown
    assert "what to do" in shown


def test_what_no_rule_knows_is_said_so():
    assert "no rule knows" in run("550 xyzzy", "--table").stdout
