"""kill -9 at every step of a call, alone and under load, over both stores: the promises hold afterwards."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.crash.points import STORES
from tests.crash.scene import Scene, Upstream
from tests.crash.trap import Trap, place_of
from tests.hardening.cases import CASES
from tests.house import simulated
from tests.ledger.valkey import Valkey

SEEDS = int(os.environ.get("CRASH_SEEDS", "1"))
AT_ONCE = 4
EVERY_POINT = {name: point for points in STORES.values() for name, point in points.items()}


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    """The simulated legacy API."""
    dials = tmp_path / "dials.jsonl"
    with simulated(dials) as found:
        yield Upstream(found.url, dials)


def played(scenes: list[Scene]) -> list[str]:
    """What is broken in any of the scenes."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [fault for faults in pool.map(Scene.play, scenes) for fault in faults]


def told(faults: list[str]) -> str:
    """The first of them, line by line."""
    return "\n".join(fault[:1_000] for fault in faults[:20])


def test_every_row_has_a_crash_point_and_every_crash_point_a_row() -> None:
    """The catalogue names exactly the points that are played."""
    assert {case.name for case in CASES if case.name.startswith("crash: ")} == set(EVERY_POINT)


@pytest.mark.parametrize("name", EVERY_POINT)
def test_a_crash_point_stands_in_the_source(name: str) -> None:
    """A line that was moved or reworded takes its crash point with it, or fails here."""
    place_of(EVERY_POINT[name].trap)


@pytest.mark.parametrize(
    ("function", "line"), [("PlaceCall._dial", "gone"), ("PlaceCall.gone", "result ="), ("PlaceCall", "try:")]
)
def test_a_line_that_is_gone_or_not_the_only_one_is_an_error(function: str, line: str) -> None:
    """A crash point is never silently left out."""
    with pytest.raises(LookupError, match="move the crash point"):
        place_of(Trap("place_call/place.py", function, line))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_crash_keeps_every_promise_on_sqlite(seed: int, upstream: Upstream, tmp_path: Path) -> None:
    """Nothing is dialled twice or unrecorded, records and quotas are exact, what was told stays told."""
    scenes = [
        Scene(
            name,
            "sqlite",
            number,
            directory,
            f"sqlite://{directory}/ledger.db",
            upstream,
            seed,
        )
        for number, name in enumerate(STORES["sqlite"])
        for directory in [tmp_path / f"scene-{number}"]
    ]
    faults = played(scenes)
    assert not faults, told(faults)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_crash_keeps_every_promise_on_valkey(seed: int, upstream: Upstream, tmp_path: Path) -> None:
    """The same over a store that writes each command to disk; what was in progress ends by its deadline."""
    points = STORES["valkey"]
    with ExitStack() as stack:

        def started(name: str, *more: str) -> Valkey:
            valkey = Valkey(tmp_path / name, ("--appendonly", "yes", "--appendfsync", "always", *more))
            stack.callback(valkey.stop)
            return valkey.start()

        shared = started("valkey", "--databases", str(len(points)))
        scenes = []
        for number, (name, point) in enumerate(points.items()):
            own = None if point.away is None else started(f"valkey-{number}")
            url = shared.url.removesuffix("0") + str(number) if own is None else own.url
            directory = tmp_path / f"scene-{number}"
            scenes.append(Scene(name, "valkey", number, directory, url, upstream, seed, own))
        faults = played(scenes)
        assert not faults, told(faults)
