"""What is checked of every answer beside schemathesis's own checks; loaded by it as hooks.

A 422 or 403 to input that the schema allows is right only where JSON Schema can't say the rule: an
idempotency key used before, rules between fields, and what an operator grants to a tenant.
"""

import json
import re

import schemathesis

from tests.conformance.problems import faults_of_problem

BEYOND_SCHEMA = {"/cursor", "/waitSeconds", "/callee/type", "/caller/number", "/callee/number"}
GRANTED = {"/recordingGroupId", "/billing/card", "/billing/customerId", "/waitSeconds", "/delaySeconds"}
LETTERS = re.compile(r"[A-Za-z._-]")


@schemathesis.check
def every_error_is_a_problem(_ctx, response, case):
    """RFC 9457, for whatever was sent."""
    if response.status_code < 400:
        assert response.headers["x-request-id"]
        return
    headers = {name.lower(): ", ".join(values) for name, values in response.headers.items()}
    body = json.loads(response.content) if response.content else None
    if case.method.upper() == "HEAD" or body is None:
        return
    found = faults_of_problem(response.status_code, headers, body)
    assert not found, found


@schemathesis.check
def a_refusal_of_good_input_is_explained(_ctx, response, case):
    """Never for a rule that the schema could tell."""
    mode = case.meta.generation.mode if case.meta is not None else None
    if response.status_code not in {403, 422} or mode is None or not mode.is_positive:
        return
    body = json.loads(response.content)
    if body["code"] == "IDEMPOTENCY_KEY_REUSED":
        return
    pointers = {problem["pointer"] for problem in body["problems"]}
    allowed = BEYOND_SCHEMA if response.status_code == 422 else GRANTED
    assert pointers <= allowed, f"the schema allows what is refused at {pointers - allowed}"
    for party in ("caller", "callee"):
        if f"/{party}/number" in pointers:
            assert LETTERS.search(case.body[party]["number"]), f"{party} number refused without a letter"
