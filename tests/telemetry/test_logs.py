"""Log lines, as they come out of a real pipe."""

import asyncio
import base64
import json
import logging
import os
import time
from urllib.parse import quote, quote_plus

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.telemetry import Telemetry
from gateway.telemetry.lines import encode
from gateway.telemetry.logs import SILENCED
from gateway.telemetry.masking import mask
from gateway.telemetry.sink import MAX_LINES
from tests.telemetry.collector import lines_of, raw_of, silent
from tests.telemetry.samples import CALLEE, CALLER, audit, call, options, request, upstream

USER, PASSWORD = "c@nary user/1", 'p%;&+ "w\\rd\u00e9~'


def test_a_call_is_told_in_one_canonical_line() -> None:
    """Every documented field is there, and numbers show their last two digits only."""
    (line,) = lines_of(lambda telemetry: telemetry.request_finished(request()))
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "door": "rest",
        "method": "POST",
        "route": "/v1/calls",
        "status": 202,
        "tenant": "acme",
        "key_id": "crm",
        "outcome": "requested",
        "request_id": "req-1",
        "call_id": "01J0000000000000000000CALL",
        "trace_id": "0000000000000abc8000000000000000",
        "span_id": "b7ad6b7169203331",
        "sampled": False,
        "replayed": False,
        "caller_number": "***********67",
        "callee_number": "*******00",
        "duration_seconds": 0.0225,
        "overhead_seconds": 0.0025,
        "ledger_seconds": 0.0008,
        "upstream_seconds": 0.02,
        "upstream_status": 200,
        "legacy_code": "204",
        "error_type": None,
        "sent": True,
        "wait_seconds": 0,
        "delay_seconds": 0,
    }


def test_a_read_by_a_token_names_its_subject() -> None:
    """Without an API key the token's subject tells who asked; there is no call to tell of."""
    account = request(call=None, method="GET", key_id=None, subject="https://id.example.com/ 7", status=200)
    (line,) = lines_of(lambda telemetry: telemetry.request_finished(account))
    assert line["subject"] == "https://id.example.com/ 7"
    assert line["outcome"] is None
    assert "call_id" not in line


@pytest.mark.parametrize("setting", ["masked", "full"])
def test_whole_numbers_are_in_the_audit_line_alone_and_only_where_set(setting: str) -> None:
    """`audit_numbers: full` changes the audit line and leaves the request line masked."""

    def act(telemetry: Telemetry) -> None:
        telemetry.audit(audit())
        telemetry.request_finished(request())

    decision, told = lines_of(act, audit_numbers=setting)
    whole = (decision["caller_number"], decision["callee_number"]) == (CALLER, CALLEE)
    assert whole == (setting == "full")
    assert (told["caller_number"], told["callee_number"]) == ("***********67", "*******00")
    assert (decision["event"], decision["decision"]) == ("audit", "allow")
    assert decision["rules"] == ["policy.destinations.allow: 100*"]
    assert decision["quotas"][0] == {"name": "burst", "remaining_before": 5, "remaining_after": 4}


@pytest.mark.parametrize(
    ("number", "shown"), [("", ""), ("1", "*"), ("11", "**"), ("100", "*00"), ("+1234", "***34")]
)
def test_a_mask_never_shows_a_whole_number(number: str, shown: str) -> None:
    """The last two characters at most, and none of a number that has no more."""
    assert mask(number) == shown


@settings(max_examples=100)
@given(st.text(max_size=20))
def test_no_text_can_break_a_line(text: str) -> None:
    """Whatever a value holds, the line is one line of ASCII, and reads back as it was."""
    line = encode({"value": text})
    assert line.isascii()
    assert b"\x7f" not in line
    assert len(line.decode().splitlines()) == 1
    assert line.endswith(b"\n")
    assert orjson.loads(line)["value"] == text


@given(st.characters(categories=["Cs"]))
def test_even_a_lone_surrogate_makes_a_line(surrogate: str) -> None:
    """Bytes that were never text are written escaped."""
    assert json.loads(encode({"value": surrogate}))["value"] == surrogate


