"""Logging: request and audit lines, and every record of every library as a JSON line of its own."""

import logging
from typing import Final

from gateway.telemetry import lines
from gateway.telemetry.accounts import AuditAccount, RequestAccount
from gateway.telemetry.lines import AuditNumbers
from gateway.telemetry.redaction import Redactor
from gateway.telemetry.sink import LineSink

SILENCED: Final = ("httpx", "httpcore", "uvicorn.access", "strawberry")
"""They write URLs, passwords included, or echo a client's input; our own lines say what they would."""

_FLUSH_SECONDS: Final = 0.4


class Logs:
    """Standard output, one JSON object a line. Request and audit lines are written at any level."""

    def __init__(self, redactor: Redactor, fd: int) -> None:
        self._redactor = redactor
        self._sink = LineSink(fd, self._clean, _lost)
        self._handler = JsonHandler(self._sink, redactor)
        self._before: tuple[list[logging.Handler], int] | None = None

    def request(self, account: RequestAccount, *, is_sampled: bool) -> None:
        """Write the canonical line of a request."""
        self._sink.write(lines.request_line(account, is_sampled=is_sampled))

    def audit(self, account: AuditAccount, numbers: AuditNumbers) -> None:
        """Write the line of a decision."""
        self._sink.write(lines.audit_line(account, numbers))

    def install(self, level: str) -> None:
        """Take over the root logger, so that whatever logs becomes a line; warnings too. May be called
        again for another level."""
        root = logging.getLogger()
        if self._before is None:
            self._before = (root.handlers[:], root.level)
            root.handlers[:] = [self._handler]
            logging.captureWarnings(True)
        root.setLevel(level.upper())

    def close(self) -> None:
        """Write what is left, for 0.4 s at most, and give the root logger back."""
        if self._before is not None:
            root = logging.getLogger()
            root.handlers[:], level = self._before
            root.setLevel(level)
            logging.captureWarnings(False)
            self._before = None
        self._sink.close(_FLUSH_SECONDS)

    def _clean(self, batch: list[bytes]) -> bytes:
        data = b"".join(batch)
        if not self._redactor.holds_password(data):
            return data
        return b"".join(self._redactor.clean_line(line) for line in batch)


class JsonHandler(logging.Handler):
    """Turns log records into lines, struck clean of credentials; never raises into who logged."""

    def __init__(self, sink: LineSink, redactor: Redactor) -> None:
        super().__init__()
        self._sink = sink
        self._redactor = redactor
        self._traceback = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Leaves the silenced libraries out, whatever level they were given."""
        return not any(record.name == name or record.name.startswith(name + ".") for name in SILENCED)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as one line: event log, time, level, logger, message, exception."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # arguments that don't fit the format: the format alone
            message = str(record.msg)
        fields: dict[str, object] = {
            "event": "log",
            "time": lines.now(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._cleaned(record.name, message),
        }
        if record.exc_info and record.exc_info[1] is not None:
            text = self._traceback.formatException(record.exc_info)
            fields["exception"] = self._redactor.clean_foreign(text)
        self._sink.write(lines.encode(fields))

    def _cleaned(self, logger: str, message: str) -> str:
        """A user name may be an ordinary word, and what we write ourselves names no user."""
        if logger == "gateway" or logger.startswith("gateway."):
            return self._redactor.clean_own(message, "log")
        return self._redactor.clean_foreign(message)


def _lost(count: int) -> bytes:
    return lines.encode(
        {
            "event": "log",
            "time": lines.now(),
            "level": "warning",
            "logger": __name__,
            "message": f"{count} log lines were dropped: standard output was not read fast enough",
        }
    )
