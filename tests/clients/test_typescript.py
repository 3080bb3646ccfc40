"""The TypeScript example: generated types, every member of the union, and one ring whatever happens."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import SCHEMA, House
from tests.house import api_key
from tests.node.runtime import Done, Node, installed_node, programs

HERE = Path(__file__).parent / "typescript"
# The first run on a machine installs the example's packages.
pytestmark = [pytest.mark.serial, pytest.mark.timeout(400)]


@dataclass(frozen=True)
class Project:
    """The example in a place of its own, with types generated from the schemas beside it."""

    node: Node
    place: Path

    def generate(self, script: str, *arguments: str) -> None:
        """Make types anew, as `npm run generate` does."""
        done = self.node.attempt(f"node_modules/.bin/{script}", *arguments, cwd=self.place)
        assert done.status == 0, done.said

    def check(self) -> Done:
        """Compile, as `npm run check` does."""
        return self.node.attempt("node_modules/.bin/tsc", "--noEmit", "--pretty", "false", cwd=self.place)

    def calls(self, url: str, tenant: str, *asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What `npm start` answers to calls."""
        done = subprocess.run(
            [self.node.program, "src/main.ts"],
            cwd=self.place,
            env={**os.environ, "GATEWAY_URL": url, "API_KEY": api_key(tenant)},
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        results: list[dict[str, Any]] = json.loads(done.stdout)
        return results


GRAPHQL_TYPES = ("graphql-codegen", "--config", "codegen.yml", "--silent")
REST_TYPES = ("openapi-typescript", "../../../schema/openapi.json", "-o", "src/generated/rest.ts")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The example with its types generated."""
    node = installed_node(HERE)
    place = tmp_path_factory.mktemp("typescript")
    shutil.copytree(SCHEMA, place / "schema")
    home = place / "tests" / "clients" / "typescript"
    shutil.copytree(HERE, home, ignore=shutil.ignore_patterns("node_modules", "generated"))
    (home / "node_modules").symlink_to(HERE / "node_modules")
    made = Project(node, home)
    made.generate(*GRAPHQL_TYPES)
    made.generate(*REST_TYPES)
    return made


def _asked(callee: str, key: str, door: str = "graphql", **more: Any) -> dict[str, Any]:
    call = {"caller": {"number": "1234567"}, "callee": {"number": callee}, **more}
    return {"door": door, "input": call, "idempotencyKey": key}


def test_right_input_compiles_and_wrong_input_does_not(project: Project) -> None:
    """The example compiles strictly; every line that is meant to be wrong is an error, and no other."""
    wrong = project.place / "src" / "wrong_input.ts"
    shutil.copy(HERE / "wrong_input.ts", wrong)
    done = project.check()
    wrong.unlink()
    found = {
        (file, int(line))
        for file, line in re.findall(r"^([\w/.]+)\((\d+),\d+\): error", done.said, re.MULTILINE)
    }
    text = (HERE / "wrong_input.ts").read_text()
    meant = {n for n, line in enumerate(text.splitlines(), 1) if line.endswith("// wrong")}
    assert found == {("src/wrong_input.ts", line) for line in meant}, done.said
    assert len(meant) == 11


def test_what_makes_calls_needs_a_browser_only(project: Project) -> None:
    """Both doors' modules compile with a browser's types alone: nothing of Node.js is imported or named."""
    settings = {
        "extends": "./tsconfig.json",
        "compilerOptions": {"types": [], "lib": ["es2023", "dom", "dom.iterable"]},
        "files": ["src/make_call.ts", "src/rest.ts"],
        "include": [],
    }
    (project.place / "browser.json").write_text(json.dumps(settings))
    done = project.node.attempt(
        "node_modules/.bin/tsc", "--project", "browser.json", "--pretty", "false", cwd=project.place
    )
    assert done.status == 0, done.said


def test_an_old_runtime_is_told_at_once(tmp_path: Path) -> None:
    """Under a Node.js that can't run TypeScript, `npm ci` says which one is needed, and installs nothing."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "old.cjs").write_text("Object.defineProperty(process, 'version', {value: 'v20.20.2'})")
    node, npm = programs()
    command = [node, "--require", "./old.cjs", npm[-1], "ci", "--offline", "--ignore-scripts"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert 'Required: {"node":">=22.18"}' in done.stderr
    assert not (tmp_path / "node_modules").exists()


def test_a_member_that_nobody_handles_does_not_compile(project: Project, tmp_path: Path) -> None:
    """If the union grew, `never` would stop the build at both places that decide by its members."""
    shutil.copytree(project.place.parents[2], tmp_path, symlinks=True, dirs_exist_ok=True)
    project = Project(project.node, tmp_path / "tests" / "clients" / "typescript")
    sdl = tmp_path / "schema" / "schema.graphql"
    grown = sdl.read_text().replace("| CallOutcomeUnknown\n", "| CallOutcomeUnknown | CallBack\n")
    sdl.write_text(grown + "\ntype CallBack { later: Boolean! }\n")
    assert grown.count("CallBack") == 1
    project.generate(*GRAPHQL_TYPES)
    done = project.check()
    assert done.said.count("is not assignable to parameter of type 'never'") == 2, done.said


def test_every_member_of_the_union_is_told(project: Project, house: House) -> None:
    """A call, its replay, a dry run, and each refusal, from a real gateway, as sentences."""
    house.simulator.clear()
    answers = project.calls(
        house.gateway.url,
        "acme",
        _asked("2125550200", "ts-1"),
        _asked("2125550200", "ts-1"),
        _asked("2125550200", "ts-2", dryRun=True),
        _asked("x", "ts-3"),
        _asked("1900123", "ts-4"),
        _asked("2125550204", "ts-1"),
        _asked("2125550402", "ts-5"),
        _asked("2125550590", "ts-6"),
    )
    assert [answer["__typename"] for answer in answers] == [
        "CallRequested",
        "CallRequested",
        "CallTranslated",
        "InvalidCallInput",
        "CallNotPermitted",
        "CallIdempotencyConflict",
        "CallUpstreamRefused",
        "CallOutcomeUnknown",
    ]
    assert answers[0]["told"].startswith("Requested: 1234567 is rung")
    assert answers[1]["told"].startswith("Asked before")
    assert "auth_password=REDACTED" in answers[2]["told"]
    assert "/callee/number" in answers[4]["told"]
    assert answers[7]["unknownCall"]["id"] in answers[7]["told"]
    assert len(house.simulator.dials("2125550590")) == 1
    assert len(house.simulator.dials("2125550200")) == 1


def test_it_rings_once_though_answers_are_lost(project: Project, house: House) -> None:
    """Two answers are lost after the call was placed; the third attempt is told. No fourth is made."""
    house.simulator.clear()
    house.relay.losses = 2
    (answer,) = project.calls(house.relay.url, "acme", _asked("2125550204", "ts-lost"))
    assert (answer["__typename"], answer["replayed"]) == ("CallRequested", True)
    house.relay.losses = 3
    (answer,) = project.calls(house.relay.url, "acme", _asked("2125550204", "ts-all-lost"))
    assert answer == {"noAnswer": "ts-all-lost"}
    assert len(house.simulator.dials("2125550204")) == 2


def test_a_long_wait_is_left_to_the_caller(project: Project, house: House) -> None:
    """A daily quota is told with its seconds, not waited for; a wrong key is an error of its own."""
    results = project.calls(house.gateway.url, "few", _asked("2", "ts-7"), _asked("2", "ts-8"))
    assert [result["__typename"] for result in results] == ["CallRequested", "CallQuotaExceeded"]
    assert "No more calls for now (daily)" in results[1]["told"]
    (refused,) = project.calls(house.gateway.url, "stranger", _asked("2", "ts-9"))
    assert refused == {"refused": "UNAUTHENTICATED", "callState": "UNKNOWN"}


def test_the_rest_types_work(project: Project, house: House) -> None:
    """openapi-typescript reads our document; openapi-fetch calls with its types."""
    requested, dry, refused = project.calls(
        house.gateway.url,
        "acme",
        _asked("2125550200", "ts-rest-1", "rest", waitSeconds=1),
        _asked("2125550200", "ts-rest-2", "rest", dryRun=True),
        _asked("1900123", "ts-rest-3", "rest"),
    )
    assert requested["call"]["reference"]["server"] == "asterisk01"
    assert "REDACTED" in dry["query"]
    assert (refused["kind"], refused["problem"]["code"]) == ("refused", "DESTINATION_NOT_ALLOWED")


FOREIGN = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<p>try later</p>",
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 504 Gateway Timeout\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<p>log in</p>",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnull",
    b'HTTP/1.1 503 Busy\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"code":"busy"}',
)
"""What proxies say in the gateway's place."""


def test_through_rest_what_is_not_known_is_told_as_unknown(project: Project, house: House) -> None:
    """A lost answer and a proxy's, whatever they look like, are neither errors nor refusals; one ring."""
    house.simulator.clear()
    house.relay.losses = 1
    house.relay.instead = list(FOREIGN)
    asked = _asked("2125550204", "ts-rest-lost", "rest")
    *unknown, told = project.calls(house.relay.url, "acme", *[asked] * (len(FOREIGN) + 2))
    assert house.relay.instead == []
    for answer in unknown:
        assert (answer["kind"], answer["idempotencyKey"]) == ("unknown", "ts-rest-lost"), answer
        assert answer["detail"]
    assert (told["kind"], told["replayed"]) == ("requested", True)
    assert len(house.simulator.dials("2125550204")) == 1


def test_through_rest_the_gateways_unknown_is_no_refusal(project: Project, house: House) -> None:
    """`callState` decides: an outcome that nobody knows, and a refusal that can't rule out an earlier try."""
    (unknown,) = project.calls(house.gateway.url, "acme", _asked("2125550590", "ts-rest-4", "rest"))
    assert (unknown["kind"], unknown["problem"]["code"]) == ("unknown", "OUTCOME_UNKNOWN")
    (stranger,) = project.calls(house.gateway.url, "stranger", _asked("2", "ts-rest-5", "rest"))
    assert (stranger["kind"], stranger["problem"]["code"]) == ("unknown", "UNAUTHENTICATED")
