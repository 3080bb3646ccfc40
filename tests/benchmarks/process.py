"""What a process costs, by /proc."""

import os
from dataclasses import dataclass
from pathlib import Path


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


@dataclass
class Cpu:
    """Counts a process's CPU time from now on."""

    pid: int

    def __post_init__(self) -> None:
        self._before = cpu_seconds(self.pid)

    def seconds(self) -> float:
        """User and system time since."""
        return cpu_seconds(self.pid) - self._before
