"""An issuer of tokens made by hand, good ones and forged ones, and the server of its keys."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from gateway.settings.model import JwtIssuer

NOW = 1_800_000_000.0
ISSUER = "https://id.example.com/"
AUDIENCE = "gateway"

ALGORITHMS = get_default_algorithms()


class Clock:
    """Time that passes when a test says so; in seconds."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def as_json(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def compact(header: object, claims: object, sign: Callable[[bytes], bytes]) -> bytes:
    """A compact JWS of these parts (bytes stand for themselves), signed as told."""
    signed = base64url(as_json(header)) + b"." + base64url(as_json(claims))
    return signed + b"." + base64url(sign(signed))


@dataclass(frozen=True)
class SigningKey:
    kid: str
    algorithm: str
    private: Any

    def sign(self, signed: bytes) -> bytes:
        return ALGORITHMS[self.algorithm].sign(signed, self.private)

    def public_jwk(self, **changes: Any) -> dict[str, Any]:
        jwk = type(ALGORITHMS[self.algorithm]).to_jwk(self.private.public_key(), as_dict=True)
        jwk.pop("key_ops", None)
        return {**jwk, "kid": self.kid, "alg": self.algorithm, "use": "sig", **changes}

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> bytes:
        """A good token but for these changes; a claim changed to `...` is left out."""
        all_claims = {**good_claims(), **claims}
        kept = {name: value for name, value in all_claims.items() if value is not ...}
        return compact({**self.header(), **(header or {})}, kept, self.sign)

    def header(self) -> dict[str, Any]:
        return {"alg": self.algorithm, "typ": "JWT", "kid": self.kid}


def rsa_key(kid: str, algorithm: str = "RS256") -> SigningKey:
    return SigningKey(kid, algorithm, rsa.generate_private_key(public_exponent=65537, key_size=2048))


def ec_key(kid: str, algorithm: str = "ES256") -> SigningKey:
    curve = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}[algorithm]
    return SigningKey(kid, algorithm, ec.generate_private_key(curve()))


def ed_key(kid: str) -> SigningKey:
    return SigningKey(kid, "EdDSA", ed25519.Ed25519PrivateKey.generate())


def good_claims() -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "agent-7",
        "iat": NOW - 60,
        "exp": NOW + 3600,
        "tenant": "acme",
        "scope": "openid calls:make",
    }


def key_set(*keys: SigningKey) -> bytes:
    return json.dumps({"keys": [key.public_jwk() for key in keys]}).encode()


def issuer_settings(**changes: Any) -> JwtIssuer:
    return JwtIssuer.model_validate({"issuer": ISSUER, "audience": AUDIENCE, **changes})


@dataclass
class KeyServer:
    """Serves one answer to every path, and remembers what it was asked."""

    port: int = 0
    status: int = 200
    body: bytes = b'{"keys":[]}'
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks"


@contextmanager
def serving() -> Iterator[KeyServer]:
    """A server of keys on a port of its own, for as long as it is wanted."""
    state = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = replace(state)
            state.paths.append(self.path)
            time.sleep(answer.delay_seconds)
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
            except OSError:
                pass  # the gateway gave up waiting, as some tests want it to

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
