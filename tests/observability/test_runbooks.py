"""The runbooks' commands: each exists, and its queries ask for metrics that are emitted."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import httpx
import pytest

from gateway.cli import gateway as gateway_command
from gateway.telemetry import table
from gateway.telemetry.lines import audit_line
from observability.rules import rule_file
from observability.stage import stage
from tests.documents.blocks import DOCUMENTS
from tests.documents.running import run
from tests.manifests.rendered import rendered
from tests.telemetry.samples import audit

RUNBOOKS = (Path(__file__).parents[2] / "observability" / "runbooks.md").read_text()
COMMANDS = [
    line.strip()
    for block in re.findall(r"```sh\n(.*?)```", RUNBOOKS, flags=re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
KUBECTL = {"describe", "exec", "get", "logs", "patch", "port-forward", "rollout", "top"}
IN_A_POD = "kubectl -n telephony exec deployment/gateway -- python3 -m gateway"
"""How the gateway's own commands are run where it runs: its image has no other name for them."""
ADMIN = {"/metrics", "/livez", "/readyz", "/startupz"}


def of(program: str) -> list[str]:
    """The commands of one program."""
    found = [command for command in COMMANDS if shlex.split(command)[0] == program]
    assert found, program
    return found


def test_only_programs_of_the_trade_are_asked_for() -> None:
    """Nothing that an operator would have to install first."""
    assert {shlex.split(command)[0] for command in COMMANDS} == {"promtool", "kubectl", "curl"}


OWN = sorted({command.removeprefix(IN_A_POD) for command in COMMANDS if command.startswith(IN_A_POD)})


@pytest.mark.parametrize("command", OWN)
def test_every_gateway_command_exists(command: str) -> None:
    """The command line takes it, options and all, without running it."""
    words = shlex.split(command)
    found: click.Command = gateway_command
    context = click.Context(found)
    while isinstance(found, click.Group):
        name, resolved, words = found.resolve_command(context, words)
        assert resolved is not None, name
        found, context = resolved, click.Context(resolved, parent=context)
    parser = found.make_parser(context)
    parser.parse_args(args=words)


@pytest.mark.parametrize("command", sorted(set(of("promtool"))))
def test_every_promtool_command_exists_and_asks_for_known_metrics(command: str) -> None:
    """The sub-command is promtool's; a query is valid and of the metric table."""
    words = shlex.split(command)
    assert subprocess.run([*words[:3], "--help"], capture_output=True, check=False).returncode == 0
    if words[1] == "query":
        known = {row.name for row in table()} | set(re.findall(r"record: (\S+)", rule_file()))
        known |= {"process_cpu_seconds_total"}
        asked = re.findall(
            r"([a-z_:0-9]+)(?=\{|\[)|\b(gateway_\w+)\b", re.sub(r"\bby \([^)]*\)", "", words[4])
        )
        names = {re.sub(r"_(bucket|sum|count)$", "", first or second) for first, second in asked}
        assert names
        assert names <= known


def test_every_query_is_valid(tmp_path: Path) -> None:
    """promtool reads each as the expression of a rule."""
    rules = [
        f"  - record: gateway:runbook:{index}\n    expr: |-\n      {shlex.split(command)[4]}\n"
        for index, command in enumerate(sorted(set(of("promtool"))))
        if shlex.split(command)[1] == "query"
    ]
    file = tmp_path / "queries.yml"
    file.write_text("groups:\n- name: runbooks\n  rules:\n" + "".join(rules))
    done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_kubectl_and_curl_are_used_as_they_can_be() -> None:
    """kubectl's verbs exist, its objects are the manifests', and nothing is run in a pod that its image has
    not; curl asks the admin port for what it serves."""
    for command in of("kubectl"):
        words = shlex.split(command)
        assert words[1:3] == ["-n", "telephony"]
        assert words[3] in KUBECTL
        if words[3] == "exec":
            assert words[4:6] == ["deployment/gateway", "--"]
            assert command.startswith(IN_A_POD) or words[6] in {"df", "ls"}
    shared = rendered("shared-store")
    assert set(shared.of("Namespace")) == {"telephony"}
    assert "gateway" in shared.of("Deployment")
    assert "gateway" in shared.of("HorizontalPodAutoscaler")
    assert set(re.findall(r"logs -l (\S+)", RUNBOOKS)) == {"app.kubernetes.io/name=make-call-gateway"}
    assert "logs deployment/" not in RUNBOOKS, "the log of one pod of several"
    for command in of("curl"):
        address = shlex.split(command)[-1]
        assert address.startswith("http://127.0.0.1:9464/")
        assert address.removeprefix("http://127.0.0.1:9464") in ADMIN


def test_curl_asks_what_is_forwarded() -> None:
    """The image has no curl and nothing outside reaches the admin port: each section says how it is asked."""
    for section in RUNBOOKS.split("\n## "):
        head, asks, _ = section.partition("curl -s ")
        assert not asks or "kubectl -n telephony port-forward pod/POD 9464:9464" in head, section


def test_refusals_of_a_tenant_are_counted() -> None:
    """What follows kubectl's logs in the runbook leaves the rules of one tenant's refusals, counted."""
    [command] = [line for line in of("kubectl") if '"tenant":"NAME"' in line]
    lines = [
        audit_line(audit(tenant=tenant, decision=decision, rules=(rule,)), "masked").decode()
        for tenant, decision, rule in (
            ("NAME", "deny", "policy.lines"),
            ("NAME", "deny", "policy.lines"),
            ("NAME", "allow", "policy.destinations.allow: 1*"),
            ("other", "deny", "policy.destinations"),
        )
    ]
    counted = ["bash", "-c", command.partition(" | ")[2]]
    said = subprocess.run(counted, input="".join(lines), capture_output=True, text=True, check=True).stdout
    assert said.split() == ["2", '"rules":["policy.lines"]']


@pytest.mark.timeout(300)
def test_the_commands_run(tmp_path: Path) -> None:
    """Every line but those about the cluster succeeds, in the order of the runbooks, over a gateway, its
    Prometheus, and two calls whose outcome is unknown."""
    unknown = {"caller": {"number": "2125551234"}, "callee": {"number": "2125550590"}}
    (tmp_path / "stage").mkdir()
    with stage(tmp_path / "stage", scrape_seconds=1) as place:
        for key in place.keys[:2]:
            headers = {"Authorization": f"Bearer {key}"}
            answer = httpx.post(f"{place.gateway}/v1/calls", json=unknown, headers=headers, trust_env=False)
            assert answer.json()["code"] == "OUTCOME_UNKNOWN"
        said = run(
            DOCUMENTS["observability/runbooks.md"],
            tmp_path,
            {
                IN_A_POD: "gateway",
                "/etc/gateway/gateway.yaml": f"{tmp_path}/stage/gateway.yaml",
                "/etc/prometheus/prometheus.yml": f"{tmp_path}/stage/prometheus.json",
                "http://prometheus:9090": place.prometheus,
                "http://127.0.0.1:9464": place.admin,
                "calls resolve ID": 'calls resolve "$(unknown)"',
            },
        )
    assert said.count('"decision":"resolve"') == 2
