"""Who runs the recipient's mail."""

import pytest

from streams.core.provider import is_exchanger, provider, registered


@pytest.mark.parametrize(
    ("mx", "domain", "operator"),
    [
        ("gmail-smtp-in.l.google.com", "gmail.com", "google"),
        ("aspmx.l.google.com", "firm.example.com", "google"),
        ("firm-example.mail.protection.outlook.com", "firm.example.com", "microsoft"),
        ("outlook-com.olc.protection.outlook.com", "outlook.com", "microsoft"),
        ("firm.a-v1.mx.microsoft", "firm.example.com", "microsoft"),
        ("mta7.am0.yahoodns.net", "yahoo.com", "yahoo"),
        ("mx-ha02.web.de", "web.de", "gmx"),
        ("mxa-0001.gslb.pphosted.com", "firm.example.com", "proofpoint"),
    ],
)
def test_two_brands_of_one_operator_are_one_provider(mx, domain, operator):
    assert provider(mx, domain) == operator


def test_while_only_our_relay_has_been_seen_well_known_domains_name_their_operator():
    assert provider(None, "gmail.com") == "google"
    assert provider(None, "hotmail.fr") == "microsoft"
    assert provider(None, "firm.onmicrosoft.com") == "microsoft"


def test_an_unknown_exchanger_counts_as_its_registered_domain():
    assert provider("mx1.mail.hoster.example", "firm.example.com") == "hoster.example"
    assert provider("MX1.Hoster.Example.", "firm.example.com") == "hoster.example"


def test_an_unknown_domain_counts_as_itself_whatever_its_host():
    assert provider(None, "mail.firm.test") == "firm.test"


@pytest.mark.parametrize("mx", ["192.0.2.7", "[192.0.2.7]", "2001:db8::1", "mail", ""])
def test_an_exchanger_without_a_name_leaves_the_domain(mx):
    assert provider(mx, "gmail.com") == "google"


def test_a_suffix_ends_at_a_dot():
    assert provider("mx.notgoogle.com", "firm.test") == "notgoogle.com"


def test_a_host_of_an_operator_is_an_exchanger_unless_it_takes_outgoing_mail():
    assert is_exchanger("gmail-smtp-in.l.google.com")
    assert is_exchanger("firm-example.mail.protection.outlook.com")
    assert not is_exchanger("smtp-relay.gmail.com")
    assert not is_exchanger("email-smtp.eu-west-1.amazonaws.com")
    assert not is_exchanger("mx.firm.test")
    assert not is_exchanger("192.0.2.7")


def test_a_countrys_second_level_is_not_a_registered_domain():
    assert registered("mx.firm.co.uk") == "firm.co.uk"
    assert registered("co.uk") == "co.uk"
    assert registered("a.b.firm.de") == "firm.de"


def test_an_ip_address_has_no_domain():
    assert registered("192.0.2.25") == "192.0.2.25"


def test_a_host_that_is_longer_than_any_name_is_nobodys():
    assert provider(f"mx.{'x' * 300}.test", "example.com") == "example.com"
