"""The four dashboards as code, each a function that gives a classic Grafana dashboard."""

from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from observability.boards.legacy_api import legacy_api
from observability.boards.overview import overview
from observability.boards.runtime import runtime
from observability.boards.tenants import tenants

BOARDS: Final[dict[str, Callable[[], Dashboard]]] = {
    "overview": overview,
    "legacy-api": legacy_api,
    "tenants": tenants,
    "runtime": runtime,
}
"""File name without its ending -> its dashboard, in the order of reading."""
