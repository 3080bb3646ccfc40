"""`gateway calls`, on a real ledger file beside the one that serves."""

import asyncio
import json
import os
import pwd
import time
from pathlib import Path

import pytest

from gateway.call import Outcome, requested, unknown
from gateway.call.outcome import Reference
from gateway.cli.calls import system_user
from gateway.ledger import Admitted, Claim, Limit, Per
from gateway.ledger.sqlite import SqliteLedger
from tests.cli.running import gateway
from tests.settings.files import GOOD, write_config

HOUR_US = 3_600_000_000
LIMITS = (Limit("daily", 1000, Per.DAY),)
WHOLE = requested(Reference(1, "asterisk01", "1234567890.123456"))


def now_us() -> int:
    return time.time_ns() // 1000


class House:
    """A configuration and its ledger, with records in it."""

    def __init__(self, directory: Path) -> None:
        database = directory / "gateway.db"
        self.config = write_config(directory, GOOD.replace("/var/lib/gateway/gateway.db", str(database)))
        self._database = database
        self._count = 0

    def ledger(self, *, serving: bool, ago_us: int = 0) -> SqliteLedger:
        return SqliteLedger(
            self._database,
            retention_us=24 * HOUR_US,
            unknown_retention_us=720 * HOUR_US,
            clock=lambda: now_us() - ago_us,
            serving=serving,
        )

    def record(self, *outcomes: Outcome, tenant: str = "acme", ago_us: int = 0) -> list[str]:
        """Calls that came to these outcomes, `ago_us` ago; their ids."""

        async def main() -> list[str]:
            ledger, ids = self.ledger(serving=True, ago_us=ago_us), []
            await ledger.open()
            for outcome in outcomes:
                self._count += 1
                ids.append(f"call-{self._count}")
                await self._place(ledger, ids[-1], tenant, outcome)
            await ledger.close()
            return ids

        return asyncio.run(main())

    async def _place(self, ledger: SqliteLedger, call_id: str, tenant: str, outcome: Outcome) -> None:
        claim = Claim(
            call_id=call_id,
            tenant=tenant,
            subject="key:crm",
            key=f"key-{call_id}",
            fingerprint=b"f" * 32,
            caller_number="380441234567",
            callee_number="380507654321",
            client_reference="order\n7",
            limits=LIMITS,
            deadline_us=HOUR_US,
        )
        assert isinstance(await ledger.admit(claim), Admitted)
        await ledger.settle(tenant, call_id, outcome, 1000, LIMITS)

    def left(self) -> int | None:
        """What is left of the tenant's daily quota."""

        async def main() -> int | None:
            ledger = self.ledger(serving=False)
            await ledger.open()
            (state,) = await ledger.peek("acme", "key:crm", LIMITS)
            await ledger.close()
            return state.remaining

        return asyncio.run(main())


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def listed(house: House, *options: str) -> list[dict[str, object]]:
    done = gateway("calls", "list", "--config", house.config, "--format", "json", *options)
    assert (done.returncode, done.stderr) == (0, "")
    records: list[dict[str, object]] = json.loads(done.stdout)
    return records


def test_unknown_calls_of_every_tenant_are_listed(house: House) -> None:
    """Newest first, as call objects with their tenant, numbers masked; other outcomes stay away."""
    house.record(unknown("answer_timeout", 504), WHOLE)
    house.record(unknown("connection_lost"), tenant="beta")

    found = listed(house, "--outcome", "unknown")

    assert [(one["id"], one["tenant"], one["status"]) for one in found] == [
        ("call-3", "beta", "UNKNOWN"),
        ("call-1", "acme", "UNKNOWN"),
    ]
    assert set(found[0]) == {"id", "status", "reference", "requestedAt", "settledAt", "clientReference"} | {
        "callerNumber",
        "calleeNumber",
        "code",
        "tenant",
    }
    assert (found[0]["callerNumber"], found[0]["calleeNumber"]) == ("*" * 10 + "67", "*" * 10 + "21")


def test_numbers_are_shown_when_asked_for(house: House) -> None:
    """Whole in JSON and in the table with --show-numbers, and only then."""
    house.record(WHOLE)

    assert listed(house, "--show-numbers")[0]["calleeNumber"] == "380507654321"
    masked, whole = (
        gateway("calls", "list", "--config", house.config, *option).stdout
        for option in ([], ["--show-numbers"])
    )
    assert "380507654321" in whole
    assert "380507654321" not in masked
    assert "*" * 10 + "21" in masked


def test_the_table_has_one_line_for_each_call(house: House) -> None:
    """Columns with a head; a client's reference can't break a line."""
    house.record(WHOLE, unknown("answer_timeout", 504))

    head, *rows = gateway("calls", "list", "--config", house.config).stdout.splitlines()

    assert head.split("  ")[0] == "REQUESTED AT"
    assert [("call-2" in row, "UNKNOWN" in row) for row in rows] == [(True, True), (False, False)]
    assert "1/asterisk01/1234567890.123456" in rows[1]
    assert rows[1].endswith("order?7")


