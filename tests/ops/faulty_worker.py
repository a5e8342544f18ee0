"""`mailflag worker` with a bug in it: a stage that raises about an address.

What a programming error quotes is what it stumbled over, so the exception's text
is the worst that there can be.
"""

from streams.agents import flags
from streams.cli.main import main

EXPLODES = "explode"
fold = flags.fold


def faulty_fold(state, evidence):
    if str(evidence.message_id).startswith(EXPLODES):
        known = {}
        known[f"{evidence.tenant_id}/{evidence.address}"]
    return fold(state, evidence)


flags.fold = faulty_fold

if __name__ == "__main__":
    main()
