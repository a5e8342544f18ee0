"""What no file of the repository may contain, whoever wrote it."""

import re

ADDRESS = re.compile(
    r"(?<![\w.+/-])[\w.+-]+@(?P<domain>(?:[\w-]+\.)+[^\W\d_]{2,})(?![\w@])"
)
RESERVED = re.compile(
    r"(?:.*\.)?-?(?:example\.(?:com|net|org)|example|test|invalid)", re.IGNORECASE
)
"""Domains that belong to nobody: RFC 2606 and RFC 6761."""

# Put together here, so that this file does not contain what it looks for.
REGISTRIES = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("files", "pythonhosted"),
            ("repo", "maven", "apache"),
            ("repo1", "maven"),
            ("registry", "npmjs"),
            ("registry", "yarnpkg"),
            ("crates", "io"),
            ("deb", "debian", "org"),
        )
    ),
    re.IGNORECASE,
)
MACHINE = re.compile(r"/(?:work|root|home|Users)/\w")
SCRATCH = re.compile("/" + r"tmp/\w")

OUTSIDE = re.compile("shared" + r"/(?!corpus)\w")
"""Papers that whoever reads the repository does not have."""

DATA = ("tests/data/",)
"""Captured bytes, where a path may be what a server really answered."""


def lines(texts, pattern, *, without=()):
    """Answer where a pattern stands, as `path:line: what`."""
    return [
        f"{path}:{number}: {found[0]}"
        for path, text in texts.items()
        if not str(path).startswith(without)
        for number, line in enumerate(text.splitlines(), start=1)
        for found in pattern.finditer(line)
    ]


def test_no_file_names_the_host_of_a_package_registry(texts):
    assert lines(texts, REGISTRIES) == []


def test_no_file_contains_a_path_of_somebodys_machine(texts):
    assert lines(texts, MACHINE, without=DATA) == []
    assert lines(texts, SCRATCH, without=DATA) == []


def test_no_file_refers_its_reader_to_papers_outside_the_repository(texts):
    assert lines(texts, OUTSIDE) == []


def test_every_address_belongs_to_a_domain_that_nobody_owns(texts):
    somebodys = [
        f"{path}:{number}: {found[0]}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        for found in ADDRESS.finditer(line)
        if not RESERVED.fullmatch(found["domain"])
    ]
    assert somebodys == []


def test_the_pattern_finds_an_address_that_is_somebodys():
    assert ADDRESS.search("to <jane.doe@" + "mail.bank.de>")["domain"] == "mail.bank.de"
    assert not RESERVED.fullmatch("mail.bank.de")
    assert not RESERVED.fullmatch("notexample.com")
    assert RESERVED.fullmatch("mx1.example.com")
