"""Every fault number of the simulator, through both doors; and the credential, nowhere but on the wire."""

import base64
import json
from urllib.parse import quote, quote_plus

import httpx
import pytest

from gateway.simulator.outcomes import MAGIC
from tests.e2e.town import bearer
from tests.house import DOORS, PASSWORD, USERNAME, number, to

# digits -> REST status, code, record status
OUTCOMES = {
    "0200": (201, None, "REQUESTED"),
    "0204": (202, None, "REQUESTED"),
    "0400": (422, "INVALID_INPUT", "REJECTED"),
    "0401": (502, "UPSTREAM_CREDENTIALS_REJECTED", "NOT_PLACED"),
    "0402": (502, "UPSTREAM_ROLE_FORBIDS", "NOT_PLACED"),
    "0403": (403, "RATE_PLAN_FORBIDS", "REJECTED"),
    "0500": (502, "OUTCOME_UNKNOWN", "UNKNOWN"),
    "0501": (502, "OUTCOME_UNKNOWN", "UNKNOWN"),
    "0590": (502, "OUTCOME_UNKNOWN", "UNKNOWN"),
    "0591": (502, "OUTCOME_UNKNOWN", "UNKNOWN"),
    "0592": (504, "OUTCOME_UNKNOWN", "UNKNOWN"),
    "0593": (502, "OUTCOME_UNKNOWN", "UNKNOWN"),
    "0594": (201, None, "REQUESTED"),
    "0595": (201, None, "REQUESTED"),
    "0596": (202, None, "REQUESTED"),
    "0597": (504, "OUTCOME_UNKNOWN", "UNKNOWN"),
    "0598": (502, "OUTCOME_UNKNOWN", "UNKNOWN"),
    "0599": (502, "OUTCOME_UNKNOWN", "UNKNOWN"),
}
CHARGED = {"REQUESTED", "UNKNOWN"}


def test_every_magic_number_is_in_the_table():
    """The simulator has no outcome that is not tried here."""
    assert set(OUTCOMES) == set(MAGIC)


def forms(secret: str) -> set[str]:
    """Every spelling in which a secret could slip out."""
    raw = secret.encode()
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    coded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    lower = {"".join(part[:2].lower() + part[2:] for part in q.split("%")) for q in quoted}
    spelt = {json.dumps(secret)[1:-1], repr(secret)[1:-1], raw.hex()}
    return {secret, *quoted, *{q.lower() for q in quoted}, *lower, *coded, *spelt}


CANARIES = forms(PASSWORD) | forms(USERNAME)


def leaks(text: str) -> list[str]:
    return [form for form in CANARIES if form in text]


def everything_said(http: httpx.Response) -> str:
    return "\n".join(f"{name}: {value}" for name, value in http.headers.items()) + "\n\n" + http.text


def test_the_canary_is_one():
    """The credential needs encoding, so that each spelling of it is another one to look for."""
    assert len(forms(PASSWORD)) >= 7
    assert leaks(f"auth_password={quote(PASSWORD, safe='')}") != []


@pytest.mark.parametrize("digits", OUTCOMES)
def test_a_fault_dials_once_and_is_never_guessed(digits, door, gateway, simulator):
    """One dial, the outcome of the contract, the right charge, a record that says the same, no credential
    in the answer; and the next call works."""
    status, code, recorded = OUTCOMES[digits]
    dials, left = len(simulator.dials()), gateway.remaining("faulty")["daily"]
    answer = gateway.call(door, "faulty", to(digits), f"fault-{digits}-{door}")
    assert answer.code == code
    assert answer.status == (status if door == "rest" else 200)
    assert answer.call_state == (
        None if code is None else "UNKNOWN" if recorded == "UNKNOWN" else "NOT_PLACED"
    )
    assert len(simulator.dials()) == dials + 1
    assert leaks(everything_said(answer.http)) == []
    (record,) = gateway.calls("faulty", limit=1)
    assert (record["status"], record["code"]) == (recorded, code)
    assert left is not None
    assert gateway.remaining("faulty")["daily"] == left - (recorded in CHARGED)
    # The next call uses whatever connection is left, and must get its own answer.
    after = gateway.call(door, "faulty", to("0200"))
    assert (after.code, after.call and after.call["status"]) == (None, "REQUESTED")
    assert len(simulator.dials()) == dials + 2


def test_the_upstreams_words_are_not_shown(gateway, door):
    """Neither its messages nor its parameter names reach a client."""
    said = everything_said(gateway.call(door, "faulty", to("0400")).http)
    assert "not dialable" not in said
    assert "cnumber" not in said


def test_the_credential_is_nowhere_and_numbers_are_masked(gateway, simulator):
    """After every outcome through both doors at log level debug: no spelling of the credential and no
    whole phone number in the log, the metrics, and no credential in the records' file."""
    quick = [digits for digits in OUTCOMES if digits not in {"0592", "0597"}]
    for door in DOORS:
        for digits in quick:
            gateway.call(door, "faulty", to(digits, clientReference="r"))
        gateway.call(door, "faulty", to("0200", dryRun=True))
        gateway.call(door, "faulty", {"caller": {"number": "x"}, "callee": {"number": 7}})
        gateway.call(door, "asleep", to("0200"), **bearer("nobody", ""))
    gateway.call("rest", "faulty", {**number(), "clientReference": "\n{injected"})
    log = gateway.log.read_text()
    assert len(gateway.lines("request")) >= 2 * len(quick)
    assert len(gateway.lines("audit")) >= 2 * len(quick)
    metrics = httpx.get(f"{gateway.admin_url}/metrics", trust_env=False).text
    stored = "".join(path.read_bytes().decode("latin-1") for path in gateway.config.parent.glob("ledger.db*"))
    assert "2125550200" in stored
    for where, text in {"log": log, "metrics": metrics, "store": stored}.items():
        assert leaks(text) == [], where
    for line in gateway.lines():
        shown = json.dumps({name: value for name, value in line.items() if name.endswith("_number")})
        assert "212555" not in shown
    assert "2125550" not in log + metrics
    assert "1234567" not in log + metrics
    assert gateway.metric("gateway_redactions_total") == 0
    assert quote(PASSWORD, safe="") in json.dumps(simulator.dials()[-1]["raw"])
