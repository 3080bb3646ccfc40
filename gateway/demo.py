"""`gateway demo`: a gateway over a simulated legacy API, ready for the pasted line.

Everything it writes lives in `.demo/`: configuration, credentials, the embedded store. The API key
and the credentials are made anew at every start; the store is kept.
"""

import fcntl
import hashlib
import json
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop

from gateway.app.gateway import Gateway
from gateway.app.inputs import read_inputs
from gateway.app.serve import run as run_gateway
from gateway.settings.load import load

DIRECTORY: Final = Path(".demo")
ADMIN_PORT: Final = 9464
_SIMULATOR_STARTS_SECONDS: Final = 15

_CONFIGURATION: Final = """\
# Written by `gateway demo`; docs/operating.md explains every key.
listen: {{host: 127.0.0.1, port: {port}}}
admin: {{host: 127.0.0.1, port: {admin_port}}}
drain: {{grace_seconds: 75}}
upstream:
  base_url: {upstream}/api/json
  credentials:
    default: {{directory: {directory}/config/credentials}}
store:
  url: sqlite://{directory}/ledger.db
telemetry:
  audit_numbers: masked
tenants:
  acme:
    api_keys:
      - {{id: demo, sha256: "{digest}"}}
    credentials: default
    quotas:
      - {{name: burst, limit: 5, per: second, burst: 10}}
      - {{name: daily, limit: 1000, per: day, time_zone: Europe/Kyiv}}
      - {{name: at-once, limit: 10, per: concurrent}}
      - {{name: agent, limit: 60, per: minute, scope: user}}
      - {{name: same-callee, limit: 20, per: hour, scope: callee}}
    policy:
      destinations:
        allow: ["1*", "2*", "+1*"]
        deny: ["1900*"]
      lines: ["12345*"]
      presented_caller_ids: ["2125550*"]
      max_wait_seconds: 30
      options: [screening]
"""

_BANNER: Final = """
The console           http://127.0.0.1:{port}/    (also /docs, and /graphql in a browser)
  metrics and probes  http://127.0.0.1:{admin_port}/metrics
  simulated upstream  {upstream}  (what was really dialled: curl {upstream}/_ledger)
  configuration       {directory}/config/gateway.yaml  (edit it while this runs)
API key of tenant acme, for this run:
  {key}
For the examples of the documentation:  export KEY={key}

Place a call through REST:

  curl -i http://127.0.0.1:{port}/v1/calls -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' -H 'Idempotency-Key: {one}' \\
    -d '{{"caller": {{"number": "1234567", "type": "LINE"}}, "callee": {{"number": "2125551234"}}, "waitSeconds": 5}}'

Place one through GraphQL:

  curl -i http://127.0.0.1:{port}/graphql -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' \\
    -d '{{"query": "mutation($input: MakeCallInput!) {{ makeCall(input: $input) {{ __typename ... on CallRequested {{ call {{ id status }} replayed }} ... on CallError {{ code message retryable callState }} }} }}", "variables": {{"input": {{"caller": {{"number": "2125551234"}}, "callee": {{"number": "100"}}, "idempotencyKey": "{two}"}}}}}}'

Paste a line twice: the second answer is a replay, and the ledger of the upstream shows one dial.
Ctrl-C stops both. One log line per request follows.
"""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where everything of one run is."""

    directory: Path
    port: int
    admin_port: int
    upstream: str
    key: str


def run(port: int) -> int:
    """Run until Ctrl-C; the exit code. `port` 0 picks free ones."""
    directory = DIRECTORY.absolute()
    directory.mkdir(mode=0o700, exist_ok=True)
    if port and not _is_free(port):
        raise SystemExit(
            f"gateway: port {port} is in use: choose another with --port {port + 10}, or "
            f'`make demo DEMO_ARGS="--port {port + 10}"`'
        )
    with (directory / "lock").open("w") as lock:
        # What a second demo wrote here, the first one would take for a change of its configuration.
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(
                f"gateway: a demo runs in {directory}: stop it, or start this one in another directory"
            ) from None
        return _run(directory, port)


def _run(directory: Path, port: int) -> int:
    username, password = "demo-service-user", secrets.token_urlsafe(12)
    credentials = directory / "config" / "credentials"
    credentials.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    for name, value in (("username", username), ("password", password)):
        _write_private(credentials / name, value)
    simulator, upstream = _start_simulator(directory / "dials.jsonl", username, password)
    try:
        admin_port = ADMIN_PORT if port and _is_free(ADMIN_PORT) else 0
        plan = _Plan(directory, port, admin_port, upstream, f"gw_acme_{secrets.token_urlsafe(32)}")
        return _run_gateway(plan)
    finally:
        simulator.terminate()
        simulator.wait(timeout=10)


def _is_free(port: int) -> bool:
    """Whether nobody serves on a port; another gateway on this machine may."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _start_simulator(ledger: Path, username: str, password: str) -> tuple[subprocess.Popen[str], str]:
    """A simulator process of our own, and its URL."""
    command = [sys.executable, "-m", "gateway", "simulate", "--port", "0", "--ledger", str(ledger)]
    command += ["--latency-ms", "300", "--username", username, "--password", password]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603 - our own
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise SystemExit(
            f"gateway: the simulator did not start (exit {process.wait(_SIMULATOR_STARTS_SECONDS)})"
        )
    return process, json.loads(line)["url"]


def _run_gateway(plan: _Plan) -> int:
    path = plan.directory / "config" / "gateway.yaml"
    path.write_text(
        _CONFIGURATION.format(
            port=plan.port,
            admin_port=plan.admin_port,
            upstream=plan.upstream,
            directory=plan.directory,
            digest=hashlib.sha256(plan.key.encode()).hexdigest(),
        )
    )
    inputs = read_inputs(load(path))

    def announce(port: int, admin_port: int) -> None:
        banner = _BANNER.format(
            port=port,
            admin_port=admin_port,
            upstream=plan.upstream,
            directory=DIRECTORY,
            key=plan.key,
            one=f"try-{secrets.token_hex(4)}",
            two=f"try-{secrets.token_hex(4)}",
        )
        print(banner, flush=True)  # noqa: T201 - the command's own output

    async def main() -> int:
        return await run_gateway(Gateway(path, inputs), announce=announce)

    return uvloop.run(main())
