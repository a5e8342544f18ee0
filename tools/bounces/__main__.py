"""Make the real bounce set: `python -m tools.bounces [--out DIRECTORY]`.

Needs root, unshare and ip, the Debian packages postfix, libsasl2-modules,
libfaketime and openssl, and aiosmtpd and dnspython. The work is done in network,
mount, host name and process namespaces of its own: it neither sees nor touches the
machine's network or mail, and nothing of it outlives this command.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.bounces.production import make

REPOSITORY = Path(__file__).parents[2]
MAILS = REPOSITORY / "tools/bounces/mails.toml"
OUT = REPOSITORY / "streams/demo/bounces"
NAMESPACES = ("--net", "--mount", "--uts", "--pid", "--fork", "--kill-child")


def main() -> int:
    """Parse the command line; do the work inside the namespaces."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--logs", type=Path, help="where to copy Postfix's logs")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside is not None:
        count = make(MAILS, options.inside, options.out, options.logs)
        sys.stderr.write(f"{count} reports in {options.out}\n")
        return 0
    unshare = shutil.which("unshare") or "unshare"
    with tempfile.TemporaryDirectory(prefix="bounces-") as directory:
        words = [sys.executable, "-m", "tools.bounces", "--inside", directory]
        return subprocess.run(  # noqa: S603 our own words only
            [unshare, *NAMESPACES, "--mount-proc", *words, *sys.argv[1:]],
            check=False,
            cwd=REPOSITORY,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
