"""`gateway check`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from gateway.cli.terminal import config_option


@click.command()
@config_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text: one line for each finding; json: a list of {file,line,column,path,severity,message}.",
)
def check(path: Path, form: str) -> int:
    """Judge a configuration without starting anything.

    Tells every fault at once as FILE:LINE:COLUMN: path: what is wrong, and what would be right. Reads
    the files that the configuration names, but asks no network. Warnings leave the exit status 0,
    faults make it 2.
    """
    from gateway.settings.load import examine  # noqa: PLC0415 - pydantic is slow to start

    settings, findings = examine(path)
    faults = sum(finding.severity == "error" for finding in findings)
    if form == "json":
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(str(finding))
    if settings is None:
        click.echo(f"gateway check: {path}: {faults} {'fault' if faults == 1 else 'faults'}", err=True)
        return 2
    if form == "text":
        click.echo(f"{path}: ok")
    return 0
