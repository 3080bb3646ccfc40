"""Runs the blocks of a document, in its order, in one shell, in a checkout of its own."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Final

import yaml

from tests.documents.blocks import MADE, ROOT, SHELL, Block, Document
from tests.node.runtime import installed_node, programs

HERE: Final = Path(__file__).parent
EXAMPLE: Final = ROOT / "tests" / "clients" / "typescript"
_NOT_COPIED: Final = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "out", "corpus")
_SECONDS: Final = 240


def checkout(place: Path) -> Path:
    """What a newcomer has: the files of this repository, after `make` has set it up."""
    shutil.copytree(
        ROOT, place, ignore=lambda at, names: _NOT_COPIED(at, names) | (MADE if Path(at) == ROOT else set())
    )
    (place / ".venv").symlink_to(ROOT / ".venv")
    return place


def runnable(document: Document) -> Iterator[tuple[Block, Block | None]]:
    """The blocks that one shell runs in turn; a GraphQL document comes with its variables."""
    blocks = [block for block in document.blocks if block.left_out is None]
    for block, after in zip_longest(blocks, blocks[1:]):
        if block.language in SHELL | {"python"}:
            yield block, None
        elif block.language == "graphql":
            assert after is not None, block
            assert after.language == "json", block
            yield block, after


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run(document: Document, scratch: Path, names: Mapping[str, str] | None = None) -> str:
    """What the blocks said. Fails where one fails, or is answered a status that it does not name.

    `names` stand in the document for what has another name here.
    """
    place = checkout(scratch / "checkout")
    script = [(HERE / "prelude.sh").read_text()]
    texts = {}
    for block, variables in runnable(document):
        file = scratch / f"{block.line}.{block.language}"
        file.write_text(block.text)
        given = scratch / f"{block.line}.json"
        given.write_text("{}" if variables is None else variables.text)
        texts[str(file)] = block.text
        script.append(f"block {shlex.quote(str(file))} {shlex.quote(str(given))}")
    (scratch / "script").write_text("\n".join(script) + "\n")
    said = _bash(scratch / "script", place, _environment(place, names or {}))
    _judge(document, said, texts)
    return said


def _environment(place: Path, names: Mapping[str, str]) -> dict[str, str]:
    node, npm = programs()
    paths = [f"{place}/.venv/bin", str(Path(node).parent), os.environ["PATH"]]
    return {
        **os.environ,
        "PATH": os.pathsep.join(paths),
        "PLACE": str(place),
        "HOUSE": str(ROOT),
        "NPM": npm[-1],
        "PORT": str(free_port()),
        "ADMIN_PORT": str(free_port()),
        "SIMULATOR_PORT": str(free_port()),
        "NAMES": ";".join(f"s|{name}|{here}|g" for name, here in names.items()),
        "NO_PROXY": "*",
    }


def _bash(script: Path, place: Path, environment: Mapping[str, str]) -> str:
    process = subprocess.Popen(
        ["bash", str(script)],
        cwd=place,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=_SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == 0, said
    return said


def _judge(document: Document, said: str, texts: Mapping[str, str]) -> None:
    _, *parts = re.split(r"^BLOCK (.+)$", said, flags=re.MULTILINE)
    told = dict(zip(parts[::2], parts[1::2], strict=True))
    assert told.keys() == texts.keys(), f"{document.name}: {said}"
    for file, text in texts.items():
        bad = [
            status for status in re.findall(r"^STATUS (\d+)$", told[file], re.MULTILINE) if status >= "400"
        ]
        assert all(status in text for status in bad), f"{document.name}: {text}{told[file]}"


def install_example() -> None:
    """Bring the packages of the TypeScript example, as `npm ci` does."""
    installed_node(EXAMPLE)


def write_whole(text: str, scratch: Path) -> Path:
    """A file with a fragment of configuration, set into the smallest whole one; what it names exists here."""
    pair = scratch / "pbx"
    pair.mkdir()
    for name in ("username", "password"):
        (pair / name).touch(mode=0o600)
        (pair / name).write_text("x")
    text = text.replace("/run/secrets/pbx", str(pair)).replace("/var/lib/gateway", str(scratch))
    credentials = {"default": {"directory": str(pair)}}
    smallest = {
        "upstream": {"base_url": "https://pbx.example.com", "credentials": credentials},
        "store": {"url": "sqlite://:memory:"},
        "tenants": {"acme": {"credentials": "default"}},
    }
    file = scratch / "gateway.yaml"
    file.write_text(yaml.safe_dump({**smallest, **yaml.safe_load(text)}))
    return file


def check_yaml(text: str, scratch: Path) -> subprocess.CompletedProcess[str]:
    """`gateway check` of a fragment."""
    command = [sys.executable, "-m", "gateway", "check", "--config", str(write_whole(text, scratch))]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
