"""Cursors of the record listing: a place in the order of all records, with a check."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, NamedTuple

from gateway.ledger import BadCursor

_SALT: Final = b"calls:"


class Place(NamedTuple):
    """Where a record stands: by the moment of its admission, then by its id."""

    at_us: int
    call_id: str


def write_cursor(place: Place) -> str:
    """Text that means: the records older than this one."""
    whole = f"{place.at_us}:{place.call_id}".encode()
    return urlsafe_b64encode(_check(whole) + whole).rstrip(b"=").decode("ascii")


def read_cursor(text: str) -> Place:
    """The place. Raises BadCursor for anything that `write_cursor` never gave."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        whole = urlsafe_b64decode(padded)
        check, body = whole[:4], whole[4:]
        at_us, colon, call_id = body.decode().partition(":")
        place = Place(int(at_us), call_id)
    except (ValueError, binascii.Error):
        raise BadCursor("not a cursor of this listing") from None
    if check != _check(body) or not colon or write_cursor(place) != text:
        raise BadCursor("not a cursor of this listing")
    return place


def _check(body: bytes) -> bytes:
    return binascii.crc32(_SALT + body).to_bytes(4, "big")


__all__ = ["Place", "read_cursor", "write_cursor"]
