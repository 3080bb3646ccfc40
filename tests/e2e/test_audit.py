"""The audit trail of a real gateway: one line for each decision on a call, whichever door it came through."""

from typing import Any

import pytest

from tests.e2e.town import bearer
from tests.house import Answer, DoorName, Gateway, to, until


def audited(gateway: Gateway, answer: Answer) -> dict[str, Any]:
    """The one audit line of an answered request; its `request` line, which follows, shows that it is the
    only one."""
    request_id = answer.http.headers["X-Request-ID"]

    def told() -> list[dict[str, Any]]:
        lines = [line for line in gateway.lines() if line.get("request_id") == request_id]
        return lines if any(line["event"] == "request" for line in lines) else []

    (line,) = (line for line in until(told) if line["event"] == "audit")
    assert line["door"] == answer.door
    return line


@pytest.mark.parametrize("dry", [{}, {"dryRun": True}])
@pytest.mark.parametrize(
    ("tenant", "headers", "code", "key_id"),
    [
        ("asleep", {}, "TENANT_SUSPENDED", "crm"),
        ("acme", bearer("acme", "calls:read"), "INSUFFICIENT_SCOPE", None),
    ],
)
def test_who_may_make_no_calls_is_a_denial(
    gateway: Gateway, door: DoorName, tenant: str, headers: dict[str, str], code: str, key_id: str, dry: Any
):
    """Suspension and a missing scope are decided before anything of the call is read; the line says who
    asked, and that nothing was spent or recorded."""
    answer = gateway.call(door, tenant, to("0204", **dry), "k-audit", **headers)
    assert answer.code == code
    line = audited(gateway, answer)
    assert (line["decision"], line["code"]) == ("deny", code)
    assert (line["tenant"], line["key_id"]) == (tenant, key_id)
    assert line["subject"]
    assert (line["call_id"], line["quotas"]) == (None, [])
    assert (line["caller_number"], line["callee_number"]) == ("", "")


def test_a_permitted_dry_run_is_allowed_and_marked(gateway: Gateway, door: DoorName):
    """It can't be taken for a call that was admitted: `dry_run` stands there, with no record and no charge,
    and the quotas' metric does not count it."""
    counted = gateway.metric("gateway_quota_decisions_total", tenant="acme", decision="admitted")
    answer = gateway.call(door, "acme", to("0204", dryRun=True))
    assert answer.status == 200
    line = audited(gateway, answer)
    assert (line["decision"], line["code"], line["dry_run"]) == ("allow", None, True)
    assert (line["call_id"], line["quotas"]) == (None, [])
    assert line["callee_number"] == "********04"
    assert gateway.metric("gateway_quota_decisions_total", tenant="acme", decision="admitted") == counted


@pytest.mark.parametrize(
    ("tenant", "number", "code"),
    [("nobody", "2125550204", "DESTINATION_NOT_ALLOWED"), ("acme", "x", "INVALID_INPUT")],
)
def test_a_denied_dry_run_is_marked_too(
    gateway: Gateway, door: DoorName, tenant: str, number: str, code: str
):
    """By policy, and where the body is faulty."""
    body = {"caller": {"number": "1234567"}, "callee": {"number": number}, "dryRun": True}
    line = audited(gateway, gateway.call(door, tenant, body))
    assert (line["decision"], line["code"], line["dry_run"]) == ("deny", code, True)


def test_a_call_is_not_marked_as_a_dry_run(gateway: Gateway, door: DoorName):
    """Admitted, replayed, denied: one line each, without the mark."""
    made = [
        audited(gateway, gateway.call(door, "acme", to("0204"), f"audit-{door}")),
        audited(gateway, gateway.call(door, "acme", to("0204"), f"audit-{door}")),
        audited(gateway, gateway.call(door, "nobody", to("0204"))),
    ]
    assert [line["decision"] for line in made] == ["allow", "replay", "deny"]
    assert made[0]["call_id"] == made[1]["call_id"]
    assert [line for line in made if "dry_run" in line] == []
