"""Mixed traffic: every kind of call, reads, hostile bytes, clients that hang up or dawdle."""

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.town import bearer
from tests.hardening.letters import LETTERS
from tests.house import DOORS, MAKE_CALL, Answer, DoorName, api_key, graphql_answer, rest_answer
from tests.soak.orders import Order
from tests.soak.town import ARCHIVE, FREE, TIGHT

PLAIN = "1234"
_FAULTS = ("0500", "0501", "0590", "0591", "0592", "0593", "0594", "0595", "0596", "0598")
DIGITS = {
    PLAIN: 30,
    "0200": 15,
    "0204": 5,
    "0400": 4,
    "0401": 1,
    "0402": 2,
    "0403": 3,
    "0597": 1,
    "0599": 1,
    **dict.fromkeys(_FAULTS, 2),
}
"""The simulator's magic numbers by how often they are called."""
MOST_OPEN_ORDERS = 500
"""How many keyed orders are kept for replays."""
CALLS = "{ calls(first: 5) { edges { node { id status } } } quota { name remaining } gateway { version } }"


@dataclass
class Traffic:
    """One gateway's clients. `orders` is all that was ever asked for; `statuses` what was heard."""

    url: str
    chance: random.Random
    orders: list[Order] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    replayable: list[Order] = field(default_factory=list)
    going: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False
    busy: int = 0
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.connect()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def connect(self) -> None:
        """Clients with new connections."""
        self.client = httpx.AsyncClient(base_url=self.url, timeout=30, trust_env=False)

    # -- what one client does, again and again

    async def work(self, act: Callable[["Traffic"], Awaitable[None]], pause_seconds: float) -> None:
        """Do it whenever the traffic is going, until it has ended."""
        while not self.ended:
            await self.going.wait()
            self.busy += 1
            with contextlib.suppress(httpx.HTTPError, OSError):
                await act(self)
            self.busy -= 1
            await asyncio.sleep(self.chance.uniform(0, 2 * pause_seconds))

    async def call(self) -> None:
        """A call of any kind."""
        kinds = (self._new, self._again, self._at_once, self._other_input, self._for_nothing, self._tight)
        await self.chance.choices(kinds, (60, 15, 5, 4, 8, 8))[0]()

    async def read(self) -> None:
        """A read of any kind, through a key or a token."""
        tenant = self.chance.choice(FREE)
        headers = (
            {"Authorization": f"Bearer {api_key(tenant)}"} if self.chance.random() < 0.8 else bearer(tenant)
        )
        known = [order for order in self.orders[-50:] if order.told and order.told[-1].call]
        path = self.chance.choice(
            ("/v1/calls", "/v1/calls?limit=3", "/v1/quota", "/openapi.json", "/nowhere")
        )
        if self.chance.random() < 0.3:
            answer = await self.client.post("/graphql", json={"query": CALLS}, headers=headers)
        elif known and self.chance.random() < 0.5:
            order = self.chance.choice(known)
            call = order.told[-1].call
            assert call is not None
            headers = {"Authorization": f"Bearer {api_key(order.tenant)}"}
            answer = await self.client.get(f"/v1/calls/{call['id']}", headers=headers)
        else:
            answer = await self.client.get(path, headers=headers)
        self.statuses[answer.status_code] += 1

    async def hostile(self) -> None:
        """One of the hostile requests of `tests/hardening`, none of which may dial."""
        await self._raw(LETTERS[self.chance.choice(list(LETTERS))], hears=True)

    async def hang_up(self) -> None:
        """A call whose client goes while it is under way, now and then a hanging one."""
        order = self._order(
            self.chance.choice(FREE), self.chance.choice((PLAIN, "0592", "0597", "0200")), True
        )
        content = json.dumps(order.body).encode()
        head = (
            f"POST /v1/calls HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer {api_key(order.tenant)}\r\n"
            f"Idempotency-Key: {order.key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        order.tries += 1
        await self._raw(head.encode() + content, hears=False)

    async def dawdle(self) -> None:
        """A client that sends a byte now and then, until it is let go."""
        text = b"POST /v1/calls HTTP/1.1\r\nHost: soak\r\nContent-Length: 99\r\n\r\n" + b" " * 99
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for position in range(self.chance.randrange(2) * 60, len(text)):
                writer.write(text[position : position + 1])
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    if not await asyncio.wait_for(reader.read(4096), self.chance.uniform(0.1, 0.5)):
                        return
        finally:
            writer.transport.abort()

    async def read_archive(self) -> None:
        """Every record of the tenant that has many, page by page: fills what a store caches, which is
        bounded, and would else look like a leak while it fills."""
        headers, cursor = {"Authorization": f"Bearer {api_key(ARCHIVE)}"}, ""
        while cursor is not None:
            query = {"limit": 100, **({"cursor": cursor} if cursor else {})}
            page = await self.client.get("/v1/calls", params=query, headers=headers)
            cursor = page.raise_for_status().json()["nextCursor"]

    # -- the kinds of calls

    def _order(self, tenant: str, digits: str, is_keyed: bool, **more: Any) -> Order:
        number = len(self.orders)
        body = {"caller": {"number": "1234567"}, "callee": {"number": f"2{number:07d}{digits}"}, **more}
        order = Order(tenant, digits, body, f"key-{number}" if is_keyed else None)
        self.orders.append(order)
        return order

    async def _new(self) -> None:
        digits = self.chance.choices(list(DIGITS), list(DIGITS.values()))[0]
        more = {"waitSeconds": 1} if self.chance.random() < 0.2 else {}
        tenant = self.chance.choice((*FREE, *FREE, "strict", "pinned"))
        is_keyed = tenant == "strict" or self.chance.random() < 0.5
        order = self._order(tenant, digits, is_keyed, **more)
        if is_keyed:
            self.replayable = [*self.replayable[-MOST_OPEN_ORDERS:], order]
        await self._ask(order)

    async def _again(self) -> None:
        if self.replayable:
            await self._ask(self.chance.choice(self.replayable))

    async def _at_once(self) -> None:
        order = self._order(
            self.chance.choice(FREE), self.chance.choice((PLAIN, "0200", "0500", "0590")), True
        )
        await asyncio.gather(*(self._ask(order) for _ in range(3)))

    async def _other_input(self) -> None:
        """A key that belongs to another input: whatever becomes of that, this one is not dialled."""
        taken = [
            order for order in self.replayable if order.digits == PLAIN and any(a.call for a in order.told)
        ]
        if taken:
            first = self.chance.choice(taken)
            order = self._order(first.tenant, PLAIN, False)
            order.key, order.is_for_nothing = first.key, True
            await self._ask(order)

    async def _for_nothing(self) -> None:
        """What is refused or only tried."""
        bad: tuple[dict[str, Any], ...] = (
            {"dryRun": True},
            {"waitSeconds": -1},
            {"waitSeconds": 9},
            {"x": 1},
        )
        tenant = self.chance.choice((*FREE, "asleep", "nobody"))
        order = self._order(tenant, PLAIN, self.chance.random() < 0.5, **self.chance.choice(bad))
        order.is_for_nothing = True
        await self._ask(order)

    async def _tight(self) -> None:
        await self._ask(self._order(self.chance.choice(TIGHT), PLAIN, self.chance.random() < 0.5))

    async def _ask(self, order: Order) -> None:
        door: DoorName = self.chance.choice(DOORS)
        headers = {"Authorization": f"Bearer {api_key(order.tenant)}"}
        if order.key is not None:
            headers["Idempotency-Key"] = order.key
        order.tries += 1
        if door == "rest":
            heard = await self.client.post("/v1/calls", json=order.body, headers=headers)
        else:
            sent = {"query": MAKE_CALL, "variables": {"input": order.body}}
            heard = await self.client.post("/graphql", json=sent, headers=headers)
        self.statuses[heard.status_code] += 1
        answer: Answer = rest_answer(heard) if door == "rest" else graphql_answer(heard)
        if answer.code == "INTERNAL":
            self.statuses[500] += 1
        order.told.append(answer)

    async def _raw(self, sent: bytes, *, hears: bool) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(sent)
            await writer.drain()
            if hears:
                with contextlib.suppress(TimeoutError):
                    line = await asyncio.wait_for(reader.readline(), 3)
                    if line:
                        self.statuses[int(line[9:12])] += 1
            else:
                await asyncio.sleep(self.chance.uniform(0, 0.3))
        finally:
            writer.transport.abort() if self.chance.random() < 0.5 else writer.close()
