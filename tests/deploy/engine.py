"""podman and buildah over a store of the tests' own, so that nobody else's images or pods are touched."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HOME: Final = Path("/var/tmp/make-call-gateway-tests")  # noqa: S108 - created here, for root alone
"""What is kept from run to run: the base and the image."""

_STORAGE: Final = """\
[storage]
driver = "overlay"
graphroot = "{home}/storage"
runroot = "/run/make-call-gateway-tests/storage"
"""

# A test machine may have neither systemd nor the limits that podman asks for by default.
_CONTAINERS: Final = """\
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=8192:8192"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
"""


@dataclass(frozen=True)
class Engine:
    """The two programs, as they are started here."""

    environment: dict[str, str]

    def run(self, *command: str | Path, seconds: float = 60, **options: Any) -> str:
        """What a command prints. Raises AssertionError with what it said where it fails."""
        done = subprocess.run(
            [str(one) for one in command],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            **options,
        )
        assert done.returncode == 0, f"{command} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def podman(self, *arguments: str | Path, seconds: float = 60, **options: Any) -> str:
        """`podman ARGUMENTS`."""
        return self.run("podman", *arguments, seconds=seconds, **options)

    def buildah(self, *arguments: str | Path, seconds: float = 400) -> str:
        """`buildah ARGUMENTS`."""
        return self.run("buildah", *arguments, seconds=seconds)

    def has(self, image: str) -> bool:
        """Whether an image is in the store."""
        command = ["podman", "image", "exists", image]
        return subprocess.run(command, env=self.environment, check=False).returncode == 0

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """What podman knows of an image, a container or a pod."""
        [found] = json.loads(self.podman(kind, "inspect", name))
        return dict(found)


def engine() -> Engine:
    """The engine, its configuration written."""
    HOME.mkdir(mode=0o700, exist_ok=True)
    storage, containers = HOME / "storage.conf", HOME / "containers.conf"
    storage.write_text(_STORAGE.format(home=HOME))
    containers.write_text(_CONTAINERS)
    own = {"CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(containers)}
    return Engine({**os.environ, **own})
