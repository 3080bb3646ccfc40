"""`gateway store`."""

from pathlib import Path

import click

from gateway.cli.terminal import config_option, configured, with_ledger


@click.group()
def store() -> None:
    """Look after a shared store."""


@store.command()
@config_option
def acknowledge(path: Path) -> None:
    """Accept a shared store that lost its data.

    Until then the gateway answers closed: with the records gone, a retry of an old key would dial
    again, and every quota starts anew. Acknowledge only once you know that this is acceptable.
    """
    with_ledger(configured(path), lambda ledger: ledger.acknowledge())
    click.echo("The store is accepted as it is; calls are admitted again.")
