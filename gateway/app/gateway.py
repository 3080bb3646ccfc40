"""The running gateway: foundations, the house in force, and the swap to another one.

A reload validates, builds and then swaps in one step; whatever fails before the swap leaves the
running house as it is. Calls in flight keep what they began with.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import Any

from gateway.app.gauges import watch_gauges
from gateway.app.house import Foundations, House, build_house, tenants_of
from gateway.app.inputs import Inputs, read_inputs
from gateway.app.issuers import Issuers
from gateway.app.ledger_faults import faults_of
from gateway.app.ledger_watch import LedgerWatch
from gateway.app.ledgers import ledger_of, settle_spool_of
from gateway.app.tenure import Tenure
from gateway.app.upstreams import Site, build_site, names_of, slot_limits_of
from gateway.doors.admin import Health
from gateway.doors.exchange import Direct
from gateway.doors.graphql import REJECTED_REASONS
from gateway.ledger import Ledger, Limit
from gateway.place_call import CallTasks, Settler
from gateway.settings.credentials import BadCredentials, Pair, read_pair
from gateway.settings.files import files_of
from gateway.settings.findings import BadConfiguration
from gateway.settings.load import load
from gateway.settings.model import Settings
from gateway.telemetry import Telemetry, TelemetryOptions
from gateway.upstream import Slots

_log = logging.getLogger(__name__)


class Gateway:
    """One process's gateway. For the event loop's thread."""

    def __init__(self, path: Path, inputs: Inputs) -> None:
        """`inputs` as they were read from `path`; nothing is opened yet."""
        self._path = path
        self._inputs = inputs
        self.settings = settings = inputs.settings
        self.health = Health()
        self.refuses_new = False
        self.telemetry = Telemetry(telemetry_options(settings))
        self.ledger: Ledger = ledger_of(settings, serving=True)
        self.slots = Slots(slot_limits_of(settings.upstream))
        self.tasks = CallTasks()
        self._settler = Settler(self.ledger, settle_spool_of(settings))
        self._ledger_watch = LedgerWatch(self.ledger, self._settler, self.telemetry.metrics)
        self._issuers = Issuers()
        self._foundations = Foundations(
            telemetry=self.telemetry,
            ledger=self.ledger,
            settler=self._settler,
            ledger_refused=self._ledger_watch.refused,
            slots=self.slots,
            tasks=self.tasks,
            refuses_new=lambda: self.refuses_new,
            in_force=lambda: self._house.rules,
            is_winding_down=lambda: self.health.is_draining,
        )
        self._background: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self._rereading: set[str] = set()
        self._tenure = Tenure()
        self.site = build_site(inputs, self._reread_after_401)
        self._guard(inputs.pairs)
        for name, _ in inputs.pairs:
            self.telemetry.metrics.credentials_loaded(name, is_success=True)
        self.limits: dict[str, tuple[Limit, ...]] = {}
        self._house = self._build(settings, self.site, self._tenure)

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:  # noqa: ANN401 - ASGI
        """The public ASGI application: whichever house is in force."""
        return self._house.app(scope, receive, send)  # type: ignore[no-any-return]

    def direct(self) -> Direct:
        """What is answered without ASGI: by whichever house is in force."""
        serve = lambda asked: self._house.serve(asked)  # noqa: E731, PLW0108 - the house of then
        return Direct(lambda path: path in self._house.endpoints, serve)

    async def open(self) -> None:
        """Open the ledger and start what runs beside the requests. Raises StoreUnavailable and OSError."""
        self.telemetry.start()
        watch_gauges(self.telemetry.metrics.scrape, self)
        self.telemetry.metrics.expect_words("gateway_graphql_rejected_total", REJECTED_REASONS)
        self.telemetry.metrics.expect_words("gateway_ledger_errors_total", faults_of(self.settings))
        await self.ledger.open()
        await self._settler.open()
        self.telemetry.metrics.set_ledger_up(is_up=True)
        self._start(self._ledger_watch.run())
        self._start(self._issuers.keep_fresh())
        self.telemetry.metrics.config_loaded(is_success=True)

    async def close(self) -> None:
        """Let go of everything, the telemetry last. Calls must have been drained before."""
        for task in self._background:
            task.cancel()
        await self._settler.close()
        await self.ledger.close()
        await self.site.close()
        await self._issuers.aclose()
        await self.telemetry.close()

    def watched_paths(self) -> Iterable[Path]:
        """The files whose change is a reason to reload."""
        return files_of(self.settings, self._path)

    async def reload(self) -> None:
        """Read everything anew and swap; a bad file keeps the running house and says so."""
        async with self._reloading:  # a signal and a changed file may come together
            await self._reload()

    async def _reload(self) -> None:
        try:
            settings = await asyncio.to_thread(load, self._path)
            inputs = await asyncio.to_thread(read_inputs, settings)
            await asyncio.to_thread(self._issuers.prepare, settings.auth.jwt)
            self._swap(inputs)
        except BadConfiguration as bad:
            self._refuse(bad.faults, bad.unread_pairs)
        except BadCredentials as fault:
            self._refuse((fault,), fault.unread_pairs)
        except (OSError, ValueError) as fault:
            self._refuse((fault,))
        except Exception:  # noqa: BLE001 - outermost: no defect may end the watch
            _log.exception("configuration not reloaded")
            self._refuse(())
        else:
            self.telemetry.metrics.config_loaded(is_success=True)
            _log.info("configuration reloaded")

    def _refuse(self, faults: Iterable[object], unread_pairs: Iterable[str] = ()) -> None:
        for fault in faults:
            _log.error("configuration not reloaded: %s", fault)
        for name in unread_pairs:
            self.telemetry.metrics.credentials_loaded(name, is_success=False)
        self.telemetry.metrics.config_loaded(is_success=False)

    def _swap(self, inputs: Inputs) -> None:
        self._guard(inputs.pairs)
        settings, old = inputs.settings, self.site
        for changed in inputs.need_restart(self._inputs):
            _log.warning("a change of %s takes effect at the next start", changed)
        taken = [pair for pair in inputs.pairs if not old.upstream.pairs.holds(*pair)]
        dropped = self.settings.upstream.credentials.keys() - settings.upstream.credentials.keys()
        is_same_site = inputs.is_same_site(self._inputs)
        # With new authorities the whole site is new: a kept connection was verified by the old ones.
        site = old if is_same_site else build_site(inputs, self._reread_after_401)
        tenure = self._tenure if is_same_site else Tenure()
        self._house = self._build(settings, site, tenure)
        self._inputs, self.settings, self.site = inputs, settings, site
        self.slots.limits = slot_limits_of(settings.upstream)
        self.telemetry.reconfigure(telemetry_options(settings))
        if not is_same_site:
            self._start(self._close_when_idle(old, self._tenure))
            self._tenure = tenure
        for name, pair in taken:
            self._take_pair(name, pair)
        for name in dropped:
            self.telemetry.metrics.credentials_dropped(name)

    def _build(self, settings: Settings, site: Site, tenure: Tenure) -> House:
        tenants = tenants_of(settings, self.limits)
        self.telemetry.metrics.expect_tenants(
            {name: tuple(limit.name for limit in tenant.limits) for name, tenant in tenants.items()}
        )
        self.limits = {name: tenant.limits for name, tenant in tenants.items()}
        verifier = self._issuers.verifier(settings.auth.jwt, tenants)
        return build_house(settings, tenants, self._foundations, site, tenure, verifier)

    def _guard(self, pairs: tuple[tuple[str, Pair], ...]) -> None:
        for name, pair in pairs:
            self.telemetry.guard(name, pair.username, pair.password)

    def _take_pair(self, name: str, pair: Pair) -> None:
        self.site.upstream.pairs.replace(name, pair)  # a new site has it already
        self.telemetry.metrics.credentials_loaded(name, is_success=True)
        _log.info("credentials %s changed; new calls use them", name)

    def _reread_after_401(self, name: str) -> None:
        # Many calls may hear a 401 at once, and of an upstream that has been replaced meanwhile.
        if name in self.settings.upstream.credentials and name not in self._rereading:
            self._rereading.add(name)
            self._start(self._reread(name))

    async def _reread(self, name: str) -> None:
        directory = self.settings.upstream.credentials[name].directory
        pair: Pair | BadCredentials
        try:
            pair = await asyncio.to_thread(read_pair, directory)
        except BadCredentials as fault:
            pair = fault
        finally:
            self._rereading.discard(name)
        named = self.settings.upstream.credentials.get(name)
        if named is None or named.directory != directory:
            return  # a reload dropped or moved the pair while it was read
        if isinstance(pair, BadCredentials):
            _log.warning("credentials %s could not be read anew: %s", name, pair.message)
            self.telemetry.metrics.credentials_loaded(name, is_success=False)
            return
        if self.site.upstream.pairs.holds(name, pair):
            self.telemetry.metrics.credentials_loaded(name, is_success=True, is_new=False)
            return
        self._guard(((name, pair),))
        self._take_pair(name, pair)

    async def _close_when_idle(self, site: Site, tenure: Tenure) -> None:
        """A site that was replaced is closed when the requests that began with it, some of which are
        still being read, and the calls that came of them have ended."""
        await tenure.ended()
        await self.tasks.ended()
        await site.close()

    def _start(self, work: Any) -> None:  # noqa: ANN401 - any coroutine
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def telemetry_options(settings: Settings) -> TelemetryOptions:
    """What the telemetry needs to know."""
    asked = settings.telemetry
    return TelemetryOptions(
        upstream=names_of(settings.upstream),
        upstream_method=settings.upstream.method,
        otlp_endpoint=asked.otlp_endpoint,
        sample_ratio=asked.sample_ratio,
        slow_call_seconds=asked.slow_call_seconds,
        log_level=asked.log_level,
        audit_numbers=asked.audit_numbers,
    )