def test_control_characters_of_a_request_stay_in_their_line() -> None:
    """Line breaks of every kind in a client's values end up inside one line."""
    nasty = "a\nb\r\nc\x85d\u2028e\u2029f\x1bg\x00"
    lines = lines_of(lambda telemetry: telemetry.request_finished(request(request_id=nasty, method=nasty)))
    assert [line["request_id"] for line in lines] == [nasty]


def test_a_library_s_record_is_a_line_with_its_exception() -> None:
    """Level, logger, message and traceback of any logger, formatted or not."""

    def act(_: Telemetry) -> None:
        logger = logging.getLogger("some.library")
        logger.debug("not at info")
        logger.warning("two\nlines and %s", "an argument")
        logger.warning("two arguments for one %s", 1, 2)  # noqa: PLE1205 - a library's defect
        try:
            int("the cause")
        except ValueError:
            logger.exception("it failed")

    plain, odd, failed = lines_of(act)
    assert plain["event"] == "log"
    assert (plain["level"], plain["logger"]) == ("warning", "some.library")
    assert plain["message"] == "two\nlines and an argument"
    assert odd["message"] == "two arguments for one %s"
    assert failed["exception"].endswith("'the cause'")


def test_the_level_holds_for_libraries_only() -> None:
    """At error a warning is left out, a request never is; a reload changes the level."""

    def act(telemetry: Telemetry) -> None:
        logging.getLogger("some.library").warning("left out")
        telemetry.request_finished(request())
        telemetry.reconfigure(options(log_level="debug"))
        logging.getLogger("some.library").debug("taken")

    assert [line["event"] for line in lines_of(act, log_level="error")] == ["request", "log"]


@pytest.mark.parametrize("name", [*SILENCED, "httpcore.http11", "strawberry.execution"])
def test_loggers_that_print_urls_are_silent_even_at_debug(name: str) -> None:
    """httpx logs whole URLs at info; nothing of it comes through, whatever level it was given."""

    def act(_: Telemetry) -> None:
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).critical("GET http://pbx/?auth_password=x")
        logging.getLogger("uvicorn.error").setLevel(
            logging.INFO
        )  # a server in this process may have raised it
        logging.getLogger("uvicorn.error").info("started")

    assert [line["logger"] for line in lines_of(act, log_level="debug")] == ["uvicorn.error"]


def forms(secret: str) -> list[str]:
    """A secret in every form in which this stack may write it."""
    lower = "".join(
        f"%{byte:02x}" if quote(chr(byte), safe="") != chr(byte) or byte > 127 else chr(byte)
        for byte in secret.encode()
    )
    return [
        secret,
        quote(secret, safe=""),
        lower,
        quote_plus(secret),
        quote(quote(secret, safe=""), safe=""),
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode(),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    ]


@pytest.mark.parametrize("form", forms(PASSWORD) + forms(USER) + forms(f"{USER}:{PASSWORD}")[5:7])
def test_a_credential_is_struck_out_of_a_librarys_record_in_every_form(form: str) -> None:
    """Arguments and exceptions are searched as well as messages."""

    def act(telemetry: Telemetry) -> None:
        telemetry.guard("default", USER, PASSWORD)
        logging.getLogger("some.library").debug("before %s after", form)
        try:
            int(f"<{form}>")
        except ValueError:
            logging.getLogger("some.library").exception("it failed")

    first, second = lines_of(act, log_level="debug")
    assert first["message"] == "before REDACTED after"
    assert second["exception"].endswith("'<REDACTED>'")


@pytest.mark.parametrize("form", forms(PASSWORD))
def test_a_password_is_struck_out_of_our_own_lines_and_spans_too(form: str) -> None:
    """Should a defect ever put one into an account, the line stays JSON and the find is counted."""

    def act(telemetry: Telemetry) -> None:
        telemetry.guard("default", USER, PASSWORD)
        telemetry.request_finished(request(request_id=f"<{form}>"))

    raw = raw_of(act)
    assert orjson.loads(raw)["request_id"] == "<REDACTED>"


