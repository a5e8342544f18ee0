import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.address import (
    MAX_OCTETS,
    Address,
    AddressFault,
    canonical,
    key,
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("  ada@example.com\t", "ada@example.com"),
        ("<ada@example.com>", "ada@example.com"),
        ("Ada Lovelace <ada@example.com>", "ada@example.com"),
        ("<@relay.example.net,@b.example.net:ada@example.com>", "ada@example.com"),
        ("rfc822; ada@example.com", "ada@example.com"),
        ("RFC822;<ada@example.com>", "ada@example.com"),
        ("utf-8; j\\x{00FC}rgen@example.com", "jürgen@example.com"),
        ("utf-8;ada@b\\x{00FC}cher.example.com", "ada@xn--bcher-kva.example.com"),
        ("ada@bücher.example.com", "ada@xn--bcher-kva.example.com"),
        ("ada@BÜCHER.example.com", "ada@xn--bcher-kva.example.com"),
        ("ada@example.com.", "ada@example.com"),
        ('"ada"@example.com', "ada@example.com"),
        ('"a.d.a"@example.com', "a.d.a@example.com"),
        ('"ada l"@example.com', '"ada l"@example.com'),
        ('"ada\\"l"@example.com', '"ada\\"l"@example.com'),
        ('"a\\da"@example.com', "ada@example.com"),
        ('"ada@home"@example.com', '"ada@home"@example.com'),
        ("ada+news@example.com", "ada+news@example.com"),
        ("a..da.@docomo.example.com", "a..da.@docomo.example.com"),
        ("ada@[192.0.2.1]", "ada@[192.0.2.1]"),
        ("ada@[IPv6:2001:db8::1]", "ada@[ipv6:2001:db8::1]"),
        ("e\u0301a@example.com", "\u00e9a@example.com"),
        ("under_score@mail_1.example.com", "under_score@mail_1.example.com"),
    ],
)
def test_two_spellings_of_one_mailbox_meet(written, meant):
    found = canonical(written)
    assert isinstance(found, Address), found
    assert str(found) == meant


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("", AddressFault.EMPTY),
        ("  <> ", AddressFault.EMPTY),
        ("ada", AddressFault.NO_AT),
        ("@example.com", AddressFault.EMPTY_LOCAL),
        ('""@example.com', AddressFault.EMPTY_LOCAL),
        ("ada@", AddressFault.EMPTY_DOMAIN),
        ("ada@.", AddressFault.EMPTY_DOMAIN),
        ("ada@-example.com", AddressFault.BAD_DOMAIN),
        ("ada@example..com", AddressFault.BAD_DOMAIN),
        ("ada@exa mple.com", AddressFault.BAD_DOMAIN),
        ("ada@[nowhere]", AddressFault.BAD_DOMAIN),
        ("ada@" + "a" * 64 + ".example.com", AddressFault.BAD_DOMAIN),
        ("ada@" + "a." * 127 + "example.com", AddressFault.TOO_LONG),
        ("a" * MAX_OCTETS + "@example.com", AddressFault.TOO_LONG),
        ("ü" * 160 + "@example.com", AddressFault.TOO_LONG),
        ("ada\r\nRCPT TO:<eve@example.com>", AddressFault.CONTROL_CHARACTER),
        ("a\x00da@example.com", AddressFault.CONTROL_CHARACTER),
        ("a da@example.com", AddressFault.BAD_LOCAL),
        ('"ada@example.com', AddressFault.BAD_LOCAL),
        ("ada@home@example.com", AddressFault.BAD_LOCAL),
    ],
)
def test_what_cannot_be_written_to_is_refused_with_the_fault(written, fault):
    assert canonical(written) is fault


def test_the_local_part_keeps_its_case_when_a_setting_says_so():
    assert str(canonical("Ada@Example.COM", fold_local=False)) == "Ada@example.com"


def test_a_key_is_tenant_slash_address_in_utf_8():
    assert key("t-1", "jürgen@example.com") == b"t-1/j\xc3\xbcrgen@example.com"


@given(st.text(max_size=400))
def test_no_text_raises_and_a_canonical_address_is_its_own_canonical_form(text):
    found = canonical(text)
    if isinstance(found, Address):
        assert canonical(str(found)) == found
        assert len(str(found).encode()) <= MAX_OCTETS
        assert "/" not in found.domain


@given(
    st.from_regex(r"[A-Za-z0-9!#$%&'*+=?^_`{|}~-]{1,20}", fullmatch=True),
    st.sampled_from(["example.com", "bücher.example.net", "a-b.example.org"]),
)
def test_quoting_brackets_and_case_make_no_difference(local, domain):
    plain = canonical(f"{local}@{domain}")
    assert isinstance(plain, Address)
    for other in (
        f'"{local}"@{domain}',
        f"<{local.upper()}@{domain.upper()}>",
        f"rfc822;{local}@{domain}.",
    ):
        assert canonical(other) == plain


@pytest.mark.parametrize(
    "given",
    [
        f"{'a' * 226}@{'.'.join('ü' * 31)}",
        f"{'İ' * 150}@example.com",
        f"{chr(0x958) * 100}@example.com",
    ],
)
def test_an_address_that_grows_too_long_in_canonical_form_is_none(given):
    assert len(given.encode()) <= MAX_OCTETS
    assert canonical(given) is AddressFault.TOO_LONG


@pytest.mark.parametrize(
    "label",
    [
        *("xn--zzzzzz9", "xn--0000h", "xn--", "xn--abc-", "xn--a"),  # no Punycode, U+80
        *("xn--u-ccb", "xn--ls8h-x"),  # not NFC; cut off
    ],
)
def test_an_a_label_that_says_nothing_is_no_domain(label):
    assert canonical(f"a@{label}.example.org") is AddressFault.BAD_DOMAIN
    assert canonical(f"a@MAIL.{label.upper()}.example.org") is AddressFault.BAD_DOMAIN


@pytest.mark.parametrize(
    "label",
    [
        *("xn--bcher-kva", "xn--strae-oqa", "xn--55qw42g", "a-xn--b"),
        *("xn--ls8h", "xn--i-7iq", "xn--n3h"),  # emoji: sold, though not IDNA 2008
        "xn--" + "\u2764\ufe0f\u200d\U0001f525".encode("punycode").decode(),
    ],
)
def test_an_a_label_that_the_dns_can_hold_stays_as_it_is(label):
    assert str(canonical(f"a@{label.upper()}.example.org")) == f"a@{label}.example.org"


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-", max_size=59))
def test_whatever_follows_xn_is_judged_without_an_exception(rest):
    found = canonical(f"a@xn--{rest}.example.org")
    assert found is AddressFault.BAD_DOMAIN or str(found)[2:].startswith("xn--")
