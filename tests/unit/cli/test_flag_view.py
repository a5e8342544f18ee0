"""How flags look on a terminal."""

from collections import Counter

import pytest
from rich.console import Console

from streams.cli import flag_view
from streams.core.failure import FailureClass, Side
from streams.core.flag import ChangeType, ClearedBy, FlagChange
from streams.core.instant import parse


def drawn(renderable, width=80):
    console = Console(
        width=width, markup=False, highlight=False, emoji=False, color_system=None
    )
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def flat(renderable, width=200):
    """Answer what is drawn without frames, on one line."""
    return " ".join(w for w in drawn(renderable, width).split() if w.strip("│╭╮╰╯─┃"))


def change(flag, kind=ChangeType.SET, **more):
    told = {
        "revision": flag.revision,
        "at": flag.since,
        "cleared_by": None,
        "flagged_for_ms": None,
        "actor": None,
        "reason": None,
        "blamed": None,
    }
    return FlagChange(type=kind, flag=flag, **(told | more))


def test_a_flag_says_why_since_when_whose_fault_and_what_to_do(flag, seen):
    shown = flat(flag_view.flagged(flag, seen))
    for said in (
        "ada@example.com is FLAGGED",
        "There is no such mailbox.",
        "Tenant t-42",
        "Customer K-17",
        "Since 2025-11-23 12:00:00 UTC (2 d ago)",
        "Class bad_mailbox",
        "Whose fault recipient: the address, its mailbox",
        "Failed 2 in a row, the last 2025-11-24 12:00:00 UTC (1 d ago)",
        "Where to check The address, as the customer wrote it.",
        "What to do Ask the customer for another address.",
        "Suppress recommended",
        "session, rcpt, mx1.example.com",
        "550 5.1.1 No such user here",
        "message m-7@shop.example, rule mailbox.unknown",
    ):
        assert said in shown


def test_a_flag_of_the_senders_set_up_says_to_go_on_sending(flag, seen):
    own = flag._replace(
        side=Side.SENDER_CONFIG,
        failure_class=FailureClass.SUBMISSION_AUTH_FAILED,
        suppress_recommended=False,
        persistent=True,
        consecutive_failures=6,
        incident="i-1",
    )
    shown = flat(flag_view.flagged(own, seen))
    assert "Suppress not recommended: go on sending" in shown
    assert "the tenant's own mail set-up" in shown
    assert "; persistent" in shown
    assert "6+ in a row" in shown
    assert "Incident i-1" in shown


def test_every_side_says_whose_fault_it_is():
    assert flag_view.WHOSE_FAULT.keys() == set(Side)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_servers_words_can_neither_colour_nor_hide_anything(
    flag, evidence, seen, width
):
    words = "\x1b]0;owned\x07[red]No\x1b[2J such user\x1b[8m"
    evil = flag._replace(
        summary=words,
        evidence=(evidence._replace(text=words, peer=words, message_id=words),),
        address="\x1b[1m@example.com",
    )
    happened = change(evil, ChangeType.CLEARED, actor=words, reason=words)
    for one in (
        flag_view.flagged(evil, seen),
        flag_view.listing([evil], seen),
        flag_view.history([happened]),
        flag_view.not_flagged(evil.address, words, None, seen),
    ):
        shown = drawn(one, width)
        assert shown.replace("\n", "").isprintable()
        assert "\\x1b" in "".join(shown.split())


def test_an_answer_without_code_or_words_is_said_to_be_none(evidence):
    silent = evidence._replace(code=None, enhanced=None, text="")
    assert flag_view.answer(silent) == "no answer"
    assert flag_view.answer(evidence._replace(enhanced=None)) == "550 No such user here"


def test_not_flagged_says_when_it_was_cleared_as_long_as_that_is_known(seen):
    cleared = parse("2025-11-25T11:00:00Z")
    shown = flat(flag_view.not_flagged("ada@example.com", "t-42", cleared, seen))
    assert "ada@example.com is not flagged" in shown
    assert "cleared 2025-11-25 11:00:00 UTC (1 h ago)" in shown
    unknown = flat(flag_view.not_flagged("ada@example.com", "t-42", None, seen))
    assert "No flag stands for this address of tenant t-42" in unknown


def test_history_says_what_cleared_the_flag_and_who(flag):
    cleared = change(
        flag,
        ChangeType.CLEARED,
        cleared_by=ClearedBy.OPERATOR,
        flagged_for_ms=7_200_000,
        actor="jo",
        reason="address_corrected",
    )
    lied = change(
        flag,
        ChangeType.CLEARED,
        cleared_by=ClearedBy.RESPONSE_MISMATCH,
        blamed="mx9.example.com",
    )
    shown = flat(flag_view.history([change(flag), cleared, lied]))
    assert "flag-set bad_mailbox There is no such mailbox." in shown
    assert "by operator, after 2 h, jo: address_corrected" in shown
    assert "by response_mismatch, mx9.example.com had answered otherwise" in shown


def test_no_history_is_said():
    assert "no change within what the topic keeps" in flat(flag_view.history([]))


def test_a_list_fits_a_narrow_terminal_and_loses_nothing(flag, seen):
    shown = drawn(flag_view.listing([flag], seen), width=80)
    assert max(len(line) for line in shown.splitlines()) <= 80
    words = "".join(shown.split())
    for said in ("ada@example.com", "recipient", "bad_mailbox", "2d", "yes", "user"):
        assert said in words


def test_totals_name_the_largest_side_first():
    sides = Counter({Side.CONTENT: 5, Side.RECIPIENT: 1200})
    assert flag_view.totals(sides, 900) == (
        "1,205 standing flags (recipient 1,200, content 5);"
        " suppress recommended for 900"
    )


def test_totals_of_one_and_of_none_are_good_english():
    one = flag_view.totals(Counter({Side.RECIPIENT: 1}), 1)
    assert one == "1 standing flag (recipient 1); suppress recommended for 1"
    assert flag_view.totals(Counter(), 0) == "no standing flag"
