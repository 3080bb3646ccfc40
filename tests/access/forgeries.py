"""Forged tokens: each differs in one thing from a token that is taken. With the reason to be counted."""

import hashlib
import hmac
import json

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.access.issuer import ALGORITHMS, NOW, SigningKey, as_json, base64url, compact, ec_key, good_claims

DAY = 86_400


def no_signature(_: bytes) -> bytes:
    return b""


def public_pem(key: SigningKey) -> bytes:
    return key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hs256(secret: bytes):
    return lambda signed: hmac.digest(secret, signed, hashlib.sha256)


def der(key: SigningKey):
    return lambda signed: key.private.sign(signed, ec.ECDSA(SHA256()))


def duplicated(value: dict[str, object], name: str, first: object) -> bytes:
    """JSON in which `name` stands twice, at first with another value."""
    return b"{" + json.dumps({name: first})[1:-1].encode() + b"," + as_json(value)[1:]


def with_stray_bit(token: bytes) -> bytes:
    """The same bytes in another spelling: the last character's unused bits are set."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + bytes([alphabet[alphabet.index(token[-1]) | 1]])


def pad(token: bytes) -> bytes:
    signature = token.rpartition(b".")[2]
    return token + b"=" * (-len(signature) % 4)


def exchanged(token: bytes, index: int, text: bytes) -> bytes:
    parts = token.split(b".")
    parts[index] = base64url(text)
    return b".".join(parts)


def ec_p384_as_es256() -> bytes:
    key = ec_key("ec-1", "ES384")
    return compact(
        {"alg": "ES256", "kid": "ec-1"},
        good_claims(),
        lambda signed: ALGORITHMS["ES384"].sign(signed, key.private),
    )


FORGERIES = {
    "alg none": (lambda _: compact({"alg": "none"}, good_claims(), no_signature), "unknown"),
    "alg NoNe with a signature": (
        lambda k: compact({**k.rsa.header(), "alg": "NoNe"}, good_claims(), k.rsa.sign),
        "unknown",
    ),
    "no alg": (lambda k: compact({"kid": "rsa-1"}, good_claims(), k.rsa.sign), "unknown"),
    "alg a list": (
        lambda k: compact({**k.rsa.header(), "alg": ["RS256"]}, good_claims(), k.rsa.sign),
        "unknown",
    ),
    "no signature": (lambda k: compact(k.rsa.header(), good_claims(), no_signature), "unknown"),
    "HS256 keyed by the RSA public key's PEM": (
        lambda k: compact({**k.rsa.header(), "alg": "HS256"}, good_claims(), hs256(public_pem(k.rsa))),
        "unknown",
    ),
    "RS256 named, HS256 done": (
        lambda k: compact(k.rsa.header(), good_claims(), hs256(public_pem(k.rsa))),
        "unknown",
    ),
    "an algorithm not listed": (
        lambda k: SigningKey("rsa-1", "RS512", k.rsa.private).token(),
        "unknown",
    ),
    "the RSA key named for ES256": (lambda k: k.ec.token(header={"kid": "rsa-1"}), "unknown"),
    "the EC key named for RS256": (lambda k: k.rsa.token(header={"kid": "ec-1"}), "unknown"),
    "ES256 with P-384": (lambda _: ec_p384_as_es256(), "unknown"),
    "ES256 signature in DER": (lambda k: compact(k.ec.header(), good_claims(), der(k.ec)), "unknown"),
    "ES256 signature of zeros": (
        lambda k: compact(k.ec.header(), good_claims(), lambda _: bytes(64)),
        "unknown",
    ),
    "ES256 signature of zeros in DER": (
        lambda k: compact(k.ec.header(), good_claims(), lambda _: encode_dss_signature(0, 0)),
        "unknown",
    ),
    "claims changed after signing": (
        lambda k: exchanged(k.rsa.token(), 1, as_json({**good_claims(), "tenant": "globex"})),
        "unknown",
    ),
    "header changed after signing": (
        lambda k: exchanged(k.rsa.token(), 0, as_json({**k.rsa.header(), "x": 1})),
        "unknown",
    ),
    "a stranger's key under a known id": (lambda k: k.stranger.token(), "unknown"),
    "a key of another issuer": (
        lambda k: k.rsa.token(iss="https://evil.example.com/"),
        "unknown",
    ),
    "an unknown key id": (lambda k: k.rsa.token(header={"kid": "rsa-9"}), "unknown"),
    "a key id that is a path": (lambda k: k.rsa.token(header={"kid": "../../dev/null"}), "unknown"),
    "a key id that is SQL": (lambda k: k.rsa.token(header={"kid": "' UNION SELECT 'x"}), "unknown"),
    "an empty key id": (lambda k: k.rsa.token(header={"kid": ""}), "unknown"),
    "a key id that is a list": (lambda k: k.rsa.token(header={"kid": ["rsa-1"]}), "malformed"),
    "an unknown critical header": (
        lambda k: k.rsa.token(header={"crit": ["pay"], "pay": 1}),
        "malformed",
    ),
    "an empty critical header": (lambda k: k.rsa.token(header={"crit": []}), "malformed"),
    "a known name marked critical": (lambda k: k.rsa.token(header={"crit": ["exp"], "exp": 1}), "malformed"),
    "unencoded payload, critical": (
        lambda k: k.rsa.token(header={"crit": ["b64"], "b64": False}),
        "malformed",
    ),
    "unencoded payload": (lambda k: k.rsa.token(header={"b64": False}), "malformed"),
    "a logout token": (lambda k: k.rsa.token(header={"typ": "logout+jwt"}), "malformed"),
    "typ a number": (lambda k: k.rsa.token(header={"typ": 1}), "malformed"),
    "a foreign issuer": (lambda k: k.rsa.token(iss="https://id.example.org/"), "unknown"),
    "the issuer but for its slash": (lambda k: k.rsa.token(iss="https://id.example.com"), "unknown"),
    "the issuer in other letters": (lambda k: k.rsa.token(iss="https://ID.example.com/"), "unknown"),
    "the issuer with a look-alike letter": (
        lambda k: k.rsa.token(iss="https://id.ex\u0430mple.com/"),
        "unknown",
    ),
    "the issuer as a list": (lambda k: k.rsa.token(iss=["https://id.example.com/"]), "unknown"),
    "no issuer": (lambda k: k.rsa.token(iss=...), "unknown"),
    "another audience": (lambda k: k.rsa.token(aud="gateway2"), "unknown"),
    "audiences without ours": (lambda k: k.rsa.token(aud=["a", "b"]), "unknown"),
    "audiences with a number": (lambda k: k.rsa.token(aud=["gateway", 1]), "unknown"),
    "the audience as an object": (lambda k: k.rsa.token(aud={"gateway": 1}), "unknown"),
    "no audience": (lambda k: k.rsa.token(aud=...), "unknown"),
    "no audience in a list": (lambda k: k.rsa.token(aud=[]), "unknown"),
    "an unknown tenant": (lambda k: k.rsa.token(tenant="initech"), "unknown"),
    "no tenant": (lambda k: k.rsa.token(tenant=...), "unknown"),
    "tenants as a list": (lambda k: k.rsa.token(tenant=["acme"]), "unknown"),
    "the tenant in capitals": (lambda k: k.rsa.token(tenant="ACME"), "unknown"),
    "no subject": (lambda k: k.rsa.token(sub=...), "malformed"),
    "an empty subject": (lambda k: k.rsa.token(sub=""), "malformed"),
    "a subject that is a number": (lambda k: k.rsa.token(sub=7), "malformed"),
    "a subject that is null": (lambda k: k.rsa.token(sub=None), "malformed"),
    "a subject of 256 characters": (lambda k: k.rsa.token(sub="x" * 256), "malformed"),
    "a subject with a line break": (lambda k: k.rsa.token(sub="a\nb"), "malformed"),
    "a subject with half a surrogate pair": (lambda k: k.rsa.token(sub="\ud83d"), "malformed"),
    "expired a second past the leeway": (lambda k: k.rsa.token(exp=NOW - 31, iat=NOW - 99), "expired"),
    "expired a year ago": (lambda k: k.rsa.token(exp=NOW - 365 * DAY, iat=NOW - 366 * DAY), "expired"),
    "expiring at exactly the leeway": (lambda k: k.rsa.token(exp=NOW - 30), "expired"),
    "no expiry": (lambda k: k.rsa.token(exp=...), "malformed"),
    "expiry null": (lambda k: k.rsa.token(exp=None), "malformed"),
    "expiry as a text": (lambda k: k.rsa.token(exp=str(int(NOW) + 60)), "malformed"),
    "expiry true": (lambda k: k.rsa.token(exp=True), "malformed"),
    "expiry in milliseconds": (lambda k: k.rsa.token(exp=(NOW + 60) * 1000), "malformed"),
    "expiry of 300 digits": (lambda k: k.rsa.token(exp=10**300), "malformed"),
    "expiry of 5000 digits": (
        lambda k: compact(k.rsa.header(), b'{"exp":' + b"9" * 5000 + b"}", k.rsa.sign),
        "malformed",
    ),
    "expiry infinite": (
        lambda k: compact(k.rsa.header(), as_json(good_claims() | {"exp": float("inf")}), k.rsa.sign),
        "malformed",
    ),
    "expiry beyond floats": (
        lambda k: compact(
            k.rsa.header(),
            as_json(good_claims()).replace(b'"exp": 1800003600.0', b'"exp": 1e999'),
            k.rsa.sign,
        ),
        "malformed",
    ),
    "a life of 24 h and a second": (lambda k: k.rsa.token(iat=NOW, exp=NOW + DAY + 1), "unknown"),
    "a life of a year": (lambda k: k.rsa.token(exp=NOW + 365 * DAY), "unknown"),
    "a life over 24 h that began long ago": (
        lambda k: k.rsa.token(iat=NOW - 30 * DAY, exp=NOW + 60),
        "unknown",
    ),
    "a life over 24 h without a beginning": (
        lambda k: k.rsa.token(iat=..., exp=NOW + DAY + 31),
        "unknown",
    ),
    "issued in the future": (lambda k: k.rsa.token(iat=NOW + 31), "unknown"),
    "issued as a text": (lambda k: k.rsa.token(iat="now"), "malformed"),
    "not before the future": (lambda k: k.rsa.token(nbf=NOW + 31), "unknown"),
    "not before null": (lambda k: k.rsa.token(nbf=None), "malformed"),
    "two issuers": (
        lambda k: compact(
            k.rsa.header(), duplicated(good_claims(), "iss", "https://evil.example.com/"), k.rsa.sign
        ),
        "malformed",
    ),
    "two tenants": (
        lambda k: compact(k.rsa.header(), duplicated(good_claims(), "tenant", "globex"), k.rsa.sign),
        "malformed",
    ),
    "two algorithms": (
        lambda k: compact(duplicated(k.rsa.header(), "alg", "none"), good_claims(), k.rsa.sign),
        "malformed",
    ),
    "two names deep inside": (
        lambda k: compact(k.rsa.header(), as_json(good_claims())[:-1] + b',"a":{"b":1,"b":2}}', k.rsa.sign),
        "malformed",
    ),
    "a claim that is no number": (
        lambda k: compact(k.rsa.header(), as_json(good_claims() | {"x": float("nan")}), k.rsa.sign),
        "malformed",
    ),
    "claims as a list": (lambda k: compact(k.rsa.header(), [good_claims()], k.rsa.sign), "malformed"),
    "claims in UTF-16": (
        lambda k: compact(k.rsa.header(), json.dumps(good_claims()).encode("utf-16"), k.rsa.sign),
        "malformed",
    ),
    "claims nested 2000 deep": (
        lambda k: compact(k.rsa.header(), b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", k.rsa.sign),
        "malformed",
    ),
    "claims that go on after their end": (
        lambda k: compact(k.rsa.header(), as_json(good_claims()) + b"{}", k.rsa.sign),
        "malformed",
    ),
    "garbage after the end": (lambda k: k.rsa.token() + b"!", "malformed"),
    "a space inside": (lambda k: k.rsa.token().replace(b".", b". ", 1), "malformed"),
    "padded": (lambda k: pad(k.rsa.token()), "malformed"),
    "the other base64 alphabet": (
        lambda k: k.rsa.token(x="~~~~>>>>????").replace(b"-", b"+").replace(b"_", b"/"),
        "malformed",
    ),
    "stray bits in the signature": (lambda k: with_stray_bit(k.rsa.token()), "malformed"),
    "empty parts": (lambda _: b"..", "malformed"),
    "two parts": (lambda k: k.rsa.token().rpartition(b".")[0], "malformed"),
    "four parts": (lambda k: k.rsa.token() + b".YQ", "malformed"),
    "no ASCII": (lambda _: "\u00e9.\u00e9.\u00e9".encode(), "malformed"),
}
