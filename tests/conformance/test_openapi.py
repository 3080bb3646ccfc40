"""The REST door against its own OpenAPI document, by a tool that knows nothing of the gateway."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import api_key, configuration, open_policy, serving, simulated, tenant

ROOT = Path(__file__).parents[2]
SEED = 20261123
CONFIG = """
color = false
[checks.positive_data_acceptance]
# 404: an id made up; 403 and 422: what schemathesis_checks then looks at itself
expected-statuses = ["2xx", "403", "404", "422"]
[generation]
database = "none"
"""


@pytest.mark.timeout(170)
def test_schemathesis_finds_no_difference_between_document_and_door(tmp_path):
    """Examples, boundary values, fuzzed and stateful requests with every check: no failure."""
    policy = open_policy(
        max_wait_seconds=86_000,
        max_delay_seconds=86_000,
        presented_caller_ids=["*"],
        options=["autoAnswer", "screening", "suppressForwarding", "calleeType"],
    )
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    with simulated(tmp_path / "ledger.jsonl") as simulator:
        settings = configuration(
            tmp_path,
            simulator.url,
            {"acme": tenant("acme", policy=policy, quotas=[{"name": "day", "limit": 99999, "per": "day"}])},
            drain={"grace_seconds": 86_400},
        )
        with serving(tmp_path, settings) as gateway:
            command = [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
                *(f"{gateway.url}/openapi.json", "-H", f"Authorization: Bearer {api_key('acme')}"),
                *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
                *("--max-examples", "60", "--seed", str(SEED), "--generation-database", "none"),
            ]
            ran = subprocess.run(
                command,
                check=False,
                capture_output=True,
                text=True,
                cwd=tmp_path,
                timeout=150,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "SCHEMATHESIS_HOOKS": "tests.conformance.schemathesis_checks",
                },
            )
            assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
            assert "every_error_is_a_problem" not in ran.stderr
            assert gateway.metric("gateway_calls_total", outcome="internal") == 0
