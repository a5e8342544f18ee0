"""`mailflag simulate`: labelled traffic of a scenario, as lines for `replay`."""

import sys
from collections.abc import Iterator
from typing import BinaryIO

import click
import orjson

from streams.cli.terminal import interruptible
from streams.simulation import SCENARIOS, label, play

_KINDS = (
    (True, "incident", "Incidents, which must be found:"),
    (False, "quiet", "Quiet, where nobody may be paged:"),
)


@click.command()
@click.argument(
    "scenario",
    required=False,
    type=click.Choice(sorted(SCENARIOS)),
    metavar="[SCENARIO]",
)
@click.option(
    "--volume",
    type=int,
    help="Mails a day and tenant, one of those listed; 0: many tenants of all sizes."
    "  [default: the first listed]",
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--labels",
    type=click.File("wb", lazy=False),
    metavar="FILE",
    help="Write there what must be found in the events, as one JSON object.",
)
@interruptible
def command(
    scenario: str | None, volume: int | None, seed: int, labels: BinaryIO | None
) -> None:
    """Write the events of a scenario as JSON lines, in order of arrival.

    Without a name, list the scenarios with their volumes: incidents, and quiet ones.
    The same scenario, volume and seed give the same events.

    The labels have a list of incidents, empty for a quiet scenario: since when and
    until when, which tenants, the scope and causes that are right, and what on-call
    should hear: a page, a warning, or nothing, when fewer than three customers
    failed. Alerts before "judged_from" do not count: a detector learns there.

    \b
    See an incident found:
      mailflag simulate password_expired --volume 200 | mailflag replay
    Judge a detector of your own:
      mailflag simulate provider_blocks --labels truth.json > events.jsonl
    """  # noqa: D301  # \b is click's own mark
    if scenario is None:
        for line in _listed():
            click.echo(line)
        return
    volumes = SCENARIOS[scenario].volumes
    chosen = volumes[0] if volume is None else volume
    if chosen not in volumes:
        message = (
            f"{scenario} is not played at {chosen} mails a day; its volumes are"
            f" {', '.join(map(str, volumes))}"
        )
        raise click.BadParameter(message, param_hint="'--volume'")
    made = play(scenario, chosen, seed)
    try:
        for event in made.events():
            sys.stdout.buffer.write(orjson.dumps(event) + b"\n")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    if labels is not None:
        document = label(scenario, chosen, seed, made)
        labels.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")


def _listed() -> Iterator[str]:
    for incident, kind, title in _KINDS:
        yield title
        for one in SCENARIOS.values():
            if one.incident is incident:
                volumes = ",".join(map(str, one.volumes))
                yield f"{one.name:36} {kind:9} {volumes:35} {one.text}"
