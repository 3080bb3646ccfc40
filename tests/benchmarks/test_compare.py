"""The benchmark's own works: what it reads, reckons and writes, and one real round of one second."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks.compare import arguments, chosen, compare
from tests.benchmarks.figures import Figure, ratio, spread
from tests.benchmarks.load import read
from tests.benchmarks.report import TARGETS, plot, section
from tests.benchmarks.results import write
from tests.benchmarks.scaling import Scripts, over_the_wire
from tests.benchmarks.scaling import read as read_scripts
from tests.benchmarks.servers import all_servers, native_servers

ANSWERED = """\
Running 3s test @ http://127.0.0.1:18982
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    12.92ms    5.18ms  61.03ms   81.52%
    Req/Sec     5.04k   498.23     5.88k    66.67%
  Latency Distribution
     50%  880.00us
     75%   14.31ms
     90%   17.90ms
     99%    1.05s 
  15064 requests in 3.00s, 6.45MB read
Requests/sec:   5018.28
Transfer/sec:      2.15MB
"""  # noqa: W291 - as wrk writes it
FAILED = ANSWERED + "  Non-2xx or 3xx responses: 3\n"
BROKEN = ANSWERED.replace("  15064", "  Socket errors: connect 0, read 12, write 0, timeout 0\n  15064")
NONE = ANSWERED.replace("15064 requests", "0 requests")


def test_what_wrk_says_is_read() -> None:
    """Counts and quantiles, each in its unit."""
    told = read(ANSWERED)
    assert (told.requests, told.seconds) == (15064, 3.0)
    assert told.p50_seconds == pytest.approx(0.00088)
    assert told.p99_seconds == pytest.approx(1.05)
    assert told.per_second == pytest.approx(5021.3, abs=0.1)


@pytest.mark.parametrize("output", [FAILED, BROKEN, NONE])
def test_a_run_with_failures_is_no_figure(output: str) -> None:
    """A refused request is cheap, so that a run with any would flatter."""
    with pytest.raises(AssertionError):
        read(output)


def figures(*cpu_us: float) -> list[Figure]:
    """A figure for each round."""
    return [Figure(each, 1.0, 2.0, 1000.0) for each in cpu_us]


def test_ratios_pair_the_rounds() -> None:
    """A slow round of the machine slows both, and leaves their ratio alone."""
    assert spread([3.0, 1.0, 2.0]).text(1) == "2.0 (1.0-3.0)"
    told = ratio(figures(100, 300, 200), figures(200, 600, 400))
    assert (told.median, told.least, told.most) == (0.5, 0.5, 0.5)


def test_every_target_names_subjects_that_are_measured() -> None:
    """And every subject has a name of its own."""
    names = [name for server in (*all_servers(), *native_servers()) for name in server.doors.values()]
    assert len(set(names)) == len(names)
    assert {name for target in TARGETS for name in (target.ours, target.peer)} <= set(names)


def test_only_some_are_chosen() -> None:
    """By name with wildcards; a server with one chosen door is measured at that door alone."""
    found = [server.doors for server in chosen(all_servers(), "ours-rest-memory,fastify*")]
    assert found[0] == {"rest": "ours-rest-memory"}
    assert [name for doors in found[1:] for name in doors.values()] == [
        "fastify",
        "fastify-hand",
        "fastify-traces0",
    ]


def test_a_section_replaces_its_own(tmp_path: Path) -> None:
    """And leaves those of the other commands alone."""
    path = tmp_path / "RESULTS.md"
    for name, text in (("peers", "old"), ("start", "0.5 s"), ("peers", "new")):
        write(name, text, path)
    document = path.read_text()
    assert document.startswith("# Measured\n")
    assert "old" not in document
    assert document.index("new") < document.index("0.5 s")


def test_the_report_has_every_subject_and_target() -> None:
    """In the table, and in a plot that is well-formed."""
    measured = {
        name: figures(100 + 10 * index, 120 + 10 * index)
        for index, name in enumerate(
            name for server in (*all_servers(), *native_servers()) for name in server.doors.values()
        )
    }
    text, drawn = section(measured), "".join(ET.fromstring(plot(measured)).itertext())  # noqa: S314 - our own
    for name in measured:
        assert f"| {name} |" in text
        assert name in drawn
    assert all(f"| {target.ours} / {target.peer} |" in text for target in TARGETS)


def test_what_a_store_was_asked() -> None:
    """Scripts and their time; and the commands that came over the wire, not those that scripts gave."""
    told = "cmdstat_get:calls=9,usec=7\r\ncmdstat_evalsha:calls=200,usec=9000,usec_per_call=45.00\r\n"
    assert read_scripts(told) == Scripts(200, 9000)
    seen = """\
+1795733127.103 [0 127.0.0.1:51234] "EVALSHA" "0a1b" "1" "k"
+1795733127.104 [0 lua] "HSET" "k" "f" "+1 [0 127.0.0.1:1]"
+1795733127.105 [0 127.0.0.1:51234] "EVALSHA" "0a1c" "1" "k"
"""
    assert over_the_wire(seen) == 2


@pytest.mark.serial
def test_a_real_round() -> None:
    """The checks pass, every request reaches the upstream, and a request costs something sane."""
    options = ["--only", "ours-rest-memory", "--rounds", "1", "--seconds", "1", "--warm", "1"]
    (figure,) = compare(arguments().parse_args(options), all_servers())["ours-rest-memory"]
    assert 20 < figure.cpu_us < 50_000
    assert 0 < figure.p50_ms <= figure.p99_ms
    assert figure.per_second > 1
