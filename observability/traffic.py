"""Steady mixed traffic to a gateway: mostly good calls, and a little of everything that goes wrong."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

MAKE_CALL: Final = (
    "mutation($input: MakeCallInput!) { makeCall(input: $input) { __typename ... on CallError { code } } }"
)
_ODDITIES: Final = ("0400", "0403", "0402", "0500", "0590", "0593", "0594", "0595")
"""Outcomes of the simulator that may happen to anybody; README, section on the simulator."""


@dataclass(frozen=True, slots=True)
class Target:
    """A gateway's public address, and API keys; the first is called with more often."""

    url: str
    keys: Sequence[str]


class Traffic:
    """Sends requests from a few threads until it is stopped. `per_second` is for all of them.

    `trouble`: the last four digits of every callee, which choose the simulator's outcome; None: mixed.
    """

    def __init__(self, target: Target, *, per_second: float, threads: int = 6, seed: int = 1) -> None:
        self._target = target
        self._pause_seconds = threads / per_second
        self._stopping = threading.Event()
        self.trouble: str | None = None
        # The choices are no secrets; the same seed gives the same mix.
        self._choices = random.Random(seed)  # noqa: S311
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; what is under way is awaited."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(15)

    def _send(self) -> None:
        with httpx.Client(base_url=self._target.url, timeout=60, trust_env=False) as client:
            while not self._stopping.wait(self._choices.expovariate(1 / self._pause_seconds)):
                try:
                    self._one(client)
                except httpx.TransportError:
                    time.sleep(0.2)

    def _one(self, client: httpx.Client) -> None:
        choices = self._choices
        key = self._target.keys[0] if choices.random() < 0.7 else choices.choice(self._target.keys)
        headers = {"Authorization": f"Bearer {key}"}
        kind = choices.random()
        if kind < 0.04:
            client.get(choices.choice(("/v1/calls", "/v1/quota", "/nowhere")), headers=headers)
        elif kind < 0.05:
            client.post("/graphql", json={"query": "{ nothing }"}, headers=headers)
        elif kind < 0.06:
            client.post("/v1/calls", json={}, headers={"Authorization": "Bearer nobody"})
        elif kind < 0.6:
            client.post("/v1/calls", json=self._body(), headers=headers)
        else:
            payload = {"query": MAKE_CALL, "variables": {"input": self._body()}}
            client.post("/graphql", json=payload, headers=headers)

    def _body(self) -> dict[str, Any]:
        choices = self._choices
        kind = choices.random()
        digits = "1234" if kind < 0.95 else choices.choice(_ODDITIES)
        digits = self.trouble or digits
        callee = "19005550199" if kind < 0.01 else f"212555{digits}"
        body: dict[str, Any] = {"caller": {"number": "2125550100"}, "callee": {"number": callee}}
        if choices.random() < 0.1:
            body["waitSeconds"] = 1
        return body
