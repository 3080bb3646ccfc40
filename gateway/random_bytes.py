"""Random bytes of the operating system, taken many at a time: a system call costs ten times what is made of
its answer, and one call needs four ids."""

import os
from collections import deque
from typing import Final

MOST_AT_ONCE: Final = 24
_DRAWS: Final = 128

_pool: Final[deque[bytes]] = deque()
# A child must not draw what its parent draws too.
os.register_at_fork(after_in_child=_pool.clear)


def random_bytes(count: int) -> bytes:
    """So many bytes, 24 at most, which nobody was given before. From any thread."""
    while True:
        try:
            return _pool.popleft()[:count]
        except IndexError:
            drawn = os.urandom(_DRAWS * MOST_AT_ONCE)
            _pool.extend(drawn[at : at + MOST_AT_ONCE] for at in range(0, len(drawn), MOST_AT_ONCE))


__all__ = ["MOST_AT_ONCE", "random_bytes"]
