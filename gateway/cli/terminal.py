"""What several commands share: the option --config, spans of time, and a ledger to work on."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

from gateway.ledger import Ledger, StoreUnavailable

if TYPE_CHECKING:
    from gateway.settings.model import Settings

T = TypeVar("T")

_IN_MEMORY: Final = "sqlite://:memory:"

config_option = click.option(
    "--config",
    "path",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="The configuration, a YAML file.",
)

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Span(click.ParamType[int]):
    """A span of time such as 90s, 30m, 24h or 7d, as microseconds."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Microseconds; fails the command where the text is no span."""
        found = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", str(value))
        if found is None:
            self.fail(f"{value!r} is no span of time: write one such as 90s, 30m, 24h or 7d", param, ctx)
        return int(found[1]) * _SECONDS[found[2]] * 1_000_000


def configured(path: Path) -> "Settings":
    """The settings in the file. Raises BadConfiguration."""
    from gateway.settings.load import load  # noqa: PLC0415 - pydantic is slow to start

    return load(path)


def with_ledger(settings: "Settings", work: Callable[[Ledger], Awaitable[T]]) -> T:
    """Do the work on the ledger that the settings name, beside a gateway that may be serving.

    Raises ClickException (exit 1) where the store does not answer.
    """
    if settings.store.url == _IN_MEMORY:
        raise click.ClickException(
            f"store.url is {_IN_MEMORY}: only the gateway that serves has the records, ask its GET /v1/calls"
        )
    from gateway.app import open_ledger  # noqa: PLC0415 - heavy, and --help needs none of it

    async def run() -> T:
        async with open_ledger(settings, serving=False) as ledger:
            return await work(ledger)

    try:
        return asyncio.run(run())
    except StoreUnavailable as fault:
        raise click.ClickException(f"the store is unavailable: {fault}") from None
