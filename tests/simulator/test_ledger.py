"""The dial ledger counts every request that came whole, durably, before it is answered."""

import json
import resource
import socket
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

import pytest

from .conftest import CREDENTIALS, PATH, playing, written

FORM = "application/x-www-form-urlencoded"
CALL = {**CREDENTIALS, "snumber": "+101", "cnumber": "1;0&2=%", "callerid1": "Zo\u00eb x"}


def lines(path) -> list[dict]:
    """The whole lines that a ledger's file holds now; one that is being written can be seen in part."""
    return [json.loads(line) for line in path.read_bytes().rpartition(b"\n")[0].splitlines()]


@pytest.mark.parametrize("separator", [";", "&"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("prefix", ["", "/api/json", "/local/api/json"])
def test_an_entry_is_the_request_as_received(tmp_path, method, separator, prefix):
    """Method, path, raw text, parameters in order, code and time; either method, separator, any prefix."""
    raw, path = written(CALL, separator), f"{prefix}/calls/make/"
    with playing(ledger_path=tmp_path / "dials") as simulator:
        if method == "GET":
            heard = simulator.say("GET", f"{path}?{raw}")
        else:
            heard = simulator.say("POST", path, raw, FORM + "; charset=utf-8")
        [entry] = simulator.ledger()
    assert heard.codes() == [("204", "")]
    at = datetime.fromisoformat(entry.pop("at"))
    assert at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    params = [list(pair) for pair in CALL.items()]
    assert entry == {"method": method, "path": path, "raw": raw, "params": params, "code": "204"}


def test_the_file_holds_a_dial_when_its_answer_arrives(tmp_path):
    """No answer without its line, of forty that come at once and share their writes too."""
    path = tmp_path / "dials"
    with playing(ledger_path=path) as simulator:
        clients = [simulator.connect() for _ in range(40)]
        for number, client in enumerate(clients):
            query = written({**CREDENTIALS, "snumber": "1", "cnumber": f"7{number:04}1"})
            client.sendall(f"GET {PATH}?{query} HTTP/1.1\r\nHost: pbx\r\n\r\n".encode("ascii"))
        for number, client in enumerate(clients):
            assert client.recv(15) == b"HTTP/1.1 200 OK"
            assert sum(["cnumber", f"7{number:04}1"] in entry["params"] for entry in lines(path)) == 1
            client.close()
        assert lines(path) == simulator.ledger()


def test_refusals_and_strange_methods_are_dials_too(tmp_path):
    """Whatever the answer, a whole request to the calls' path is in the ledger; nothing else is."""
    with playing(ledger_path=tmp_path / "dials") as simulator:
        assert simulator.call(auth_password="wrong").codes() == [("401", "")]
        assert simulator.say("GET", PATH).codes() == [("400", "auth_username"), ("400", "auth_password")]
        assert simulator.say("PUT", f"{PATH}?snumber=1").status == 405
        assert simulator.say("HEAD", f"{PATH}?snumber=1").status == 405
        assert simulator.say("GET", "/api/json/calls/make?snumber=1").status == 404
        assert simulator.say("GET", "/api/json/calls/list/").status == 404
        kept = [(entry["method"], entry["code"]) for entry in simulator.ledger()]
    assert kept == [("GET", "401"), ("GET", "400"), ("PUT", None), ("HEAD", None)]


def test_a_post_is_read_from_its_form_alone(tmp_path):
    """A query on a POST is no parameter, but stays visible; a body that is no form says nothing."""
    with playing(ledger_path=tmp_path / "dials") as simulator:
        missing = [("400", "auth_username"), ("400", "auth_password")]
        assert simulator.say("POST", f"{PATH}?{written(CALL)}", "", FORM).codes() == missing
        assert simulator.say("POST", PATH, written(CALL), "text/plain").codes() == missing
        first, second = simulator.ledger()
    assert (first["path"], first["raw"], first["params"]) == (f"{PATH}?{written(CALL)}", "", [])
    assert (second["path"], second["raw"], second["params"]) == (PATH, written(CALL), [])


@pytest.mark.parametrize("cut", ["in the head", "before the body", "in the body"])
def test_a_request_cut_short_is_no_dial(tmp_path, cut):
    """A connection dropped before the last byte leaves nothing behind."""
    body = written(CALL)
    head = f"POST {PATH} HTTP/1.1\r\nHost: pbx\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    sent = {"in the head": head[:-2], "before the body": head, "in the body": head + body[:-1]}[cut]
    path = tmp_path / "dials"
    with playing(ledger_path=path) as simulator:
        with simulator.connect() as client:
            client.sendall(sent.encode("ascii"))
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        assert simulator.ledger() == []
        assert simulator.call().codes() == [("204", "")]
    assert len(lines(path)) == 1


def test_a_dial_whose_client_hung_up_is_kept(tmp_path):
    """A client that does not stay for the answer has dialled all the same."""
    path = tmp_path / "dials"
    with playing(ledger_path=path, latency_ms=60_000) as simulator:
        with simulator.connect() as client:
            client.sendall(f"GET {PATH}?{written(CALL)} HTTP/1.1\r\nHost: pbx\r\n\r\n".encode("ascii"))
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        [entry] = simulator.ledger()
    assert entry["raw"] == written(CALL)
    assert lines(path) == [entry]


@pytest.mark.parametrize("in_file", [True, False])
def test_clearing_forgets_all_that_was(tmp_path, in_file):
    """DELETE answers 204 without a body, empties memory and file, and later dials count from one."""
    path = tmp_path / "dials"
    with playing(ledger_path=path if in_file else None) as simulator:
        simulator.call()
        simulator.call()
        cleared = simulator.say("DELETE", "/_ledger")
        assert (cleared.status, cleared.body) == (204, b"")
        assert simulator.ledger() == []
        assert not in_file or path.read_bytes() == b""
        simulator.call(cnumber="103")
        assert [entry["raw"][-3:] for entry in simulator.ledger()] == ["103"]
    assert not in_file or len(lines(path)) == 1


def test_the_ledger_answers_to_nothing_but_get_and_delete(simulator):
    """Another method changes nothing and says which ones there are."""
    heard = simulator.say("POST", "/_ledger")
    assert (heard.status, heard.headers["Allow"]) == (405, "GET, DELETE")


def test_a_restart_continues_the_file(tmp_path):
    """What an earlier run took down is served, and added to, by the next, whatever the text."""
    path = tmp_path / "dials"
    for run in (1, 2, 3):
        with playing(ledger_path=path) as simulator:
            simulator.call(cnumber=f"\r\n\u2028{run}")
            dialled = [dict(entry["params"])["cnumber"] for entry in simulator.ledger()]
            assert dialled == ["\r\n\u20281", "\r\n\u20282", "\r\n\u20283"][:run]
    assert len(lines(path)) == 3


def test_a_torn_last_line_is_cut_off(tmp_path):
    """A line whose end was never written was never answered: the next run begins a new one."""
    path = tmp_path / "dials"
    with playing(ledger_path=path) as simulator:
        simulator.call()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:50])
    with playing(ledger_path=path) as simulator:
        assert len(simulator.ledger()) == 1
        assert path.read_bytes() == whole
        simulator.call()
    assert len(lines(path)) == 2


