"""The PromQL of the documents: between backquotes, and in the runbooks' commands."""

import re
import shlex

from tests.documents.blocks import DOCUMENTS
from tests.manifests.rendered import rendered

_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_PROMQL = re.compile(r"\[\d+[smhdw](?::\w*)?\]|\btime\(\) -|\bup\{")
_OF_TARGETS = re.compile(r'\b(job|namespace)="([^"]*)",?')
_COMPARED = re.compile(r" (?:==|>=?|<=?) [\d.]+")

ABSENT = {
    'error_type=~"connect_timeout|connect_error|tls_error"': 'error_type=~".+"',
}
"""What the incident has no example of, and what it has one of."""


def expressions() -> list[str]:
    """Every expression, each once."""
    found = set()
    for document in DOCUMENTS.values():
        prose = re.sub(r"(?ms)^ *```.*?^ *```$", "", document.text)
        found |= {span for span in _SPAN.findall(prose) if _PROMQL.search(span)}
        for block in document.blocks:
            lines = (line for line in block.text.splitlines() if line.startswith("promtool query instant"))
            found |= {shlex.split(line)[4] for line in lines}
    return sorted(found)


def of_targets(expr: str) -> set[tuple[str, str]]:
    """The labels that a scrape gives by which an expression selects."""
    return set(_OF_TARGETS.findall(expr))


def labels_of_targets() -> set[tuple[str, str]]:
    """Those labels in a cluster that runs the manifests: without a jobLabel a job is its Service's name."""
    shared = rendered("shared-store")
    monitor = shared.of("ServiceMonitor")["gateway"]["spec"]
    assert "jobLabel" not in monitor
    wanted = monitor["selector"]["matchLabels"].items()
    scraped = {
        ("job", name)
        for name, service in shared.of("Service").items()
        if wanted <= service["metadata"]["labels"].items()
    }
    return scraped | {("namespace", name) for name in shared.of("Namespace")}


def anywhere(expr: str) -> str:
    """The expression for any target, without bounds that only an outage of its own would pass."""
    for is_, becomes in ABSENT.items():
        expr = expr.replace(is_, becomes)
    return _COMPARED.sub("", _OF_TARGETS.sub("", expr))


def grouped(expr: str) -> set[str]:
    """Labels by which it sums, bounds of buckets left out."""
    inside = ",".join(re.findall(r"\bby \(([^)]*)\)", expr))
    return {label.strip() for label in inside.split(",") if label} - {"le"}
