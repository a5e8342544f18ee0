"""Writes what a release consists of as CycloneDX: `python -m tools.sbom LOCK FILE`.

cyclonedx-py reads the lock; what it leaves out is added here: the version of the
project, which stands in its package, and the hashes of the lock beside each component.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from streams import __version__

PROGRAM = Path(".cache/tools/bin/cyclonedx-py")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def completed(document: dict[str, Any], lock: str) -> dict[str, Any]:
    """Answer the document with the project's version and the hashes of a lock.

    A component has a hash for each of its files, of which an installation takes one.
    """
    root = document["metadata"]["component"]
    root |= {"version": __version__, "purl": f"pkg:pypi/{root['name']}@{__version__}"}
    hashes = hashes_of(lock)
    for component in document["components"]:
        component.pop("description", None)  # the line of the lock
        component["hashes"] = [
            {"alg": "SHA-256", "content": one}
            for one in hashes[component["name"], component["version"]]
        ]
    refs = sorted(one["bom-ref"] for one in document["components"])
    others = [one for one in document["dependencies"] if one["ref"] != root["bom-ref"]]
    document["dependencies"] = [*others, {"ref": root["bom-ref"], "dependsOn": refs}]
    return document


def hashes_of(lock: str) -> dict[tuple[str, str], list[str]]:
    """Answer the hashes of a lock by name and version."""
    pins = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    found = {}
    for pin in pins:
        head = re.match(r"([\w.-]+)==([^\s;]+)", pin)
        if head is not None:
            found[head[1], head[2]] = _HASH.findall(pin)
    return found


def main() -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", type=Path)
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    made = subprocess.run(  # noqa: S603 - our own pinned program
        [
            *(str(PROGRAM), "requirements", "--pyproject", "pyproject.toml"),
            *("--output-reproducible", "--output-format", "JSON", str(given.lock)),
        ],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        sys.stderr.buffer.write(made.stderr)
        return made.returncode
    lock = given.lock.read_text(encoding="utf-8")
    document = completed(json.loads(made.stdout), lock)
    given.file.parent.mkdir(parents=True, exist_ok=True)
    given.file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
