"""Rules and alerts: valid, tested one by one, and told so that somebody half awake knows what to do."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.telemetry import table
from gateway.telemetry.labels import OUTCOMES
from observability.objectives import BLAME, GOOD, OBJECTIVES
from tests.observability.engines import OBSERVABILITY, RULES

TESTS = OBSERVABILITY / "prometheus" / "tests"
GROUPS = [group for path in RULES.glob("*.yml") for group in yaml.safe_load(path.read_text())["groups"]]
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule
}


def run(*command: str | Path) -> str:
    """What a program says; it must succeed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_rules_and_configuration() -> None:
    """The files that operators copy are valid, the rule files through the configuration that names them."""
    run("promtool", "check", "rules", *sorted(RULES.glob("*.yml")))
    run("promtool", "check", "config", OBSERVABILITY / "prometheus" / "prometheus.yml")


@pytest.mark.parametrize("file", sorted(TESTS.glob("*.yml")), ids=lambda file: file.stem)
def test_every_alert_fires_stays_silent_and_resolves(file: Path) -> None:
    """promtool plays the written histories; labels and texts of what fires are checked too."""
    run("promtool", "test", "rules", file)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_all_three_tests(name: str) -> None:
    """In one history an alert is silent, then fires, then is silent; in another it never fires."""
    histories = [
        [bool(check["exp_alerts"]) for check in test["alert_rule_test"] if check["alertname"] == name]
        for file in TESTS.glob("*.yml")
        for test in yaml.safe_load(file.read_text())["tests"]
    ]
    told = [history for history in histories if True in history and not history[0] and not history[-1]]
    assert told, "fires and resolves in no history"
    assert any(history and True not in history for history in histories), "is silent in no history"


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_tells_what_to_do(name: str) -> None:
    """Severity, summary, description, and a runbook heading that exists."""
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"page", "ticket"}
    notes = alert["annotations"]
    assert notes["summary"]
    assert notes["description"].endswith(".")
    file, _, anchor = notes["runbook_url"].partition("#")
    assert file.endswith("/observability/runbooks.md")
    headings = re.findall(r"^## (\w+)$", (OBSERVABILITY / "runbooks.md").read_text(), flags=re.MULTILINE)
    assert anchor == name.lower()
    assert name in headings
    assert sorted(headings) == sorted(ALERTS)


def test_rules_ask_for_what_is_emitted() -> None:
    """Every series of a rule is in the metric table, or recorded by one."""
    known = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
    for row in table():
        known |= {
            row.name + end for end in (("_bucket", "_sum", "_count") if row.kind == "histogram" else ("",))
        }
    exprs = "\n".join(rule["expr"] for group in GROUPS for rule in group["rules"])
    asked = set(re.findall(r"\b(?:gateway_|http_(?:server|client)_|namespace_job:)[\w:]+", exprs))
    assert asked <= known


def test_bucket_bounds_exist_as_they_are_written() -> None:
    """`le` is a bound of that histogram in Python's form: "1" or a bound nobody exposes matches nothing."""
    exprs = "\n".join(rule["expr"] for group in GROUPS for rule in group["rules"])
    bounds = {row.name: {str(float(bound)) for bound in row.buckets} for row in table()}
    found = re.findall(r'(\w+)_bucket\{[^}]*le="([^"]*)"', exprs)
    assert found
    for name, bound in found:
        assert bound in bounds[name]


def test_every_outcome_is_somebodys() -> None:
    """A new outcome can't slip past the objectives: each is good, or one party's fault, and only one's."""
    blamed = [outcome for outcomes in (GOOD, *BLAME.values()) for outcome in outcomes]
    assert sorted(blamed) == sorted(OUTCOMES)


def test_there_are_the_four_objectives() -> None:
    """The targets that were promised."""
    assert {each.name: each.target for each in OBJECTIVES} == {
        "end_to_end": 0.995,
        "owned": 0.9995,
        "overhead": 0.99,
        "latency": 0.99,
    }


def test_alertmanager_routes_pages_and_tickets() -> None:
    """amtool accepts the configuration; severity alone decides who hears of an alert."""
    config = OBSERVABILITY / "alertmanager" / "alertmanager.yml"
    run("amtool", "check-config", config)
    for severity, receiver in (("page", "pager"), ("ticket", "tickets"), ("odd", "tickets")):
        found = run("amtool", "config", "routes", "test", f"--config.file={config}", f"severity={severity}")
        assert found.strip() == receiver


def test_inhibition_names_alerts_that_exist() -> None:
    """A renamed alert would end an inhibition silently."""
    config = yaml.safe_load((OBSERVABILITY / "alertmanager" / "alertmanager.yml").read_text())
    for rule in config["inhibit_rules"]:
        assert rule["equal"] == ["namespace", "job"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, operator, value = re.fullmatch(r'(\w+) (=~|!=|=) "(.*)"', matcher).groups()
            if label == "alertname":
                assert [name for name in ALERTS if re.fullmatch(value, name)], (operator, value)
