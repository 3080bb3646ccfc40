"""CPU per request of a whole gateway process, both doors, over a fast upstream.

    python -m tests.benchmarks.gateway_cost [--seconds 5] [--rounds 3]

Needs wrk and nginx (Debian's packages). wrk holds 64 connections; every request has its own idempotency
key, two quotas, a policy, metrics, a log line and an audit line. The stores take turns within each
round, and medians are told, because a machine is noisy; compare ratios of one run, never runs.
"""

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.house import api_key, configuration, serving, tenant

QUOTAS: Final = [
    {"name": "burst", "limit": 1_000_000, "per": "second"},
    {"name": "daily", "limit": 1_000_000, "per": "day", "time_zone": "Europe/Kyiv"},
]
BODY: Final = '"caller":{"number":"1234567","type":"LINE"},"callee":{"number":"2125551234"}'
MUTATION: Final = (
    "mutation($input: MakeCallInput!){makeCall(input:$input){__typename ... on CallRequested"
    "{call{id status requestedAt} replayed} ... on CallError{code message}}}"
)
SCRIPT: Final = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %(key)s"
local n, run = 0, "%(run)s"
request = function()
  n = n + 1
  %(request)s
end
"""
REST: Final = f"""
  wrk.headers["Idempotency-Key"] = run .. n
  return wrk.format(nil, "/v1/calls", nil, '{{{BODY}}}')
"""
GRAPHQL: Final = f"""
  return wrk.format(nil, "/graphql", nil, '{{"query":"{MUTATION}","variables":{{"input":{{{BODY},'
    .. '"idempotencyKey":"' .. run .. n .. '"}}}}}}')
"""
NGINX: Final = """
worker_processes 1; daemon off; pid %(directory)s/pid; error_log /dev/null;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000;
  client_body_temp_path %(directory)s/a; proxy_temp_path %(directory)s/b; fastcgi_temp_path %(directory)s/c;
  uwsgi_temp_path %(directory)s/d; scgi_temp_path %(directory)s/e;
  server { listen 127.0.0.1:%(port)d; location / {
    default_type application/json;
    return 200 '{ "responses":[ { "code":"204", "key":"", "message":"OK" } ] }'; } }
}
"""
PORT: Final = 18_982


@contextmanager
def upstream(directory: Path) -> Iterator[str]:
    """nginx, answering every call with the page's 204."""
    config = directory / "nginx.conf"
    config.write_text(NGINX % {"directory": directory, "port": PORT})
    process = subprocess.Popen(["nginx", "-c", str(config)])
    try:
        time.sleep(0.5)
        yield f"http://127.0.0.1:{PORT}"
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(pid: int, url: str, script: Path, seconds: int) -> tuple[float, int]:
    """CPU microseconds a request, and how many requests there were; none may fail."""
    before = cpu_seconds(pid)
    command = ["wrk", "-t1", "-c64", f"-d{seconds}", "-s", str(script), url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(pid) - before
    assert "Non-2xx" not in told, told
    found = re.search(r"(\d+) requests in", told)
    assert found is not None
    return spent * 1e6 / int(found[1]), int(found[1])


def main() -> None:
    """Print a row for each door and store."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    figures: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as place, upstream(Path(place)) as url:
        for number in range(options.rounds):
            for store in ("memory", "file"):
                directory = Path(place) / f"{store}{number}"
                directory.mkdir()
                settings = configuration(directory, url, {"acme": tenant("acme", quotas=QUOTAS)})
                if store == "memory":
                    settings["store"]["url"] = "sqlite://:memory:"
                with serving(directory, settings) as gateway:
                    for door, request in (("rest", REST), ("graphql", GRAPHQL)):
                        script = directory / f"{door}.lua"
                        told = {"key": api_key("acme"), "run": f"{door}{number}-", "request": request}
                        script.write_text(SCRIPT % told)
                        cost, _ = measure(gateway.process.pid, gateway.url, script, options.seconds)
                        figures.setdefault((door, store), []).append(cost)
    for (door, store), costs in figures.items():
        spread = f"{min(costs):.0f}-{max(costs):.0f}"
        print(f"{door:8} {store:7} {statistics.median(costs):5.0f} us CPU a request ({spread})")  # noqa: T201


if __name__ == "__main__":
    main()
