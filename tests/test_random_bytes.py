"""Random bytes that are taken in bulk are still nobody else's."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.random_bytes import MOST_AT_ONCE, random_bytes

FORKED = """
import os
from gateway.random_bytes import random_bytes
print(random_bytes(16).hex(), flush=True)
child = os.fork()
drawn = [random_bytes(16).hex() for _ in range(200)]
if child:
    os.waitpid(child, 0)
print(*drawn, flush=True)
"""


@pytest.mark.parametrize("count", [1, 8, 16, MOST_AT_ONCE])
def test_as_many_bytes_as_asked_for(count: int) -> None:
    """Whatever is drawn before and after."""
    assert {len(random_bytes(count)) for _ in range(300)} == {count}


def test_no_two_threads_draw_the_same() -> None:
    """Four threads that draw at once share the pool, and never a draw of it."""
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda _: [random_bytes(16) for _ in range(20_000)], range(4)))
    assert len({one for some in drawn for one in some}) == 80_000


def test_a_child_draws_anew() -> None:
    """What the parent holds ready when it forks, only the parent draws."""
    done = subprocess.run([sys.executable, "-c", FORKED], check=True, capture_output=True, text=True)
    drawn = done.stdout.split()
    assert len(drawn) == len(set(drawn)) == 401


def test_every_bit_varies() -> None:
    """Of 2,000 draws no bit is always the same."""
    drawn = [int.from_bytes(random_bytes(MOST_AT_ONCE)) for _ in range(2000)]
    ever, always = 0, -1
    for one in drawn:
        ever, always = ever | one, always & one
    assert (ever, always) == ((1 << 8 * MOST_AT_ONCE) - 1, 0)