@pytest.mark.parametrize("text", ["precious\n", "{}\n", "[1]\n", '"method raw at"\n'])
def test_a_file_that_is_no_ledger_is_refused_untouched(tmp_path, text):
    """A wrong path costs nobody their file, and the refusal names the line."""
    path = tmp_path / "notes"
    path.write_text(text + "tail")
    with pytest.raises(ValueError, match=r"notes:1: not a line of a dial ledger"), playing(ledger_path=path):
        pass
    assert path.read_text() == text + "tail"


def test_the_file_is_for_its_owner_alone(tmp_path):
    """It holds the credentials that were sent."""
    path = tmp_path / "dials"
    with playing(ledger_path=path):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_ledger_that_cannot_be_written_ends_the_simulator(tmp_path):
    """With the disk full nothing is answered that is not taken down, and serve raises what the disk said."""
    path, limit_bytes = tmp_path / "dials", 2000
    program = """
        import asyncio, pathlib, sys
        from gateway.simulator import SimulatorOptions, serve
        options = SimulatorOptions(port=0, ledger_path=pathlib.Path(sys.argv[1]))
        try:
            asyncio.run(serve(options, ready=lambda port: print(port, flush=True), stop=asyncio.Event()))
        except OSError as fault:
            print(fault.strerror, flush=True)
    """
    with subprocess.Popen(  # our own words
        [sys.executable, "-c", textwrap.dedent(program), path],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes)),  # noqa: PLW1509
    ) as process:
        port, answered = int(process.stdout.readline()), 0
        request = f"GET {PATH}?{written(CALL)} HTTP/1.1\r\nHost: pbx\r\nConnection: close\r\n\r\n".encode(
            "ascii"
        )
        while True:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                client.sendall(request)
                if not client.recv(1):
                    break
                answered += 1
        assert process.stdout.readline() == "File too large\n"
        assert process.wait(20) == 0
    assert answered > 0
    assert path.read_bytes().count(b"\n") == answered
