"""The line of a request that nobody known sent says why, and where from; never with what."""

import time
from typing import Any

import httpx
import pytest

from tests.e2e.town import KEY, bearer
from tests.house import Gateway, to, until

SECRET = "gw_canary_8f1d"


def expired() -> dict[str, str]:
    """A token of the town's issuer whose time is over."""
    then = int(time.time()) - 7200
    token = KEY.token(iat=then, exp=then + 60, tenant="acme", scope="calls:make", sub="canary")
    return {"Authorization": f"Bearer {token.decode('ascii')}"}


def line_of(gateway: Gateway, answer: httpx.Response) -> dict[str, Any]:
    """The request's line."""
    request_id = answer.headers["X-Request-ID"]
    (line,) = until(lambda: [x for x in gateway.lines("request") if x["request_id"] == request_id])
    return line


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing"),
        ({"Authorization": f"Basic {SECRET}"}, "malformed"),
        ({"Authorization": f"Bearer {SECRET}"}, "unknown"),
        (expired(), "expired"),
    ],
    ids=["missing", "malformed", "unknown", "expired"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/calls"), ("GET", "/v1/quota"), ("GET", "/v1/calls/abc"), ("POST", "/graphql")],
)
def test_a_401_says_why_and_where_from(
    gateway: Gateway, headers: dict[str, str], reason: str, method: str, path: str
) -> None:
    """Of every door and way in: the metric's word, and the address of the connection. Neither the credential
    nor anything that it says is there."""
    counted = gateway.metric("gateway_auth_failures_total", reason=reason)
    answer = gateway.client.request(method, path, json=to("0204"), headers=headers)
    assert answer.status_code == 401
    line = line_of(gateway, answer)
    assert (line["code"], line["auth_reason"], line["peer_address"]) == (
        *("UNAUTHENTICATED", reason),
        "127.0.0.1",
    )
    assert line["tenant"] is None
    assert gateway.metric("gateway_auth_failures_total", reason=reason) == counted + 1
    log = gateway.log.read_text()
    assert SECRET not in log
    assert "canary" not in log


def test_only_a_401_says_where_from(gateway: Gateway) -> None:
    """Addresses are personal data: whoever is known is named by what the gateway gave him. What lacks a
    scope names it in its code."""
    known = gateway.call("rest", "acme", to("0204"))
    lacking = gateway.call("rest", "acme", to("0204"), **bearer("acme", "calls:read"))
    assert [known.status, lacking.status] == [202, 403]
    for answer in (known, lacking):
        line = line_of(gateway, answer.http)
        assert "peer_address" not in line
        assert "auth_reason" not in line
