"""A server is measured only after it has shown that it does what it is measured for."""

from typing import Any

import httpx

from tests.benchmarks.load import MUTATION, Door
from tests.benchmarks.servers import Running
from tests.house import api_key

_CALL = {"caller": {"number": "1234567", "type": "LINE"}, "callee": {"number": "2125551234"}}


class Asker:
    """Asks one door for calls, and reads what both kinds of door answer in the same words."""

    def __init__(self, url: str, door: Door) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=30)
        self._door = door

    def close(self) -> None:
        self._client.close()

    def post(self, key: str, tenant: str = "acme", api: str | None = None, **changes: Any) -> httpx.Response:
        """One request; `api` replaces the API key."""
        headers = {"Authorization": f"Bearer {api or api_key(tenant)}", "Idempotency-Key": key}
        call: dict[str, Any] = {**_CALL, **changes}
        if self._door == "rest":
            return self._client.post("/v1/calls", json=call, headers=headers)
        body = {"query": MUTATION, "variables": {"input": {**call, "idempotencyKey": key}}}
        return self._client.post("/graphql", json=body, headers=headers)

    def requested(self, key: str, tenant: str = "acme") -> tuple[str, bool]:
        """The id of a requested call, and whether it is a replay. AssertionError where it is none."""
        answer = self.post(key, tenant)
        body = answer.json()
        if self._door == "rest":
            assert answer.status_code == 202, answer.text
            assert body["status"] == "REQUESTED", answer.text
            return body["id"], answer.headers.get("idempotent-replayed") == "true"
        assert answer.status_code == 200, answer.text
        made = body["data"]["makeCall"]
        assert made["__typename"] == "CallRequested", answer.text
        return made["call"]["id"], made["replayed"]

    def refusal(self, answer: httpx.Response) -> str:
        """The code of a refusal. AssertionError where it is none."""
        body = answer.json()
        code = body["code"] if self._door == "rest" else body["data"]["makeCall"]["code"]
        assert isinstance(code, str), answer.text
        return code


def check(running: Running, door: Door, name: str, *, has_features: bool) -> None:
    """A call is requested; and where it has the features, each of them works."""
    asker = Asker(running.url, door)
    key = f"check-{name}"
    try:
        first, replayed = asker.requested(key)
        assert not replayed, name
        if not has_features:
            return
        assert asker.requested(key) == (first, True), f"{name} does not replay"
        other = asker.post(key, callee={"number": "99"})
        assert asker.refusal(other) == "IDEMPOTENCY_KEY_REUSED", other.text
        invalid = asker.post(f"{key}-invalid", callee={"number": "1;2"})
        assert asker.refusal(invalid) == "INVALID_INPUT", invalid.text
        assert asker.post(f"{key}-stranger", api="wrong").status_code == 401, name
        asker.post(f"{key}-1", "few")
        assert asker.refusal(asker.post(f"{key}-2", "few")) == "QUOTA_EXCEEDED", name
    finally:
        asker.close()
