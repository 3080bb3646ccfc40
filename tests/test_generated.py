"""What is generated is committed as the code would make it now."""

import subprocess
import sys
from pathlib import Path

from tests.reference import README, filled

ROOT = Path(__file__).parent.parent


def test_schemas_are_fresh() -> None:
    """`schema/` holds what `gateway schema` would write."""
    command = [sys.executable, "-m", "gateway", "schema", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_stale_schema_fails_the_check(tmp_path: Path) -> None:
    """The check can fail: an edited file is named."""
    arguments = ["schema", "--directory", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "gateway", *arguments], check=True, capture_output=True)
    (tmp_path / "openapi.json").write_text("{}")
    command = [sys.executable, "-m", "gateway", *arguments, "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "openapi.json" in done.stderr


def test_reference_tables_are_fresh() -> None:
    """The README's tables are those that the code makes (`make readme`)."""
    text = README.read_text()
    assert filled(text) == text
