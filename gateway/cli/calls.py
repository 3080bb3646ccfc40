"""`gateway calls`: what the ledger holds, and an operator's verdict on what is unknown."""

import json
import os
import pwd
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final, Literal

import click

from gateway.call import CallRecord, Outcome, Status, requested
from gateway.cli.terminal import Span, config_option, configured, with_ledger
from gateway.ledger import Ledger

PAGE: Final = 100
"""Records asked for at once: the port's own most."""

NOT_PLACED: Final = Outcome(Status.NOT_PLACED, 503, error_type="resolved")
"""An operator's verdict. No code: no upstream or gateway fault is known, and its key is free again."""

_COLUMNS: Final = (
    "requested at",
    "tenant",
    "id",
    "status",
    "caller",
    "callee",
    "reference",
    "client reference",
)
_WIDTHS: Final = (24, 16, 36, 11, 16, 16, 32, 0)


@click.group()
def calls() -> None:
    """List call records, and settle unknown ones."""


@calls.command("list")
@config_option
@click.option(
    "--outcome",
    type=click.Choice([status.value.lower() for status in Status], case_sensitive=False),
    help="Only calls that came to this.",
)
@click.option("--since", "since_us", type=Span(), metavar="SPAN", help="Only the last 90s, 30m, 24h or 7d.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="json: a list of call objects, each with its `tenant`.",
)
@click.option(
    "--show-numbers", is_flag=True, help="Show whole phone numbers, not only their last two digits."
)
def list_(path: Path, outcome: str | None, since_us: int | None, form: str, show_numbers: bool) -> None:
    """List call records across tenants, newest first.

    `--outcome unknown` finds the calls to reconcile with the switch's own records; `gateway calls
    resolve` then writes the verdict down.
    """
    status = None if outcome is None else Status(outcome.upper())
    earliest_us = None if since_us is None else time.time_ns() // 1000 - since_us

    async def work(ledger: Ledger) -> None:
        records = every_record(ledger, status, earliest_us)
        await (print_json if form == "json" else print_table)(records, show_numbers, click.echo)

    with_ledger(configured(path), work)


async def every_record(
    ledger: Ledger, status: Status | None, since_us: int | None
) -> AsyncIterator[CallRecord]:
    """The records of all tenants, newest first, page by page; `since_us` is an instant."""
    cursor: str | None = None
    while True:
        page = await ledger.list(None, status=status, limit=PAGE, cursor=cursor, since_us=since_us)
        for record in page.records:
            yield record
        cursor = page.next_cursor
        if cursor is None:
            return


async def print_json(
    records: AsyncIterator[CallRecord], show_numbers: bool, write: Callable[[str], None]
) -> None:
    """A JSON list, one call object a line."""
    separator = "["
    async for record in records:
        write(separator + json.dumps(_shown(record, show_numbers)))
        separator = ","
    write("]" if separator == "," else "[]")


async def print_table(
    records: AsyncIterator[CallRecord], show_numbers: bool, write: Callable[[str], None]
) -> None:
    """Columns for people; a column that is too narrow for its text moves the rest, and cuts nothing."""
    head = _line([name.upper() for name in _COLUMNS]) + "\n"
    async for record in records:
        # Not before the first record is there: what can't be listed has no head either.
        write(head + _row(record, show_numbers))
        head = ""
    if head:
        write(head.rstrip())


def _row(record: CallRecord, show_numbers: bool) -> str:
    shown = _shown(record, show_numbers)
    reference = record.outcome.reference
    parts = () if reference is None else (reference.machine, reference.server, reference.call_id)
    return _line(
        [
            str(shown["requestedAt"]),
            record.tenant,
            record.call_id,
            str(shown["status"]),
            str(shown["callerNumber"]),
            str(shown["calleeNumber"]),
            "/".join("-" if part is None else str(part) for part in parts) or "-",
            _one_line(record.client_reference or "-"),
        ]
    )


def _line(cells: list[str]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _one_line(text: str) -> str:
    # The client's own text must neither break a row nor speak to the terminal.
    return "".join(one if one.isprintable() else "?" for one in text)


def _shown(record: CallRecord, show_numbers: bool) -> dict[str, object]:
    """The call object that the doors give, with its tenant."""
    from gateway.doors.views import call_view  # noqa: PLC0415 - heavy, and --help needs none of it
    from gateway.telemetry.masking import mask  # noqa: PLC0415

    view: dict[str, object] = {"tenant": record.tenant, **call_view(record)}
    if not show_numbers:
        view["callerNumber"], view["calleeNumber"] = mask(record.caller_number), mask(record.callee_number)
    return view


@calls.command()
@click.argument("call_id", metavar="ID")
@config_option
@click.option("--requested", "was_requested", is_flag=True, help="The switch did place it: it stays charged.")
@click.option(
    "--not-placed",
    "was_not_placed",
    is_flag=True,
    help="The switch never placed it: its charge is refunded and its idempotency key released.",
)
@click.option("--operator", metavar="NAME", help="Who decides, for the audit line; else the system's user.")
def resolve(
    call_id: str, path: Path, was_requested: bool, was_not_placed: bool, operator: str | None
) -> None:
    """Write an operator's verdict on a call whose outcome is unknown.

    Give one of --requested and --not-placed. Prints the audit line, which stands nowhere else. Fails with
    status 1 where no unknown call has that ID.
    """
    if was_requested == was_not_placed:
        raise click.UsageError("Give one of --requested and --not-placed.")
    settings = configured(path)
    verdict = requested(None) if was_requested else NOT_PLACED
    settlement = with_ledger(settings, lambda ledger: ledger.resolve(call_id, verdict))
    if settlement is None:
        raise click.ClickException(f"no call with an unknown outcome has the ID {call_id!r}.")
    line = audit_line(settlement.record, settings.telemetry.audit_numbers, operator or system_user())
    click.echo(line, nl=False)


def audit_line(record: CallRecord, numbers: Literal["masked", "full"], operator: str) -> bytes:
    """One JSON line: who decided what, and when."""
    from gateway.telemetry.lines import encode, now  # noqa: PLC0415 - as above
    from gateway.telemetry.masking import mask  # noqa: PLC0415

    show = mask if numbers == "masked" else str
    return encode(
        {
            "event": "audit",
            "time": now(),
            "level": "info",
            "decision": "resolve",
            "operator": operator,
            "tenant": record.tenant,
            "call_id": record.call_id,
            "outcome": record.status.value,
            "caller_number": show(record.caller_number),
            "callee_number": show(record.callee_number),
        }
    )


def system_user() -> str:
    """The name of the user whose process this is, or what stands for it where, as in a container, he has
    none: $USER, else his number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return os.environ.get("USER") or str(os.getuid())
