"""Rotations and edits while calls are made: none of them costs a call."""

from collections import Counter

import pytest

from tests.house import tenant, until
from tests.reload.conftest import PAIRS
from tests.reload.live import live
from tests.replicas.load import body_of, callee_of, door_of, load

TIMES = 20
LIMIT = 100_000


@pytest.mark.serial
def test_twenty_rotations_and_twenty_edits_cost_no_call(simulator, tmp_path):
    """Under load through both doors every call is requested and dialled once, with one pair whole; both
    pairs are used, and a quota has counted every call though its limit was edited each time."""
    simulator.clear()
    quota = {"name": "daily", "limit": LIMIT, "per": "day"}
    tenants = {"acme": tenant("acme", quotas=[quota])}
    pairs = list(PAIRS.items())
    with live(tmp_path, simulator.url, tenants) as house:

        def ask(n: int):
            return house.gateway.call(door_of(n), "acme", body_of(n), f"key-{n}")

        with load(ask) as asked:
            for turn in range(TIMES):
                before = house.reloads(), len(asked)
                house.rotate(*pairs[(turn + 1) % 2])
                until(lambda b=before: house.reloads() > b[0] and len(asked) > b[1])

                def edit(settings, turn=turn):
                    settings["tenants"]["acme"]["quotas"][0]["limit"] = LIMIT + turn + 1
                    settings["tenants"][f"new-{turn}"] = tenant(f"new-{turn}")

                house.edit_and_wait(edit)
        assert Counter(each.told for each in asked).keys() == {"202 None", "200 None"}
        dials = [dict(dial["params"]) for dial in simulator.dials()]
        assert sorted(dial["cnumber"] for dial in dials) == sorted(callee_of(each.number) for each in asked)
        used = Counter((dial["auth_username"], dial["auth_password"]) for dial in dials)
        assert set(used) == set(pairs)
        assert house.gateway.remaining("acme") == {"daily": LIMIT + TIMES - len(asked)}
        assert house.gateway.metric("gateway_config_last_reload_successful") == 1
        new = house.gateway.call("rest", f"new-{TIMES - 1}", body_of(0))
        assert new.status == 202
