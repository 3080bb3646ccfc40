"""Where issuers' keys come from: a JWKS URL or a JWKS file.

One `JwksSources` lives as long as the process, so that the keys survive a configuration's reload.
All of it belongs to one event loop.
"""

import asyncio
import logging
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

import httpx

from gateway.access.jwks import MAX_KEY_SET_BYTES, KeySet, read_key_set
from gateway.access.key_url import UrlKeys
from gateway.settings.model import JwtIssuer
from gateway.wire import client_ssl_context

_log = logging.getLogger(__name__)

_FILE_LOOK_SECONDS: Final = 1.0
_FRESHNESS_LOOK_SECONDS: Final = 5.0
FETCH_TIMEOUT_SECONDS: Final = 2.0


class KeySource(Protocol):
    """The keys of one issuer."""

    def current(self) -> KeySet | None:
        """The keys as far as they are known, at once; None: none are."""

    async def renewed(self) -> KeySet | None:
        """The keys, looked up again where that is not too soon after the last time."""


class FileKeys:
    """The keys in a file, read again once a second at most, or when a token names an unknown key.

    A file that can't be read or used keeps the keys that are known, as a bad configuration does.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """`clock` tells monotonic seconds."""
        self._path = path
        self._clock = clock
        self._keys: KeySet | None = None
        self._content: bytes | None = None
        self._fault: str | None = None
        self._due_at = float("-inf")

    def current(self) -> KeySet | None:
        """The keys, at most a second old."""
        if self._clock() >= self._due_at:
            self._read()
        return self._keys

    async def renewed(self) -> KeySet | None:
        """The keys, read now: a small file in the page cache takes less than a signature's check."""
        self._read()
        return self._keys

    def _read(self) -> None:
        self._due_at = self._clock() + _FILE_LOOK_SECONDS
        try:
            # Contents are compared, not times: two writes within one tick of the file system differ too.
            content = _regular_file(self._path)
            if content != self._content:
                self._keys = read_key_set(content)
                self._content = content
            self._fault = None
        except (OSError, ValueError) as fault:
            if str(fault) != self._fault:
                _log.warning("the keys in %s can't be used: %s", self._path, fault)
            self._fault = str(fault)


class JwksSources:
    """The key sources of a process, one for each URL or file."""

    def __init__(
        self, clock: Callable[[], float], *, fetch_timeout_seconds: float = FETCH_TIMEOUT_SECONDS
    ) -> None:
        """`clock` tells monotonic seconds; the timeout is for one fetch in whole."""
        self._clock = clock
        self._timeout_seconds = fetch_timeout_seconds
        self._sources: dict[str | Path, KeySource] = {}
        self._client = httpx.AsyncClient(
            verify=client_ssl_context(None),
            trust_env=False,
            follow_redirects=False,
            timeout=fetch_timeout_seconds,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"User-Agent": "make-call-gateway", "Accept-Encoding": "identity"},
        )

    def source(self, issuer: JwtIssuer) -> KeySource:
        """The source of an issuer's keys; the same one for the same URL or file."""
        place = _place(issuer)
        found = self._sources.get(place)
        if found is None:
            found = self._sources[place] = (
                FileKeys(place, self._clock)
                if isinstance(place, Path)
                else UrlKeys(place, self._client, self._clock, self._timeout_seconds)
            )
        return found

    def retain(self, issuers: Iterable[JwtIssuer]) -> None:
        """Forgets the sources that no issuer of the configuration in force has."""
        wanted = {_place(issuer) for issuer in issuers}
        self._sources = {place: source for place, source in self._sources.items() if place in wanted}

    async def keep_fresh(self) -> None:
        """Looks up at once, then whenever it is due, until cancelled: no request has to wait for it."""
        while True:
            for source in tuple(self._sources.values()):
                source.current()
            await asyncio.sleep(_FRESHNESS_LOOK_SECONDS)

    async def aclose(self) -> None:
        """Ends what is being fetched."""
        for source in self._sources.values():
            if isinstance(source, UrlKeys):
                await source.aclose()
        await self._client.aclose()


def _place(issuer: JwtIssuer) -> str | Path:
    place = issuer.jwks_url or issuer.jwks_file
    if place is None:
        raise ValueError("an issuer needs `jwks_url` or `jwks_file`")
    return place


def _regular_file(path: Path) -> bytes:
    # O_NONBLOCK: opening a pipe would otherwise hold the event loop until somebody writes to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, no path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        return file.read(MAX_KEY_SET_BYTES + 1)
