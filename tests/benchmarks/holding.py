"""What a waiting call holds, and whether honest traffic beside thousands of them keeps its answer times.

    python -m tests.benchmarks.holding [--calls 8000] [--rate 100] [--seconds 10]

One process holds the calls (`waitSeconds` 30), whose answers an upstream of the benchmark's own keeps back.
Memory is what the process's resident set grew by while they wait; k6 asks for calls without a wait before
and meanwhile. Every held call must be answered in the end.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.benchmarks.arrivals import Latency, arrive
from tests.benchmarks.gateways import WIDE, served, settings
from tests.benchmarks.process import favour, memory_bytes
from tests.benchmarks.results import command, table
from tests.benchmarks.upstream import Upstream, until_answering
from tests.house import Gateway, api_key, stop
from tests.ledger.valkey import free_port

_WAIT_SECONDS: Final = 30
_EXTRA_SECONDS: Final = 7  # within the gateway's margin of 10, so that k6 has its time meanwhile
_AT_ONCE: Final = 128


@dataclass(frozen=True)
class Held:
    """What one run found."""

    bytes_each: float
    without: Latency
    beside: Latency


@contextmanager
def holder() -> Iterator[Upstream]:
    """The upstream that holds; it takes in no spans."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.holder", str(port), str(_EXTRA_SECONDS)], text=True
    )
    try:
        until_answering(url, process)
        yield Upstream(url, f"{url}/held", Path("/dev/null"))
    finally:
        stop(process)


def _request(number: int) -> bytes:
    body = json.dumps(
        {"caller": {"number": "1234567"}, "callee": {"number": "2125551234"}, "waitSeconds": _WAIT_SECONDS}
    )
    return (
        f"POST /v1/calls HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {api_key('acme')}\r\n"
        f"Idempotency-Key: held-{number}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def _call(port: int, number: int) -> bytes:
    """The status line of one call, when it comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request(number))
    status = await reader.readline()
    writer.close()
    return status


async def _held(gateway: Gateway, behind: Upstream, count: int) -> list[asyncio.Task[bytes]]:
    """So many calls that all wait, begun some at a time: how fast they come is measured elsewhere."""
    port = httpx.URL(gateway.url).port
    assert port is not None
    calls: list[asyncio.Task[bytes]] = []
    began = time.monotonic()
    async with httpx.AsyncClient(trust_env=False) as client:
        while len(calls) < count:
            numbers = range(len(calls), min(len(calls) + _AT_ONCE, count))
            calls += [asyncio.create_task(_call(port, number)) for number in numbers]
            while (held := int((await client.get(behind.status_url)).text)) < len(calls):
                refused = {call.result() for call in calls if call.done()}
                assert not refused, {line.get("outcome") for line in gateway.lines("request")}
                assert time.monotonic() - began < _WAIT_SECONDS, f"only {held} calls wait"
                await asyncio.sleep(0.01)
    sys.stderr.write(f"{count} calls wait after {time.monotonic() - began:.1f} s\n")
    return calls


async def hold(gateway: Gateway, behind: Upstream, options: argparse.Namespace) -> tuple[float, Latency]:
    """Hold the calls: bytes each, and what honest clients see meanwhile."""
    before = memory_bytes(gateway.process.pid)
    calls = await _held(gateway, behind, options.calls)
    each = (memory_bytes(gateway.process.pid) - before) / options.calls
    beside = await asyncio.to_thread(_honest, gateway, options, "beside-")
    assert not any(call.done() for call in calls), "the calls were answered before the end"
    statuses = await asyncio.gather(*calls)
    assert set(statuses) == {b"HTTP/1.1 202 Accepted\r\n"}, set(statuses)
    return each, beside


def _honest(gateway: Gateway, options: argparse.Namespace, run: str) -> Latency:
    return arrive(f"{gateway.url}/v1/calls", rate=options.rate, seconds=options.seconds, run=run)


def one_run(options: argparse.Namespace) -> Held:
    """Start everything anew, and hold the calls once."""
    with tempfile.TemporaryDirectory() as directory, holder() as behind:
        made = settings(Path(directory), behind, traces_percent=0)
        made["upstream"].update(WIDE)
        with served(Path(directory), made) as gateway:
            favour(gateway.process.pid, os.getpriority(os.PRIO_PROCESS, 0))
            _honest(gateway, options, "warm-")
            without = _honest(gateway, options, "without-")
            try:
                each, beside = asyncio.run(hold(gateway, behind, options))
            except BaseException:
                gateway.process.kill()  # it would wait for the calls before it ends
                raise
    return Held(each, without, beside)


def told(options: argparse.Namespace) -> str:
    """The section."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found = one_run(options)
    rows = [
        ["KB resident a waiting call", f"{found.bytes_each / 1000:.1f}", "≤ 30"],
        ["p50 / p99 ms of honest calls alone", _text(found.without), ""],
        ["p50 / p99 ms of honest calls beside them", _text(found.beside), "the same"],
    ]
    how = f"{options.calls} calls wait in one process, store on a file; {options.rate} honest calls a second."
    return f"{how}\n\n" + table(["", "", "aim"], rows)


def _text(latency: Latency) -> str:
    return f"{latency.p50_ms:.1f} / {latency.p99_ms:.1f}"


def main(given: Sequence[str] | None = None) -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=8000)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=10)
    command("holding", "Holding calls that wait", parser, told, given)


if __name__ == "__main__":
    main()
