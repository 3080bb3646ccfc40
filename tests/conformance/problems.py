"""RFC 9457 and the contract's section 5, held against one answer."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import CATALOGUE, Code

MEMBERS = {"type", "title", "status", "detail", "instance", "code"}
CALL_MEMBERS = {"callState", "retryable"}
EXTRAS = {"problems", "violated-policies", "callId"}
POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
URI_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")


def faults_of_problem(
    status: int, headers: Mapping[str, str], body: Any, *, is_call: bool | None = None
) -> list[str]:
    """Everything in which an answer of 400 or above differs from RFC 9457 and the catalogue."""
    found = []
    if headers.get("content-type") != "application/problem+json":
        found.append(f"media type {headers.get('content-type')}")  # section 3
    if not isinstance(body, dict):
        return [*found, "no JSON object"]
    if missing := MEMBERS - body.keys():
        return [*found, f"without {missing}"]
    found += [f"{name} is no string" for name in MEMBERS - {"status"} if not isinstance(body[name], str)]
    if body["status"] != status:  # section 3.1.2
        found.append(f"status {body['status']} under HTTP {status}")
    if not urlsplit(body["type"]).scheme or not URI_CHARACTERS.fullmatch(body["type"]):
        found.append(f"type is no absolute URI: {body['type']}")  # section 3.1.1
    if not URI_CHARACTERS.fullmatch(body["instance"]):  # section 3.1.5
        found.append(f"instance is no URI reference: {body['instance']}")
    if body["instance"] != headers.get("x-request-id"):
        found.append("instance is not the request id")
    if body["code"] not in Code.__members__:
        return [*found, f"code {body['code']}"]
    return found + _faults_of_entry(status, headers, body, is_call)


def _faults_of_entry(
    status: int, headers: Mapping[str, str], body: dict[str, Any], is_call: bool | None
) -> list[str]:
    entry, found = CATALOGUE[Code(body["code"])], []
    is_502 = entry.code is Code.OUTCOME_UNKNOWN and status == 502
    if status != entry.status and not is_502:
        found.append(f"{entry.code} under {status}")
    if body["title"] != entry.title:  # section 3.1.3: the title does not change between occurrences
        found.append(f"title {body['title']}")
    known = MEMBERS | CALL_MEMBERS | EXTRAS
    found += [f"unknown member {name}" for name in body.keys() - known]
    if is_call is not None and is_call != (body.keys() >= CALL_MEMBERS):
        found.append(f"callState and retryable: {body.keys() & CALL_MEMBERS}")
    if "retryable" in body and body["retryable"] is not entry.retryable:
        found.append(f"retryable {body['retryable']}")
    for problem in body.get("problems", ()):
        if problem.keys() != {"pointer", "code", "detail"} or not POINTER.fullmatch(problem["pointer"]):
            found.append(f"problem {problem}")
    if (status in {429, 503, 409}) != ("retry-after" in headers):
        found.append(f"Retry-After: {headers.get('retry-after')}")
    if (status == 401) != ("www-authenticate" in headers):
        found.append(f"WWW-Authenticate: {headers.get('www-authenticate')}")
    if (status == 405) != ("allow" in headers):
        found.append(f"Allow: {headers.get('allow')}")
    return found
