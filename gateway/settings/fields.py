"""The kinds of value the configuration knows: annotated types, each with what it demands in words.

A fault's sentence must say what would be right, so every pattern has its sentence here, beside it.
"""

import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from gateway.policy import BadPattern, parse_pattern

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
CARD_PATTERN: Final = r"^[A-Za-z0-9._-]{1,64}$"
SHA256_PATTERN: Final = r"^[0-9A-Fa-f]{64}$"

PATTERN_IN_WORDS: Final[dict[str, str]] = {
    NAME_PATTERN: (
        "must be a name of 1 to 64 letters, digits, dots, underscores or hyphens, a letter or digit first"
    ),
    CARD_PATTERN: "must be 1 to 64 letters, digits, dots, underscores or hyphens",
    SHA256_PATTERN: "must be the SHA-256 of an API key, 64 hex digits: see `gateway keys new`",
}


class Section(BaseModel):
    """Every section: unknown keys are faults, values strict, instances frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _pattern(text: str) -> str:
    try:
        parse_pattern(text)
    except BadPattern as fault:
        raise ValueError(str(fault)) from None
    return text


def _url(text: str, schemes: tuple[str, ...], example: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
        # What a resolver can't be asked for: it would raise when the first connection is made.
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise ValueError(f"must be a URL such as {example}") from None
    if parts.scheme not in schemes:
        raise ValueError(f"must be a URL that starts with {' or '.join(s + '://' for s in schemes)}")
    if not parts.hostname or port == 0:
        raise ValueError(f"must be a URL such as {example}")
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        raise ValueError(
            "must hold no user, password, query or fragment: credentials have files of their own"
        )
    if re.search(r"[^!-~]", text):
        raise ValueError("must hold only visible ASCII characters: percent-encode the others")
    return text


def _web_url(text: str) -> str:
    return _url(text, ("http", "https"), "https://host/path")


def _store_url(text: str) -> str:
    if text == "sqlite://:memory:":
        return text
    if text.startswith("sqlite:"):
        if not text.removeprefix("sqlite://").startswith("/") or text.endswith("/") or "\0" in text:
            raise ValueError("must name a file by its absolute path: sqlite:///var/lib/gateway/gateway.db")
        return text
    if text.partition("://")[0] not in _STORE_SCHEMES:
        raise ValueError(
            "must start with sqlite:// (an absolute path follows), redis://, rediss:// or redis+cluster://"
        )
    return _shared_store_url(text)


_STORE_SCHEMES: Final = ("redis", "rediss", "redis+cluster", "rediss+cluster")


def _shared_store_url(text: str) -> str:
    """What the shared ledger can take apart: one server, or several of a cluster, and a database."""
    scheme, _, rest = text.partition("://")
    servers, slash, path = rest.partition("/")
    is_cluster = scheme.endswith("+cluster")
    for server in servers.split(","):
        _url(f"{scheme}://{server}{slash}{path}", _STORE_SCHEMES, f"{scheme}://host:6379")
    if "," in servers and not is_cluster:
        raise ValueError(f"names several servers, as only {scheme}+cluster:// may: name one of them")
    database = path.strip("/")
    if is_cluster and database not in {"", "0"}:
        raise ValueError(f"must end with /0, as in {scheme}://host:6379/0: a cluster has no other database")
    if re.fullmatch(r"[0-9]{0,9}", database) is None:
        raise ValueError(f"must end with the number of a database, as in {scheme}://host:6379/0")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone of the IANA database, such as Europe/Kyiv or UTC") from None
    return name


def _origin(text: str) -> str:
    if text != "*" and re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]+", text) is None:
        raise ValueError("must be an origin such as https://app.example.com, without a path")
    # As browsers send it (the HTML standard, "serialization of an origin").
    text = text.lower()
    return text.removesuffix(":443" if text.startswith("https:") else ":80")


def _host(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._:%-]+", text) is None:
        raise ValueError("must be a host name or an address, such as 127.0.0.1, 0.0.0.0 or ::")
    return text


def _path(value: object, info: ValidationInfo) -> object:
    """Relative paths count from the configuration file's directory, the validation's context."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError("must be the path of a file or directory, as text")
    return Path(info.context) / value if isinstance(info.context, Path) else Path(value)


Pattern = Annotated[str, AfterValidator(_pattern)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
TimeZone = Annotated[str, AfterValidator(_zone)]
CorsOrigin = Annotated[str, AfterValidator(_origin)]
Host = Annotated[str, AfterValidator(_host)]
FilePath = Annotated[Path, BeforeValidator(_path)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Card = Annotated[str, Field(pattern=CARD_PATTERN)]
Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN), AfterValidator(str.lower)]
Identifier = Annotated[int, Field(ge=1, le=2_147_483_647)]
