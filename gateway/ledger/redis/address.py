"""A store's URL taken apart: where the servers are, and what a connection says first."""

import ssl
from dataclasses import field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from gateway.ledger.redis.resp import command
from gateway.values import value_class

DEFAULT_PORT: Final = 6379
_SCHEMES: Final = {
    "redis": (False, False),
    "rediss": (True, False),
    "redis+cluster": (False, True),
    "rediss+cluster": (True, True),
}


@value_class(frozen=True, slots=True)
class Address:
    """Where the store is. `seeds` are hosts and ports; one, unless it is a cluster."""

    seeds: tuple[tuple[str, int], ...]
    database: int
    is_tls: bool
    is_cluster: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def identity(self) -> str:
        """The store's name without its secrets: what a gateway remembers it by."""
        servers = ",".join(f"{host}:{port}" for host, port in sorted(self.seeds))
        return f"{'cluster' if self.is_cluster else 'single'} {servers}/{self.database}"

    def greeting(self) -> tuple[bytes, ...]:
        """AUTH where there is a password, SELECT where the database is not the first."""
        words: list[bytes] = []
        if self.password is not None:
            user = (self.username.encode(),) if self.username else ()
            words.append(command(b"AUTH", *user, self.password.encode()))
        if self.database:
            words.append(command(b"SELECT", b"%d" % self.database))
        return tuple(words)


def address_of(url: str, password: str | None = None) -> Address:
    """The address that a URL names; `password` wins over one in the URL. Raises ValueError.

    A cluster's URL may name several servers, separated by commas.
    """
    # Taken apart by hand: for urlsplit there is one server, and a bracket begins it.
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES:
        raise ValueError(f"store.url must start with one of {', '.join(f'{s}://' for s in _SCHEMES)}")
    is_tls, is_cluster = _SCHEMES[scheme]
    authority, _, path = rest.partition("/")
    user_info, _, servers = authority.rpartition("@")
    username, _, url_password = user_info.partition(":")
    seeds = tuple(_server(server) for server in servers.split(","))
    if len(seeds) > 1 and not is_cluster:
        raise ValueError("store.url names several servers: that takes redis+cluster://")
    database = path.strip("/") or "0"
    if not database.isdecimal() or (is_cluster and database != "0"):
        raise ValueError("store.url must end with the number of a database; a cluster has only 0")
    return Address(
        seeds,
        int(database),
        is_tls,
        is_cluster,
        unquote(username) or None,
        password if password is not None else (unquote(url_password) or None),
    )


def _server(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("store.url names no host")
    return parts.hostname, parts.port or DEFAULT_PORT


def tls_context(address: Address, ca_file: Path | None) -> ssl.SSLContext | None:
    """How servers are verified: by `ca_file`, or the system's authorities. None without TLS."""
    if not address.is_tls:
        return None
    return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))


__all__ = ["Address", "address_of", "tls_context"]
