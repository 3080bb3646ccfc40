"""The catalogue of hostile cases: what the client hears, what it costs, what was dialled, what is recorded.

One table, for people. `plays` holds the upstream's part of each case, `letters` the client's; a test
holds that each has exactly the rows that stand here.

- answer: the REST status and the code both doors give; `-` where the call was requested. `a / b`: the
  network decides which of the two it is, and answer, quota and record must then agree on the same one.
- quota: what stays spent. dials: requests that the upstream received whole. record: the call's status.
- `none` in `record`: refused before admission, so that there is nothing to record.
"""

from dataclasses import dataclass
from typing import Final

TABLE: Final = """
case                                      | answer                          | quota    | dials | record
------------------------------------------|---------------------------------|----------|-------|------------
upstream: before accept: refuses          | 503 UPSTREAM_UNREACHABLE        | refunded | 0     | NOT_PLACED
upstream: before accept: hangs            | 503 UPSTREAM_UNREACHABLE        | refunded | 0     | NOT_PLACED
upstream: before TLS: closes              | 503 UPSTREAM_UNREACHABLE        | refunded | 0     | NOT_PLACED
upstream: before TLS: resets              | 503 UPSTREAM_UNREACHABLE        | refunded | 0     | NOT_PLACED
upstream: before TLS: hangs               | 503 UPSTREAM_UNREACHABLE        | refunded | 0     | NOT_PLACED
upstream: before TLS: speaks plain HTTP   | 503 UPSTREAM_UNREACHABLE        | refunded | 0     | NOT_PLACED
upstream: after connect: closes           | 503 UNREACHABLE / 502 UNKNOWN   | agrees   | 0     | agrees
upstream: after connect: resets           | 503 UNREACHABLE / 502 UNKNOWN   | agrees   | 0     | agrees
upstream: after connect: speaks garbage   | 503 UNREACHABLE / 502 UNKNOWN   | agrees   | 0     | agrees
upstream: after connect: hangs            | 504 OUTCOME_UNKNOWN             | charged  | 0     | UNKNOWN
upstream: mid-request: closes             | 502 OUTCOME_UNKNOWN             | charged  | 0     | UNKNOWN
upstream: mid-request: resets             | 502 OUTCOME_UNKNOWN             | charged  | 0     | UNKNOWN
upstream: mid-request: hangs              | 504 OUTCOME_UNKNOWN             | charged  | 0     | UNKNOWN
upstream: mid-request: speaks garbage     | 502 OUTCOME_UNKNOWN             | charged  | 0     | UNKNOWN
upstream: after request: closes           | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: after request: resets           | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: after request: drops            | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: after request: hangs            | 504 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: after request: answers too late | 504 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: after request: garbage          | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: after request: speaks HTTP/2    | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: after request: endless 1xx      | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: after request: slow 1xx         | 504 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: after request: switches to 101  | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: after request: one 100, then OK | 201 -                           | charged  | 1     | REQUESTED
upstream: mid-headers: closes             | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: resets             | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: hangs              | 504 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: trickles           | 504 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: garbage            | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: huge field         | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: endless fields     | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: bare line feeds    | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: folded field       | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: NUL in a field     | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: two lengths        | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: length and chunks  | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: negative length    | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: coded transfer     | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: status of 2 digits | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-headers: cookie             | 201 -                           | charged  | 1     | REQUESTED
upstream: mid-body: closes                | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: resets                | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: drops                 | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: hangs                 | 504 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: trickles              | 504 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: length too short      | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: length too long       | 504 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: huge length           | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: endless, by length    | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: endless, by chunks    | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: endless, until close  | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: chunk size no number  | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: chunk size too large  | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: chunk too long        | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: chunks cut off        | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: endless trailers      | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: gzip                  | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: gzip, says nothing    | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: UTF-16                | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: broken UTF-8          | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: empty                 | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: HTML                  | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: deep JSON             | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: duplicate keys        | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: NaN                   | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: long digits           | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: conflicting codes     | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: no code               | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: unknown code          | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: mid-body: trailing comma        | 201 -                           | charged  | 1     | REQUESTED
upstream: status: 500 says 200            | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: status: 404 without a body      | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: status: 403 says 401            | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: status: 302 to itself           | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: status: 307 says 200            | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: status: 304                     | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: status: 204, empty              | 202 -                           | charged  | 1     | REQUESTED
upstream: status: 204 says 204            | 202 -                           | charged  | 1     | REQUESTED
upstream: status: 204 says 400            | 502 OUTCOME_UNKNOWN             | charged  | 1     | UNKNOWN
upstream: status: 204, unframed body      | 202 -                           | charged  | 1     | REQUESTED
upstream: status: 200 says 400            | 422 INVALID_INPUT               | refunded | 1     | REJECTED
upstream: status: 200 says 401            | 502 UPSTREAM_CREDENTIALS_REJECTED | refunded | 1     | NOT_PLACED
upstream: status: 200 says 402            | 502 UPSTREAM_ROLE_FORBIDS       | refunded | 1     | NOT_PLACED
upstream: status: 403 says 403            | 403 RATE_PLAN_FORBIDS           | refunded | 1     | REJECTED
upstream: after body: second answer       | 201 -                           | charged  | 1     | REQUESTED
upstream: after body: half an answer      | 201 -                           | charged  | 1     | REQUESTED
upstream: after body: no keep-alive       | 201 -                           | charged  | 1     | REQUESTED
upstream: late: closes at once            | 201 -                           | charged  | 1     | REQUESTED
upstream: late: second answer             | 201 -                           | charged  | 1     | REQUESTED
upstream: late: garbage                   | 201 -                           | charged  | 1     | REQUESTED
upstream: late: closes                    | 201 -                           | charged  | 1     | REQUESTED
upstream: late: resets                    | 201 -                           | charged  | 1     | REQUESTED
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One row. `statuses` and `codes` are what the answer may be; `code` None: the call was requested."""

    name: str
    answer: str
    quota: str
    dials: int
    record: str

    @property
    def is_open(self) -> bool:
        """Whether the network decides between not placed and unknown."""
        return " / " in self.answer

    @property
    def status(self) -> int:
        """The REST status of the only answer."""
        return int(self.answer[:3])

    @property
    def code(self) -> str | None:
        """The code of the only answer, None where the call was requested."""
        code = self.answer[4:]
        return None if code == "-" else code


def _read(table: str) -> tuple[Case, ...]:
    rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()[2:]]
    return tuple(Case(name, answer, quota, int(dials), record) for name, answer, quota, dials, record in rows)


CASES: Final = _read(TABLE)
BY_NAME: Final = {case.name: case for case in CASES}
