"""A gateway whose configuration and credentials are mounted files that a test changes while it runs."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.house import PASSWORD, USERNAME, Gateway, configuration, started, until
from tests.reload.mount import write_mount, write_pair

RELOADED = "configuration reloaded"


@dataclass
class Live:
    """A running gateway and the files behind it."""

    gateway: Gateway
    directory: Path
    settings: dict[str, Any]

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the configuration and swap the file in."""
        change(self.settings)
        self.write(json.dumps(self.settings))

    def write(self, text: str) -> None:
        """Swap this text in as the configuration."""
        write_mount(self.directory / "config", {"gateway.yaml": text})

    def rotate(self, username: str, password: str) -> None:
        """Swap another pair in."""
        write_pair(self.directory / "pair", username, password)

    def reloads(self) -> int:
        """How many times the configuration was reloaded."""
        return sum(line.get("message") == RELOADED for line in self.gateway.lines())

    def edit_and_wait(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the configuration and wait until the gateway says that it runs."""
        before = self.reloads()
        self.edit(change)
        until(lambda: self.reloads() > before)


@contextmanager
def live(
    directory: Path, upstream_url: str, tenants: Mapping[str, Mapping[str, Any]], **more: Any
) -> Iterator[Live]:
    """A gateway whose files are mounts in `directory`. Its ledger is in memory: a disk that other work
    keeps busy is not what these tests are about."""
    store = {"url": "sqlite://:memory:"}
    settings = deepcopy(configuration(directory, upstream_url, tenants, store=store, **more))
    settings["upstream"]["credentials"]["default"]["directory"] = str(directory / "pair")
    write_pair(directory / "pair", USERNAME, PASSWORD)
    write_mount(directory / "config", {"gateway.yaml": json.dumps(settings)})
    with started(directory / "config" / "gateway.yaml", directory / "gateway.log") as gateway:
        yield Live(gateway, directory, settings)
