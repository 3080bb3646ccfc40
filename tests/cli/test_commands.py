"""The commands as a user meets them: help, one-line errors, exit statuses, machine-readable output."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml

from tests.cli.running import TIMEOUT_SECONDS, gateway
from tests.settings.files import GOOD, write_config

COMMANDS = [
    ["serve"],
    ["demo"],
    ["simulate"],
    ["check"],
    ["keys"],
    ["keys", "new"],
    ["calls"],
    ["calls", "list"],
    ["calls", "resolve"],
    ["store"],
    ["store", "acknowledge"],
    ["schema"],
]


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
def test_every_command_has_help(command: list[str]) -> None:
    """`--help` tells what a command is for, on standard output, and succeeds."""
    done = gateway(*command, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: {' '.join(['gateway', *command])}")


def test_the_help_leads_a_newcomer() -> None:
    """The commands stand in the order in which they are needed, and the exit statuses are told."""
    told = gateway("--help").stdout
    named = re.findall(r"^  ([a-z]+)  ", told.partition("Commands:")[2], re.MULTILINE)

    assert named == ["demo", "check", "serve", "keys", "calls", "store", "simulate", "schema"]
    assert "Exit status: 0 done, 1 it could not be done, 2 wrong usage" in told


@pytest.mark.parametrize("command", [[], ["keys"], ["calls"], ["store"]], ids=" ".join)
def test_a_group_alone_shows_its_help(command: list[str]) -> None:
    """Asking for nothing is no fault."""
    done = gateway(*command)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Commands:" in done.stdout


def test_the_help_starts_quickly() -> None:
    """Nothing that serves is imported to show help: no web framework, no pydantic, no telemetry."""
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gateway", "--help"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
    ).stderr
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in loaded.splitlines()}

    assert "click" in modules
    assert not modules & {
        "pydantic",
        "starlette",
        "strawberry",
        "prometheus_client",
        "opentelemetry",
        "httpx",
    }


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["check"], "Missing option '--config'"),
        (["check", "--config"], "requires an argument"),
        (["check", "--config", "x", "--frmat", "json"], "Did you mean '--format'?"),
        (["check", "--config", "x", "--format", "xml"], "'xml' is not one of"),
        (["check", "--config", "x", "extra"], "unexpected extra argument"),
        (["serve"], "Missing option '--config'"),
        (["demo", "--port", "70000"], "70000 is not in the range"),
        (["simulate", "--role", "king"], "'king' is not one of"),
        (["simulate", "--username", "u"], "they are pairs"),
        (["keys", "new"], "Missing option '--tenant'"),
        (["keys", "new", "--tenant", "a b"], "A tenant's name is"),
        (["calls", "list", "--config", "x", "--since", "soon"], "is no span of time"),
        (["calls", "list", "--config", "x", "--outcome", "lost"], "'lost' is not one of"),
        (["calls", "resolve", "--config", "x"], "Missing argument 'ID'"),
        (["calls", "resolve", "id", "--config", "x"], "Give one of --requested and --not-placed"),
        (["calls", "resolve", "id", "--config", "x", "--requested", "--not-placed"], "Give one of"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_usage_fault_is_one_line_and_exit_2(arguments: list[str], hint: str) -> None:
    """One clear line on standard error, nothing on standard output, and where to read on."""
    done = gateway(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert hint in done.stderr
    assert "--help" in done.stderr


def test_check_says_ok(tmp_path: Path) -> None:
    """A good file: a short word, exit 0, nothing on standard error; JSON is an empty list."""
    path = write_config(tmp_path)

    text, machine = gateway("check", "--config", path), gateway("check", "--config", path, "--format", "json")

    assert (text.returncode, text.stdout, text.stderr) == (0, f"{path}: ok\n", "")
    assert (machine.returncode, json.loads(machine.stdout), machine.stderr) == (0, [], "")


def test_check_tells_every_fault(tmp_path: Path) -> None:
    """Text and JSON tell the same findings; faults exit 2, with their number on standard error."""
    path = write_config(tmp_path, GOOD.replace("daily, limit: 1000", "daily, limt: 0") + "pausd: true\n")

    text, machine = gateway("check", "--config", path), gateway("check", "--config", path, "--format", "json")

    assert (text.returncode, machine.returncode) == (2, 2)
    assert text.stderr == machine.stderr == f"gateway check: {path}: 3 faults\n"
    findings = json.loads(machine.stdout)
    assert [(one["path"], one["line"], one["column"], one["severity"]) for one in findings] == [
        ("tenants.acme.quotas[0].limit", 11, 14, "error"),
        ("tenants.acme.quotas[0].limt", 11, 28, "error"),
        ("pausd", 14, 1, "error"),
    ]
    assert set(findings[0]) == {"file", "line", "column", "path", "severity", "message"}
    lines = [
        f"{one['file']}:{one['line']}:{one['column']}: {one['path']}: {one['message']}" for one in findings
    ]
    assert text.stdout.splitlines() == lines


def test_check_warns_and_succeeds(tmp_path: Path) -> None:
    """Warnings are told, as warnings, and leave the exit status 0."""
    path = write_config(tmp_path, GOOD.replace('"380*"', '"*"'))

    text, machine = gateway("check", "--config", path), gateway("check", "--config", path, "--format", "json")

    assert (text.returncode, machine.returncode, text.stderr) == (0, 0, "")
    assert re.match(r"\S+:13:\d+: tenants\.acme\.policy\.destinations\.allow\[0\]: warning: ", text.stdout)
    assert text.stdout.endswith(f"{path}: ok\n")
    assert [one["severity"] for one in json.loads(machine.stdout)] == ["warning"]


@pytest.mark.parametrize("command", [["serve"], ["calls", "list"], ["store", "acknowledge"]], ids=" ".join)
def test_a_bad_configuration_is_exit_2(tmp_path: Path, command: list[str]) -> None:
    """Whatever needs a configuration names its faults, each in a line on standard error."""
    path = write_config(tmp_path, GOOD + "pausd: true\n")

    done = gateway(*command, "--config", path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{path}:14:1: pausd: is an unknown key: did you mean `paused`?\n"


@pytest.mark.parametrize(
    ("command", "url"),
    [
        ("serve", "redis://127.0.0.1:6399/notanumber"),
        ("store acknowledge", "redis://127.0.0.1:6399/notanumber"),
        ("calls list", "redis://127.0.0.1:6399/-1"),
        ("calls list", "redis+cluster://h:6399/1"),
        ("calls list", "rediss://h/x"),
        ("calls list", "redis://a,b/0"),
        ("calls list", "redis://a..b:6399/0"),
        ("serve", r"sqlite:///tmp/a\0b"),
    ],
)
def test_a_store_that_no_url_names_is_exit_2(tmp_path: Path, command: str, url: str) -> None:
    """The URL's own place and one clear line, as `check` has it, before anything is tried."""
    store = f'"{url}"\n  spool_directory: spool'
    path = write_config(tmp_path, GOOD.replace("sqlite:///var/lib/gateway/gateway.db", store))

    done, judged = gateway(*command.split(), "--config", path), gateway("check", "--config", path)

    assert (done.returncode, done.stdout, judged.returncode) == (2, "", 2)
    assert re.fullmatch(rf"{path}:6:8: store\.url: (must|names) .+\n", done.stderr)
    assert judged.stdout == done.stderr


