"""`gateway schema`: the generated files under schema/."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click


def _sdl() -> str:
    from gateway.doors.graphql import sdl  # noqa: PLC0415 - each producer is heavy

    return sdl().rstrip() + "\n"


def _openapi() -> str:
    from gateway.doors.openapi import openapi  # noqa: PLC0415

    return _json(openapi())


def _config() -> str:
    from gateway.settings.model import json_schema  # noqa: PLC0415

    return _json(json_schema())


def _json(tree: object) -> str:
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


PRODUCERS: Final[tuple[tuple[str, Callable[[], str]], ...]] = (
    ("schema.graphql", _sdl),
    ("openapi.json", _openapi),
    ("config.schema.json", _config),
)
"""Each generated file and what makes its text."""


@click.command()
@click.option("--check", "is_check", is_flag=True, help="Write nothing; fail where a file is stale.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("schema"),
    show_default=True,
    help="Where the files are.",
)
def schema(is_check: bool, directory: Path) -> int:
    """Write the generated schemas anew.

    They are schema.graphql, openapi.json and config.schema.json (for editors); all come from the code.
    """
    stale = [
        (directory / name, text) for name, make in PRODUCERS if _read(directory / name) != (text := make())
    ]
    if is_check and stale:
        names = ", ".join(str(path) for path, _ in stale)
        raise click.ClickException(f"stale: {names}. Run `gateway schema` and commit what it writes.")
    for path, text in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path}")
    return 0


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
