"""The files a configuration names: are they there, readable, and what they should be?"""

import json
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.settings.credentials import BadCredentials, credential_of, read_pair
from gateway.settings.findings import KeyPath
from gateway.settings.model import Settings
from gateway.settings.rules import Remark

_MAX_BYTES: Final = 1_048_576
"""More than any list of authorities or keys needs."""


def files_of(settings: Settings, path: Path) -> tuple[Path, ...]:
    """The configuration's file and every file it names, to be watched."""
    pairs = [pair.directory for pair in settings.upstream.credentials.values()]
    named = (settings.upstream.tls.ca_file, *(issuer.jwks_file for issuer in settings.auth.jwt))
    return (
        path,
        *(directory / name for directory in pairs for name in ("username", "password")),
        *(file for file in named if file is not None),
        *store_files_of(settings),
    )


def store_files_of(settings: Settings) -> tuple[Path, ...]:
    """The files that the store is opened with, which a change of theirs does not reach any more."""
    named = (settings.store.password_file, settings.store.ca_file)
    return tuple(file for file in named if file is not None)


def authorities_text(content: bytes) -> str:
    """The certificates of a PEM file. Bundles carry comments in any language, which `ssl` does not take
    as text: all that counts is ASCII."""
    return content.decode("ascii", "ignore")


def file_remarks(settings: Settings) -> Iterator[Remark]:
    """Everything wrong with the files. Blocks for moments; reads no network."""
    for name, pair in settings.upstream.credentials.items():
        yield from _pair(name, pair.directory)
    yield from _authorities(("upstream", "tls", "ca_file"), settings.upstream.tls.ca_file)
    yield from _authorities(("store", "ca_file"), settings.store.ca_file)
    yield from _password(("store", "password_file"), settings.store.password_file)
    for index, issuer in enumerate(settings.auth.jwt):
        yield from _key_set(("auth", "jwt", index, "jwks_file"), issuer.jwks_file)
    spool = settings.store.spool_directory
    if spool is not None and spool.exists() and not spool.is_dir():
        yield Remark(("store", "spool_directory"), f"{spool} is not a directory: name one")


def _pair(name: str, directory: Path) -> Iterator[Remark]:
    path = ("upstream", "credentials", name, "directory")
    try:
        read_pair(directory)
    except BadCredentials as fault:
        yield Remark(path, str(fault), unread_pair=name)
        return
    yield from _openness(path, directory / "username")
    yield from _openness(path, directory / "password")


def _openness(path: KeyPath, file: Path) -> Iterator[Remark]:
    try:
        mode = file.stat().st_mode
    except OSError:
        return  # gone since it was read: the next look tells
    if mode & stat.S_IROTH:
        yield Remark(path, f"{file} can be read by every user of the machine: chmod o-r it", "warning")


def _content(file: Path) -> bytes | str:
    """The file's bytes, or what is wrong with it."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return f"{file} does not exist: name a file that does"
    except OSError as fault:
        return f"{file} can't be read: {fault.strerror}"
    if not content.strip():
        return f"{file} is empty"
    return content if len(content) <= _MAX_BYTES else f"{file} is larger than {_MAX_BYTES} bytes"


def _password(path: KeyPath, file: Path | None) -> Iterator[Remark]:
    if file is None:
        return
    content = _content(file)
    if isinstance(content, str):
        yield Remark(path, content)
        return
    try:
        credential_of(file, content)
    except BadCredentials as fault:
        yield Remark(path, str(fault))
    else:
        yield from _openness(path, file)


def _authorities(path: KeyPath, file: Path | None) -> Iterator[Remark]:
    if file is None:
        return
    content = _content(file)
    if isinstance(content, str):
        yield Remark(path, content)
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=authorities_text(content))
    except (ssl.SSLError, ValueError):
        yield Remark(path, f"{file} holds no certificates: name a PEM file with the authorities to trust")


def _key_set(path: KeyPath, file: Path | None) -> Iterator[Remark]:
    if file is None:
        return
    content = _content(file)
    if isinstance(content, str):
        yield Remark(path, content)
        return
    try:
        keys = json.loads(content)
    except (ValueError, RecursionError):
        keys = None
    if not isinstance(keys, dict) or not isinstance(keys.get("keys"), list):
        yield Remark(path, f'{file} is no JSON Web Key Set: it must be JSON like {{"keys": [...]}}')
