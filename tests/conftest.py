"""In CI a skipped test is a failed test, unless it is listed as expected.

A suite that skips what it cannot run is green for the wrong reason: a broker that
did not start would go unnoticed. `expected_skips.toml` lists the reasons that a CI
machine may have; every other skip fails under the test's own name.
"""

import os
import re
import tomllib
from pathlib import Path

import pytest

EXPECTED = [
    re.compile(skip["reason"])
    for skip in tomllib.loads(
        Path(__file__).with_name("expected_skips.toml").read_text(encoding="utf-8")
    ).get("skip", [])
]


def _unexpected(report):
    """Answer the reason of a skip that a CI run must not have, else None."""
    if os.environ.get("CI", "").lower() not in {"1", "true"}:
        return None
    if not report.skipped or hasattr(report, "wasxfail"):
        return None
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    reason = reason.removeprefix("Skipped: ")
    return None if any(e.fullmatch(reason) for e in EXPECTED) else reason


def _fail_unexpected(report):
    reason = _unexpected(report)
    if reason is not None:
        report.outcome = "failed"
        report.longrepr = f"skipped, but CI must run it: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return _fail_unexpected((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return _fail_unexpected((yield))
