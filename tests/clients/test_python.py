"""The Python examples: they type-check, refuse wrong input, and ring once whatever happens."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from graphql import GraphQLError

from tests.clients.conftest import ROOT, SCHEMA, House
from tests.clients.python import graphql, rest
from tests.clients.python.rest import CallInput, Outcome, Refused, Requested, Translated, Unknown
from tests.house import api_key

CALL: CallInput = {"caller": {"number": "1234567"}, "callee": {"number": "2125550200"}}
DOORS = ("rest", "graphql")
Caller = Callable[..., Outcome]


def _to(callee: str) -> CallInput:
    return {"caller": {"number": "1234567"}, "callee": {"number": callee}}


@contextmanager
def _client(door: str, url: str, tenant: str) -> Iterator[Caller]:
    """An example's `make_call`, which remembers its sleeps as `slept` and takes none of them."""
    slept: list[float] = []
    if door == "rest":
        headers = {"Authorization": f"Bearer {api_key(tenant)}"}
        with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
            yield lambda call, **more: rest.make_call(http, call, sleep=slept.append, **more)
    else:
        client = graphql.gateway_client(url, api_key(tenant), SCHEMA / "schema.graphql")
        yield lambda call, **more: graphql.make_call(client, call, sleep=slept.append, **more)


@pytest.mark.parametrize("door", DOORS)
def test_an_example_makes_a_call(house: House, door: str) -> None:
    """A call, its replay, and a dry run."""
    house.simulator.clear()
    with _client(door, house.gateway.url, "acme") as make_call:
        first = make_call(CALL, key=f"python-{door}")
        assert isinstance(first, Requested)
        assert not first.is_replayed
        assert make_call(CALL, key=f"python-{door}") == Requested(first.call_id, True)
        assert isinstance(make_call({**CALL, "dryRun": True}), Translated)
    assert len(house.simulator.dials()) == 1


@pytest.mark.parametrize("door", DOORS)
def test_an_example_rings_once_though_answers_are_lost(house: House, door: str) -> None:
    """Two answers are lost after the call was placed; the third attempt is told that it was."""
    house.simulator.clear()
    house.relay.losses = 2
    with _client(door, house.relay.url, "acme") as make_call:
        outcome = make_call(CALL)
    assert isinstance(outcome, Requested)
    assert outcome.is_replayed
    assert len(house.simulator.dials()) == 1


@pytest.mark.parametrize("door", DOORS)
def test_an_example_says_when_it_does_not_know(house: House, door: str) -> None:
    """All answers lost: unknown, with the key to ask again with. The gateway's unknown is never retried."""
    house.simulator.clear()
    house.relay.losses = 2
    with _client(door, house.relay.url, "acme") as make_call:
        lost = make_call(CALL, key=f"lost-{door}", attempts=2)
        assert isinstance(lost, Unknown)
        assert (lost.key, lost.code) == (f"lost-{door}", None)
        silent = make_call(_to("2125550590"))
        assert isinstance(silent, Unknown)
        assert silent.code == "OUTCOME_UNKNOWN"
        assert silent.call_id
    assert len(house.simulator.dials("2125550590")) == 1


@pytest.mark.parametrize("door", DOORS)
def test_an_example_tells_refusals_apart(house: House, door: str) -> None:
    """What may succeed later says when; what is wrong is not tried again."""
    with _client(door, house.gateway.url, "acme") as make_call:
        for callee, code in (
            ("1900123", "DESTINATION_NOT_ALLOWED"),
            ("x", "INVALID_INPUT"),
            ("2125550401", None),
        ):
            outcome = make_call(_to(callee))
            assert isinstance(outcome, Refused)
            assert outcome.code == (code or "UPSTREAM_CREDENTIALS_REJECTED")
            assert outcome.retry_after_seconds is None
            assert outcome.code in rest.told(outcome)
    with _client(door, house.gateway.url, "few") as make_call:
        make_call(_to("2125550204"))
        outcome = make_call(_to("2125550204"))
        assert isinstance(outcome, Refused)
        assert outcome.code == "QUOTA_EXCEEDED"
        assert outcome.retry_after_seconds
        assert outcome.retry_after_seconds > 10
    with _client(door, house.gateway.url, "stranger") as make_call:
        assert "UNAUTHENTICATED" in rest.told(make_call(_to("2")))


