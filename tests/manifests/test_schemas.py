"""Judged by others: Kubernetes' own schemas, and checkov's policies."""

import json
from pathlib import Path
from typing import Final

import kubernetes_validate
import pytest

from tests.manifests.rendered import EXAMPLES, Overlay, examples
from tests.manifests.tools import checkov

pytestmark = pytest.mark.timeout(600)  # the tools may have to be installed first

OLDEST: Final = "1.30"
"""The first version that knows all that the manifests say (preStop's sleep)."""

FOREIGN: Final = {"PrometheusRule", "ServiceMonitor"}
"""Kinds of the Prometheus Operator: they have no schema here."""

EXCUSED: Final = {
    "CKV_K8S_11": "no CPU limit: throttled, the one event loop would stall every call in flight at once",
    "CKV_K8S_15": "IfNotPresent: a version's image never changes, and pods must start without the registry",
    "CKV_K8S_43": "the digest of an image is known to whoever builds it: `kustomize edit set image` pins it",
}
"""Every check of checkov's that does not hold, and why."""


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_the_schemas_hold(overlay: Overlay, version: str) -> None:
    """Every object is what Kubernetes' own schema says, with nothing that it does not know."""
    unknown = set()
    for one in overlay.objects:
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            unknown.add(one["kind"])
    assert unknown == FOREIGN


def test_the_examples_hold() -> None:
    """The examples beside the overlays are valid too."""
    for file in ("secret.yaml", "ingress.yaml"):
        for one in examples(file):
            kubernetes_validate.validate(one, OLDEST, strict=True)


def failed_checks(path: Path) -> dict[str, set[str]]:
    """Checkov's failed checks, and the resources they failed for. Raises where it checked nothing."""
    report = json.loads(checkov("--framework", "kubernetes", "--quiet", "-o", "json", "-f", path))
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 0
    found: dict[str, set[str]] = {}
    for check in report["results"]["failed_checks"]:
        found.setdefault(check["check_id"], set()).add(check["resource"])
    return found


def test_checkov_finds_nothing_else(overlay: Overlay, tmp_path: Path) -> None:
    """Checkov's policies hold but for those excused with a reason, and each excuse is still needed."""
    path = tmp_path / "overlay.yaml"
    path.write_text(overlay.text)
    assert failed_checks(path).keys() == EXCUSED.keys()


def test_no_secret_is_among_the_manifests(overlay: Overlay) -> None:
    """An overlay brings no Secret: what an example holds would be everybody's password."""
    assert not overlay.of("Secret")
    assert all(
        "replace" in value or "#SHA256" in value
        for one in examples("secret.yaml")
        for value in one["stringData"].values()
    )
    assert {path.name for path in EXAMPLES.iterdir()} >= {"secret.yaml", "external-secret.yaml"}
