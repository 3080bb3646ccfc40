"""Programs that come from Debian's packages, and the tests that need them.

`make test` installs the packages as root on Debian. Elsewhere the tests that need a missing program are
left out, which is said in one line; with CI=true nothing may be left out, and a missing program fails.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Final

import pytest

PACKAGE_OF: Final = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "chromium": "chromium",
    "haproxy": "haproxy",
    "nginx": "nginx-light",
    "wrk": "wrk",
    "faketime": "faketime",
    "buildah": "buildah",
    "podman": "podman",
    "runc": "runc",
    "skopeo": "skopeo",
    "mmdebstrap": "mmdebstrap",
    "catatonit": "catatonit",
    "curl": "curl",
    "zsh": "zsh",
    "fish": "fish",
    "cc": "gcc libc6-dev",
    "Python.h": "python3-dev",
}
"""Program, or header of this Python, -> Debian packages."""

FOLDERS: Final[dict[str, tuple[str, ...]]] = {
    "observability": ("prometheus", "promtool", "amtool", "prometheus-alertmanager"),
    "deploy": ("buildah", "podman", "runc", "mmdebstrap", "catatonit", "haproxy"),
    "pages": ("chromium",),
    "rolling": ("haproxy",),
    "clocks": ("faketime",),
    "benchmarks": ("nginx", "wrk"),
    "documents": ("curl",),
    "completion": ("zsh", "fish"),
    "native": ("cc", "Python.h"),
}
"""Folder of tests -> the programs all of it needs."""


def missing(*programs: str) -> tuple[str, ...]:
    """Those of the programs that are not on PATH."""
    return tuple(program for program in programs if not _is_here(program))


def _is_here(program: str) -> bool:
    if program.endswith(".h"):
        return Path(sysconfig.get_path("include"), program).exists()
    return shutil.which(program) is not None


def is_left_out(folder: str) -> bool:
    """Whether a folder's tests can't run here. With CI=true that is an error instead."""
    absent = missing(*FOLDERS.get(folder, ()))
    if not absent:
        return False
    packages = " ".join(sorted({PACKAGE_OF[program] for program in absent}))
    if os.environ.get("CI") == "true":
        raise pytest.UsageError(f"tests/{folder} needs {', '.join(absent)}: install {packages}")
    return True


def left_out() -> list[str]:
    """One line for each folder that is left out."""
    return [
        f"left out: tests/{folder} (needs {', '.join(missing(*programs))})"
        for folder, programs in FOLDERS.items()
        if (Path(__file__).parent / folder).is_dir() and missing(*programs)
    ]


if __name__ == "__main__":
    needed = {PACKAGE_OF[p] for programs in FOLDERS.values() for p in missing(*programs)}
    sys.stdout.write(" ".join(sorted(needed)))
