"""A store's URL says where the servers are, and gives no secret away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.ledger.redis.address import address_of
from gateway.settings.fields import StoreUrl

CONFIGURED: TypeAdapter[str] = TypeAdapter(StoreUrl)
SERVERS = st.lists(
    st.sampled_from(["a", "b:1", "[::1]", "[::2]:7", "h:x", "h:", ":3", "", "a..b"]), max_size=3
)


@pytest.mark.parametrize(
    ("url", "seeds", "database", "tls", "cluster"),
    [
        ("redis://localhost", (("localhost", 6379),), 0, False, False),
        ("redis://u:p%40ss@10.0.0.1:7000/3", (("10.0.0.1", 7000),), 3, False, False),
        ("rediss://[::1]:6380/0", (("::1", 6380),), 0, True, False),
        ("redis+cluster://a:1,b:2,c", (("a", 1), ("b", 2), ("c", 6379)), 0, False, True),
        ("rediss+cluster://:secret@a", (("a", 6379),), 0, True, True),
        ("redis+cluster://a,[::1]:7001,[::2]/0", (("a", 6379), ("::1", 7001), ("::2", 6379)), 0, False, True),
    ],
)
def test_urls_are_read(
    url: str, seeds: tuple[tuple[str, int], ...], database: int, tls: bool, cluster: bool
) -> None:
    """Each scheme, with and without a user, a password, a port and a database."""
    address = address_of(url)
    assert (address.seeds, address.database) == (seeds, database)
    assert (address.is_tls, address.is_cluster) == (tls, cluster)


def test_a_password_shows_nowhere() -> None:
    """Neither in the address's text nor in the name that a store is remembered by; the file's wins."""
    address = address_of("redis://u:canary-url@h/0", "canary-file")
    assert address.password == "canary-file"
    for told in (repr(address), address.identity):
        assert "canary" not in told
    assert address_of("redis://u:p%40ss@h").password == "p@ss"


@pytest.mark.parametrize("url", ["redis://", "redis://h/x", "http://h", "redis+cluster://h/1", "redis://a,b"])
def test_what_names_no_store_is_refused(url: str) -> None:
    """A ValueError that says what is wrong."""
    with pytest.raises(ValueError, match=r"store\.url"):
        address_of(url)


@given(
    scheme=st.sampled_from(["redis", "rediss", "redis+cluster", "rediss+cluster"]),
    servers=SERVERS.map(",".join),
    path=st.one_of(
        st.sampled_from(["", "/", "/0", "/1/", "/x", "/-1", "/1.5", "//2", "/0?", "/9999999999", "/0;1"]),
        st.text("/0123456789x-", max_size=8),
    ),
)
def test_what_the_configuration_accepts_is_a_store(scheme: str, servers: str, path: str) -> None:
    """No URL that `check` is content with ends a command later."""
    url = f"{scheme}://{servers}{path}"
    try:
        CONFIGURED.validate_python(url)
    except ValidationError:
        return
    assert len(address_of(url).seeds) == servers.count(",") + 1