def test_gql_finds_a_wrong_document_before_it_is_sent() -> None:
    """With the schema at hand, a misspelt field is an error of the client's own."""
    client = graphql.gateway_client("http://127.0.0.1:9", "none", SCHEMA / "schema.graphql")
    with pytest.raises(GraphQLError, match="Cannot query field 'quotas'"):
        client.execute(graphql.gql("{ quotas { name } }"))


WRONG = """
from tests.clients.python.rest import CallInput

right: CallInput = {"caller": {"number": "1"}, "callee": {"number": "2"}, "waitSeconds": 5}
no_callee: CallInput = {"caller": {"number": "1"}}  # wrong
no_number: CallInput = {"caller": {}, "callee": {"number": "2"}}  # wrong
number: CallInput = {"caller": {"number": 1}, "callee": {"number": "2"}}  # wrong
kind: CallInput = {"caller": {"number": "1", "type": "PHONE"}, "callee": {"number": "2"}}  # wrong
misspelt: CallInput = {"caller": {"number": "1"}, "callee": {"number": "2"}, "waitSecond": 5}  # wrong
"""


def mypy(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Strict mypy, without this project's own settings."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=110)


def test_the_examples_type_check_and_wrong_input_does_not(tmp_path: Path) -> None:
    """Strict mypy passes both examples, and finds each wrong input and nothing else."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    examples = [str(ROOT / "tests" / "clients" / "python" / f"{name}.py") for name in ("rest", "graphql")]
    done = mypy(
        ROOT, "--explicit-package-bases", "--cache-dir", str(tmp_path / "cache"), *examples, str(wrong)
    )
    found = {int(line) for line in re.findall(r"wrong\.py:(\d+): error", done.stdout)}
    meant = {n for n, line in enumerate(WRONG.splitlines(), 1) if line.endswith("# wrong")}
    assert found == meant, done.stdout
    assert "clients/python" not in done.stdout


GENERATED_USE = """
import sys
from make_a_call_client import AuthenticatedClient
from make_a_call_client.api.default import make_call
from make_a_call_client.models import Call, CallInput, Callee, Caller, CallerType

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], httpx_args={"trust_env": False})
body = CallInput(caller=Caller(number="1234567", type_=CallerType.LINE), callee=Callee(number="2125550200"))
answer = make_call.sync(client=client, body=body, idempotency_key="generated")
assert isinstance(answer, Call), answer
print(answer.status.value)
"""
GENERATED_WRONG = """
from make_a_call_client.models import CallInput, Callee, Caller

CallInput(caller=Caller(number="1"), callee=Callee(number="2"))
CallInput(caller=Caller(number="1"))  # wrong
CallInput(caller=Caller(number=1), callee=Callee(number="2"))  # wrong
"""


def test_a_client_generated_from_the_openapi_document_works(house: House, tmp_path: Path) -> None:
    """openapi-python-client makes a package of our document without a warning; it type-checks and calls."""
    config = tmp_path / "config.yml"
    config.write_text("post_hooks: []\n")
    program = shutil.which("openapi-python-client", path=str(Path(sys.executable).parent))
    assert program is not None
    arguments = ("--meta", "none", "--path", str(SCHEMA / "openapi.json"), "--config", str(config))
    output = ("--output-path", str(tmp_path / "make_a_call_client"))
    made = subprocess.run(
        [program, "generate", *arguments, *output, "--fail-on-warning"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    (tmp_path / "use.py").write_text(GENERATED_USE)
    (tmp_path / "wrong.py").write_text(GENERATED_WRONG)
    command = [sys.executable, "use.py", house.gateway.url, api_key("acme")]
    used = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert used.stdout.strip() == "REQUESTED", used.stderr
    done = mypy(tmp_path, "use.py", "wrong.py", "--follow-imports=silent")
    found = {int(line) for line in re.findall(r"wrong\.py:(\d+): error", done.stdout)}
    assert found == {n for n, line in enumerate(GENERATED_WRONG.splitlines(), 1) if line.endswith("# wrong")}
    assert "use.py" not in done.stdout
