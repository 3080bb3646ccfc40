"""`gateway simulate`."""

import asyncio
import json
import signal
from pathlib import Path
from typing import get_args

import click

from gateway.simulator.options import Role, SimulatorOptions


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8081,
    show_default=True,
    metavar="PORT",
    help="Where to listen on 127.0.0.1; 0 takes a free one.",
)
@click.option(
    "--username",
    "usernames",
    multiple=True,
    metavar="U",
    help="A service user's name, once for each user; without any: user and password.",
)
@click.option("--password", "passwords", multiple=True, metavar="P", help="Its password, in the same order.")
@click.option(
    "--role",
    type=click.Choice(get_args(Role)),
    default="actions",
    show_default=True,
    help="What the service users may do; `none` earns a 402.",
)
@click.option(
    "--latency-ms",
    type=click.IntRange(0, 3_600_000),
    default=0,
    show_default=True,
    metavar="N",
    help="How many milliseconds each answer takes.",
)
@click.option(
    "--ledger",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep the dial ledger in this file; without it, in memory.",
)
def simulate(
    port: int,
    usernames: tuple[str, ...],
    passwords: tuple[str, ...],
    role: Role,
    latency_ms: int,
    ledger: Path | None,
) -> None:
    """Play the legacy API, and keep a ledger of every dial received.

    The callee number's last four digits choose the outcome: 0200 to 0599 as the README lists them.
    GET /_ledger shows the dials, DELETE /_ledger clears them. Prints one JSON line once it listens.
    """
    if len(usernames) != len(passwords):
        raise click.UsageError("Give --username and --password equally often: they are pairs.")
    options = SimulatorOptions(
        port=port,
        users=tuple(zip(usernames, passwords, strict=True)),
        role=role,
        latency_ms=latency_ms,
        ledger_path=ledger,
    )
    try:
        asyncio.run(_simulate(options))
    except (OSError, ValueError) as fault:
        raise click.ClickException(f"the simulator can't run: {fault}") from None


async def _simulate(options: SimulatorOptions) -> None:
    from gateway.simulator import serve  # noqa: PLC0415 - the asyncio server is not needed for --help

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def ready(port: int) -> None:
        click.echo(json.dumps({"event": "listening", "url": f"http://{options.host}:{port}"}))

    await serve(options, ready=ready, stop=stop)
