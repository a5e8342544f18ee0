import pytest

from streams.core.attribution import (
    Envelope,
    bare_message_id,
    derived_message_id,
    envelope,
    fitting,
)


def test_an_envelope_id_of_ours_says_tenant_address_and_message():
    assert envelope("t-1/ada@example.com/m-7@mail.example.org") == Envelope(
        "t-1", "ada@example.com", "m-7@mail.example.org"
    )


def test_an_envelope_id_is_decoded_from_xtext():
    assert envelope("t-1/ada+2Bnews@example.com/m") == Envelope(
        "t-1", "ada+news@example.com", "m"
    )


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "abc123",
        "a/b",
        "/ada@example.com",
        "//",
        "t+0A1/ada@example.com/m",
        f"{'t' * 129}/ada@example.com/m",
    ],
)
def test_any_other_envelope_id_says_nothing(given):
    assert envelope(given) is None


@pytest.mark.parametrize(
    "given", ["<m@example.org>", " m@example.org ", "m@example.org"]
)
def test_message_ids_meet_with_and_without_brackets(given):
    assert bare_message_id(given) == "m@example.org"


def test_copies_of_a_report_get_the_same_id_and_others_another():
    one = derived_message_id("ada@example.com", None, "550 no")
    assert one == derived_message_id("ada@example.com", None, "550 no")
    assert one != derived_message_id("ada@example.com", "550 no", None)


def test_an_id_that_is_too_long_fits_and_stays_another_than_the_next():
    one, other = fitting("m" * 2000 + "1", 998), fitting("m" * 2000 + "2", 998)
    assert len(one) == len(other) == 998
    assert one != other
    assert fitting("m" * 998, 998) == "m" * 998
