"""Reads a configuration: all of its faults at once, each with its place, or the settings.

Relative paths in it count from its own directory. `load` is what `serve` and a reload use, `examine`
what `gateway check` shows; both refuse the same files.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from gateway.settings.document import Document, read_document
from gateway.settings.files import file_remarks
from gateway.settings.findings import BadConfiguration, Finding, KeyPath, Place, Severity, shown
from gateway.settings.mend import mended
from gateway.settings.model import Settings
from gateway.settings.nodes import Events, Loader
from gateway.settings.rules import Remark, remarks
from gateway.settings.syntax import SyntaxFault, decoded
from gateway.settings.wording import KEY, sentences

MAX_BYTES: Final = 8_388_608
"""The largest configuration file: room for tens of thousands of tenants."""


def load(path: Path) -> Settings:
    """The settings in the file. Raises BadConfiguration with every fault; blocks while it reads."""
    settings, report = _examined(path, Loader)
    if settings is None:
        faults = (finding for finding in report.findings() if finding.severity == "error")
        raise BadConfiguration(faults, report.unread_pairs)
    return settings


def examine(
    path: Path, loader: Callable[[str], Events] = Loader
) -> tuple[Settings | None, tuple[Finding, ...]]:
    """The settings, None where there is a fault; and every fault and warning in the file's order."""
    settings, report = _examined(path, loader)
    return settings, report.findings()


def _examined(path: Path, loader: Callable[[str], Events]) -> tuple[Settings | None, "_Report"]:
    report = _Report(str(path))
    try:
        document = read_document(decoded(_source(path)), loader)
    except OSError as fault:
        report.add((), Place(), f"can't be read: {fault.strerror or 'no such file'}")
        return None, report
    except SyntaxFault as fault:
        report.add((), fault.place, fault.message)
        return None, report
    settings = _judge(document, path.absolute().parent, report)
    return (None if report.has_faults else settings), report


def _source(path: Path) -> bytes:
    with path.open("rb") as file:
        source = file.read(MAX_BYTES + 1)
    if len(source) > MAX_BYTES:
        raise SyntaxFault(Place(), f"is larger than {MAX_BYTES} bytes: is it the right file?")
    return source


class _Report:
    def __init__(self, file: str) -> None:
        self._file = file
        self._findings: set[Finding] = set()
        self.has_faults = False
        self.unread_pairs: list[str] = []

    def add(self, path: KeyPath, place: Place, message: str, severity: Severity = "error") -> None:
        """Take one finding down; its message stays on one line, whatever it quotes."""
        message = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in message)
        self._findings.add(Finding(self._file, place.line, place.column, shown(path), severity, message))
        self.has_faults = self.has_faults or severity == "error"

    def findings(self) -> tuple[Finding, ...]:
        """All of them, in the file's order."""
        order: Callable[[Finding], tuple[int, int, str, str]] = lambda found: (  # noqa: E731
            found.line,
            found.column,
            found.path,
            found.message,
        )
        return tuple(sorted(self._findings, key=order))


def _judge(document: Document, directory: Path, report: _Report) -> Settings | None:
    tainted: set[KeyPath] = set()
    for (place, message), path in document.faults.items():
        report.add(path, place, message)
        tainted.add(path)
    if document.root is None:
        report.add((), Place(), "is empty: it needs at least `upstream`, `store` and a tenant")
        return None
    settings: Settings | None
    try:
        settings = Settings.model_validate(document.root, context=directory)
    except ValidationError as error:
        faults = sentences(error, document)
        for path, message, kind in faults:
            # YAML's own fault of this value says more.
            if path not in tainted:
                key = document.keys.get(path) if kind in {"extra_forbidden", KEY} else None
                report.add(path, key or document.place(path), message)
        settings, changed = mended(document.root, directory, [(path, kind) for path, _, kind in faults])
        tainted |= changed
    if settings is not None:
        _apply(settings, document, tainted, report)
    return settings


def _apply(settings: Settings, document: Document, tainted: set[KeyPath], report: _Report) -> None:
    for remark in _all_remarks(settings):
        if not _is_tainted((remark.path, *remark.needs), tainted):
            report.add(remark.path, document.place(remark.at or remark.path), remark.message, remark.severity)
            if remark.unread_pair is not None:
                report.unread_pairs.append(remark.unread_pair)


def _all_remarks(settings: Settings) -> Iterator[Remark]:
    yield from remarks(settings)
    yield from file_remarks(settings)


def _is_tainted(paths: Iterable[KeyPath], tainted: set[KeyPath]) -> bool:
    return any(path[:length] in tainted for path in paths for length in range(1, len(path) + 1))