def test_a_user_name_that_is_an_ordinary_word_spoils_none_of_our_own_messages() -> None:
    """Ours name no user; those of libraries may, and passwords go from both."""

    def act(telemetry: Telemetry) -> None:
        telemetry.guard("default", "user", PASSWORD)
        for name in ("gateway.somewhere", "gatewayish"):
            logging.getLogger(name).error("the files username and %s", PASSWORD)

    ours, theirs = lines_of(act)
    assert ours["message"] == "the files username and REDACTED"
    assert theirs["message"] == "the files REDACTEDname and REDACTED"


def test_finds_are_counted_and_ordinary_lines_are_none() -> None:
    """The tripwire stays 0 for an ordinary call and moves with a find."""
    telemetry = silent()
    telemetry.guard("default", USER, PASSWORD)

    async def run() -> tuple[bytes, str]:
        telemetry.start()
        telemetry.request_finished(request(tenant=USER))
        before, _ = await telemetry.metrics.scrape.render("")
        assert b'gateway_redactions_total{sink="log"} 0.0' in before
        logging.getLogger("some.library").error("%s", PASSWORD)
        await telemetry.close()
        return await telemetry.metrics.scrape.render("")

    after, _ = asyncio.run(run())
    assert b'gateway_redactions_total{sink="log"} 1.0' in after


def test_a_replaced_password_stays_guarded() -> None:
    """Calls in flight at a rotation still use the old pair."""

    def act(telemetry: Telemetry) -> None:
        telemetry.guard("default", USER, "old-secret")
        telemetry.guard("default", USER, "new-secret")
        logging.getLogger("some.library").error("old-secret new-secret")

    assert lines_of(act)[0]["message"] == "REDACTED REDACTED"


def test_a_reader_that_stops_reading_costs_nothing_and_is_told_what_it_missed() -> None:
    """With the pipe full lines are dropped, not waited for; when it is read again the loss is told."""
    reading, writing = os.pipe()
    telemetry = Telemetry(options(log_fd=writing))
    os.close(writing)
    account = request(call=call(upstream=upstream()))
    took: list[float] = []
    # The writer may have taken a first batch, of so many lines at most, before the pipe was full.
    for _ in range(2 * MAX_LINES + 2_000):
        before = time.perf_counter()
        telemetry.request_finished(account)
        took.append(time.perf_counter() - before)
    # One that waited for the reader would never end; a busy machine may hold up one or two.
    assert max(took) < 4
    assert sum(seconds > 0.5 for seconds in took) < 3
    before = time.perf_counter()
    asyncio.run(telemetry.close())
    assert time.perf_counter() - before < 2
    with os.fdopen(reading, "rb") as pipe:
        lines = [orjson.loads(line) for line in pipe]
    assert lines[0]["event"] == "request"
    assert "log lines were dropped" in lines[-1]["message"]


def test_a_closed_pipe_is_survived() -> None:
    """Standard output that nobody reads any more loses lines and nothing else."""
    reading, writing = os.pipe()
    telemetry = Telemetry(options(log_fd=writing))
    os.close(writing)
    os.close(reading)
    for _ in range(3):
        telemetry.request_finished(request())
        time.sleep(0.03)
    asyncio.run(telemetry.close())


def test_the_root_logger_is_given_back() -> None:
    """After the close logging is as it was found."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    lines_of(lambda _: None, log_level="debug")
    assert (root.handlers[:], root.level) == before


def test_a_defect_of_telemetry_reaches_no_call() -> None:
    """An account that can't be told is a log line of its own, not an exception in the door."""

    def act(telemetry: Telemetry) -> None:
        telemetry.request_finished(request(duration_seconds="not a number"))
        telemetry.audit(audit(quotas=None))
        telemetry.request_finished(request())

    defect, another, told = lines_of(act)
    assert (defect["level"], defect["logger"]) == ("error", "gateway.telemetry")
    assert another["message"] == "a decision could not be told"
    assert told["event"] == "request"
