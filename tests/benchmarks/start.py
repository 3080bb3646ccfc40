"""How long a start takes, and what memory a gateway holds at rest.

    python -m tests.benchmarks.start [--rounds 5]

With what ships alone: an environment of its own with requirements.txt, because libraries import more where
the developers' packages are present (httpx brings rich). From the start of the process to the first 200 of
`/readyz`, asked every 5 ms; memory is the process's resident set, then and after 100 requests.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.checks import Asker
from tests.benchmarks.figures import spread
from tests.benchmarks.gateways import compiled, settings
from tests.benchmarks.process import cpu_seconds, memory_bytes
from tests.benchmarks.results import command, table
from tests.benchmarks.servers import ROOT
from tests.benchmarks.upstream import Upstream, upstream
from tests.house import stop
from tests.ledger.valkey import free_port

_REQUESTS = 100
_MB = 1_000_000
_TOLD: Final = (
    ("seconds from start to ready", 2, "≤ 1"),
    ("CPU seconds until then", 2, ""),
    ("MB resident when ready", 1, "≤ 90"),
    (f"MB resident after {_REQUESTS} requests", 1, "≤ 90"),
)


def shipped(place: Path) -> Path:
    """The Python of an environment that has what the image has."""
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes"]
    subprocess.run([python, *install, "-r", ROOT / "requirements.txt"], check=True)
    return python


def one_start(python: Path, form: Path, behind: Upstream) -> tuple[float, float, float, float]:
    """Of the gateway in the directory `form`: seconds to ready, CPU seconds and megabytes then, and megabytes
    after 100 requests."""
    with tempfile.TemporaryDirectory() as directory:
        place, port, admin = Path(directory), free_port(), free_port()
        made = settings(place, behind, listen={"port": port}, admin={"port": admin})
        config = place / "config" / "gateway.yaml"
        config.parent.mkdir()
        config.write_text(json.dumps(made))
        began = time.monotonic()
        command = [str(python), "-m", "gateway", "serve", "--config", str(config)]
        process = subprocess.Popen(command, cwd=form, text=True, stdout=subprocess.DEVNULL)
        try:
            while not is_ready(admin):
                assert process.poll() is None, "the gateway ended"
                assert time.monotonic() - began < 30, "the gateway does not get ready"
                time.sleep(0.005)
            seconds, at_rest = time.monotonic() - began, memory_bytes(process.pid)
            cpu = cpu_seconds(process.pid)
            asker = Asker(f"http://127.0.0.1:{port}", "rest")
            for number in range(_REQUESTS):
                asker.requested(f"start-{number}")
            asker.close()
            return seconds, cpu, at_rest / _MB, memory_bytes(process.pid) / _MB
        finally:
            stop(process)


def is_ready(admin_port: int) -> bool:
    """Whether /readyz says 200."""
    asking = http.client.HTTPConnection("127.0.0.1", admin_port, timeout=1)
    try:
        asking.request("GET", "/readyz")
        return asking.getresponse().status == 200
    except OSError:
        return False
    finally:
        asking.close()


def told(options: argparse.Namespace) -> str:
    """The section."""
    forms = {ROOT: "sources", compiled(): "compiled (`make native`)"}
    with tempfile.TemporaryDirectory() as place, upstream() as behind:
        python = shipped(Path(place))
        starts: dict[Path, list[tuple[float, float, float, float]]] = {form: [] for form in forms}
        for number in range(options.rounds + 1):
            for form, found in starts.items():
                one = one_start(python, form, behind)
                if number:  # the first one writes the byte code, and fills the page cache
                    found.append(one)
                    sys.stderr.write("{:.2f} s, {:.2f} s CPU, {:.1f} MB, {:.1f} MB\n".format(*one))
    columns = [[spread(column) for column in zip(*found, strict=True)] for found in starts.values()]
    rows = [
        [what, *(form[place].text(decimals) for form in columns), aim]
        for place, (what, decimals, aim) in enumerate(_TOLD)
    ]
    how = f"Store on a file, spans at 10 %, {options.rounds} starts of each form in turn."
    return f"{how}\n\n" + table(["", *forms.values(), "aim"], rows)


def main(given: Sequence[str] | None = None) -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    command("start", "Start and memory at rest", parser, told, given)


if __name__ == "__main__":
    main()
