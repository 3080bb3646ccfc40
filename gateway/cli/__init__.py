"""The commands. Modules import what they run inside the command, so that every `--help` is quick.

Exit statuses: 0 done, 1 it could not be done, 2 usage or configuration faults; faults are said in one
line each on standard error.
"""

import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from gateway import __version__
from gateway.cli.calls import calls
from gateway.cli.check import check
from gateway.cli.keys import keys
from gateway.cli.schema import schema
from gateway.cli.serving import demo, serve
from gateway.cli.simulate import simulate
from gateway.cli.store import store
from gateway.settings.findings import BadConfiguration

INTERRUPTED: Final = 130
"""What shells report of a command that Ctrl-C ended."""


class _InOrder(click.Group):
    """Lists its commands in the order in which a newcomer needs them."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """As they were added."""
        return list(self.commands)


@click.group(cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="gateway %(version)s")
def gateway() -> None:
    """Make a legacy telephony API safe to use.

    Start with `gateway demo`: it needs no configuration. In production, write one YAML file, let
    `gateway check` judge it, and run `gateway serve`. Each command tells more with --help.

    Exit status: 0 done, 1 it could not be done, 2 wrong usage or a faulty configuration.
    """


for command in (demo, check, serve, keys, calls, store, simulate, schema):
    gateway.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit status. Every expected fault ends here, as a line of its own."""
    try:
        status = gateway.main(list(arguments), prog_name="gateway", standalone_mode=False)
    except BadConfiguration as fault:
        click.echo(str(fault), err=True)
        return 2
    except click.exceptions.NoArgsIsHelpError as fault:
        click.echo(fault.format_message())
        return 0
    except click.UsageError as fault:
        where = fault.ctx.command_path if fault.ctx is not None else "gateway"
        _say(f"{where}: {fault.format_message()} Try `{where} --help`.")
        return 2
    except click.ClickException as fault:
        _say(f"gateway: {fault.format_message()}")
        return fault.exit_code
    except click.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has what it wanted; the interpreter's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as fault:
        _say(f"gateway: {fault}")
        return 1
    return status if isinstance(status, int) else 0


def _say(message: str) -> None:
    click.echo(" ".join(message.split()), err=True)
