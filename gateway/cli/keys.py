"""`gateway keys`."""

import hashlib
import re
import secrets
from typing import Final

import click

PREFIX: Final = "gw_"
"""Marks an API key of this gateway, for people and for scanners that look for leaked secrets."""

_KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@click.group()
def keys() -> None:
    """Make API keys."""


@keys.command()
@click.option("--tenant", required=True, metavar="NAME", help="The tenant that the key is for.")
def new(tenant: str) -> None:
    """Print a fresh API key, and the YAML to paste.

    The key stands alone on the first line and is shown only now; the configuration holds its SHA-256.
    """
    if _NAME.fullmatch(tenant) is None:
        raise click.UsageError(
            "A tenant's name is 1 to 64 letters, digits, dots, underscores or hyphens, and begins with one "
            "of the first two."
        )
    key = PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    digest = hashlib.sha256(key.encode()).hexdigest()
    click.echo(key)
    click.echo(f'- id: key-{digest[:8]}\n  sha256: "{digest}"')
    click.echo(f"Hand out the first line; paste the others under tenants.{tenant}.api_keys.", err=True)
