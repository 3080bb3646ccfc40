"""The PrometheusRule, made from observability/'s rule files: `python -m tests.manifests.prometheus_rule`."""

from pathlib import Path
from typing import Final

from tests.manifests.tools import ROOT

RULES: Final = ROOT / "observability" / "prometheus" / "rules"
TARGET: Final = ROOT / "k8s" / "components" / "monitoring" / "prometheus-rule.yaml"

_HEAD: Final = """\
# Generated from observability/prometheus/rules by `python -m tests.manifests.prometheus_rule`; not edited
# by hand.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: gateway
  labels: {app.kubernetes.io/name: make-call-gateway}
spec:
  groups:
"""


def groups_of(path: Path) -> str:
    """The rule groups of one file as text, as deep as they stand in the object."""
    _, found, groups = path.read_text(encoding="utf-8").partition("\ngroups:\n")
    if not found:
        raise ValueError(f"{path} has no line `groups:`")
    return "".join(f"  {line}" if line.strip() else line for line in groups.splitlines(keepends=True))


def prometheus_rule() -> str:
    """The whole object."""
    return _HEAD + "".join(groups_of(path) for path in sorted(RULES.glob("*.yml")))


if __name__ == "__main__":
    TARGET.write_text(prometheus_rule(), encoding="utf-8")