def test_a_missing_configuration_is_exit_2(tmp_path: Path) -> None:
    """The file is named, with the system's reason."""
    done = gateway("calls", "list", "--config", tmp_path / "none.yaml")

    assert done.returncode == 2
    assert done.stderr == f"{tmp_path}/none.yaml:1:1: $: can't be read: No such file or directory\n"


def test_a_fresh_key_can_be_pasted(tmp_path: Path) -> None:
    """The key alone, then YAML that `check` accepts and that holds its SHA-256; never the same twice."""
    one, other = (gateway("keys", "new", "--tenant", "acme") for _ in range(2))

    key, _, pasted = one.stdout.partition("\n")
    assert re.fullmatch(r"gw_[A-Za-z0-9_-]{43}", key)
    entries = yaml.safe_load(pasted)
    assert [entry["sha256"] for entry in entries] == [hashlib.sha256(key.encode()).hexdigest()]
    assert key not in pasted + one.stderr
    assert key != other.stdout.partition("\n")[0]
    indented = "".join(f"      {line}\n" for line in pasted.splitlines())
    path = write_config(tmp_path, re.sub(r"api_keys: .*\n", "api_keys:\n" + indented, GOOD))
    assert gateway("check", "--config", path).returncode == 0


def test_the_simulator_tells_where_it_is_and_stops(tmp_path: Path) -> None:
    """One JSON line once it listens; it answers there, and SIGTERM ends it with 0."""
    ledger = tmp_path / "dials"
    users = ["--username", "a", "--password", "b", "--username", "c", "--password", "d"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "simulate", "--port", "0", "--ledger", str(ledger), *users],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert told["event"] == "listening"
            dial = "calls/make/?auth_username=c;auth_password=d;stype=;snumber=100;ctype=;cnumber=0200"
            answer = httpx.get(f"{told['url']}/{dial}", trust_env=False)
            assert answer.status_code == 200
            dials = httpx.get(f"{told['url']}/_ledger", trust_env=False).json()["requests"]
            assert len(dials) == 1
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIMEOUT_SECONDS) == 0
        finally:
            process.kill()
    assert ledger.stat().st_size > 0


def test_a_port_in_use_is_one_line() -> None:
    """What can't be done is one line and exit 1."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "simulate", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            port = json.loads(process.stdout.readline())["url"].rpartition(":")[2]
            done = gateway("simulate", "--port", port)
        finally:
            process.terminate()

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "address already in use" in done.stderr


def test_generated_schemas_are_written_and_checked(tmp_path: Path) -> None:
    """`schema` writes three files; `--check` is content with them, and names the one that is stale."""
    wrote = gateway("schema", cwd=tmp_path)
    assert (wrote.returncode, wrote.stderr) == (0, "")
    names = {"schema.graphql", "openapi.json", "config.schema.json"}
    assert {path.name for path in (tmp_path / "schema").iterdir()} == names
    assert gateway("schema", "--check", cwd=tmp_path).returncode == 0

    stale = tmp_path / "schema" / "openapi.json"
    stale.write_text("{}")
    refused = gateway("schema", "--check", cwd=tmp_path)

    assert refused.returncode == 1
    assert "schema/openapi.json" in refused.stderr
    assert "schema.graphql" not in refused.stderr
    assert stale.read_text() == "{}"


def test_shell_completion_is_offered() -> None:
    """Bash learns the commands from the program itself."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway"],
        env={
            **os.environ,
            "_GATEWAY_COMPLETE": "bash_complete",
            "COMP_WORDS": "gateway ch",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )

    assert done.stdout.strip() == "plain,check"


def test_a_reader_that_leaves_is_no_fault(tmp_path: Path) -> None:
    """`gateway check | head -1` prints no traceback."""
    path = write_config(tmp_path, GOOD + "".join(f"unknown_{number}: 1\n" for number in range(5000)))
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "check", "--config", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        started = time.monotonic()
        told = process.stderr.read()

    assert "Traceback" not in told
    assert time.monotonic() - started < TIMEOUT_SECONDS
