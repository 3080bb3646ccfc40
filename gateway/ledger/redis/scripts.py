"""The scripts that run inside the store, and how they are called: by digest, and by text where the
store does not know the digest. NOSCRIPT says that nothing was executed, so that is no retry."""

from hashlib import sha1
from importlib.resources import files
from typing import Final

from gateway.ledger.redis.resp import ErrorReply, bulk, command, framed
from gateway.ledger.redis.routing import Servers
from gateway.values import value_class


@value_class(frozen=True, slots=True)
class Script:
    """One script: the words that call it by digest, those that call it by text, and what loads it."""

    by_digest: bytes
    by_text: bytes
    load: bytes

    async def run(
        self, servers: Servers, tag: bytes, keys: tuple[bytes, ...], arguments: bytes, count: int
    ) -> object:
        """The script's reply. `arguments` are `count` words from `bulk`. Raises NotSent, Unanswered."""
        tail = bulk((b"%d" % len(keys), *keys)) + arguments
        words = 3 + len(keys) + count
        reply = await servers.ask(tag, framed(words, self.by_digest, tail))
        if isinstance(reply, ErrorReply) and reply.code == "NOSCRIPT":
            reply = await servers.ask(tag, framed(words, self.by_text, tail))
        return reply


def _script(name: str) -> Script:
    common = (files(__package__) / "common.lua").read_bytes()
    text = common + (files(__package__) / f"{name}.lua").read_bytes()
    # The store names scripts by SHA-1; nothing secret hangs on it.
    digest = sha1(text, usedforsecurity=False).hexdigest().encode()
    return Script(
        bulk((b"EVALSHA", digest)),
        bulk((b"EVAL", text)),
        command(b"SCRIPT", b"LOAD", text),
    )


ADMIT: Final = _script("admit")
CLOSE: Final = _script("close")
PEEK: Final = _script("peek")

SCRIPTS: Final = (ADMIT, CLOSE, PEEK)

__all__ = ["ADMIT", "CLOSE", "PEEK", "SCRIPTS", "Script"]
