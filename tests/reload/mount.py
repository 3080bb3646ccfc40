"""Files as Kubernetes mounts a secret or a config map: all of them change at once, by one renamed link."""

import itertools
import os
from collections.abc import Mapping
from pathlib import Path

_VERSIONS = itertools.count()


def write_mount(directory: Path, files: Mapping[str, str]) -> None:
    """Make `directory` hold exactly these files: a new `..<version>` folder, and `..data` led there.

    https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter
    """
    directory.mkdir(parents=True, exist_ok=True)
    version = directory / f"..v{next(_VERSIONS)}"
    version.mkdir()
    for name, content in files.items():
        (version / name).write_text(content)
        (version / name).chmod(0o600)
    data, draft = directory / "..data", directory / "..data_tmp"
    old = data.resolve() if data.exists() else None
    draft.symlink_to(version.name)
    draft.replace(data)
    for name in files:
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(os.path.join("..data", name))  # noqa: PTH118 - a relative link
    if old is not None:
        for file in old.iterdir():
            file.unlink()
        old.rmdir()


def write_pair(directory: Path, username: str, password: str) -> None:
    """A pair of credentials, swapped in as one."""
    write_mount(directory, {"username": username + "\n", "password": password + "\n"})
