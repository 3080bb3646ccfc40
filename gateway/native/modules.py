"""Which modules are compiled: those that every call passes, but for those that can't be."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_ROOMS: Final = (
    "access/__init__.py",
    "access/principal.py",
    "access/verify.py",
    "call/*.py",
    "doors/*.py",
    "doors/graphql/*.py",
    "errors.py",
    "ledger/*.py",
    "ledger/sqlite/*.py",
    "ledger/redis/*.py",
    "legacy/*.py",
    "place_call/*.py",
    "policy.py",
    "random_bytes.py",
    "records.py",
    "telemetry/*.py",
    "tenant.py",
    "upstream/*.py",
    "wire/*.py",
)
GROUP: Final = "gateway_native"
"""The extension module that holds the code of all: they call each other without a look into a dictionary."""

_READ_AT_RUN_TIME: Final = ("doors/graphql/inputs.py", "doors/graphql/schema.py", "doors/graphql/shapes.py")
"""Strawberry reads what they declare."""

_COLD: Final = (
    "call/parameters.py",
    "doors/admin.py",
    "doors/openapi.py",
    "doors/openapi_schemas.py",
    "doors/pages.py",
    "doors/graphql/resolvers.py",
    "ledger/redis/address.py",
    "ledger/redis/cursor.py",
    "ledger/redis/epoch.py",
    "ledger/redis/memory.py",
    "ledger/redis/recovery.py",
    "ledger/redis/scripts.py",
    "ledger/sqlite/file.py",
    "ledger/sqlite/listing.py",
    "ledger/sqlite/purge.py",
    "ledger/sqlite/schema.py",
    "ledger/errands.py",
    "ledger/journal.py",
    "ledger/spool.py",
    "ledger/turns.py",
    "telemetry/instruments.py",
    "telemetry/scrape.py",
    "telemetry/table.py",
    "wire/connect.py",
    "wire/tls.py",
)
"""Few calls pass them, or only a line of theirs: no gain that would be worth the compiler's minutes."""

_OF_LIBRARIES: Final = (
    "doors/cors.py",
    "doors/cycle.py",
    "doors/server.py",
    "legacy/literal.py",
    "telemetry/export.py",
    "telemetry/logs.py",
    "wire/transport.py",
)
"""What they are is classes of libraries or of Python's, extended; these stay what they are."""


def compiled(package: Path) -> Iterator[Path]:
    """The modules of the gateway in the directory `package` that are compiled."""
    left = {package / name for name in _READ_AT_RUN_TIME + _COLD + _OF_LIBRARIES}
    for room in _ROOMS:
        for path in sorted(package.glob(room)):
            if path not in left:
                yield path


def shared_names(source: str) -> list[str]:
    """Names that two `except ... as` of one function give, as `function: name`.

    mypyc 2.4 takes the type of the first for the type of both, and refuses the second one's exception.
    """
    return [
        f"{function.name}: {name}"
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for name, times in Counter(
            node.name for node in ast.walk(function) if isinstance(node, ast.ExceptHandler) and node.name
        ).items()
        if times > 1
    ]


__all__ = ["GROUP", "compiled", "shared_names"]
