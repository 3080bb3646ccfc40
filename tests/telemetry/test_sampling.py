"""Which traces are kept, and how a caller's trace context is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CATALOGUE, Code
from gateway.telemetry import TraceIds, parse_traceparent
from gateway.telemetry.sampling import Sampler
from tests.telemetry.samples import call, request, upstream

NEVER, ALWAYS = Sampler(0.0, 2.0), Sampler(1.0, 2.0)
TRACES = st.integers(1, 2**128 - 1)


@given(TRACES)
def test_ratio_zero_keeps_no_ordinary_trace_and_ratio_one_every_one(trace_id: int) -> None:
    """The ends of the scale are exact."""
    assert not NEVER.keeps(request(trace_id=trace_id))
    assert ALWAYS.keeps(request(trace_id=trace_id))


@given(TRACES, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_ratio_keeps_whatever_a_lower_one_kept(trace_id: int, one: float, other: float) -> None:
    """The trace id decides alone, so replicas with other ratios keep nested sets."""
    account = request(trace_id=trace_id)
    low, high = sorted((one, other))
    assert Sampler(low, 2.0).keeps(account) <= Sampler(high, 2.0).keeps(account)


def test_the_ratio_is_the_share_kept() -> None:
    """Of 10,000 ids spread evenly a tenth is kept at 0.1."""
    kept = [Sampler(0.1, 2.0).keeps(request(trace_id=index * 2**64 // 10_000 + 1)) for index in range(10_000)]
    assert sum(kept) == pytest.approx(1000, abs=1)


@pytest.mark.parametrize("code", list(Code))
@pytest.mark.parametrize("status", [None, 200])
def test_exactly_the_5xx_of_the_catalogue_are_always_kept(code: Code, status: int | None) -> None:
    """A fault is kept whatever status the door gave it; a caller's fault is an ordinary trace."""
    entry = CATALOGUE[code]
    refused = call(outcome=code.lower(), status=entry.status, upstream=None)
    account = request(status=status or entry.status, error_code=str(code), call=refused)
    assert NEVER.keeps(account) == (entry.status >= 500)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"is_unknown": True}, True),
        ({"error_type": "answer_timeout"}, True),
        ({"error_type": "legacy_401"}, True),
        ({"error_type": "legacy_400"}, False),
        ({"error_type": "legacy_403"}, False),
        ({}, False),
    ],
)
def test_upstream_faults_are_always_kept(changes: dict[str, object], kept: bool) -> None:
    """Unknown outcomes and the upstream's faults are kept; its refusals of the caller are ordinary."""
    assert NEVER.keeps(request(call=call(upstream=upstream(**changes)))) == kept


@pytest.mark.parametrize(("seconds", "kept"), [(6.9, False), (7.1, True)])
def test_slow_means_slower_than_the_wait_asked_for(seconds: float, kept: bool) -> None:
    """With wait=5 and two seconds of patience a call is slow after seven."""
    account = request(duration_seconds=seconds, call=call(client_wait_seconds=5))
    assert NEVER.keeps(account) == kept


@pytest.mark.parametrize(
    ("trusted", "flag", "at_never", "at_always"),
    [
        (True, True, True, True),
        (True, False, False, False),
        (False, True, False, True),
        (False, False, False, True),
    ],
)
def test_a_callers_flag_counts_only_where_it_is_trusted(
    trusted: bool, flag: bool, at_never: bool, at_always: bool
) -> None:
    """A trusted caller decides for its ordinary traces, another one never."""
    account = request(trusts_sampling=trusted, trace=TraceIds(1, 2, 3, flag))
    assert (NEVER.keeps(account), ALWAYS.keeps(account)) == (at_never, at_always)


def test_a_trusted_flag_can_not_hide_a_fault() -> None:
    """A fault is kept though the caller samples nothing."""
    assert NEVER.keeps(request(status=503, trusts_sampling=True, trace=TraceIds(1, 2, 3, False)))


TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "flag"),
    [
        (f"00-{TRACE}-{PARENT}-01", True),
        (f"00-{TRACE}-{PARENT}-00", False),
        (f"00-{TRACE}-{PARENT}-03", True),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-adds", True),
        (f"cc-{TRACE}-{PARENT}-01", True),
    ],
)
def test_a_valid_traceparent_is_continued(header: str, flag: bool) -> None:
    """The trace and the parent are the caller's, the span id our own."""
    ids = parse_traceparent(header.encode())
    assert (ids.trace_id, ids.parent_span_id) == (int(TRACE, 16), int(PARENT, 16))
    assert ids.parent_is_sampled is flag
    assert ids.span_id not in {0, ids.parent_span_id}


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01\n",
        f"ff-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01more",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f" 00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}g-{PARENT}-01",
    ],
)
def test_an_invalid_traceparent_starts_a_new_trace(header: str) -> None:
    """Nothing of it is taken over."""
    ids = parse_traceparent(header.encode(), b"vendor=1")
    assert ids.trace_id != int(TRACE, 16)
    assert (ids.parent_span_id, ids.parent_is_sampled, ids.trace_state) == (None, None, None)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_headers_are_survived(header: bytes, state: bytes) -> None:
    """Whatever a client sends, there are ids within their bounds."""
    ids = parse_traceparent(header, state)
    assert 0 < ids.trace_id < 2**128
    assert 0 < ids.span_id < 2**64


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"congo=t61rcWkgMzE,rojo=00f067", "congo=t61rcWkgMzE,rojo=00f067"),
        (b"a=1, ,\tb=2", "a=1,b=2"),
        (b"fw529a3039@dt=x", "fw529a3039@dt=x"),
        (b"a=1,a=2", None),
        (b"A=1", None),
        (b"a", None),
        (b"a=\xff", None),
        (b"a=" + b"x" * 600, None),
        (",".join(f"k{index}=v" for index in range(33)).encode(), None),
    ],
)
def test_a_bad_tracestate_is_dropped_and_its_traceparent_kept(sent: bytes, kept: str | None) -> None:
    """W3C: an invalid tracestate never voids the trace."""
    ids = parse_traceparent(f"00-{TRACE}-{PARENT}-01".encode(), sent)
    assert (ids.trace_id, ids.trace_state) == (int(TRACE, 16), kept)


def test_every_request_without_a_caller_has_a_trace_of_its_own() -> None:
    """Ids do not repeat, and have no parent."""
    ids = [parse_traceparent(None) for _ in range(1000)]
    assert len({each.trace_id for each in ids}) == len({each.span_id for each in ids}) == 1000
    assert ids[0] == TraceIds(ids[0].trace_id, ids[0].span_id)
