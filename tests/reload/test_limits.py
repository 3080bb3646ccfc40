"""Limits that a reload did not change stay what they were, for the ledger knows them by identity."""

import json
from pathlib import Path

from gateway.app.house import tenants_of
from gateway.settings.load import load
from tests.house import configuration, tenant

DAILY = {"name": "daily", "limit": 5, "per": "day"}


def test_only_changed_limits_are_new_ones(tmp_path: Path) -> None:
    """Of each tenant by itself; a tenant that is new has its own."""

    def built(limits, **quotas):
        tenants = {name: tenant(name, quotas=asked) for name, asked in quotas.items()}
        config = tmp_path / "gateway.yaml"
        config.write_text(json.dumps(configuration(tmp_path, "http://127.0.0.1:1", tenants)))
        return {name: made.limits for name, made in tenants_of(load(config), limits).items()}

    before = built({}, acme=[DAILY], bravo=[DAILY])
    after = built(before, acme=[DAILY], bravo=[DAILY | {"limit": 6}], coda=[DAILY])
    assert after["acme"] is before["acme"]
    assert after["bravo"] is not before["bravo"]
    assert [limit.limit for limit in after["bravo"]] == [6]
    assert after["coda"] == after["acme"]
