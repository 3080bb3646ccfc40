"""What a process costs, by /proc."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads together. It may have no child processes."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        assert not (task / "children").read_text().strip(), f"process {pid} has children, which cost too"
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid: int) -> int:
    """The resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def favour(pid: int, nice: int) -> None:
    """Give a process and its session a priority, where Linux groups sessions and looks at theirs alone."""
    if nice:
        os.setpriority(os.PRIO_PROCESS, pid, nice)
        group = Path(f"/proc/{pid}/autogroup")
        if group.exists():
            group.write_text(str(nice))


def pin(pid: int, processors: Iterable[int]) -> None:
    """Let a process, all the threads it has, run on these processors alone."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), processors)


_SPIN: Final = """
import os, sys
os.setsid()
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
try:
    open("/proc/self/autogroup", "w").write("19")
except FileNotFoundError:
    pass
while True:
    pass
"""


@contextmanager
def awake(processors: Iterable[int]) -> Iterator[None]:
    """Keep processors from halting, as the kernel's `idle=poll` does: by a process each that yields to all
    others. A virtual processor that halts is given to another machine, and comes back with cold caches."""
    spinning = [subprocess.Popen([sys.executable, "-c", _SPIN, str(one)]) for one in processors]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


@dataclass
class Cpu:
    """Counts a process's CPU time from now on."""

    pid: int

    def __post_init__(self) -> None:
        self._before = cpu_seconds(self.pid)

    def seconds(self) -> float:
        """User and system time since."""
        return cpu_seconds(self.pid) - self._before
