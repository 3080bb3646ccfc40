"""What the kubelet does for a pod: its volumes from Secrets and ConfigMaps, changed by swapping a link."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GROUP: Final = 10_001
"""The pod's fsGroup."""

MODE: Final = 0o440
"""The volumes' defaultMode."""


@dataclass
class Volume:
    """One such volume: `..data` leads to a directory with the files, and each name into `..data`."""

    path: Path
    turns: int = 0

    def write(self, files: Mapping[str, str]) -> None:
        """Put these files there, all at once, as the kubelet's atomic writer does."""
        self.path.mkdir(exist_ok=True)
        self.turns += 1
        fresh = self.path / f"..turn_{self.turns}"
        fresh.mkdir()
        for name, text in files.items():
            file = fresh / name
            file.write_text(text)
            file.chmod(MODE)
            os.chown(file, 0, GROUP)
        current = self.path / "..data"
        old = current.resolve() if current.exists() else None
        link = self.path / "..data_tmp"
        link.symlink_to(fresh.name)
        link.replace(current)
        for name in files:
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")
        if old is not None:
            shutil.rmtree(old)


def volume(path: Path, files: Mapping[str, str]) -> Volume:
    """A volume with these files."""
    made = Volume(path)
    made.write(files)
    return made
