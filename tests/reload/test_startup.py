"""What a gateway reads anew besides what its watch notices."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx

from tests.house import configuration, number, started, tenant, until
from tests.ledger.valkey import Valkey, free_port
from tests.reload.live import live


def _is_starting(admin_port: int) -> bool:
    try:
        answer = httpx.get(f"http://127.0.0.1:{admin_port}/readyz", trust_env=False)
    except httpx.ConnectError:
        return False
    assert answer.status_code == 503
    return True


def test_a_change_during_the_start_is_not_missed(simulator, tmp_path):
    """A tenant that is suspended after the file was read and before the gateway serves, is suspended."""
    store = Valkey(tmp_path / "valkey").start()
    admin_port = free_port()
    settings = configuration(
        tmp_path,
        simulator.url,
        {"acme": tenant("acme")},
        admin={"port": admin_port},
        store={"url": store.url, "spool_directory": str(tmp_path / "spool"), "connect_timeout_ms": 10_000},
    )
    config = tmp_path / "gateway.yaml"
    config.write_text(json.dumps(settings))
    try:
        with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
            with store.paused():  # which holds the start where the file has been read
                starting = pool.submit(stack.enter_context, started(config, tmp_path / "gateway.log"))
                until(lambda: _is_starting(admin_port))
                settings["tenants"]["acme"]["suspended"] = True
                config.write_text(json.dumps(settings))
            gateway = starting.result(30)
            until(lambda: gateway.call("rest", "acme", number()).code == "TENANT_SUSPENDED")
    finally:
        store.stop()


def test_a_hangup_reloads(simulator, tmp_path):
    """SIGHUP reads everything anew, though no file has changed."""
    with live(tmp_path, simulator.url, {"acme": tenant("acme")}) as house:
        assert house.reloads() == 0
        house.gateway.process.send_signal(signal.SIGHUP)
        until(lambda: house.reloads() == 1)
        assert house.gateway.call("rest", "acme", number()).status == 202
