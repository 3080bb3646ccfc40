"""wrk: connections that each ask for a call as soon as the last is answered, every call with its own key."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Final, Literal

from tests.house import api_key

Door = Literal["rest", "graphql"]
CONNECTIONS: Final = 64
CALL: Final = '"caller":{"number":"1234567","type":"LINE"},"callee":{"number":"2125551234"}'
MUTATION: Final = (
    "mutation($input: MakeCallInput!){makeCall(input:$input){__typename ... on CallRequested"
    "{call{id status requestedAt} replayed} ... on CallError{code message}}}"
)
_REST: Final = f"""
  wrk.headers["Idempotency-Key"] = run .. n
  return wrk.format(nil, "/v1/calls", nil, '{{{CALL}}}')
"""
_GRAPHQL: Final = f"""
  return wrk.format(nil, "/graphql", nil, '{{"query":"{MUTATION}","variables":{{"input":{{{CALL},'
    .. '"idempotencyKey":"' .. run .. n .. '"}}}}}}')
"""
_SCRIPT: Final = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %(key)s"
local n, run, tenants = 0, "%(run)s", %(tenants)d
request = function()
  n = n + 1
  if tenants > 1 then wrk.headers["Authorization"] = "Bearer gw_t" .. n %% tenants .. "_key" end
  %(request)s
end
"""
_SECONDS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class Told:
    """What one run of wrk says; latencies of a closed loop, so they are those of a saturated server."""

    requests: int
    seconds: float
    p50_seconds: float
    p99_seconds: float

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def script(door: Door, run: str, tenants: int = 1) -> str:
    """The Lua script that asks through a door; `run` makes its idempotency keys its own.

    Of one tenant it is acme that asks; of several, `t0`, `t1`, ... in turn.
    """
    request = _REST if door == "rest" else _GRAPHQL
    return _SCRIPT % {"key": api_key("acme"), "run": run, "request": request, "tenants": tenants}


def read(output: str) -> Told:
    """Read what `wrk --latency` prints. Any failed request, broken connection or timeout: AssertionError."""
    for fault in ("Non-2xx", "Socket errors"):
        assert fault not in output, output
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)\b", output)
    quantiles = dict(re.findall(r"^ +(\d+)% +([\d.]+(?:us|ms|s|m)) *$", output, re.MULTILINE))
    assert total is not None, output
    assert int(total[1]) > 0, output
    return Told(
        int(total[1]),
        float(total[2]) * _SECONDS[total[3]],
        _seconds(quantiles["50"]),
        _seconds(quantiles["99"]),
    )


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    assert found is not None, text
    return float(found[1]) * _SECONDS[found[2]]


def drive(
    url: str, door: Door, *, run: str, seconds: int, connections: int = CONNECTIONS, tenants: int = 1
) -> Told:
    """Ask for calls for some seconds; see `script`."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script(door, run, tenants))
        file.flush()
        load = ("-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "30s", "--latency")
        command = ["wrk", *load, "-s", file.name, url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return read(output)