def test_an_empty_table_has_its_head(house: House) -> None:
    """Nothing to list is an answer too."""
    house.record(WHOLE)

    done = gateway("calls", "list", "--config", house.config, "--outcome", "unknown")

    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 1)
    assert done.stdout.startswith("REQUESTED AT")


def test_every_page_is_listed(house: House) -> None:
    """More calls than one page of the ledger holds are all told, once."""
    house.record(*[WHOLE] * 230)

    assert [one["id"] for one in listed(house)] == [f"call-{number}" for number in range(230, 0, -1)]


def test_only_the_last_hours_are_listed(house: House) -> None:
    """--since leaves older calls out."""
    house.record(WHOLE, ago_us=2 * HOUR_US)
    house.record(WHOLE)

    assert [one["id"] for one in listed(house, "--since", "1h")] == ["call-2"]
    assert len(listed(house, "--since", "180m")) == 2
    assert listed(house, "--outcome", "rejected") == []


def test_a_call_that_was_not_placed_is_refunded(house: House) -> None:
    """The verdict is written, the charge given back, an audit line printed with numbers masked."""
    (call_id,) = house.record(unknown("answer_timeout", 504))
    charged = house.left()

    done = gateway("calls", "resolve", call_id, "--config", house.config, "--not-placed")

    assert (done.returncode, done.stderr) == (0, "")
    audit = json.loads(done.stdout)
    assert (audit["event"], audit["decision"], audit["outcome"]) == ("audit", "resolve", "NOT_PLACED")
    assert (audit["tenant"], audit["call_id"]) == ("acme", call_id)
    assert audit["callee_number"] == "*" * 10 + "21"
    assert audit["operator"] == pwd.getpwuid(os.getuid()).pw_name
    assert (charged, house.left()) == (999, 1000)
    assert [one["status"] for one in listed(house)] == ["NOT_PLACED"]


def test_the_audit_line_names_who_says_so(house: House) -> None:
    """By `--operator`, which one who comes into a container must give; no text of his breaks the line."""
    for name in ("J. Doe", 'a"b\nc'):
        (call_id,) = house.record(unknown("answer_timeout", 504))
        done = gateway(
            *("calls", "resolve", call_id, "--config", house.config, "--requested", "--operator", name)
        )
        assert done.returncode == 0
        (line,) = done.stdout.splitlines()
        assert json.loads(line)["operator"] == name


@pytest.mark.parametrize(("user", "told"), [("jdoe", "jdoe"), ("", "10001"), (None, "10001")])
def test_a_user_without_a_name_is_told_by_what_there_is(
    user: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's user 10001 is nobody to the system."""

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(os, "getuid", lambda: 10001)
    monkeypatch.delenv("USER", raising=False)
    if user is not None:
        monkeypatch.setenv("USER", user)
    assert system_user() == told


def test_a_call_that_was_requested_stays_charged(house: House) -> None:
    """The verdict is written and nothing is given back."""
    (call_id,) = house.record(unknown("answer_timeout", 504))

    assert gateway("calls", "resolve", call_id, "--config", house.config, "--requested").returncode == 0

    assert [(one["status"], one["code"]) for one in listed(house)] == [("REQUESTED", None)]
    assert house.left() == 999


def test_only_an_unknown_call_can_be_resolved(house: House) -> None:
    """A known outcome, a verdict of before, and an id of nobody exit 1 with one line."""
    settled, open_ = house.record(WHOLE, unknown("answer_timeout", 504))
    assert gateway("calls", "resolve", open_, "--config", house.config, "--requested").returncode == 0

    for call_id in (settled, open_, "nobody"):
        done = gateway("calls", "resolve", call_id, "--config", house.config, "--not-placed")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"gateway: no call with an unknown outcome has the ID '{call_id}'.\n"
    assert house.left() == 998


def test_a_store_that_is_away_is_one_line(house: House) -> None:
    """Exit 1 and the reason; nothing is created by looking."""
    done = gateway("calls", "list", "--config", house.config)

    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "the store is unavailable" in done.stderr
    assert not (house.config.parent / "gateway.db").exists()


def test_an_embedded_store_needs_no_acknowledgement(house: House) -> None:
    """The command succeeds where there is nothing to accept."""
    house.record(WHOLE)

    assert gateway("store", "acknowledge", "--config", house.config).returncode == 0


def test_a_store_in_memory_can_be_read_by_its_own_process_alone(tmp_path: Path) -> None:
    """Said so, where the file would be called empty."""
    config = write_config(
        tmp_path, GOOD.replace("sqlite:///var/lib/gateway/gateway.db", "'sqlite://:memory:'")
    )
    for command in (("calls", "list"), ("calls", "resolve", "f" * 32, "--requested")):
        done = gateway(*command, "--config", config)
        assert done.returncode == 1
        assert done.stderr == (
            "gateway: store.url is sqlite://:memory:: only the gateway that serves has the records, "
            "ask its GET /v1/calls\n"
        )
