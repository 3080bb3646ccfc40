"""A trap at one line of the gateway's source: the process dies right before that line is executed.

The gateway knows nothing of it. `sys.settrace` sees every line of the one file that is watched; what a
trap is set on is found by its words, so that a line which is gone is an error and never a silence.
"""

import ast
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import gateway

SOURCE: Final = Path(gateway.__file__).parent
REACHED: Final = "crash point reached"

Locals = Mapping[str, Any]
"""The local variables of the line that is about to be executed."""


def die(_: Locals) -> None:
    """kill -9, from within: nothing is flushed, closed or said."""
    os.kill(os.getpid(), signal.SIGKILL)


def always(_: Locals) -> bool:
    """Every time the line is reached counts."""
    return True


@dataclass(frozen=True, slots=True)
class Trap:
    """Where and how to die: in `function` (`Class.method`) of `file` (below gateway/), before the only
    line there that begins with `line`. Only the times count when `when` holds; `act` kills."""

    file: str
    function: str
    line: str
    when: Callable[[Locals], bool] = always
    act: Callable[[Locals], None] = die


def place_of(trap: Trap) -> tuple[str, int]:
    """The file's path and the line's number. Raises LookupError where no such line is, or many are."""
    path = SOURCE / trap.file
    text = path.read_text()
    scope: ast.AST = ast.parse(text)
    for name in trap.function.split("."):
        named = [n for n in ast.walk(scope) if getattr(n, "name", None) == name and hasattr(n, "lineno")]
        if len(named) != 1:
            raise LookupError(f"gateway/{trap.file} has {len(named)} {trap.function}: move the crash point")
        scope = named[0]
    first, last = scope.lineno, scope.end_lineno  # type: ignore[attr-defined]
    lines = enumerate(text.splitlines()[first - 1 : last], first)
    found = [number for number, line in lines if line.strip().startswith(trap.line)]
    if len(found) != 1:
        raise LookupError(
            f"{len(found)} lines of gateway/{trap.file}, {trap.function}, begin with {trap.line!r}: "
            "move the crash point"
        )
    return str(path), found[0]


def arm(*traps: tuple[Trap, int]) -> Callable[[], None]:
    """One trap after the other acts, when its line is reached for the given time since the one before it
    acted: in new threads from now on, and in a thread that calls what is returned, from then on.
    Raises LookupError."""
    waiting = deque((place_of(trap), trap, hits) for trap, hits in traps)
    paths = {path for (path, _), _, _ in waiting}
    reached = 0

    def on_line(frame: FrameType, event: str, _: object) -> Any:
        nonlocal reached
        if event == "line" and waiting:
            place, trap, hits = waiting[0]
            if place == (frame.f_code.co_filename, frame.f_lineno) and trap.when(frame.f_locals):
                reached += 1
                if reached == hits:
                    reached = 0
                    waiting.popleft()
                    os.write(2, f"{REACHED}\n".encode())
                    trap.act(frame.f_locals)
        return on_line

    def on_call(frame: FrameType, _: str, __: object) -> Any:
        return on_line if frame.f_code.co_filename in paths else None

    threading.settrace(on_call)
    return lambda: sys.settrace(on_call)
