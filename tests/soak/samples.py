"""What a process holds, moment by moment: memory, descriptors, threads, and its event loop's tasks."""

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """One look. `at_seconds` counts from the beginning of the run."""

    at_seconds: float
    memory_mib: float
    descriptors: int
    threads: int
    tasks: int


async def sample(pid: int, window: Path, began: float) -> Sample:
    """One look at a process of `tests.soak.served`; `began` is a time of the monotonic clock."""
    proc = Path(f"/proc/{pid}")
    pages = int((proc / "statm").read_text().split()[1])
    reader, writer = await asyncio.open_unix_connection(window)
    tasks = int(await reader.read())
    writer.close()
    return Sample(
        time.monotonic() - began,
        pages * os.sysconf("SC_PAGE_SIZE") / MIB,
        len(os.listdir(proc / "fd")),  # noqa: PTH208 - names only, and no look at what may be closed by now
        len(os.listdir(proc / "task")),  # noqa: PTH208
        tasks,
    )
