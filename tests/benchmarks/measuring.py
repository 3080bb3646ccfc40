"""One measurement: CPU of a server's process and latency, while wrk asks it for calls."""

import os

from tests.benchmarks.figures import Figure
from tests.benchmarks.load import CONNECTIONS, Door, drive
from tests.benchmarks.process import Cpu, favour
from tests.benchmarks.servers import Running
from tests.benchmarks.upstream import Upstream


def measured(
    running: Running,
    door: Door,
    behind: Upstream,
    *,
    run: str,
    seconds: int,
    connections: int = CONNECTIONS,
    tenants: int = 1,
) -> Figure:
    """Ask for calls for some seconds, each of which must have reached the upstream; see `load.script`.

    Calls upstream are what CPU is divided by: wrk leaves its last requests unanswered, whose work was
    done as well.
    """
    favour(running.pid, os.getpriority(os.PRIO_PROCESS, 0))
    dialled = behind.requests()
    cpu = Cpu(running.pid)
    told = drive(running.url, door, run=run, seconds=seconds, connections=connections, tenants=tenants)
    spent = cpu.seconds()
    dialled = behind.requests() - dialled
    assert dialled >= told.requests, f"{run}: {told.requests} requests, {dialled} calls upstream"
    cost_us = spent / dialled * 1e6
    return Figure(cost_us, told.p50_seconds * 1e3, told.p99_seconds * 1e3, told.per_second)
