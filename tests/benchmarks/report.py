"""The comparison as RESULTS.md tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.figures import Figure, Spread, ratio, spread
from tests.benchmarks.plot import svg
from tests.benchmarks.results import table


@dataclass(frozen=True)
class Target:
    """What one of our subjects may cost at most, as a multiple of a peer's CPU a request. None: no bound."""

    ours: str
    peer: str
    at_most: float | None
    is_floor: bool = False

    @property
    def text(self) -> str:
        """The bound in words."""
        if self.at_most is None:
            return ""
        bound = (
            f"at least {1 / self.at_most:.0f} times cheaper" if self.at_most < 0.2 else f"≤ {self.at_most}"
        )
        return bound + (" (floor)" if self.is_floor else "")


def _aims(form: str) -> tuple[Target, ...]:
    """What is aimed at, of the sources (`ours`) and of the compiled gateway (`native`) alike."""
    rest, graphql = f"{form}-rest-file", f"{form}-graphql-file"
    return (
        Target(rest, "fastify", 1.0),
        Target(rest, "fastify", 1.5, is_floor=True),
        Target(graphql, "mercurius", 1.0),
        Target(graphql, "apollo", 0.8, is_floor=True),
        Target(graphql, "obvious-graphql", 1 / 15),
        Target(rest, "obvious-rest", 1 / 9),
    )


TARGETS: Final = (
    *_aims("ours"),
    *_aims("native"),
    Target("native-rest-file", "ours-rest-file", None),
    Target("native-graphql-file", "ours-graphql-file", None),
    Target("ours-rest-file", "fastify-hand", None),
    Target("ours-graphql-file", "mercurius-hand", None),
    Target("ours-rest-file-traces0", "fastify-traces0", None),
    Target("ours-graphql-file-traces0", "mercurius-traces0", None),
)
_GRAPHQL_PEERS: Final = ("mercurius", "apollo", "yoga")
_HOW: Final = """\
CPU of the server's process (user and system, all threads) per answered request, at 64 connections of
wrk in a closed loop, so p50 and p99 are those of a saturated server; every server has its turn in every
round, over the same nginx. *ours* has all its features on: a durable admit where the store is a file,
policy, audit line, tail-sampled spans, and keeps to one processor
(`--processors one`, not the default); *native* is the same, compiled by `make native`. The Node peers
have an API-key check, two quotas, an idempotency map, validation, translation, a histogram, counters, a
log line, and spans at 10 %: by OpenTelemetry's packaged instrumentations, by hand (`-hand`), or none
(`-traces0`). The *obvious* wiring has none of these. Without a suffix: spans at 10 %."""


def is_graphql(name: str) -> bool:
    """Which door a subject's name means."""
    return "graphql" in name or name.partition("-")[0] in _GRAPHQL_PEERS


def groups(figures: Mapping[str, Sequence[Figure]]) -> dict[str, list[tuple[str, Spread]]]:
    """The spread of CPU a request of every subject, by door."""
    found: dict[str, list[tuple[str, Spread]]] = {}
    for door in ("REST", "GraphQL"):
        rows = [
            (name, spread([figure.cpu_us for figure in rounds]))
            for name, rounds in figures.items()
            if is_graphql(name) == (door == "GraphQL")
        ]
        if rows:
            found[door] = rows
    return found


def plot(figures: Mapping[str, Sequence[Figure]]) -> str:
    """The SVG of it."""
    return svg("CPU a request", groups(figures))


def section(figures: Mapping[str, Sequence[Figure]]) -> str:
    """How it was measured, a table of figures and a table of ratios."""
    rounds = len(next(iter(figures.values())))
    parts = [_HOW, f"Medians of {rounds} rounds (least-most)."]
    rows = []
    for cpu in (
        row for group in groups(figures).values() for row in sorted(group, key=lambda r: r[1].median)
    ):
        name, taken = cpu[0], figures[cpu[0]]
        rows.append(
            [
                name,
                cpu[1].text(),
                spread([figure.p50_ms for figure in taken]).text(1),
                spread([figure.p99_ms for figure in taken]).text(1),
                f"{spread([figure.per_second for figure in taken]).median:.0f}",
            ]
        )
    parts.append(table(["", "µs CPU a request", "p50 ms", "p99 ms", "requests/s"], rows))
    told = [
        [f"{t.ours} / {t.peer}", ratio(figures[t.ours], figures[t.peer]).text(3), t.text]
        for t in TARGETS
        if t.ours in figures and t.peer in figures
    ]
    if told:
        parts.append(table(["CPU a request, round by round", "ratio", "aim"], told))
    return "\n\n".join(parts)
