"""A gateway that can't have its addresses says so in one line, and ends with status 1."""

import json
import socket
import subprocess

import pytest

from tests.house import configuration, run, tenant


@pytest.mark.parametrize("door", ["listen", "admin"])
def test_a_port_that_is_taken(door, tmp_path):
    """One clear line on standard error that names the address and why, no traceback; nothing on the other."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = _start(tmp_path, **{door: {"port": port}})
    assert told == f"gateway: can't start: 127.0.0.1:{port} can't be listened on: Address already in use\n"


def test_a_host_that_is_none(tmp_path):
    """A name that leads nowhere too."""
    told = _start(tmp_path, admin={"host": "no-such-host.invalid", "port": 0})
    assert told.startswith("gateway: can't start: no-such-host.invalid:0 can't be listened on: ")
    assert told.count("\n") == 1


def _start(directory, **more):
    path = directory / "gateway.yaml"
    store = {"url": "sqlite://:memory:"}
    path.write_text(
        json.dumps(
            configuration(directory, "http://127.0.0.1:1", {"acme": tenant("acme")}, store=store, **more)
        )
    )
    process = run("serve", "--config", str(path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    return told
