"""Which server holds which keys: one for all, or a cluster's slots.

A cluster's answers MOVED and ASK say that nothing was executed, so following them, once, is no
retry. https://valkey.io/topics/cluster-spec/
"""

import asyncio
import time
from binascii import crc_hqx
from bisect import bisect_right
from typing import Final

from gateway.ledger.redis.address import Address
from gateway.ledger.redis.faults import NotSent, Unanswered
from gateway.ledger.redis.node import Access, Node
from gateway.ledger.redis.resp import ErrorReply, command
from gateway.values import value_class

SLOTS: Final = 16384
MOST_REDIRECTIONS: Final = 3
REFRESH_SECONDS: Final = 0.5
"""At least so long between two looks at a cluster's layout."""

_CLUSTER_SLOTS: Final = command(b"CLUSTER", b"SLOTS")
_ASKING: Final = command(b"ASKING")


def slot_of(tag: bytes) -> int:
    """The slot of every key with that hash tag: CRC16 (XMODEM) of the tag."""
    return crc_hqx(tag, 0) % SLOTS


@value_class(frozen=True, slots=True)
class _Layout:
    """Which node holds which slots: `starts` ascending, `nodes` beside them."""

    starts: tuple[int, ...]
    nodes: tuple[Node, ...]


class Servers:
    """Every server of the store."""

    def __init__(self, address: Address, access: Access) -> None:
        """Connects when first asked."""
        self._address = address
        self._access = access
        self._nodes: dict[tuple[str, int], Node] = {}
        self._layout: _Layout | None = None
        self._refreshed_at = 0.0
        self._refreshing: asyncio.Task[None] | None = None

    @property
    def is_cluster(self) -> bool:
        """Whether keys are spread over several servers."""
        return self._address.is_cluster

    async def ask(self, tag: bytes, payload: bytes) -> object:
        """One command's reply, from whoever holds the keys tagged `tag`. Raises NotSent, Unanswered."""
        node = await self.holder(tag)
        if not self._address.is_cluster:
            return await node.ask(payload)
        try:
            return await self._followed(node, await node.ask(payload), payload)
        except (NotSent, Unanswered):
            self._refresh_soon()
            raise

    async def ask_many(self, tag: bytes, payloads: list[bytes]) -> list[object]:
        """Replies of commands about keys with one tag, sent together. Raises NotSent, Unanswered."""
        node = await self.holder(tag)
        try:
            replies = await node.ask_many(payloads)
            if not self._address.is_cluster:
                return replies
            pairs = zip(replies, payloads, strict=True)
            return [await self._followed(node, reply, payload) for reply, payload in pairs]
        except (NotSent, Unanswered):
            self._refresh_soon()
            raise

    async def _followed(self, node: Node, reply: object, payload: bytes) -> object:
        for _ in range(MOST_REDIRECTIONS):
            if not isinstance(reply, ErrorReply) or reply.code not in {"MOVED", "ASK"}:
                break
            reply = await self._redirected(node, reply, payload)
        return reply

    async def holder(self, tag: bytes) -> Node:
        """The server that holds the keys tagged `tag`. Raises NotSent."""
        if not self._address.is_cluster:
            return self._node(*self._address.seeds[0])
        layout = self._layout or await self._refresh()
        return layout.nodes[bisect_right(layout.starts, slot_of(tag)) - 1]

    async def all(self) -> list[Node]:
        """Every server that holds keys. Raises NotSent."""
        await self.holder(b"")
        return [self._node(*self._address.seeds[0])] if self._layout is None else [*set(self._layout.nodes)]

    async def _redirected(self, node: Node, reply: ErrorReply, payload: bytes) -> object:
        kind, _, place = reply.text.split(" ")[:3]
        host, _, port = place.rpartition(":")
        target = self._node(host or node.host, int(port))
        if kind == "MOVED":
            self._refresh_soon()
            return await target.ask(payload)
        # ASKING counts for the next command of the connection: both leave in one go.
        _, answer = await target.ask_many([_ASKING, payload])
        return answer

    def _node(self, host: str, port: int) -> Node:
        node = self._nodes.get((host, port))
        if node is None:
            node = self._nodes[host, port] = Node(host, port, self._access)
        return node

    def _refresh_soon(self) -> None:
        if not self._address.is_cluster:
            return
        is_due = time.monotonic() - self._refreshed_at >= REFRESH_SECONDS
        if is_due and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.get_running_loop().create_task(self._refresh_quietly())

    async def _refresh_quietly(self) -> None:
        try:
            await self._refresh()
        except NotSent:
            return

    async def _refresh(self) -> _Layout:
        """Learn the layout from the first server that tells. Raises NotSent."""
        self._refreshed_at = time.monotonic()
        known = [self._node(*seed) for seed in self._address.seeds]
        known += [node for node in self._nodes.values() if node not in known]
        why = "no server of the cluster answers"
        for node in known:
            try:
                reply = await node.ask(_CLUSTER_SLOTS)
            except (NotSent, Unanswered) as fault:
                why = str(fault)
                continue
            if isinstance(reply, ErrorReply):
                why = f"{node.host}:{node.port} is no working part of a cluster: {reply.text}"
            elif isinstance(reply, list) and reply:
                layout = self._layout = self._layout_of(node, reply)
                await self._forget_others(layout)
                return layout
            else:
                why = f"the cluster at {node.host}:{node.port} has no slots yet"
        raise NotSent("cluster", why)

    async def _forget_others(self, layout: _Layout) -> None:
        """Let go of servers that left the cluster, so that nobody goes on probing them."""
        kept = {*layout.nodes, *(self._node(*seed) for seed in self._address.seeds)}
        for place, node in list(self._nodes.items()):
            if node not in kept:
                del self._nodes[place]
                await node.close()

    def _layout_of(self, told_by: Node, reply: list[object]) -> _Layout:
        ranges: list[tuple[int, Node]] = []
        for entry in reply:
            match entry:
                case [int(start), int(), [host, int(port), *_], *_]:
                    name = host.decode() if isinstance(host, bytes) and host else told_by.host
                    ranges.append((start, self._node(name, port)))
        ranges.sort(key=lambda item: item[0])
        if not ranges or ranges[0][0] != 0:
            ranges.insert(0, (0, told_by))
        return _Layout(tuple(start for start, _ in ranges), tuple(node for _, node in ranges))

    async def close(self) -> None:
        """Let go of every server."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        for node in self._nodes.values():
            await node.close()


__all__ = ["Servers", "slot_of"]
