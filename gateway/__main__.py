"""`python -m gateway`, and the console script `gateway`."""

import sys

from gateway.cli import run


def main() -> None:
    """Run the command that the process's arguments name, and exit with its status."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
