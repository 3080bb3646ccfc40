"""Writes every generated file of this directory; `--check` says which are stale instead (exit 1)."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from observability.boards import BOARDS
from observability.reference import readme
from observability.rules import rule_file

HOME: Final = Path(__file__).parent


def generated() -> Mapping[Path, str]:
    """Every generated file and what belongs in it."""
    files = {HOME / "prometheus" / "rules" / "objectives.yml": rule_file()}
    for name, build in BOARDS.items():
        text = JSONEncoder(sort_keys=True, indent=2).encode(build())
        files[HOME / "dashboards" / f"{name}.json"] = json.dumps(json.loads(text), indent=2) + "\n"
    path = HOME / "README.md"
    files[path] = readme(path.read_text(encoding="utf-8"))
    return files


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; name what is stale")
    is_check = parser.parse_args().check
    stale = {
        path: text for path, text in generated().items() if not path.exists() or path.read_text() != text
    }
    for path, text in stale.items():
        verdict = "is stale: run `make dashboards`" if is_check else "written"
        sys.stdout.write(f"{path.relative_to(HOME.parent)} {verdict}\n")
        if not is_check:
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text, encoding="utf-8")
    return int(is_check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main())
