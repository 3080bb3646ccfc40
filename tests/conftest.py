"""What is left out where a program is missing, and said so."""

from pathlib import Path

from tests.debian import FOLDERS, is_left_out, left_out

_TESTS = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave a folder out whose programs are missing; None lets pytest decide."""
    is_folder = collection_path.parent == _TESTS and collection_path.name in FOLDERS
    return True if is_folder and is_left_out(collection_path.name) else None


def pytest_report_header() -> list[str]:
    """Say what is left out."""
    return left_out()
