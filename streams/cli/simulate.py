"""`mailflag simulate`: labelled traffic of a scenario, as lines for `replay`."""

import sys

import click
import orjson

from streams.cli.terminal import interruptible
from streams.simulation import SCENARIOS, play


@click.command()
@click.argument(
    "scenario",
    required=False,
    type=click.Choice(sorted(SCENARIOS)),
    metavar="[SCENARIO]",
)
@click.option(
    "--volume", type=int, help="Mails a day and tenant; 0: many tenants of all sizes."
)
@click.option("--seed", type=int, default=1, show_default=True)
@interruptible
def command(scenario: str | None, volume: int | None, seed: int) -> None:
    """Write the events of a scenario as JSON lines, in order of arrival.

    Without a name, list the scenarios with their volumes. The same scenario,
    volume and seed give the same events.

    \b
    See an incident found:
      mailflag simulate password_expired --volume 200 | mailflag replay
    """  # noqa: D301  # \b is click's own mark
    if scenario is None:
        for one in SCENARIOS.values():
            kind = "incident" if one.incident else "quiet"
            volumes = ",".join(map(str, one.volumes))
            click.echo(f"{one.name:36} {kind:9} {volumes:32} {one.text}")
        return
    chosen = SCENARIOS[scenario].volumes[0] if volume is None else volume
    try:
        for event in play(scenario, chosen, seed).events():
            sys.stdout.buffer.write(orjson.dumps(event) + b"\n")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
