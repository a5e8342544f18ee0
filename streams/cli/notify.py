"""`mailflag notify`: tell Alertmanagers of the incidents, apart from the workers."""

import click

from streams.cli.options import KAFKA, with_settings
from streams.settings import Settings


@click.command()
@with_settings(
    "alertmanager_urls",
    "dashboard_url",
    *KAFKA,
    "app_id",
    "web_host",
    "web_port",
    "log_format",
    "log_level",
)
def command(settings: Settings) -> None:
    """Tell Alertmanagers of the open incidents.

    Workers do so themselves where MAILFLAG_ALERTMANAGER_URLS is set; this command is
    for networks in which they cannot. It reads mail.alerts.v1 without a group and
    keeps nothing: run as many as you like, and start and stop them at will. An
    incident stays the same alert. Stop it with SIGTERM or Ctrl-C.

    \b
    Two replicas of one Alertmanager:
      mailflag notify --alertmanager-urls http://am-1:9093,http://am-2:9093
    With links to the dashboard:
      mailflag notify --alertmanager-urls http://127.0.0.1:9093 \\
        --dashboard-url https://grafana.example/d/mailflag-incidents
    """  # noqa: D301  # \b is click's own mark
    # Loaded here: `--help` must not wait for aiokafka.
    from streams.app import build_notifier  # noqa: PLC0415

    build_notifier(settings).run()
