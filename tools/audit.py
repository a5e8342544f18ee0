"""Asks which locked versions are known as vulnerable: `python -m tools.audit LOCK...`.

pip-audit ends with 1 for whatever is wrong. Here 1 means that vulnerabilities were
found, and 69 that nobody knows, because the advisories could not be had.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROGRAM = Path(".cache/tools/bin/pip-audit")
FOUND = 1
_SHOWN = 5
UNKNOWN = 69
"""As sysexits.h has it: a service is unavailable."""


def verdict(said: str) -> tuple[int, list[str]]:
    """Answer the exit code for what pip-audit wrote, and lines that say why."""
    try:
        audited: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except (ValueError, KeyError):
        return UNKNOWN, [
            "the advisories could not be had: nothing is known of any lock"
        ]
    skipped = [one["name"] for one in audited if "skip_reason" in one]
    lines = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in"
        f" {', '.join(hole['fix_versions']) or 'no version yet'}"
        for one in audited
        for hole in one.get("vulns", ())
    ]
    if lines:
        return FOUND, [f"{len(lines)} known vulnerabilities", *lines]
    if skipped:
        few = ", ".join(skipped[:_SHOWN]) + (", ..." if len(skipped) > _SHOWN else "")
        of = f"{len(skipped)} of {len(audited)} locked versions"
        return UNKNOWN, [f"no advisories could be had of {of}: {few}"]
    return 0, [f"no known vulnerability in {len(audited)} locked versions"]


def main(locks: Sequence[str]) -> int:
    """Ask, and say what came of it."""
    asked = subprocess.run(  # noqa: S603 - our own pinned program
        [
            *(str(PROGRAM), "--disable-pip", "--require-hashes"),
            *("--progress-spinner", "off", "--format", "json"),
            *(word for lock in locks for word in ("--requirement", lock)),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    code, lines = verdict(asked.stdout)
    if not asked.stdout:
        sys.stderr.write(asked.stderr)
    for line in lines:
        sys.stderr.write(f"audit: {line}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
