"""The catalogue of hostile cases: what the client hears, what it costs, what was dialled, what is recorded.

One table, for people. `plays` holds the upstream's part of each case, `letters` the client's and
`tests.crash.points` the crashes; tests hold that each has exactly the rows that stand here.

- answer: the REST status and the code both doors give; `-` where the call was requested. `a / b`: the
  network decides which of the two it is, and answer, quota and record must then agree on the same one.
- quota: what stays spent (`untouched`: nothing ever was). dials: requests that the upstream received
  whole. record: the call's status.
- `none` in `record`: refused before admission, so that there is nothing to record.
- Rows of crashes: the gateway died there by kill -9, on the store named or on both. Quota, dials and record
  are what the next gateway finds; the answer is what the client then hears who asks again with its key.
"""

# ruff: noqa: E501 - a row of the table stays on one line

from dataclasses import dataclass
from typing import Final

TABLE: Final = """
case                                            | answer                            | quota     | dials | record
------------------------------------------------|-----------------------------------|-----------|-------|-----------
upstream: before accept: refuses                | 503 UPSTREAM_UNREACHABLE          | refunded  | 0     | NOT_PLACED
upstream: before accept: hangs                  | 503 UPSTREAM_UNREACHABLE          | refunded  | 0     | NOT_PLACED
upstream: before TLS: closes                    | 503 UPSTREAM_UNREACHABLE          | refunded  | 0     | NOT_PLACED
upstream: before TLS: resets                    | 503 UPSTREAM_UNREACHABLE          | refunded  | 0     | NOT_PLACED
upstream: before TLS: hangs                     | 503 UPSTREAM_UNREACHABLE          | refunded  | 0     | NOT_PLACED
upstream: before TLS: speaks plain HTTP         | 503 UPSTREAM_UNREACHABLE          | refunded  | 0     | NOT_PLACED
upstream: after connect: closes                 | 503 UNREACHABLE / 502 UNKNOWN     | agrees    | 0     | agrees
upstream: after connect: resets                 | 503 UNREACHABLE / 502 UNKNOWN     | agrees    | 0     | agrees
upstream: after connect: speaks garbage         | 503 UNREACHABLE / 502 UNKNOWN     | agrees    | 0     | agrees
upstream: after connect: hangs                  | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
upstream: mid-request: closes                   | 502 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
upstream: mid-request: resets                   | 502 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
upstream: mid-request: hangs                    | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
upstream: mid-request: speaks garbage           | 502 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
upstream: after request: closes                 | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: after request: resets                 | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: after request: drops                  | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: after request: hangs                  | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: after request: answers too late       | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: after request: garbage                | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: after request: speaks HTTP/2          | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: after request: endless 1xx            | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: after request: slow 1xx               | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: after request: switches to 101        | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: after request: one 100, then OK       | 201 -                             | charged   | 1     | REQUESTED
upstream: mid-headers: closes                   | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: resets                   | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: hangs                    | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: trickles                 | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: garbage                  | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: huge field               | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: endless fields           | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: bare line feeds          | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: folded field             | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: NUL in a field           | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: two lengths              | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: length and chunks        | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: negative length          | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: coded transfer           | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: status of 2 digits       | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-headers: cookie                   | 201 -                             | charged   | 1     | REQUESTED
upstream: mid-body: closes                      | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: resets                      | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: drops                       | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: hangs                       | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: trickles                    | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: length too short            | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: length too long             | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: huge length                 | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: endless, by length          | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: endless, by chunks          | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: endless, until close        | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: chunk size no number        | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: chunk size too large        | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: chunk too long              | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: chunks cut off              | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: endless trailers            | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: gzip                        | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: gzip, says nothing          | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: UTF-16                      | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: broken UTF-8                | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: empty                       | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: HTML                        | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: deep JSON                   | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: duplicate keys              | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: NaN                         | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: long digits                 | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: conflicting codes           | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: no code                     | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: unknown code                | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: mid-body: trailing comma              | 201 -                             | charged   | 1     | REQUESTED
upstream: status: 500 says 200                  | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: status: 404 without a body            | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: status: 403 says 401                  | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: status: 302 to itself                 | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: status: 307 says 200                  | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: status: 304                           | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: status: 204, empty                    | 202 -                             | charged   | 1     | REQUESTED
upstream: status: 204 says 204                  | 202 -                             | charged   | 1     | REQUESTED
upstream: status: 204 says 400                  | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
upstream: status: 204, unframed body            | 202 -                             | charged   | 1     | REQUESTED
upstream: status: 200 says 400                  | 422 INVALID_INPUT                 | refunded  | 1     | REJECTED
upstream: status: 200 says 401                  | 502 UPSTREAM_CREDENTIALS_REJECTED | refunded  | 1     | NOT_PLACED
upstream: status: 200 says 402                  | 502 UPSTREAM_ROLE_FORBIDS         | refunded  | 1     | NOT_PLACED
upstream: status: 403 says 403                  | 403 RATE_PLAN_FORBIDS             | refunded  | 1     | REJECTED
upstream: after body: second answer             | 201 -                             | charged   | 1     | REQUESTED
upstream: after body: half an answer            | 201 -                             | charged   | 1     | REQUESTED
upstream: after body: no keep-alive             | 201 -                             | charged   | 1     | REQUESTED
upstream: late: closes at once                  | 201 -                             | charged   | 1     | REQUESTED
upstream: late: second answer                   | 201 -                             | charged   | 1     | REQUESTED
upstream: late: garbage                         | 201 -                             | charged   | 1     | REQUESTED
upstream: late: closes                          | 201 -                             | charged   | 1     | REQUESTED
upstream: late: resets                          | 201 -                             | charged   | 1     | REQUESTED
client: framing: no Host                        | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: two Hosts                      | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: Host with a path               | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: two equal lengths              | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: two lengths                    | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: a list of lengths              | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: length with a sign             | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: negative length                | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: hexadecimal length             | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: length beyond 64 bits          | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: length and chunks              | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: chunks and length              | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: unknown coding                 | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: gzip before chunked            | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: chunked before identity        | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: chunked twice                  | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: chunked in HTTP/1.0            | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: space before colon             | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: folded field                   | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: bare line feeds                | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: CR in a value                  | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: NUL in a value                 | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: DEL in a value                 | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: space in a name                | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: field without colon            | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: empty name                     | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: chunk size negative            | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: chunk size too large           | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: chunk size with 0x             | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: chunk ended by a line feed     | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: HTTP/2.0                       | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: HTTP/0.9                       | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: HTTP/1.2                       | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: HTTP/2 preface                 | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: TLS hello                      | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: target without path            | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: CONNECT                        | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: CONNECT to a path              | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: unknown method                 | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: lower-case method              | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: byte 255 in the target         | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: control in the target          | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: slow head                      | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: slow body                      | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: framing: slow chunks                    | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: flood: head of 20,000 bytes             | 413 TOO_LARGE                     | untouched | 0     | none
client: flood: 3,000 fields                     | 413 TOO_LARGE                     | untouched | 0     | none
client: flood: target of 20,000 bytes           | 413 TOO_LARGE                     | untouched | 0     | none
client: flood: endless head                     | 413 TOO_LARGE                     | untouched | 0     | none
client: flood: 60,000 fields at once            | 413 TOO_LARGE                     | untouched | 0     | none
client: flood: chunks of one byte               | 413 TOO_LARGE                     | untouched | 0     | none
client: flood: endless trailers                 | 413 TOO_LARGE                     | untouched | 0     | none
client: target: TRACE                           | 405 METHOD_NOT_ALLOWED            | untouched | 0     | none
client: target: OPTIONS without CORS            | 405 METHOD_NOT_ALLOWED            | untouched | 0     | none
client: target: PUT                             | 405 METHOD_NOT_ALLOWED            | untouched | 0     | none
client: target: DELETE                          | 405 METHOD_NOT_ALLOWED            | untouched | 0     | none
client: target: POST to a record                | 405 METHOD_NOT_ALLOWED            | untouched | 0     | none
client: target: doubled slash                   | 404 NOT_FOUND                     | untouched | 0     | none
client: target: trailing slash                  | 404 NOT_FOUND                     | untouched | 0     | none
client: target: dot segments                    | 404 NOT_FOUND                     | untouched | 0     | none
client: target: other case                      | 404 NOT_FOUND                     | untouched | 0     | none
client: target: NUL in an id                    | 404 NOT_FOUND                     | untouched | 0     | none
client: target: half a surrogate in an id       | 404 NOT_FOUND                     | untouched | 0     | none
client: target: header in an id                 | 404 NOT_FOUND                     | untouched | 0     | none
client: target: asterisk                        | 404 NOT_FOUND                     | untouched | 0     | none
client: body: 65,537 bytes                      | 413 TOO_LARGE                     | untouched | 0     | none
client: body: declares 10 GB                    | 413 TOO_LARGE                     | untouched | 0     | none
client: body: endless chunks                    | 413 TOO_LARGE                     | untouched | 0     | none
client: body: gzip bomb                         | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: body: deflate                           | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: body: brotli                            | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: body: identity twice                    | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: body: no media type                     | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: body: text/plain                        | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: body: form                              | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: body: multipart                         | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: body: merge-patch                       | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: body: charset UTF-16                    | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: body: charset UTF-7                     | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: json: empty                             | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: blank                             | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: null                              | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: a list                            | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: a string                          | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: unclosed                          | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: trailing comma                    | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: single quotes                     | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: comment                           | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: NaN                               | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: Infinity                          | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: duplicate keys                    | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: duplicate inner keys              | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: two texts                         | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: byte order mark                   | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: UTF-16                            | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: UTF-32                            | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: Latin-1                           | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: overlong UTF-8                    | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: surrogate in UTF-8                | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: 30,000 open lists                 | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: deep objects                      | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: json: 60,000 digits                     | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: input: empty object                     | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: Unicode digits                   | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: Arabic digits                    | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: full-width plus                  | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: look-alike letter                | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: zero-width space                 | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: right-to-left mark               | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: trailing line feed               | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: CR LF and a header               | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: semicolon and parameter          | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: ampersand and parameter          | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: percent-encoded separator        | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: NUL                              | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: lone surrogate                   | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: lone surrogate in reference      | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: 65 characters                    | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: empty string                     | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: number as integer                | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: number as list                   | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: number as object                 | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: seconds as text                  | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: seconds as true                  | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: seconds as 5.5                   | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: seconds as 1e400                 | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: negative seconds                 | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: seconds beyond 64 bits           | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: null where required              | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: unknown field                    | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: legacy field                     | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: prototype field                  | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: other case                       | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: wait not above delay             | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: flag as 1                        | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: flag as text                     | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: presented ID with separator      | 422 INVALID_INPUT                 | untouched | 0     | none
client: input: 4,000 unknown fields             | 422 INVALID_INPUT                 | untouched | 0     | none
client: who: no credential                      | 401 UNAUTHENTICATED               | untouched | 0     | none
client: who: Basic                              | 401 UNAUTHENTICATED               | untouched | 0     | none
client: who: two schemes                        | 401 UNAUTHENTICATED               | untouched | 0     | none
client: who: unknown key                        | 401 UNAUTHENTICATED               | untouched | 0     | none
client: who: key of 10,000 bytes                | 401 UNAUTHENTICATED               | untouched | 0     | none
client: who: NUL-like key                       | 401 UNAUTHENTICATED               | untouched | 0     | none
client: who: JWT without signature              | 401 UNAUTHENTICATED               | untouched | 0     | none
client: header: Authorization twice             | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: header: Idempotency-Key twice           | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: header: Content-Type twice              | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: header: key empty                       | 400 IDEMPOTENCY_KEY_INVALID       | untouched | 0     | none
client: header: key with spaces                 | 400 IDEMPOTENCY_KEY_INVALID       | untouched | 0     | none
client: header: key of 256                      | 400 IDEMPOTENCY_KEY_INVALID       | untouched | 0     | none
client: header: key not ASCII                   | 400 IDEMPOTENCY_KEY_INVALID       | untouched | 0     | none
client: header: key quoted badly                | 400 IDEMPOTENCY_KEY_INVALID       | untouched | 0     | none
client: header: takes only XML                  | 406 NOT_ACCEPTABLE                | untouched | 0     | none
client: graphql: fragment bomb                  | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: fragment cycle                 | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: 1,000 aliases                  | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: directive overload             | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: nested 60 deep                 | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: 5,000 tokens                   | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: two makeCalls                  | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: makeCall by fragments          | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: two unnamed operations         | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: a batch                        | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: null body                      | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: broken UTF-8                   | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: deep JSON                      | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: schema probe                   | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: type probe                     | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: misspelt field                 | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: subscription                   | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: lone surrogate in the document | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: variables as a list            | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: null in a directive            | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: duplicate keys                 | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: 4,000 unknown input fields     | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: 95 fields of one name          | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: huge integer                   | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: unknown operation              | 400 MALFORMED_REQUEST             | untouched | 0     | none
client: graphql: form post                      | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: graphql: plain text post                | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: graphql: multipart post                 | 415 UNSUPPORTED_MEDIA_TYPE        | untouched | 0     | none
client: graphql: mutation by GET                | 405 METHOD_NOT_ALLOWED            | untouched | 0     | none
client: graphql: PUT                            | 405 METHOD_NOT_ALLOWED            | untouched | 0     | none
client: graphql: no credential                  | 401 UNAUTHENTICATED               | untouched | 0     | none
crash: request: head read                       | 201 -                             | untouched | 0     | none
crash: request: read whole                      | 201 -                             | untouched | 0     | none
crash: slot reserved                            | 201 -                             | untouched | 0     | none
crash: before admission                         | 201 -                             | untouched | 0     | none
crash: sqlite: admission handed in              | 201 -                             | untouched | 0     | none
crash: sqlite: admission begun                  | 201 -                             | untouched | 0     | none
crash: sqlite: admission decided                | 201 -                             | untouched | 0     | none
crash: sqlite: admission written                | 201 -                             | untouched | 0     | none
crash: sqlite: admission half in the log        | 201 -                             | untouched | 0     | none
crash: sqlite: admission committed              | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: sqlite: admission told                   | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: valkey: admission not sent               | 201 -                             | untouched | 0     | none
crash: valkey: admission half sent              | 201 -                             | untouched | 0     | none
crash: valkey: admission sent                   | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: valkey: admission's reply unread         | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: valkey: admission's reply half read      | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: valkey: admission's reply read           | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: admitted, not audited                    | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: audited, not dialled                     | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: before connecting                        | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: connected                                | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: before the call's first byte             | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: half of the call written                 | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: call written                             | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: upstream's answer: unread                | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: upstream's answer: half of its head      | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: upstream's answer: its head              | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: upstream's answer: half of its body      | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: upstream's answer: read whole            | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: outcome known                            | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: refusal known                            | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: before settlement                        | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: sqlite: settlement written               | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: sqlite: settlement half in the log       | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: sqlite: settlement committed             | 201 -                             | charged   | 1     | REQUESTED
crash: sqlite: refund written                   | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: sqlite: refund half in the log           | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: sqlite: refund committed                 | 422 INVALID_INPUT                 | refunded  | 1     | REJECTED
crash: valkey: settlement not sent              | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: valkey: settlement half sent             | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: valkey: settlement sent                  | 201 -                             | charged   | 1     | REQUESTED
crash: valkey: settlement's reply unread        | 201 -                             | charged   | 1     | REQUESTED
crash: valkey: refund half sent                 | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: valkey: refund sent                      | 422 INVALID_INPUT                 | refunded  | 1     | REJECTED
crash: valkey: refund's reply unread            | 422 INVALID_INPUT                 | refunded  | 1     | REJECTED
crash: valkey away: undoing not spooled         | 504 OUTCOME_UNKNOWN               | charged   | 0     | UNKNOWN
crash: valkey away: undoing spooled             | 201 -                             | untouched | 0     | none
crash: valkey away: outcome not spooled         | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: valkey away: outcome half spooled        | 504 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: valkey away: outcome not synced          | 201 -                             | charged   | 1     | REQUESTED
crash: valkey away: outcome spooled             | 201 -                             | charged   | 1     | REQUESTED
crash: valkey away: refusal spooled             | 422 INVALID_INPUT                 | refunded  | 1     | REJECTED
crash: settled, answer not made                 | 201 -                             | charged   | 1     | REQUESTED
crash: refunded, answer not made                | 422 INVALID_INPUT                 | refunded  | 1     | REJECTED
crash: released, answer not made                | 502 UPSTREAM_CREDENTIALS_REJECTED | refunded  | 1     | NOT_PLACED
crash: unknown, answer not made                 | 502 OUTCOME_UNKNOWN               | charged   | 1     | UNKNOWN
crash: answer not sent                          | 201 -                             | charged   | 1     | REQUESTED
crash: answer's head sent                       | 201 -                             | charged   | 1     | REQUESTED
crash: answer sent                              | 201 -                             | charged   | 1     | REQUESTED
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
