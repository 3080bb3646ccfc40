"""The real thing for tests: a simulator and gateway processes, and the two doors as a client sees them."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx
from prometheus_client.parser import text_string_to_metric_families

USERNAME = "svc user@pbx"
PASSWORD = "p;a&s=s%w/o+r d-\u00f6"  # every character that could end, split or re-decode a parameter

DoorName = Literal["rest", "graphql"]
DOORS: tuple[DoorName, ...] = ("rest", "graphql")
T = TypeVar("T")

MAKE_CALL = """
mutation Make($input: MakeCallInput!) {
  makeCall(input: $input) {
    __typename
    ... on CallRequested { call { ...whole } replayed }
    ... on CallTranslated { upstreamRequest { method path query body } }
    ... on CallError { code message retryable callState requestId }
    ... on InvalidCallInput { problems { pointer code detail } }
    ... on CallNotPermitted { problems { pointer code detail } }
    ... on CallQuotaExceeded { violatedPolicies quotaRetryAfterSeconds: retryAfterSeconds }
    ... on CallUpstreamUnavailable { retryAfterSeconds }
    ... on CallIdempotencyConflict { retryAfterSeconds }
    ... on CallOutcomeUnknown { unknownCall: call { ...whole } }
  }
}
fragment whole on Call {
  id status requestedAt settledAt clientReference callerNumber calleeNumber code
  reference { machine server callId }
}
"""


def run(*arguments: str, module: str = "gateway", **options: Any) -> subprocess.Popen[str]:
    """A `gateway` command as a process of our own; `module` where another one runs it."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, text=True, start_new_session=True, **options)


def stop(process: subprocess.Popen[str], with_signal: int = signal.SIGTERM, timeout: float = 20) -> int:
    """End a process that we started, and give its exit code."""
    if process.poll() is None:
        process.send_signal(with_signal)
    try:
        return process.wait(timeout)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


_MANY = httpx.Limits(max_connections=400, max_keepalive_connections=100)


@dataclass(frozen=True)
class Simulator:
    """The simulated legacy API."""

    url: str
    process: subprocess.Popen[str]

    def dials(self, callee: str | None = None) -> list[dict[str, Any]]:
        """What was really dialled, oldest first; of one callee where given."""
        found = httpx.get(f"{self.url}/_ledger", trust_env=False).json()["requests"]
        return [dial for dial in found if callee is None or ["cnumber", callee] in dial["params"]]

    def clear(self) -> None:
        """Forget every dial."""
        httpx.delete(f"{self.url}/_ledger", trust_env=False).raise_for_status()


