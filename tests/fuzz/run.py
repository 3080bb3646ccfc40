"""Fuzzes one target: `python -m tests.fuzz.run TARGET [libFuzzer options] [DIRECTORY]`.

Guided by coverage where atheris is installed (it has wheels for few platforms), else by chance alone, under
the same options `-seed`, `-max_total_time`, `-max_len` and `-artifact_prefix`. New inputs go to DIRECTORY, by
default nowhere; the corpus of the repository is only read. An input that breaks a promise is written to
`crash-*`: mend what it found, and keep it in `corpus/TARGET`.
"""

import hashlib
import random
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
INSTRUMENTED = ["gateway.legacy", "gateway.call", "gateway.policy", "gateway.doors"]
Target = Callable[[bytes], None]


def guided(name: str, options: list[str], directories: list[str]) -> None:
    """libFuzzer, with the gateway's modules instrumented while they are imported."""
    import atheris  # noqa: PLC0415 - not installed everywhere

    with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415
    atheris.Setup([sys.argv[0], *options, *directories, str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


def by_chance(name: str, options: list[str]) -> None:
    """Mutations of the corpus, for the given time; the first that breaks a promise ends it."""
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - the other way imports it instrumented

    given = dict(option.lstrip("-").partition("=")[::2] for option in options)
    chance = random.Random(given.get("seed", "0"))
    corpus = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    ends_at = time.monotonic() + float(given.get("max_total_time", "60"))
    runs = 0
    while time.monotonic() < ends_at:
        data = mutated(chance, corpus)[: int(given.get("max_len", "4096"))]
        try:
            TARGETS[name](data)
        except Exception:
            crash = given.get("artifact_prefix", "") + "crash-" + hashlib.sha256(data).hexdigest()[:16]
            Path(crash).write_bytes(data)
            raise
        runs += 1
    sys.stderr.write(f"Done {runs} runs by chance\n")


def mutated(chance: random.Random, corpus: list[bytes]) -> bytes:
    """One input of the corpus with a few bytes changed, cut out, doubled, or taken from another."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at, to = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        other = chance.choice(corpus)
        part = other[chance.randrange(len(other) + 1) :][: chance.randrange(1, 24)]
        data[at : chance.choice((at, at + 1, to))] = chance.choice((b"", part, part, chance.randbytes(1)))
    return bytes(data)


def main() -> None:
    """As the module says."""
    name, options = sys.argv[1], [item for item in sys.argv[2:] if item.startswith("-")]
    if find_spec("atheris") is None:
        by_chance(name, options)
        return
    with tempfile.TemporaryDirectory() as scratch:
        guided(name, options, [item for item in sys.argv[2:] if not item.startswith("-")] or [scratch])


if __name__ == "__main__":
    main()
