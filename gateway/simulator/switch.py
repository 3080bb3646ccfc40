"""Judges a call request as the page would have a switch judge it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from . import page
from .answers import Answer, bad_input, told
from .options import DEFAULT_USERS, SimulatorOptions
from .outcomes import Asked, play


class Switch:
    """Knows its service users and their role, and gives every reference a `callid` of its own."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._passwords = dict(options.users or DEFAULT_USERS)
        self._role_allows = options.role != "none"
        self._latency_seconds = options.latency_ms / 1000
        self._judged = 0

    def judge(self, target: str, params: Sequence[tuple[str, str]]) -> Answer:
        """The answer to a request: credentials first, then role, parameters, and the callee's number.

        target: the request target as received. params: as parsed; of repeated ones the last counts.
        """
        given = dict(params)
        refusal = self._refusal(given)
        if refusal is not None:
            return replace(refusal, after_seconds=self._latency_seconds)
        self._judged += 1
        wait_seconds = page.seconds(given, "wait")
        too_short = 0 < wait_seconds < self._latency_seconds
        answer = play(given["cnumber"], Asked(target, wait_seconds, too_short, self._callid()))
        early = too_short and answer.code == "204"
        return replace(answer, after_seconds=wait_seconds if early else self._latency_seconds)

    def _refusal(self, given: Mapping[str, str]) -> Answer | None:
        if missing := page.missing_credentials(given):
            return bad_input(missing)
        if self._passwords.get(given["auth_username"]) != given["auth_password"]:
            return told("401")
        if not self._role_allows:
            return told("402")
        faults = page.faults(given)
        return bad_input(faults) if faults else None

    def _callid(self) -> str:
        # As Asterisk writes its unique ids: the second, a dot, a running number.
        return f"{int(time.time())}.{self._judged % 1_000_000:06d}"
