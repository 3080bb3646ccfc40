"""The image: what it holds, what it may do, and that it makes calls."""

import json
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway import __version__
from gateway.settings.model import Admin, Listen
from tests.deploy.bases import build_base
from tests.deploy.engine import Engine
from tests.deploy.images import CANARY, NAME, PLANTED, ROOT, build, write_context
from tests.deploy.running import Contained, contained, settings
from tests.house import Answer, Simulator, number, simulated

pytestmark = [pytest.mark.serial, pytest.mark.timeout(900)]

HELD_MS = 1500
"""How long the simulator holds every answer: a call is then in flight when the signal comes."""


@dataclass(frozen=True)
class Member:
    """One file of one layer."""

    layer: int
    info: tarfile.TarInfo
    content: bytes


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """The telephone system, outside of any container."""
    ledger = tmp_path_factory.mktemp("upstream") / "dials"
    with simulated(ledger, "--latency-ms", str(HELD_MS)) as simulator:
        yield simulator


@pytest.fixture
def running(containers: Engine, image: str, upstream: Simulator, tmp_path: Path) -> Iterator[Contained]:
    """The image, read-only, without capabilities, with the embedded store on a volume."""
    upstream.clear()
    with contained(containers, image, tmp_path, settings(upstream.url)) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def archive(
    containers: Engine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], list[Member]]:
    """The image's configuration and every member of every layer."""
    path = tmp_path_factory.mktemp("image") / "image.tar"
    containers.podman("save", "--format", "docker-archive", "-o", path, image, seconds=120)
    members: list[Member] = []
    with tarfile.open(path) as whole:
        [manifest] = json.load(whole.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = json.load(whole.extractfile(manifest["Config"]))  # type: ignore[arg-type]
        for index, name in enumerate(manifest["Layers"]):
            with tarfile.open(fileobj=whole.extractfile(name)) as layer:
                for info in layer:
                    opened = layer.extractfile(info) if info.isreg() else None
                    members.append(Member(index, info, opened.read() if opened else b""))
    path.unlink()
    return config, members


def test_the_image_says_what_it_is(containers: Engine, image: str) -> None:
    """Its user is a number, its start and its health check are in exec form, its labels are OCI's."""
    told = containers.inspect("image", image)
    config = told["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["python3", "-m", "gateway"]
    assert config["Cmd"] == ["serve", "--config", "/etc/gateway/gateway.yaml"]
    assert config["StopSignal"] in {"SIGTERM", "15"}
    assert told["HealthCheck" if "HealthCheck" in told else "Healthcheck"]["Test"][:2] == ["CMD", "python3"]
    assert config["ExposedPorts"].keys() == {f"{port}/tcp" for port in (Listen().port, Admin().port)}
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}
    assert labels["title"] == "make-call-gateway"
    assert labels["version"] == __version__
    assert labels["revision"] == "tested"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["base.digest"].startswith("sha256:")


def test_no_layer_holds_a_credential(archive: tuple[dict[str, Any], list[Member]]) -> None:
    """Neither the build's registry configuration nor any file beside the sources is in a layer."""
    config, members = archive
    assert CANARY not in json.dumps(config)
    assert not [member.info.name for member in members if CANARY.encode() in member.content]
    names = {member.info.name for member in members}
    assert not [name for name in names if name.endswith((".netrc", "pip.conf", ".env", "id_rsa", "_history"))]
    private = [m.info.name for m in members if b"-----BEGIN PRIVATE KEY-----\n" in m.content]
    assert not [name for name in private if not name.endswith((".py", ".pyc")) and ".so" not in name]
    assert PLANTED  # the files whose content the canary is were in the build's context


def test_the_layers_hold_only_the_gateway(archive: tuple[dict[str, Any], list[Member]]) -> None:
    """Over its base the image has the gateway, its dependencies and an empty data directory: no pip, no
    tests, nothing that is anybody's to write."""
    _, members = archive
    base = min(member.layer for member in members)
    ours = [member for member in members if member.layer != base and not member.info.isdir()]
    assert ours
    assert {"/".join(m.info.name.lstrip("./").split("/")[:2]) for m in ours} == {"opt/gateway"}
    packages = {m.info.name.lstrip("./").split("/")[2] for m in ours}
    assert "gateway" in packages
    assert any("/gateway/place_call/place.cpython-" in m.info.name for m in ours)  # machine code
    assert not {"pip", "setuptools", "mypy", "tests", "bin", "pytest"} & packages
    assert not [name for name in packages if name.startswith(".")]  # nothing of the tools' own
    assert not [m.info.name for m in ours if m.info.mode & 0o6022 or m.info.uid]
    writable = [m.info.name for m in members if m.layer != base and m.info.isdir() and m.info.uid]
    assert [name.lstrip("./").rstrip("/") for name in writable] == ["var/lib/gateway"]


def test_no_shell_is_needed(archive: tuple[dict[str, Any], list[Member]]) -> None:
    """The image that all other tests run has Python and no other program."""
    programs = {
        m.info.name.rpartition("/")[2]
        for m in archive[1]
        if not m.info.isdir() and m.info.name.lstrip("./").startswith(("usr/bin/", "bin/", "usr/sbin/"))
    }
    assert programs == {"python3", "python3.11"}


def test_the_pinned_base_alone_is_enough(containers: Engine, tmp_path: Path) -> None:
    """With nothing but the digest of the base given, both stages stand on that base."""
    names = ("Dockerfile", "requirements.txt", "requirements-native.txt")
    contents = {Path(name): (ROOT / name).read_bytes() for name in names}
    copy = b"import shutil, sys; shutil.copytree('gateway', f'{sys.argv[1]}/gateway')\n"
    program = {
        Path("gateway/__main__.py"): b"import pip; print('started')\n",
        Path("gateway/native/__main__.py"): copy,
    }
    write_context(tmp_path, contents | program)
    plain = f"{NAME}-plain:latest"
    build(containers, tmp_path, plain, BASE_DIGEST=build_base(containers))
    try:
        assert containers.podman("run", "--rm", "--network", "host", plain) == "started\n"
    finally:
        containers.podman("rmi", "--force", plain)


def test_a_call_is_placed(running: Contained, upstream: Simulator) -> None:
    """A call through the confined container is dialled once, a replay not at all."""
    first = running.call(number() | {"waitSeconds": 5}, key="order-1")
    again = running.call(number() | {"waitSeconds": 5}, key="order-1")
    assert (first.status, again.status, again.replayed) == (201, 201, True)
    assert len(upstream.dials()) == 1


def test_the_container_is_confined(running: Contained, containers: Engine) -> None:
    """Its process is user 10001 without capabilities, under a limit, and can write to its data alone."""
    told = containers.inspect("container", running.name)
    assert told["HostConfig"]["ReadonlyRootfs"] is True
    assert told["HostConfig"]["Memory"] == 512 * 2**20
    assert not told["EffectiveCaps"]
    script = (
        "import os, pathlib\n"
        "print(os.getuid(), [l.split()[1] for l in open('/proc/1/status') if l.startswith('CapEff')][0])\n"
        "for place in ('/', '/opt/gateway', '/etc/gateway', '/run/secrets/pbx', '/var/lib/gateway'):\n"
        "    try: pathlib.Path(place, 'x').write_text('x'); print(place)\n"
        "    except OSError: pass\n"
    )
    said = containers.podman("exec", running.name, "python3", "-c", script)
    assert said.splitlines() == ["10001 0000000000000000", "/var/lib/gateway"]


def test_the_health_check_tells(running: Contained, containers: Engine, image: str) -> None:
    """The image's health check passes inside the container, and fails where nothing answers."""
    config = containers.inspect("image", image)
    _, *command = config["HealthCheck" if "HealthCheck" in config else "Healthcheck"]["Test"]
    port = running.admin_url.rpartition(":")[2]
    containers.podman("exec", running.name, *(word.replace("9464", port) for word in command))
    with pytest.raises(AssertionError, match="Connection refused"):
        containers.podman("exec", running.name, *(word.replace("9464", "1") for word in command))


def test_sigterm_drains(running: Contained, upstream: Simulator) -> None:
    """SIGTERM as the first process: the call in flight is answered with the truth, then it exits with 0."""
    answers: list[Answer] = []
    caller = threading.Thread(target=lambda: answers.append(running.call(number() | {"waitSeconds": 5})))
    caller.start()
    deadline = time.monotonic() + 20
    while not upstream.dials():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    waiting = running.terminate()
    out, _ = waiting.communicate(timeout=30)
    caller.join(timeout=30)
    assert out.strip() == b"0"
    assert [answer.status for answer in answers] == [201]
    assert len(upstream.dials()) == 1
