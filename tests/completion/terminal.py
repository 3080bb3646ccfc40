"""A shell at a terminal, as a person has it: what is typed, and what is shown."""

import os
import pty
import re
import select
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

_SECONDS = 30
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>]|\r|\x07")


class Terminal:
    """The other end of a shell's terminal."""

    def __init__(self, end: int) -> None:
        """`end` is the file descriptor of the terminal's other end."""
        self._end = end
        self._shown = ""

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._end, text.encode())

    def wait(self, pattern: str) -> str:
        """What has been shown since the last wait, up to the pattern; fails where it never comes."""
        deadline = time.monotonic() + _SECONDS
        while (found := re.search(pattern, self._shown)) is None:
            left = deadline - time.monotonic()
            assert left > 0, f"{pattern!r} is not in {self._shown!r}"
            if select.select([self._end], [], [], left)[0]:
                self._shown += _CONTROL.sub("", os.read(self._end, 65_536).decode(errors="replace"))
        seen, self._shown = self._shown[: found.end()], self._shown[found.end() :]
        return seen


@contextmanager
def shell(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """A shell of our own at a terminal; ended with it."""
    process, end = pty.fork()
    if process == 0:
        os.execvpe(command[0], list(command), dict(environment))  # noqa: S606
    try:
        yield Terminal(end)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(end)
