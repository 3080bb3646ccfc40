"""`gateway demo`, as a newcomer meets it: the printed lines place calls, and the upstream's ledger shows
the query that the vendor's page documents."""

import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.house import stop


@dataclass(frozen=True)
class Demo:
    """A running demo: what it printed, and where."""

    banner: str
    directory: Path
    process: subprocess.Popen[str]

    def paste(self, number: int) -> httpx.Response:
        """Send what the printed curl line says, counted from 0, as a shell would read it."""
        lines = re.findall(r"^  (curl -i .*?)$(?<!\\)", self.banner.replace("\\\n", " "), re.MULTILINE)
        words = shlex.split(lines[number])[2:]
        headers = dict(w.split(": ", 1) for before, w in pairwise(words) if before == "-H")
        return httpx.post(words[0], headers=headers, content=words[words.index("-d") + 1], trust_env=False)

    def dials(self) -> list[dict[str, object]]:
        """The ledger of the simulated upstream, at the printed address."""
        found = re.search(r"curl (http\S+/_ledger)", self.banner)
        assert found is not None
        return httpx.get(found[1], trust_env=False).json()["requests"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Demo]:
    """`gateway demo` in a directory of its own, on free ports."""
    directory = tmp_path_factory.mktemp("demo")
    out = directory / "out"
    with out.open("w") as file:
        command = [sys.executable, "-m", "gateway", "demo", "--port", "0"]
        process = subprocess.Popen(command, cwd=directory, stdout=file, text=True, start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        while "Ctrl-C stops both" not in out.read_text():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Demo(out.read_text(), directory, process)
    finally:
        stop(process, signal.SIGINT)


def test_the_printed_lines_place_calls_through_both_doors(demo):
    """Pasted, each line is a requested call; pasted again it is a replay; the upstream heard two dials,
    each the page's query with credentials that stand in no printed line."""
    rest, graphql = demo.paste(0), demo.paste(1)
    assert rest.status_code == 201
    assert graphql.json()["data"]["makeCall"]["__typename"] == "CallRequested"
    again = demo.paste(0)
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", rest.json())
    first, second = demo.dials()
    password = (demo.directory / ".demo/config/credentials/password").read_text()
    signed = f"auth_username=demo-service-user;auth_password={password};"
    assert first["raw"] == signed + "stype=phone;snumber=1234567;ctype=;cnumber=2125551234;wait=5"
    assert second["raw"] == signed + "stype=;snumber=2125551234;ctype=;cnumber=100"
    assert password not in demo.banner
    exported = re.search(r"export KEY=(\S+)$", demo.banner, re.MULTILINE)
    assert exported is not None
    assert f"Bearer {exported[1]}'" in demo.banner


def demo_again(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One more `gateway demo`, which must not start."""
    command = [sys.executable, "-m", "gateway", "demo", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=30, check=False)


def test_a_second_demo_leaves_the_first_alone(demo):
    """In the same directory it says that one runs; the first keeps its key, credentials and upstream."""
    before = (demo.directory / ".demo/config/gateway.yaml").read_text()
    done = demo_again(demo.directory, "--port", "0")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "a demo runs in" in done.stderr
    assert (demo.directory / ".demo/config/gateway.yaml").read_text() == before
    assert demo.paste(0).status_code == 201


def test_a_port_in_use_is_told_with_what_to_do(demo, tmp_path):
    """One line names another port to try, and nothing has been written."""
    port = re.search(r"The console +http://127.0.0.1:(\d+)/", demo.banner)
    assert port is not None
    done = demo_again(tmp_path, "--port", port[1])
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert f"port {port[1]} is in use: choose another with --port {int(port[1]) + 10}" in done.stderr
    assert not (tmp_path / ".demo" / "config").exists()


def test_ctrl_c_stops_both(demo):
    """Interrupted, the demo ends with 0 and takes its simulator with it."""
    address = re.search(r"simulated upstream  (http\S+)", demo.banner)
    assert address is not None
    assert stop(demo.process, signal.SIGINT) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address[1]}/_ledger", trust_env=False)
