"""One crash point, played: a quiet call dies at it, then calls under load do, then a gateway starts again
over the same store and everybody asks once more."""

import contextlib
import json
import random
import signal
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.crash.books import (
    QUOTAS,
    Books,
    Dials,
    await_outcomes,
    faults_of_calls,
    faults_of_quotas,
    is_same_answer,
    read_books,
    settled_answer,
)
from tests.crash.load import Crowd, Heard, Wish, ask_until_told, wishes
from tests.crash.points import STORES
from tests.crash.trap import REACHED
from tests.crash.victim import DEATHS, Doom, serving
from tests.hardening.cases import BY_NAME, Case
from tests.house import DOORS, PASSWORD, DoorName, Gateway, configuration, tenant, until
from tests.ledger.valkey import Valkey

MARGIN_SECONDS: Final = 1
MOST_HITS: Final = 24
QUIET: Final = "quiet"
LOUD: Final = "loud"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A simulated legacy API, and the file in which it takes down every dial."""

    url: str
    dials: Path


@dataclass
class Scene:
    """The stage of one crash point over one store. `number` makes its callees its own; `valkey` is the
    store's process where it is nobody else's."""

    name: str
    store: str
    number: int
    directory: Path
    store_url: str
    upstream: Upstream
    seed: int
    valkey: Valkey | None = None
    heard: list[Heard] = field(default_factory=list)

    @property
    def case(self) -> Case:
        """The row of the catalogue."""
        return BY_NAME[self.name]

    @property
    def prefix(self) -> str:
        """How its callees begin."""
        return f"7{self.number:03d}"

    @property
    def _patience_ms(self) -> int:
        """Short where the store is taken away, else long: the machine is busy."""
        return 2000 if STORES[self.store][self.name].away is None else 300

    def play(self) -> list[str]:
        """Every promise that was broken, in words."""
        config = self._config()
        quiet = self._quiet()
        with self._doomed(config, 1) as gateway:
            told = ask_until_told(gateway, QUIET, quiet, quiet.door)
            faults = self._faults_of_death(gateway)
        chance = random.Random(f"{self.seed} {self.store} {self.name}")
        source = wishes(chance.randrange(2**32), self.prefix)
        with self._doomed(config, chance.randint(2, MOST_HITS)) as gateway:
            self.heard = Crowd(gateway, LOUD, source).ask()
            faults += self._faults_of_death(gateway)
        with serving(config, self.directory / "after.log") as gateway:
            faults += self._quiet_faults(gateway, Heard(quiet, told.answer))
            faults += self._loud_faults(gateway)
        return [f"{self.name} ({self.store}): {fault}" for fault in faults]

    def _config(self) -> Path:
        self.directory.mkdir()
        store: dict[str, Any] = {"url": self.store_url}
        if self.store == "valkey":
            store |= {
                "spool_directory": str(self.directory / "spool"),
                "command_timeout_ms": self._patience_ms,
            }
        upstream = {"answer_margin_seconds": MARGIN_SECONDS, "circuit": "off"}
        tenants = {name: tenant(name, quotas=QUOTAS) for name in (QUIET, LOUD)}
        settings = configuration(self.directory, self.upstream.url, tenants, upstream=upstream, store=store)
        config = self.directory / "gateway.yaml"
        config.write_text(json.dumps(settings))
        return config

    def _quiet(self) -> Wish:
        digits = STORES[self.store][self.name].digits
        door: DoorName = DOORS[self.number % 2]
        return Wish(f"{self.prefix}9999{digits}", door, "the-key", 1)

    def _doomed(self, config: Path, hits: int) -> AbstractContextManager[Gateway]:
        return serving(config, self.directory / f"doomed-{hits}.log", self._doom(hits))

    def _faults_of_death(self, gateway: Gateway) -> list[str]:
        """A gateway that is to die does so where it is to; the store, if it was taken away, is back."""
        with contextlib.suppress(AssertionError):  # it lives: told below
            until(lambda: gateway.process.poll() is not None, 5)
        if self.valkey is not None:
            self._bring_back(self.valkey)
        said, exit_code = gateway.log.read_text(), gateway.process.poll()
        if exit_code not in DEATHS or said.count(REACHED) != len(self._doom(1).traps):
            return [f"the crash point was not reached: exit {exit_code}"]
        return ["the log tells the password"] if PASSWORD in said else []

    def _bring_back(self, valkey: Valkey) -> None:
        if valkey.process is not None and STORES[self.store][self.name].away_by == signal.SIGSTOP:
            valkey.process.send_signal(signal.SIGCONT)
        else:
            valkey.stop()
            valkey.start()

    def _doom(self, hits: int) -> Doom:
        process = None if self.valkey is None else self.valkey.process
        return Doom(self.store, self.name, hits, 0 if process is None else process.pid)

    def _dials(self) -> Dials:
        """Read from the file: to ask the simulator for the dials of all scenes costs more than a scene."""
        found: Dials = defaultdict(list)
        for line in self.upstream.dials.read_bytes().rpartition(b"\n")[0].splitlines():
            if self.prefix.encode() in line:
                dial = json.loads(line)
                found[dict(dial["params"])["cnumber"]].append(dial["code"])
        return {callee: codes for callee, codes in found.items() if callee.startswith(self.prefix)}

    def _books(self, gateway: Gateway, name: str) -> Books:
        await_outcomes(gateway, name)
        quiet = self._quiet().callee
        is_ours = name == QUIET
        dials = {callee: codes for callee, codes in self._dials().items() if (callee == quiet) is is_ours}
        return read_books(gateway, name, dials)

    def _quiet_faults(self, gateway: Gateway, told: Heard) -> list[str]:
        """The quiet call against its row of the catalogue."""
        case, wish, books = self.case, told.wish, self._books(gateway, QUIET)
        records = books.records.get(wish.callee, [])
        found = [*faults_of_quotas(books), *faults_of_calls(books, [told])]
        quota = "charged" if books.charged else "refunded" if records else "untouched"
        seen = quota, len(books.dials.get(wish.callee, [])), *(r["status"] for r in records)
        wanted = case.quota, case.dials, *(() if case.record == "none" else (case.record,))
        if seen != wanted:
            found.append(f"the row wants {wanted}, found {seen}")
        answer = ask_until_told(gateway, QUIET, wish, "rest").answer
        assert answer is not None
        heard = f"{answer.status} {answer.code or '-'}"
        if heard != case.answer:
            found.append(f"the row wants the answer {case.answer}, heard {heard}")
        if answer.replayed is not (quota == "charged" or case.record == "REJECTED"):
            found.append(f"replayed: {answer.replayed}")
        if told.answer is not None and not is_same_answer(told.answer, answer):
            found.append(f"told {told.answer.body} before, {answer.body} after")
        return found

    def _loud_faults(self, gateway: Gateway) -> list[str]:
        """Everybody else's calls, before and after each key is asked for again through both doors."""
        before = self._books(gateway, LOUD)
        found = [*faults_of_quotas(before), *faults_of_calls(before, self.heard)]
        answers: dict[Wish, list[Any]] = defaultdict(list)
        for one in self.heard:
            answers[one.wish].append(one.answer)
        again = [
            Heard(wish, heard)
            for wish, told in answers.items()
            if wish.key is not None
            for heard in self._asked_again(gateway, wish, told, found)
        ]
        after = self._books(gateway, LOUD)
        found += [*faults_of_quotas(after), *faults_of_calls(after, [*self.heard, *again])]
        return found

    def _asked_again(self, gateway: Gateway, wish: Wish, told: list[Any], found: list[str]) -> Iterator[Any]:
        """The answers of the other door, and of both where nobody knows yet; each tells what the one before
        it told, and the first what was told before the crash."""
        first = settled_answer(told)
        for door in DOORS if first is None else set(DOORS) - {wish.door}:
            answer = ask_until_told(gateway, LOUD, wish, door).answer
            assert answer is not None
            if answer.code == "UPSTREAM_CREDENTIALS_REJECTED":
                yield answer
                return
            if first is not None and not (answer.replayed and is_same_answer(first, answer)):
                found.append(f"{wish} was told {first.body}, and after the crash {answer.body}")
            first = answer
            yield answer
