"""Each kind of fault that a ledger's code can tell has its series from the start."""

import ast
from pathlib import Path

import pytest

import gateway.ledger
from gateway.app.ledger_faults import EMBEDDED_FAULTS, SHARED_FAULTS
from gateway.ledger.redis import store
from gateway.ledger.sqlite import file

ROOM = Path(gateway.ledger.__file__).parent
RAISED = {"StoreUnavailable", "Doubtful", "NotSent", "Unanswered", "_end"}
ONLY_AT_START = {"locked", "schema", "not_serving"}
"""A gateway that meets these does not serve, and has no metrics."""


def kinds_in(engine: str) -> set[str]:
    """The kinds that stand literally in an engine's code."""
    calls = [
        node
        for path in (ROOM / engine).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and node.args
    ]
    named = {
        node.args[0].value: node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in calls
        if isinstance(node.func, ast.Attribute | ast.Name) and isinstance(node.args[0], ast.Constant)
    }
    return {kind for kind, name in named.items() if name in RAISED}


@pytest.mark.parametrize(
    ("engine", "listed", "computed"),
    [
        ("sqlite", EMBEDDED_FAULTS, {kind for kind, _ in file._TROUBLES.values()} | {"error"}),
        ("redis", SHARED_FAULTS, {code.lower() for code in store._DID_NOTHING} | {"auth", "refused"}),
    ],
)
def test_every_kind_is_listed(engine: str, listed: tuple[str, ...], computed: set[str]) -> None:
    """And nothing else is; no more than the metric keeps apart."""
    found = kinds_in(engine)
    assert len(found) >= 5
    assert found | computed == set(listed) | (found & ONLY_AT_START)
    assert len(listed) < 40
