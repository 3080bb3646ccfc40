"""Every part of the benchmark, one after the other, into RESULTS.md.

python -m tests.benchmarks
"""

import importlib
from typing import Final

PARTS: Final = ("compare", "native", "flatness", "latency", "holding", "scaling", "start")

if __name__ == "__main__":
    for part in PARTS:
        importlib.import_module(f"tests.benchmarks.{part}").main(["--write"])
