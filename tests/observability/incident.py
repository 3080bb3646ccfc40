"""A scripted incident on a real gateway: what happens, and which alerts it must raise."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.house import Answer, Gateway, configuration, serving, simulated, tenant, to
from tests.observability.slow_proxy import Proxy, proxy
from tests.telemetry.collector import collector

SETTLE_SECONDS = 1.5
"""Two scrapes: what a step did has been seen."""


@dataclass(frozen=True)
class Site:
    """The gateway, the way to its upstream, and the file of its ledger."""

    gateway: Gateway
    way: Proxy
    ledger: Path

    def calls(
        self, who: str, count: int, digits: str = "1234", at_once: int = 16, **more: object
    ) -> list[Answer]:
        """Calls through both doors in turn, several at once."""

        def one(index: int) -> Answer:
            return self.gateway.call(
                ("rest", "graphql")[index % 2], who, to(digits, **more), f"{time.time_ns()}-{index}"
            )

        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(one, range(count)))


@contextmanager
def site(directory: Path) -> Iterator[Site]:
    """A gateway over a simulator behind a proxy, its traces going to a receiver."""
    with ExitStack() as stack:
        simulator = stack.enter_context(simulated(directory / "dials.jsonl"))
        way = stack.enter_context(proxy(simulator.url))
        spans = stack.enter_context(collector())
        hourly = {"name": "hourly", "limit": 5, "per": "hour"}
        roomy = {"name": "daily", "limit": 100_000, "per": "day"}
        settings = configuration(
            directory,
            way.url,
            {
                "acme": tenant("acme", quotas=[roomy]),
                "bravo": tenant("bravo", quotas=[roomy], credentials="second"),
                "charlie": tenant("charlie", quotas=[hourly], credentials="second"),
            },
            telemetry={"otlp_endpoint": spans.endpoint, "sample_ratio": 1.0},
        )
        upstream = settings["upstream"]
        upstream["answer_margin_seconds"] = 2
        upstream["credentials"]["second"] = upstream["credentials"]["default"]
        gateway = stack.enter_context(serving(directory, settings))
        yield Site(gateway, way, directory / "ledger.db")


def everyday(site: Site) -> None:
    """Steady traffic of every kind, nothing wrong with any of it but what callers do wrong."""
    for _ in range(4):
        site.calls("acme", 20)
        site.calls("bravo", 4, waitSeconds=1)
        site.calls("acme", 2, dryRun=True)
        site.calls("bravo", 2, digits="0595")
        client, headers = site.gateway.client, site.gateway.headers("acme")
        for _ in range(2):
            site.gateway.call("rest", "acme", to("0200"), "the-same-key")
        client.get("/v1/calls", headers=headers)
        client.get("/nowhere")
        client.post("/v1/calls", json=to("0200"), headers={"Authorization": "Bearer no-key"})
        client.post("/graphql", json={"query": "{ nothing }"}, headers=headers)
        time.sleep(SETTLE_SECONDS)


def slow(site: Site) -> None:
    """The upstream takes longer than the objective allows."""
    site.way.delay_seconds = 1.3
    site.calls("acme", 48, at_once=24)
    site.way.delay_seconds = 0


def refusing(site: Site) -> None:
    """The upstream refuses one pair of credentials, and once lacks a role of the other."""
    site.calls("acme", 20, digits="0401", at_once=4)
    site.calls("bravo", 1, digits="0402")


def silent(site: Site) -> None:
    """The upstream takes calls and never answers."""
    site.way.is_silent = True
    site.calls("bravo", 32, at_once=32)
    site.way.is_silent = False


def over_quota(site: Site) -> None:
    """One tenant asks for many times what it may have."""
    site.calls("charlie", 60)


def storeless(site: Site) -> None:
    """Another process holds the ledger's file locked."""
    holder = sqlite3.connect(site.ledger, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        site.calls("bravo", 40, at_once=40)
        time.sleep(SETTLE_SECONDS)
    finally:
        holder.close()


@dataclass(frozen=True)
class Step:
    """One step of the incident, and the alerts that it is the first to raise.

    `keeps` fire after it too, whichever step raised them: a budget that burns for a step's own cause
    may have begun to burn for an earlier one's, on a slow machine sooner than on a fast one.
    """

    happens: Callable[[Site], None]
    raises: frozenset[str] = frozenset()
    keeps: frozenset[str] = frozenset()


SCRIPT = (
    Step(everyday),
    Step(slow, frozenset({"GatewayLatencyBudgetBurnsFast", "GatewayLatencyBudgetBurnsSlowly"})),
    Step(refusing, frozenset({"GatewayUpstreamCredentialsRejected", "GatewayCircuitOpen"})),
    Step(silent, frozenset({"GatewayUnknownOutcomes"}), frozenset({"GatewayEndToEndBudgetBurnsFast"})),
    Step(over_quota, frozenset({"GatewayTenantRefusedShare"})),
    Step(storeless, frozenset({"GatewayLedgerErrors"}), frozenset({"GatewayOwnedBudgetBurnsFast"})),
)

NEVER = frozenset(
    {
        "GatewayUpstreamRoleForbids",
        "GatewayUpstreamSaturated",
        "GatewayCredentialsStale",
        "GatewayAbsent",
        "GatewayRedactionTripwire",
        "GatewaySpansDropped",
        "GatewayConfigReloadFailed",
        "GatewayAuthenticationFailuresSpike",
    }
)
"""Alerts that nothing of the incident may raise."""

MACHINES_OWN = frozenset(
    {"GatewayEventLoopLag", "GatewayOverheadBudgetBurnsFast", "GatewayOverheadBudgetBurnsSlowly"}
)
"""Alerts that a busy machine with a slow disk may raise, and rightly."""
