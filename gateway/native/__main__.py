"""python -m gateway.native [-O0] DIRECTORY: the package with its hot rooms compiled, in DIRECTORY/gateway.

Needs mypy (which brings mypyc), setuptools, a C compiler and Python's headers. What it makes runs on this
version of Python and this machine's C library, or a newer one. With -O0 it is made in half the time, not
to be quick.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from mypyc.build import mypycify
from setuptools import setup

from gateway.native.classes import written_out
from gateway.native.modules import GROUP, compiled, shared_names

PACKAGE: Final = Path(__file__).parent.parent


def build(directory: Path, optimisation: str = "2") -> int:
    """Put the compiled package into a directory, instead of an earlier one; how many modules are compiled.

    Raises SystemExit where something else stands there; nothing is then touched.
    """
    directory = directory.resolve()
    if directory.exists() and any(directory.iterdir()) and not any(directory.glob(f"{GROUP}*")):
        raise SystemExit(f"{directory} holds something else: name a new directory, or an empty one")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix="native-") as place:
        made = Path(place, directory.name)
        count = _compile(made, optimisation)
        shutil.rmtree(directory, ignore_errors=True)
        made.rename(directory)
    return count


def _compile(directory: Path, optimisation: str) -> int:
    """Write the package anew into a new directory, and compile it there."""
    package = directory / PACKAGE.name
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "native"))
    modules = list(compiled(package))
    for path in modules:
        source = path.read_text()
        if shared := shared_names(source):
            raise SystemExit(f"{path}: these names of exceptions must differ: {', '.join(shared)}")
        path.write_text(written_out(source))
    os.chdir(directory)  # what is made stands where the sources do
    names = [str(path.relative_to(directory)) for path in modules]
    extensions = mypycify(
        ["--ignore-missing-imports", *names], opt_level=optimisation, debug_level="0", group_name=GROUP
    )
    # gcc would look up the source line of every `if` anew, in a file of 100 MB: minutes.
    os.environ["CFLAGS"] = f"{os.environ.get('CFLAGS', '')} -Wno-misleading-indentation"
    # One file is nearly all of the work; the small ones, a module each, are made beside it.
    arguments = ["-q", "build_ext", "--inplace", f"--parallel={os.cpu_count() or 1}"]
    setup(name=GROUP, packages=[], ext_modules=extensions, script_args=arguments)
    shutil.rmtree("build")
    shutil.rmtree(".mypy_cache")
    os.chdir(directory.parent)
    return len(modules)


if __name__ == "__main__":
    directories = [word for word in sys.argv[1:] if word != "-O0"]
    if len(directories) != 1:
        raise SystemExit("usage: python -m gateway.native [-O0] DIRECTORY")
    count = build(Path(directories[0]), "0" if "-O0" in sys.argv else "2")
    sys.stdout.write(f"{count} modules compiled: run `python -m gateway` in {directories[0]}\n")
