"""Configuration files and credential pairs for the tests."""

from pathlib import Path

GOOD = """\
upstream:
  base_url: https://pbx.example.com/api/json
  credentials:
    default: {directory: pbx}
store:
  url: sqlite:///var/lib/gateway/gateway.db
tenants:
  acme:
    credentials: default
    api_keys: [{id: crm, sha256: "abababababababababababababababababababababababababababababababab"}]
    quotas: [{name: daily, limit: 1000, per: day, time_zone: Europe/Kyiv}]
    policy:
      destinations: {allow: ["380*", '\\**'], deny: ["3801900*"]}
"""


def write_pair(directory: Path, username: str = "user", password: str = "hunter2", mode: int = 0o600) -> Path:
    """A directory with one pair."""
    directory.mkdir(parents=True)
    for name, content in (("username", username), ("password", password)):
        (directory / name).write_text(content)
        (directory / name).chmod(mode)
    return directory


def write_config(directory: Path, text: str = GOOD) -> Path:
    """A configuration beside a good pair called `pbx`."""
    write_pair(directory / "pbx")
    path = directory / "gateway.yaml"
    path.write_text(text)
    return path
