"""The Tab key, in each shell, after the lines that the chapter for operators gives for its start-up file."""

import os
import sys
from pathlib import Path

import pytest

from tests.completion.terminal import Terminal, shell
from tests.documents.blocks import DOCUMENTS

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
LINES = {
    block.language: block.text for block in DOCUMENTS["docs/operating.md"].blocks if block.language in SHELLS
}


@pytest.fixture(params=SHELLS)
def terminal(request, tmp_path):
    """A shell with `gateway` on its path that has read its start-up lines."""
    program = tmp_path / "gateway"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m gateway "$@"\n')
    program.chmod(0o755)
    root = Path(__file__).parent.parent.parent
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(root),
        "HOME": str(tmp_path),
        "TERM": "dumb",
        "PS1": "ready> ",
        "COLUMNS": "200",
        "LANG": "C.UTF-8",
    }
    lines = tmp_path / "lines"
    lines.write_text(LINES[request.param])
    with shell(SHELLS[request.param], environment) as terminal:
        terminal.type(f"source {lines}; echo so''urced\n")
        terminal.wait("sourced")
        yield terminal


def test_tab_completes(terminal: Terminal) -> None:
    """A command, a command of a group, an option, and the value of an option."""
    for typed, completed in (
        ("gateway ca", "gateway calls "),
        ("gateway calls res", "gateway calls resolve "),
        ("gateway check --for", "gateway check --format "),
        ("gateway calls list --outcome unk", "gateway calls list --outcome unknown "),
    ):
        terminal.type(f"{typed}\t")
        terminal.wait(completed.removeprefix(typed))
        terminal.type("\x15")
