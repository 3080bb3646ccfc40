"""The keys behind a JWKS URL: cached, renewed in the background, served stale while the issuer is away."""

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import httpx

from gateway.access.jwks import MAX_KEY_SET_BYTES, KeySet, read_key_set

_log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 300.0
"""After this the keys are fetched again; a withdrawn key is taken no longer than that."""
STALE_SECONDS: Final = 86_400.0
"""How long keys are served that can't be fetched anew; past it their tokens are refused."""
RENEWAL_SECONDS: Final = 10.0
"""Tokens that name unknown keys cause at most one fetch in this time: anybody can send them."""
RETRY_SECONDS: Final = 10.0
FIRST_RETRY_SECONDS: Final = 1.0
"""After a failed fetch: while there are keys to serve, and while there are none."""


class UrlKeys:
    """The keys of one URL. At most one fetch is under way; whoever needs its result waits for that one."""

    def __init__(
        self, url: str, client: httpx.AsyncClient, clock: Callable[[], float], timeout_seconds: float
    ) -> None:
        """`clock` tells monotonic seconds; `timeout_seconds` is for one fetch in whole."""
        self._url = url
        self._client = client
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._document: bytes | None = None
        self._keys: KeySet | None = None
        self._fetch: asyncio.Task[None] | None = None
        self._due_at = self._renewable_at = self._stale_at = float("-inf")

    def current(self) -> KeySet | None:
        """The keys that are known, at once; a fetch that is due begins in the background."""
        now = self._clock()
        if now >= self._due_at and self._fetch is None:
            self._fetch = asyncio.create_task(self._refresh())
        return self._keys if now < self._stale_at else None

    async def renewed(self) -> KeySet | None:
        """The keys after the fetch that is under way, or after a new one unless the last was too recent."""
        now = self._clock()
        if self._fetch is None and now >= self._renewable_at:
            self._renewable_at = now + RENEWAL_SECONDS
            self._fetch = asyncio.create_task(self._refresh())
        if self._fetch is not None:
            # Many requests wait for one fetch: a client that hangs up must not end it for the others.
            await asyncio.shield(self._fetch)
        return self.current()

    async def aclose(self) -> None:
        """Ends the fetch that is under way."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait([self._fetch])

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                document = await self._download()
            if document != self._document:
                self._keys = read_key_set(document)
                self._document = document
            self._due_at = self._clock() + FRESH_SECONDS
            self._stale_at = self._clock() + STALE_SECONDS
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as fault:
            wait_seconds = FIRST_RETRY_SECONDS if self._keys is None else RETRY_SECONDS
            self._due_at = self._clock() + wait_seconds
            _log.warning("the keys of %s could not be fetched: %s %s", self._url, type(fault).__name__, fault)
        finally:
            self._fetch = None

    async def _download(self) -> bytes:
        if not _is_confidential(self._url):
            raise ValueError("keys are fetched by https only, or from this machine")
        async with self._client.stream("GET", self._url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise ValueError(f"HTTP status {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise ValueError("the answer is compressed, though that was not asked for")
            document = bytearray()
            async for chunk in answer.aiter_raw():
                document += chunk
                if len(document) > MAX_KEY_SET_BYTES:
                    raise ValueError(f"the answer is larger than {MAX_KEY_SET_BYTES} bytes")
            return bytes(document)


def _is_confidential(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
