"""Patterns that lose everywhere, or match nothing, keep no gateway down: they allow nothing."""

import json

import pytest

from tests.cli.running import gateway as command
from tests.house import configuration, serving, tenant

QUOTAS = [{"name": "daily", "limit": 1000, "per": "day"}]
DESTINATIONS = {
    "tied": {"allow": ["380*", "1*"], "deny": ["380*"]},
    "muted": {"deny": ["1900*"]},
    "lettered": {"allow": ["abc*", "1*"]},
}
CALLERS = {"lines": ["desk 1", "desk-1"], "presented_caller_ids": ["#1"]}
WARNED = [
    "tenants.tied.policy.destinations.allow[0]: warning: is unreachable",
    "tenants.muted.policy.destinations.deny: warning: denies what nothing allows",
    "tenants.lettered.policy.destinations.allow[0]: warning: can never match",
    "tenants.lettered.policy.lines[0]: warning: can never match",
    "tenants.lettered.policy.presented_caller_ids[0]: warning: can never match",
]


@pytest.fixture(scope="module")
def settings(simulator, tmp_path_factory):
    """Three tenants with destinations that are doubtful."""
    policies = {name: {"destinations": destinations} for name, destinations in DESTINATIONS.items()}
    policies["lettered"] |= CALLERS
    tenants = {name: tenant(name, policy=policy, quotas=QUOTAS) for name, policy in policies.items()}
    return configuration(tmp_path_factory.mktemp("patterns"), simulator.url, tenants)


@pytest.fixture(scope="module")
def doubtful(settings, tmp_path_factory):
    """A gateway that serves them."""
    with serving(tmp_path_factory.mktemp("doubtful"), settings) as found:
        yield found


def test_they_are_warned_of(settings, tmp_path):
    """`check` tells each as a warning, and is content."""
    path = tmp_path / "gateway.yaml"
    path.write_text(json.dumps(settings, indent=1))

    done = command("check", "--config", path)

    *warnings, last = done.stdout.splitlines()
    assert (done.returncode, done.stderr, last) == (0, "", f"{path}: ok")
    assert len(warnings) == len(WARNED)
    assert [wanted for wanted in WARNED if not any(wanted in told for told in warnings)] == []


@pytest.mark.parametrize(
    ("tenant_name", "callee", "may"),
    [
        ("tied", "380441234567", False),
        ("tied", "12125550204", True),
        ("muted", "19005550204", False),
        ("muted", "12125550204", False),
        ("lettered", "12125550204", True),
        ("lettered", "380441234567", False),
    ],
)
def test_a_gateway_serves_with_them(door, doubtful, simulator, tenant_name, callee, may):
    """Deny wins the tie and what no pattern allows is refused; the others are dialled."""
    before = len(simulator.dials(callee))
    body = {"caller": {"number": "1234567"}, "callee": {"number": callee}}

    answer = doubtful.call(door, tenant_name, body)

    assert answer.code == (None if may else "DESTINATION_NOT_ALLOWED")
    assert len(simulator.dials(callee)) - before == may
