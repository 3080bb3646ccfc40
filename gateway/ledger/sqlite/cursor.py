"""Cursors of the record listing: a row's number with a check, so that no other text passes for one."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from gateway.ledger import BadCursor

_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{16}", re.ASCII)
_SALT: Final = b"calls:"


def write_cursor(seq: int) -> str:
    """16 characters that mean: the rows older than this one."""
    number = seq.to_bytes(8, "big")
    return urlsafe_b64encode(number + _check(number)).decode("ascii")


def read_cursor(text: str) -> int:
    """The row's number. Raises BadCursor for anything that `write_cursor` never gave."""
    if _SHAPE.fullmatch(text):
        whole = urlsafe_b64decode(text)
        seq = int.from_bytes(whole[:8], "big")
        if whole[8:] == _check(whole[:8]) and seq < 2**63:
            return seq
    raise BadCursor("not a cursor of this listing")


def _check(number: bytes) -> bytes:
    return binascii.crc32(_SALT + number).to_bytes(4, "big")


__all__ = ["read_cursor", "write_cursor"]
