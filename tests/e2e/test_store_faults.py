"""A store that can't be used: a refusal to start that says how to recover, or 503; no dial unrecorded."""

import json
import resource
import subprocess

import httpx
import pytest

from gateway.app.ledger_faults import EMBEDDED_FAULTS
from tests.e2e.town import DAILY
from tests.house import DOORS, Gateway, configuration, number, run, serving, started, stop, tenant, until

COUNTER = "gateway_ledger_errors_total"


def attempt(directory, settings) -> tuple[int, str]:
    """The exit code and standard error of a gateway that is not to start."""
    config = directory / "refused.yaml"
    config.write_text(json.dumps(settings))
    process = run("serve", "--config", str(config), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, told = process.communicate(timeout=30)
        return process.returncode, told
    finally:
        stop(process)


def tenants() -> dict:
    return {"acme": tenant("acme", quotas=[DAILY])}


def errors(gateway: Gateway, kind: str) -> float:
    return gateway.metric(COUNTER, kind=kind)


def test_an_idle_gateway_tells_that_its_store_is_away(tmp_path, simulator):
    """Nobody calls: the look of every second takes the gauge down, which the alert watches, and is counted
    under its kind as long as it fails, which tells why. The kinds are there before."""
    path = tmp_path / "ledger.db"
    with serving(tmp_path, configuration(tmp_path, simulator.url, tenants())) as gateway:
        text = httpx.get(f"{gateway.admin_url}/metrics", trust_env=False).text
        told = {line.partition("{")[2] for line in text.splitlines() if line.startswith(COUNTER)}
        assert told == {f'kind="{kind}"}} 0.0' for kind in EMBEDDED_FAULTS}
        path.rename(tmp_path / "elsewhere.db")
        until(lambda: errors(gateway, "moved") >= 2)
        assert gateway.metric("gateway_ledger_up") == 0
        (tmp_path / "elsewhere.db").rename(path)
        until(lambda: gateway.metric("gateway_ledger_up") == 1)
        assert gateway.metric(COUNTER) == errors(gateway, "moved")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.write_bytes(b"not a database, but long enough to be read as one" * 40), "backup"),
        (lambda path: path.mkdir(), "writable"),
    ],
    ids=["garbage", "directory"],
)
def test_a_file_that_is_no_ledger_is_refused(spoil, says, tmp_path, simulator):
    """Exit 1, one clear line that names the file and says how to recover; the file is left as it was."""
    spoil(tmp_path / "ledger.db")
    before = (tmp_path / "ledger.db").stat()
    code, told = attempt(tmp_path, configuration(tmp_path, simulator.url, tenants()))
    assert code == 1
    assert len(told.strip().splitlines()) == 1
    assert str(tmp_path / "ledger.db") in told
    assert says in told or "accessible" in told
    after = (tmp_path / "ledger.db").stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize("place", ["/proc/ledger.db", "{}/not/there/ledger.db"])
def test_a_place_that_can_not_be_written_is_refused(place, tmp_path, simulator):
    """Exit 1 and what to do about the directory."""
    store = {"url": f"sqlite://{place.format(tmp_path)}"}
    code, told = attempt(tmp_path, configuration(tmp_path, simulator.url, tenants(), store=store))
    assert code == 1
    assert "writable" in told or "create it" in told


def test_a_damaged_ledger_is_refused(tmp_path, simulator):
    """A ledger with overwritten pages is not served from: the text says what that would lose."""
    settings = configuration(tmp_path, simulator.url, tenants())
    with serving(tmp_path, settings) as gateway:
        for index in range(40):
            gateway.call(DOORS[index % 2], "acme", number(), f"k{index}")
    path = tmp_path / "ledger.db"
    data = bytearray(path.read_bytes())
    for offset in range(4096, len(data), 4096):
        data[offset : offset + 200] = b"\xff" * 200
    path.write_bytes(data)
    code, told = attempt(tmp_path, settings)
    assert code == 1
    assert len(told.strip().splitlines()) == 1
    assert "backup" in told


def test_one_file_has_one_gateway(tmp_path, simulator):
    """A second gateway over the same file is told who has it."""
    settings = configuration(tmp_path, simulator.url, tenants())
    with serving(tmp_path, settings) as gateway:
        code, told = attempt(tmp_path, settings)
        assert code == 1
        assert str(gateway.process.pid) in told


def test_a_full_disk_dials_nothing(tmp_path, simulator):
    """Where the ledger can't grow, calls are 503 and not dialled; with room again they go on, and what
    was refused was not charged."""
    settings = configuration(tmp_path, simulator.url, tenants())
    with serving(tmp_path, settings) as gateway:
        while (tmp_path / "ledger.db-wal").stat().st_size < 200_000:
            assert gateway.call("rest", "acme", number()).status == 202
        left, dials = gateway.remaining("acme"), len(simulator.dials())
        full = (tmp_path / "ledger.db-wal").stat().st_size
        assert gateway.log.stat().st_size + 50_000 < full
        _, hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (full, hard))
        for door in DOORS:
            for _ in range(3):
                answer = gateway.call(door, "acme", number(), f"full-{door}")
                assert (answer.code, answer.call_state) == ("STORE_UNAVAILABLE", "UNKNOWN")
        assert len(simulator.dials()) == dials
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        until(lambda: gateway.call("rest", "acme", number(), "full-rest").status == 202)
        assert len(simulator.dials()) == dials + 1
        until(lambda: gateway.remaining("acme")["daily"] == left["daily"] - 1)


def test_a_bad_configuration_is_refused_with_every_fault(tmp_path, simulator):
    """Exit 2, each fault on a line of its own with its place, before anything is opened."""
    settings = configuration(tmp_path, simulator.url, tenants())
    settings["pause"] = True
    settings["tenants"]["acme"]["quotas"] = [{"name": "x", "limit": 0, "per": "fortnight"}]
    code, told = attempt(tmp_path, settings)
    assert code == 2
    assert "did you mean" in told
    assert len(told.strip().splitlines()) >= 3
    assert not (tmp_path / "ledger.db").exists()


def test_restarting_keeps_everything(tmp_path, simulator):
    """Records, keys and charges are there after an orderly restart."""
    settings = configuration(tmp_path, simulator.url, tenants())
    with serving(tmp_path, settings) as gateway:
        told = gateway.call("rest", "acme", number(), "kept")
    with started(gateway.config, tmp_path / "again.log") as again:
        replay = again.call("rest", "acme", number(), "kept")
        assert (replay.replayed, replay.call) == (True, told.call)
        assert again.remaining("acme") == {"daily": 999}


@pytest.mark.parametrize("door", DOORS)
def test_the_request_line_says_which_fault_the_store_had(door, tmp_path, simulator):
    """Of a call that was answered with STORE_UNAVAILABLE; no other line has it, and no client hears it."""
    path = tmp_path / "ledger.db"
    with serving(tmp_path, configuration(tmp_path, simulator.url, tenants())) as gateway:
        assert gateway.call(door, "acme", number()).code is None
        path.rename(tmp_path / "elsewhere.db")
        answer = gateway.call(door, "acme", number())
        assert answer.code == "STORE_UNAVAILABLE"
        assert "moved" not in answer.http.text
        before, line = until(lambda: gateway.lines("request")[1:] and gateway.lines("request"))
        assert (line["code"], line["ledger_error"]) == ("STORE_UNAVAILABLE", "moved")
        assert "ledger_error" not in before
