"""The `mailflag` command: a table of subcommands, each loaded when it is used.

Loading lazily keeps `mailflag classify` from paying for Faust, and the shell's
completion quick.
"""

import sys
from importlib import import_module

import click

from streams import __version__
from streams.errors import ConfigurationError, MailflagError, Unavailable

EXIT_CONFIGURATION = 2
EXIT_UNAVAILABLE = 69

SUBCOMMANDS: dict[str, str] = {
    "demo": "demo",
    "topics": "topics",
    "worker": "worker",
    "notify": "notify",
    "replay": "replay",
    "simulate": "simulate",
    "get": "get",
    "dlq": "dlq",
    "policy": "policy",
    "classify": "classify",
    "dsn": "dsn",
    "explain": "explain",
    "rules": "rules",
}
"""Subcommand to the module of `streams.cli` whose `command` it is."""


class LazyGroup(click.Group):
    """A group that imports a subcommand's module when it is first named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Answer the names of all subcommands, in the table's order."""
        del ctx
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and answer the subcommand, None when there is none."""
        del ctx
        module = SUBCOMMANDS.get(cmd_name)
        if module is None:
            return None
        command = import_module(f"streams.cli.{module}").command
        if not isinstance(command, click.Command):
            message = f"streams.cli.{module} has no click command"
            raise TypeError(message)
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Completion:
  bash   eval "$(_MAILFLAG_COMPLETE=bash_source mailflag)"
  zsh    eval "$(_MAILFLAG_COMPLETE=zsh_source mailflag)"
  fish   _MAILFLAG_COMPLETE=fish_source mailflag | source
""",
)
@click.version_option(__version__, prog_name="mailflag")
def cli() -> None:
    """Say which customers can no longer be reached by e-mail, and whose fault it is.

    \b
    Try it:      mailflag demo
    Run it:      mailflag topics apply, then mailflag worker
    Ask it:      mailflag get TENANT ADDRESS
    """  # noqa: D301  # \b is click's own mark


def main() -> None:
    """Run the command; expected failures become one line and an exit code."""
    try:
        cli.main(prog_name="mailflag")
    except ConfigurationError as error:
        click.echo(f"mailflag: {error}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    except Unavailable as error:
        click.echo(f"mailflag: {error}", err=True)
        sys.exit(EXIT_UNAVAILABLE)
    except MailflagError as error:
        click.echo(f"mailflag: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
