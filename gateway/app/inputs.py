"""What a start or a reload reads: the settings, and what the files that they name hold.

Each file is read once, so that what is compared with the last reading is what is used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gateway.settings.credentials import BadCredentials, Pair, read_pair
from gateway.settings.files import authorities_text, store_files_of
from gateway.settings.model import Settings
from gateway.settings.model import Upstream as UpstreamSettings
from gateway.settings.watch import Fingerprint, fingerprint


@dataclass(frozen=True, slots=True)
class Inputs:
    """The settings, every named pair, whom the upstream's certificate must come from (None: the system's
    authorities), and what told the store's files apart."""

    settings: Settings
    pairs: tuple[tuple[str, Pair], ...]
    authorities: str | None
    store_files: Fingerprint

    def is_same_site(self, before: "Inputs") -> bool:
        """Whether the upstream that was built from `before` serves on, with these pairs."""
        return (self.settings.upstream, self.authorities) == (before.settings.upstream, before.authorities)

    def need_restart(self, before: "Inputs") -> Iterator[str]:
        """What has changed since `before` but is taken at the next start only."""
        for name in ("listen", "admin", "store"):
            if getattr(self.settings, name) != getattr(before.settings, name):
                yield f"`{name}`"
        for file, digest in self.store_files.items():
            if before.store_files.get(file, digest) != digest:
                yield str(file)


def read_inputs(settings: Settings) -> Inputs:
    """Read the files. Blocks; raises BadCredentials, and OSError where another file can't be read."""
    return Inputs(
        settings,
        _read_pairs(settings.upstream),
        _read_authorities(settings.upstream),
        fingerprint(store_files_of(settings)),
    )


def _read_pairs(settings: UpstreamSettings) -> tuple[tuple[str, Pair], ...]:
    return tuple((name, _read_pair(name, named.directory)) for name, named in settings.credentials.items())


def _read_pair(name: str, directory: Path) -> Pair:
    try:
        return read_pair(directory)
    except BadCredentials as fault:
        raise BadCredentials(fault.path, fault.message, (name,)) from None


def _read_authorities(settings: UpstreamSettings) -> str | None:
    file = settings.tls.ca_file
    if file is None or urlsplit(settings.base_url).scheme != "https":
        return None
    return authorities_text(file.read_bytes())
