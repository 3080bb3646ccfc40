"""What a real Alertmanager with the committed configuration holds back, and what it does not."""

from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.observability.engines import alertmanager, until

BURNS = "GatewayEndToEndBudgetBurnsFast"
TRANSPORT = {"alertname": "GatewayCircuitOpen", "circuit": "transport"}
PAIR = {"alertname": "GatewayCircuitOpen", "circuit": "credentials:small"}
HELD = {
    "transport-fast": (TRANSPORT, BURNS),
    "transport-slowly": (TRANSPORT, "GatewayEndToEndBudgetBurnsSlowly"),
    "ledger": ({"alertname": "GatewayLedgerErrors"}, BURNS),
    "absent": ({"alertname": "GatewayAbsent"}, BURNS),
}
"""By namespace: a cause of everything, and the symptom that it explains."""
TOLD = {
    "pair": (PAIR, BURNS),
    "rejected": ({"alertname": "GatewayUpstreamCredentialsRejected"}, BURNS),
    "role": ({"alertname": "GatewayUpstreamRoleForbids"}, BURNS),
}
"""By namespace: what concerns the tenants of one pair of credentials, and what may have any cause."""


def _held(manager: str) -> set[str]:
    """Namespaces in which something is held back."""
    alerts = httpx.get(f"http://{manager}/api/v2/alerts", trust_env=False).json()
    return {alert["labels"]["namespace"] for alert in alerts if alert["status"]["inhibitedBy"]}


def test_one_pair_of_credentials_does_not_hide_what_burns_for_all(tmp_path: Path) -> None:
    """The whole service's budget is held back by causes of the whole service alone."""
    now = datetime.now(UTC).isoformat()
    alerts = [
        {"labels": {**labels, "job": "gateway", "namespace": namespace}, "startsAt": now}
        for namespace, (cause, symptom) in {**HELD, **TOLD}.items()
        for labels in (cause, {"alertname": symptom})
    ]
    with alertmanager(tmp_path) as manager:
        httpx.post(f"http://{manager}/api/v2/alerts", json=alerts, trust_env=False).raise_for_status()
        until(lambda: _held(manager) >= HELD.keys(), 10, lambda: str(_held(manager)))
        assert _held(manager) == HELD.keys()
