"""`gateway serve` and `gateway demo`."""

from pathlib import Path
from typing import Literal

import click

from gateway.cli.terminal import config_option


@click.command()
@config_option
@click.option(
    "--processors",
    type=click.Choice(["one", "all"]),
    default="all",
    show_default=True,
    help="Stay on one processor, which answers soonest over an embedded store, or let the kernel choose.",
)
def serve(path: Path, processors: Literal["one", "all"]) -> int:
    """Serve both doors until SIGTERM or Ctrl-C.

    Logs JSON lines to standard output. Configuration and credentials are re-read when their files
    change, and on SIGHUP. On SIGTERM every call under way is settled before the process ends.
    """
    from gateway.app import serve as serve_until_told  # noqa: PLC0415 - heavy, and --help needs none of it

    return serve_until_told(path, stays=processors == "one")


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8080,
    show_default=True,
    metavar="PORT",
    help="Where clients call and the console is; 0 takes a free one.",
)
def demo(port: int) -> int:
    """Start a simulated telephone system and a gateway in front of it.

    Prints the console's address, a demo key and ready-to-paste curl lines for both doors. The store
    and the configuration live in .demo/ of the current directory. Ctrl-C stops both.
    """
    from gateway.demo import run  # noqa: PLC0415 - heavy, and --help needs none of it

    return run(port)
