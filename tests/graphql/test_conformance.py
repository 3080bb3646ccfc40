"""Conformance, judged by others: the audits of graphql-http, and graphql-js reading our schema."""

from typing import Any, cast

import pytest

from gateway.doors.graphql import sdl
from tests.graphql.conftest import Door
from tests.node.runtime import Node, installed_node


@pytest.fixture(scope="module")
def node() -> Node:
    """Node.js with the locked packages."""
    return installed_node()


def test_every_audit_of_graphql_over_http_passes(door: Door, node: Node) -> None:
    """All 61 audits of graphql-http are ok: none warns, notices or fails."""
    results = cast("list[dict[str, Any]]", node.run("audits.mjs", door.url, "Bearer good"))
    assert len(results) == 61
    assert [result for result in results if result["status"] != "ok"] == []


def test_graphql_js_accepts_the_schema(node: Node) -> None:
    """The reference implementation builds our SDL without a fault and sees the whole union."""
    read = cast("dict[str, Any]", node.run("schema.mjs", given=sdl()))
    assert read["faults"] == []
    assert read["unions"] == {
        "MakeCallResult": [
            "CallRequested",
            "CallTranslated",
            "InvalidCallInput",
            "CallNotPermitted",
            "CallQuotaExceeded",
            "CallIdempotencyConflict",
            "CallUpstreamUnavailable",
            "CallUpstreamRefused",
            "CallOutcomeUnknown",
        ]
    }
