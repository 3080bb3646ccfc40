"""What is left out where a program is missing, and said so."""

from pathlib import Path

from hypothesis import HealthCheck, settings

from tests.debian import FOLDERS, is_left_out, left_out

_TESTS = Path(__file__).parent

# A busy machine is slow, which proves nothing: properties are judged by what they find alone.
settings.register_profile("gate", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Mutants are judged by the same examples each, not by luck.
settings.register_profile("mutants", settings.get_profile("gate"), derandomize=True, database=None)
settings.load_profile("gate")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave a folder out whose programs are missing; None lets pytest decide."""
    is_folder = collection_path.parent == _TESTS and collection_path.name in FOLDERS
    return True if is_folder and is_left_out(collection_path.name) else None


def pytest_report_header() -> list[str]:
    """Say what is left out."""
    return left_out()
