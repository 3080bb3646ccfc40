"""The house's own rules, held by the gate."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

GATEWAY = Path(__file__).parent.parent / "gateway"

FLOORS = {
    "errors": 0,
    "telemetry": 0,
    "simulator": 0,
    "__init__": 0,
    "values": 0,
    "random_bytes": 0,
    "json_decoder": 0,
    "call": 1,
    "policy": 1,
    "ledger": 1,
    "settings": 1,
    "tenant": 1,
    "legacy": 2,
    "wire": 2,
    "ledger.sqlite": 2,
    "ledger.redis": 2,
    "ledger.errands": 2,
    "ledger.journal": 2,
    "ledger.spool": 2,
    "upstream": 3,
    "access": 3,
    "records": 4,
    "place_call": 4,
    "doors": 5,
    "app": 6,
    "demo": 6,
    "cli": 7,
    "native": 7,
    "__main__": 7,
}
"""Room -> floor. Imports point down, or stay on their floor."""


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(GATEWAY.rglob("*.py")):
        name = ".".join(path.relative_to(GATEWAY).with_suffix("").parts).removesuffix(".__init__")
        yield name, path


def _room(module: str) -> str:
    parts = module.split(".")
    two = ".".join(parts[:2])
    return two if two in FLOORS else parts[0]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("gateway."):
            yield node.module.removeprefix("gateway.")
        elif isinstance(node, ast.Import):
            yield from (a.name.removeprefix("gateway.") for a in node.names if a.name.startswith("gateway."))


def test_imports_point_down() -> None:
    """No room imports from a floor above its own."""
    upward = [
        f"{name} (floor {FLOORS[_room(name)]}) imports {target} (floor {FLOORS[_room(target)]})"
        for name, path in _modules()
        for target in _imports(path)
        if FLOORS[_room(target)] > FLOORS[_room(name)]
    ]
    assert not upward


def test_the_simulator_is_an_independent_witness() -> None:
    """The simulator imports nothing of the gateway's other rooms."""
    foreign = [
        (name, target)
        for name, path in _modules()
        if _room(name) == "simulator"
        for target in _imports(path)
        if _room(target) != "simulator"
    ]
    assert not foreign


def test_modules_and_functions_are_small() -> None:
    """At most 250 lines a module and 40 a function, so that each can be read whole."""
    large = []
    for name, path in _modules():
        text = path.read_text()
        if len(text.splitlines()) > 250:
            large.append(f"{name}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                lines = node.end_lineno - node.lineno + 1
                if lines > 40:
                    large.append(f"{name}.{node.name}: {lines} lines")
    assert not large


def test_what_only_tokens_take_is_not_imported_without_an_issuer() -> None:
    """Cryptography is ten megabytes and a fifteenth of the start."""
    code = "import sys, gateway.app.gateway; print({'jwt', 'cryptography'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
