"""The operations guide: its commands exist, and so does what they name."""

import functools
import re
import shlex
from collections.abc import Iterator

import click
import pytest

from gateway.cli import gateway as commands
from gateway.settings.model import Settings
from gateway.telemetry.table import TABLE
from tests.manifests.rendered import K8S, rendered
from tests.manifests.tools import ROOT, kubectl

pytestmark = pytest.mark.timeout(600)

GUIDE = (K8S / "README.md").read_text(encoding="utf-8")

OTHERS = {"buildah", "printf", "head", "base64", "tr"}
"""Programs whose options are their own."""


def lines() -> Iterator[list[str]]:
    """The words of every command line, each command of a pipe for itself."""
    for block in re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line)
            while "|" in words:
                cut = words.index("|")
                yield words[:cut]
                words = words[cut + 1 :]
            yield words


def of(program: str) -> list[list[str]]:
    """The command lines of one program."""
    return [words[1:] for words in lines() if words[0] == program]


def gateway_lines() -> list[list[str]]:
    """The gateway's own command lines, those that run in its pod included."""
    inside = [words[words.index("gateway") + 1 :] for words in of("kubectl") if "-m" in words]
    return [*of("gateway"), *inside]


@functools.cache
def help_of(*command: str) -> str:
    """`kubectl COMMAND --help`, with the options of every command."""
    return kubectl(*command, "--help") + kubectl("options")


def test_there_is_nothing_but_known_programs() -> None:
    """Every line is a command of a program that the tests know how to check."""
    assert {words[0] for words in lines()} <= {"kubectl", "gateway", *OTHERS}
    assert len(of("kubectl")) > 15
    assert len(gateway_lines()) == 5


def test_kubectl_knows_the_commands() -> None:
    """Subcommands and options of every kubectl line exist."""
    for line in of("kubectl"):
        own = line[: line.index("--")] if "--" in line else line
        words = own[2:] if own[0] == "-n" else own
        verbs = words[:3] if words[0] == "create" else words[:2] if words[0] == "rollout" else words[:1]
        text = help_of(*verbs)
        assert f"kubectl {' '.join(verbs)} " in text, words
        for option in (word.split("=")[0] for word in words if re.match("--?[a-z]", word)):
            assert re.search(rf"(^|[\s,]){re.escape(option)}([\s,=:]|$)", text, re.MULTILINE), (option, words)


def test_the_gateway_knows_the_commands() -> None:
    """Subcommands and options of every line of the gateway's own exist."""
    for words in gateway_lines():
        command: click.Command = commands
        rest = list(words)
        while isinstance(command, click.Group):
            command = command.commands[rest.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, words


def test_what_is_named_exists() -> None:
    """Paths, namespaces, objects, labels, Secrets and metrics of the guide are those of the manifests."""
    paths = {word for words in lines() for word in words if word.startswith("k8s/")}
    paths |= {
        f"k8s/{path}" for path in re.findall(r"`((?:overlays|components|base|examples)/[\w./-]*)`", GUIDE)
    }
    assert len(paths) > 5
    for path in paths:
        assert (ROOT / path).exists(), path
    shared = rendered("shared-store")
    kinds = {"deployment": "Deployment", "statefulset": "StatefulSet"}
    for kind, name in re.findall(r"(deployment|statefulset)/(\w+)", GUIDE):
        assert name in shared.of(kinds[kind])
    assert set(re.findall(r"-n (\w+)", GUIDE)) == set(shared.of("Namespace"))
    assert set(re.findall(r"secret generic (\w+)", GUIDE)) == {
        v["secret"]["secretName"] for v in shared.pod["volumes"] if "secret" in v
    }
    metrics = {name for name in re.findall(r"gateway_\w+", GUIDE) if not name.endswith("_")}
    assert metrics <= {metric.name for metric in TABLE}
    assert metrics


def test_the_numbers_are_the_configured_ones() -> None:
    """Where the guide states a time or a limit, it is the one in the manifests or the default."""
    pod = rendered("shared-store").pod
    assert f"The\npod's grace ({pod['terminationGracePeriodSeconds']})" in GUIDE
    assert f"preStop ({pod['containers'][0]['lifecycle']['preStop']['sleep']['seconds']} s)" in GUIDE
    upstream = Settings.model_fields["upstream"].annotation
    assert upstream is not None
    for key in ("max_in_flight", "max_in_flight_waiting", "max_in_flight_per_tenant"):
        assert f"`{key}` {upstream.model_fields[key].default} " in GUIDE


def test_the_store_holds_what_the_guide_says() -> None:
    """`maxmemory` and the calls a second that it keeps are stated as configured, at 0.9 KB a call for a day;
    so on the page about scaling."""
    config = (K8S / "overlays/shared-store/valkey/valkey.conf").read_text(encoding="utf-8")
    [megabytes] = re.findall(r"^maxmemory (\d+)mb$", config, re.MULTILINE)
    store = Settings.model_fields["store"].annotation
    assert store is not None
    kept_seconds = store.model_fields["retention_hours"].default * 3600
    rate = int(megabytes) * 2**20 / 900 / kept_seconds // 5 * 5
    assert f"| What Valkey holds, `maxmemory` {megabytes} MB | **{rate:.0f} calls/s day and night, " in GUIDE
    assert f"holds {rate:.0f} calls a second for 24 hours" in config.replace("\n# ", " ")
    scaling = (ROOT / "tests/benchmarks/SCALING.md").read_text(encoding="utf-8")
    assert f"`maxmemory {megabytes}mb`" in scaling
    assert f"{rate:.0f} a second for 24 hours**" in scaling


def test_the_install_takes_five_commands() -> None:
    """As promised."""
    section = GUIDE.partition("## Install")[2]
    [block] = re.findall(r"```console\n(.*?)```", section, re.DOTALL)[:1]
    assert len(block.splitlines()) == 5