@contextmanager
def simulated(ledger: Path, *arguments: str) -> Iterator[Simulator]:
    """A simulator process that takes USERNAME and PASSWORD."""
    process = run(
        *("simulate", "--port", "0", "--username", USERNAME, "--password", PASSWORD, "--ledger", str(ledger)),
        *arguments,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield Simulator(json.loads(process.stdout.readline())["url"], process)
    finally:
        stop(process)
        if process.stdout is not None:
            process.stdout.close()


def api_key(tenant: str) -> str:
    """The API key that `configuration` gives a tenant."""
    return f"gw_{tenant}_key"


def open_policy(**more: Any) -> dict[str, Any]:
    """A policy that allows every destination and line."""
    return {"destinations": {"allow": ["*"]}, "lines": ["*"], **more}


def tenant(name: str, **more: Any) -> dict[str, Any]:
    """One tenant's settings, with the key of `api_key`."""
    digest = hashlib.sha256(api_key(name).encode()).hexdigest()
    base = {"api_keys": [{"id": "crm", "sha256": digest}], "credentials": "default", "policy": open_policy()}
    return {**base, **more}


def configuration(
    directory: Path, upstream_url: str, tenants: Mapping[str, Mapping[str, Any]], **more: Any
) -> dict[str, Any]:
    """A whole configuration over a SQLite file in `directory`, which gets the credentials too.

    `more` replaces or (where both are objects) extends the top-level keys.
    """
    credentials = directory / "credentials"
    credentials.mkdir(exist_ok=True)
    for name, value in (("username", USERNAME), ("password", PASSWORD)):
        (credentials / name).write_text(value + "\n")
        (credentials / name).chmod(0o600)
    base: dict[str, Any] = {
        "listen": {"port": 0},
        "admin": {"port": 0},
        "upstream": {
            "base_url": f"{upstream_url}/api/json",
            "credentials": {"default": {"directory": str(credentials)}},
        },
        "store": {"url": f"sqlite://{directory}/ledger.db"},
        "tenants": dict(tenants),
    }
    for key, value in more.items():
        base[key] = {**base[key], **value} if isinstance(base.get(key), dict) else value
    return base


@dataclass(frozen=True)
class Answer:
    """One answer of either door to a call request, in the words both share."""

    door: DoorName
    http: httpx.Response
    status: int
    code: str | None
    call_state: str | None
    retryable: bool | None
    call: dict[str, Any] | None
    body: dict[str, Any]
    member: str | None = None

    @property
    def replayed(self) -> bool:
        """Whether the answer says that it is a replay."""
        return self.http.headers.get("Idempotent-Replayed") == "true"


@dataclass
class Gateway:
    """A gateway process."""

    url: str
    admin_url: str
    process: subprocess.Popen[str]
    log: Path
    config: Path
    client: httpx.Client = field(repr=False)

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        """The log lines so far, of one event where given; of the last one the end may still be to come."""
        whole = self.log.read_text().rpartition("\n")[0].splitlines()
        found = [json.loads(line) for line in whole if line.startswith("{")]
        return [line for line in found if event is None or line["event"] == event]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry the labels."""
        text = httpx.get(f"{self.admin_url}/metrics", trust_env=False).text
        samples = (
            sample
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        )
        return sum(s.value for s in samples if all(s.labels.get(k) == v for k, v in labels.items()))

    def headers(self, tenant_name: str, key: str | None = None) -> dict[str, str]:
        """Authorization, and the idempotency key where given."""
        headers = {"Authorization": f"Bearer {api_key(tenant_name)}"}
        return headers if key is None else {**headers, "Idempotency-Key": key}

    def call(
        self,
        door: DoorName,
        tenant_name: str,
        body: Mapping[str, Any],
        key: str | None = None,
        **headers: str,
    ) -> Answer:
        """Ask for a call through one door."""
        sent = {**self.headers(tenant_name, key), **headers}
        if door == "rest":
            return rest_answer(self.client.post("/v1/calls", json=body, headers=sent))
        payload = {"query": MAKE_CALL, "variables": {"input": body}}
        return graphql_answer(self.client.post("/graphql", json=payload, headers=sent))

    def get(self, path: str, tenant_name: str, **headers: str) -> httpx.Response:
        """A reading request of the REST door."""
        return self.client.get(path, headers={**self.headers(tenant_name), **headers})

    def find(self, tenant_name: str, call_id: str) -> dict[str, Any]:
        """The tenant's record of that id."""
        found = self.get(f"/v1/calls/{call_id}", tenant_name)
        assert found.status_code == 200, found.text
        body: dict[str, Any] = found.json()
        return body

    def calls(self, tenant_name: str, **query: str | int) -> list[dict[str, Any]]:
        """The newest of the tenant's records."""
        found = self.client.get("/v1/calls", params=query, headers=self.headers(tenant_name))
        assert found.status_code == 200, found.text
        page: list[dict[str, Any]] = found.json()["calls"]
        return page

    def remaining(self, tenant_name: str) -> dict[str, int | None]:
        """What each of the tenant's quotas has left for the API key's user."""
        return {q["name"]: q["remaining"] for q in self.get("/v1/quota", tenant_name).json()["quotas"]}

    def query(self, tenant_name: str, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL query that has no errors."""
        sent = {"query": document, "variables": variables}
        body = self.client.post("/graphql", json=sent, headers=self.headers(tenant_name)).json()
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data


def until(condition: Callable[[], Any], seconds: float = 15, every_seconds: float = 0.01) -> Any:
    """What `condition` gives as soon as that is true; asks again and again, and fails after a time."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"still waiting after {seconds} s"
        time.sleep(every_seconds)


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """What `work` gives for 0 to count - 1, all begun together in threads of their own."""
    barrier = threading.Barrier(count)

    def begin(index: int) -> T:
        barrier.wait(30)
        return work(index)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def asking(count: int, work: Callable[[int], T]) -> tuple[list[T], list[threading.Thread]]:
    """Begin the work for 0 to count - 1 in threads: the answers as they come, and the threads to join."""
    answers: list[T] = []
    threads = [threading.Thread(target=lambda i=i: answers.append(work(i))) for i in range(count)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    return answers, threads


def rest_answer(http: httpx.Response) -> Answer:
    """Read an answer of `POST /v1/calls`."""
    body = http.json()
    is_call = "status" in body and isinstance(body["status"], str)
    code, state, retryable = body.get("code"), body.get("callState"), body.get("retryable")
    return Answer("rest", http, http.status_code, code, state, retryable, body if is_call else None, body)


def graphql_answer(http: httpx.Response) -> Answer:
    """Read an answer of a `makeCall` mutation."""
    body = http.json()
    if body.get("errors"):
        found = body["errors"][0].get("extensions", {})
        code, state, retryable = found.get("code"), found.get("callState"), found.get("retryable")
        return Answer("graphql", http, http.status_code, code, state, retryable, None, body)
    result = body["data"]["makeCall"]
    code, state = result.get("code"), result.get("callState")
    return Answer(
        *(
            "graphql",
            http,
            http.status_code,
            code,
            state,
            result.get("retryable"),
            result.get("call"),
            result,
        ),
        member=result["__typename"],
    )


@contextmanager
def serving(directory: Path, settings: Mapping[str, Any], **environment: str) -> Iterator[Gateway]:
    """A gateway process over these settings; ended with SIGTERM unless it has ended."""
    config = directory / "gateway.yaml"
    config.write_text(json.dumps(settings))
    with started(config, directory / f"gateway-{time.monotonic_ns()}.log", **environment) as gateway:
        yield gateway


@contextmanager
def started(
    config: Path, log: Path, *options: str, module: str = "gateway", **environment: str
) -> Iterator[Gateway]:
    """A gateway process over a configuration file; `options` are those of `gateway serve`."""
    with log.open("w") as out:
        process = run(
            "serve",
            "--config",
            str(config),
            *options,
            module=module,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
    client: httpx.Client | None = None
    try:
        port, admin_port = ports_of(process, log)
        url = f"http://127.0.0.1:{port}"
        client = httpx.Client(base_url=url, timeout=60, trust_env=False, limits=_MANY)
        yield Gateway(url, f"http://127.0.0.1:{admin_port}", process, log, config, client)
    finally:
        if client is not None:
            client.close()
        stop(process)


def ports_of(process: subprocess.Popen[str], log: Path) -> tuple[int, int]:
    """The public and the admin port of a gateway that starts, from its log."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = re.search(r"serving on port (\d+), admin on port (\d+)", log.read_text())
        if found is not None:
            return int(found[1]), int(found[2])
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError(f"the gateway did not start: {log.read_text()}")


def number() -> dict[str, Any]:
    """A body that every tenant of an open policy may send; its callee ends in no magic digits."""
    return {"caller": {"number": "1234567"}, "callee": {"number": "2125551234"}}


def to(digits: str, **more: Any) -> dict[str, Any]:
    """A body whose callee ends in the simulator's magic digits."""
    return {"caller": {"number": "1234567"}, "callee": {"number": f"212555{digits}"}, **more}
