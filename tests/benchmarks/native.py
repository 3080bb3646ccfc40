"""CPU a request of the compiled gateway beside its sources and the peers: `make native` comes first.

    python -m tests.benchmarks.native [--only 'ours-*-file,native-*-file'] [--rounds 3] [--seconds 5]

Measured as by `compare`, in a run of its own.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from tests.benchmarks.compare import arguments, compare, table
from tests.benchmarks.report import section
from tests.benchmarks.results import command
from tests.benchmarks.servers import all_servers, native_servers

_ONLY: Final = "ours-rest-file,ours-graphql-file,native-*,fastify,mercurius,apollo,obvious-*"


def told(options: argparse.Namespace) -> str:
    """The section."""
    figures = compare(options, [*all_servers(), *native_servers()])
    sys.stderr.write(table(figures))
    return section(figures)


def main(given: Sequence[str] | None = None) -> None:
    """Read the options, and measure."""
    parser = arguments()
    parser.set_defaults(only=_ONLY)
    command("native", "Compiled to machine code", parser, told, given)


if __name__ == "__main__":
    main()
