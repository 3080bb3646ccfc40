"""The audit trail of a real gateway: one line for each decision on a call, whichever door it came through."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.town import AT_ONCE, DAILY, bearer
from tests.house import (
    DOORS,
    Answer,
    DoorName,
    Gateway,
    configuration,
    open_policy,
    serving,
    tenant,
    to,
    until,
)

CALLEE = "2125550204"
RULED = {
    "destinations": {"allow": ["*", "2125*"], "deny": ["1900*", "2125550999", "212555012*"]},
    "lines": ["desk-7"],
    "presented_caller_ids": ["+1 212*"],
    "options": ["autoAnswer"],
    "cards": ["card-1"],
}


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
    assert line["rules"] == ["suspended: true" if tenant == "asleep" else "scope: calls:make"]
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


@pytest.fixture(scope="module", params=["masked", "full"])
def ruled(request, simulator, tmp_path_factory) -> Iterator[tuple[Gateway, bool]]:
    """A gateway whose tenants have rules of every kind, and whether its audit lines show numbers."""
    directory = tmp_path_factory.mktemp(f"ruled-{request.param}")
    tenants = {
        "acme": tenant("acme", policy=RULED),
        "pinned": tenant("pinned", policy=RULED, customer=42),
        "keyed": tenant("keyed", idempotency="required", policy=open_policy()),
        "spent": tenant("spent", quotas=[DAILY, {"name": "once", "limit": 1, "per": "month"}, AT_ONCE]),
    }
    telemetry = {"audit_numbers": request.param}
    with serving(directory, configuration(directory, simulator.url, tenants, telemetry=telemetry)) as found:
        yield found, request.param == "full"


def body(caller: str = "1234567", callee: str = CALLEE, **more: Any) -> dict[str, Any]:
    """A call; `caller__` and `callee__` fields go into their objects."""
    parties: dict[str, Any] = {"caller": {"number": caller}, "callee": {"number": callee}}
    for name, value in more.items():
        party, _, field = name.rpartition("__")
        (parties[party] if party else parties)[field] = value
    return parties


# tenant, body -> the rules that decided, and the parts of the input that were refused
RULES = {
    "a pattern denies the callee": (
        *("acme", body(callee="19005551234")),
        *(["policy.destinations.deny: 1900*"], ["/callee/number"]),
    ),
    "a whole number is denied": (
        *("acme", body(callee="2125550999")),
        *(["policy.destinations.deny: ********99 (masked)"], ["/callee/number"]),
    ),
    "what is nearly a number denies": (
        *("acme", body(callee="2125550123")),
        *(["policy.destinations.deny: *******12* (masked)"], ["/callee/number"]),
    ),
    "no line is allowed": (
        *("acme", body("desk-8", caller__type="LINE")),
        *(["policy.lines: nothing matches"], ["/caller/number"]),
    ),
    "both parties are denied": (
        *("acme", body("desk-8", "1900123", caller__type="LINE")),
        ["policy.lines: nothing matches", "policy.destinations.deny: 1900*"],
        ["/caller/number", "/callee/number"],
    ),
    "caller ID, options, bounds, lists": (
        "acme",
        body(
            caller__presentedCallerId="12",
            callee__screening=True,
            waitSeconds=31,
            billing={"card": "card-2", "customerId": 7},
        ),
        [
            "policy.presented_caller_ids: nothing matches",
            "policy.options: screening not listed",
            "policy.max_wait_seconds: 30",
            "policy.cards: not listed",
            "policy.customers: not listed",
        ],
        [
            "/caller/presentedCallerId",
            "/callee/screening",
            "/waitSeconds",
            "/billing/card",
            "/billing/customerId",
        ],
    ),
    "another customer than the pinned one": (
        *("pinned", body(billing={"customerId": 43})),
        *(["customer: 42"], ["/billing/customerId"]),
    ),
    "a key is required": ("keyed", body(), ["idempotency: required"], None),
    "faulty input is no rule's": ("acme", body(callee="12-34"), [], ["/callee/number"]),
}


@pytest.mark.parametrize("case", RULES)
@pytest.mark.parametrize("door", DOORS)
def test_a_denial_names_the_rule_that_decided(ruled: tuple[Gateway, bool], door: DoorName, case: str):
    """The key of the configuration and what it says, and which part of the input it refused; a pattern that
    is a number is masked as numbers are. The client hears nothing of the rules."""
    gateway, is_full = ruled
    tenant_name, asked, rules, pointers = RULES[case]
    answer = gateway.call(door, tenant_name, asked)
    line = audited(gateway, answer)
    assert line["decision"] == "deny"
    whole = {"********99 (masked)": "2125550999", "*******12* (masked)": "212555012*"}
    if is_full:
        rules = [whole_of(rule, whole) for rule in rules]
    assert line["rules"] == rules
    assert line.get("pointers") == pointers
    assert "policy." not in json.dumps(answer.body)
    assert "nothing matches" not in json.dumps(answer.body)


def whole_of(rule: str, whole: dict[str, str]) -> str:
    """The rule as it reads where numbers are shown."""
    key, _, told = rule.partition(": ")
    return f"{key}: {whole.get(told, told)}"


@pytest.mark.parametrize("dry", [{}, {"dryRun": True}])
@pytest.mark.parametrize("door", DOORS)
def test_what_is_allowed_names_the_rules_that_grant_it(
    ruled: tuple[Gateway, bool], door: DoorName, dry: dict[str, bool]
):
    """The most specific pattern of each party, once where it is the same, and the options asked for; a line
    is a whole name and masked."""
    gateway, is_full = ruled
    plain = audited(gateway, gateway.call(door, "acme", body(**dry)))
    assert plain["rules"] == ["policy.destinations.allow: *", "policy.destinations.allow: 2125*"]
    more = {"caller__presentedCallerId": "+1 212 555", "callee__autoAnswer": True, **dry}
    line = audited(gateway, gateway.call(door, "acme", body("desk-7", caller__type="LINE", **more)))
    assert line["rules"] == [
        "policy.lines: desk-7" if is_full else "policy.lines: ****-7 (masked)",
        "policy.destinations.allow: 2125*",
        "policy.presented_caller_ids: +1 212*",
        "policy.options: autoAnswer",
    ]
    same = audited(gateway, gateway.call(door, "acme", body("2125550001", **dry)))
    assert same["rules"] == ["policy.destinations.allow: 2125*"]
    assert [told for told in (plain, line, same) if told["decision"] != "allow" or "pointers" in told] == []


def test_a_spent_quota_is_the_rule(ruled: tuple[Gateway, bool]):
    """Its name, and no other's."""
    gateway, _ = ruled
    for _ in DOORS:
        gateway.call("rest", "spent", body())
    for door in DOORS:
        line = audited(gateway, gateway.call(door, "spent", body()))
        assert (line["code"], line["rules"]) == ("QUOTA_EXCEEDED", ["once"])


def test_a_pause_is_the_rule(simulator, tmp_path):
    """The operators' own, which denies every tenant."""
    settings = configuration(tmp_path, simulator.url, {"acme": tenant("acme")}, paused=True)
    with serving(tmp_path, settings) as gateway:
        line = audited(gateway, gateway.call("rest", "acme", body()))
    assert (line["code"], line["rules"]) == ("PAUSED", ["paused: true"])


def test_a_field_named_like_a_number_is_masked(ruled: tuple[Gateway, bool]):
    """A pointer to an unknown field is the client's own text, and may be a number put in the wrong place."""
    gateway, is_full = ruled
    line = audited(gateway, gateway.call("rest", "acme", body(**{"212-555-1234": True})))
    assert line["pointers"] == ["/212-555-1234" if is_full else "/********34"]
