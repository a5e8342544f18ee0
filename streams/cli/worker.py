"""`mailflag worker`: one worker with all stages."""

import sys

import click

from streams.cli.options import with_settings
from streams.settings import Settings


@click.command()
@with_settings()
def command(settings: Settings) -> None:
    """Run a worker: ingest, flags, spikes.

    Any number of equal workers share the partitions; add and remove them at will.
    Stop one with SIGTERM or Ctrl-C: it finishes what it has accepted, commits,
    leaves the group, and exits 0 within 30 seconds. Every other exit code says
    what to look at (docs/operating.md); the supervisor's part is to start it again.

    Secrets are no options: MAILFLAG_SASL_PASSWORD, MAILFLAG_SSL_KEY_PASSWORD and
    MAILFLAG_LOG_HASH_KEY, or each with _FILE for a file that holds the secret.

    \b
    A first one, on a laptop's Kafka:
      mailflag topics apply && mailflag worker --log-format console
    A second one on the same machine:
      mailflag worker --web-port 6067
    With a login:
      MAILFLAG_SASL_PASSWORD_FILE=/run/secrets/kafka mailflag worker \\
        --bootstrap-servers kafka1:9093,kafka2:9093 \\
        --security-protocol SASL_SSL --sasl-username mailflag
    """  # noqa: D301  # \b is click's own mark
    # Loaded here: `--help` must not wait for Faust.
    from streams.adapters.kafka_admin import require_topics  # noqa: PLC0415
    from streams.app import build_worker  # noqa: PLC0415

    if settings.check_topics:
        require_topics(settings)
    sys.exit(build_worker(settings).run())
