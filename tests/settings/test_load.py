"""Good configurations, and text that nobody meant as one."""

from pathlib import Path

import pytest
import trustme
from hypothesis import HealthCheck, given, settings, strategies

from gateway.settings.findings import BadConfiguration
from gateway.settings.load import MAX_BYTES, examine, load
from gateway.settings.model import Circuit, Settings
from tests.settings.files import GOOD, write_config


def test_a_good_file_has_no_findings(tmp_path: Path) -> None:
    """A minimal, careful configuration is neither refused nor doubted; defaults are the contract's."""
    found, findings = examine(write_config(tmp_path))

    assert findings == ()
    assert found is not None
    assert found.upstream.circuit == Circuit(failures=5, open_seconds=10)
    assert (found.upstream.max_in_flight, found.upstream.max_in_flight_waiting) == (512, 384)
    assert (found.drain.grace_seconds, found.store.retention_hours) == (75, 24)
    assert found.tenants["acme"].policy.destinations.allow == ("380*", r"\**")


def test_relative_paths_count_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process stands does not matter to the paths in the file."""
    write_config(tmp_path / "etc")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    found = load(Path("../etc/gateway.yaml"))

    directory = found.upstream.credentials["default"].directory
    assert directory.is_absolute()
    assert directory.samefile(tmp_path / "etc" / "pbx")


def test_comments_between_certificates_are_of_any_language(tmp_path: Path) -> None:
    """A bundle is taken for its certificates; the comments of real ones are not ASCII alone."""
    bundle = "# Főtanúsítvány\n".encode() + trustme.CA().cert_pem.bytes() + b"# \xff\n"
    (tmp_path / "ca.pem").write_bytes(bundle)

    config = write_config(tmp_path, GOOD.replace("store:", "  tls: {ca_file: ca.pem}\nstore:"))
    found, findings = examine(config)

    assert findings == ()
    assert found is not None


@pytest.mark.parametrize("off", ["off", "'off'", "no"])
def test_a_circuit_can_be_off(tmp_path: Path, off: str) -> None:
    """YAML 1.1 reads a bare `off` as false; it is meant as off."""
    text = GOOD.replace("store:", f"  circuit: {off}\nstore:")

    assert load(write_config(tmp_path, text)).upstream.circuit == "off"


def test_anchors_aliases_and_merges_serve(tmp_path: Path) -> None:
    """Tenants may share what they have in common, and override it."""
    text = (
        GOOD.replace("  acme:\n", "  acme: &common\n") + "  beta: {<<: *common, api_keys: [], customer: 42}\n"
    )

    tenants = load(write_config(tmp_path, text)).tenants

    assert tenants["beta"].quotas == tenants["acme"].quotas
    assert (tenants["beta"].customer, tenants["beta"].api_keys) == (42, ())


def test_dates_stay_text(tmp_path: Path) -> None:
    """A tenant may be called like a date."""
    assert "2024-01-01" in load(write_config(tmp_path, GOOD.replace("acme:", "2024-01-01:"))).tenants


def test_a_lowered_number_of_calls_needs_no_second_key(tmp_path: Path) -> None:
    """`max_in_flight` alone may be below the default of `max_in_flight_waiting`."""
    assert load(write_config(tmp_path, GOOD.replace("store:", "  max_in_flight: 8\nstore:")))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_plain_text_to_loopback_is_fine(tmp_path: Path, host: str) -> None:
    """The simulator needs no certificate."""
    assert load(write_config(tmp_path, GOOD.replace("https://pbx.example.com", f"http://{host}:8081")))


def test_a_cluster_may_be_named_by_several_servers(tmp_path: Path) -> None:
    """Any of them leads to the others, so that one may be away when a gateway starts."""
    store = "redis+cluster://10.0.0.1:7000,[::1]:7001,c\n  spool_directory: spool"
    text = GOOD.replace("sqlite:///var/lib/gateway/gateway.db", store)

    assert load(write_config(tmp_path, text)).store.url == store.partition("\n")[0]


def test_plain_text_elsewhere_must_be_meant(tmp_path: Path) -> None:
    """`allow_plaintext: true` accepts http:// to another host."""
    text = GOOD.replace("https:", "http:").replace("store:", "  allow_plaintext: true\nstore:")

    assert load(write_config(tmp_path, text))


def test_a_tenant_without_policy_is_served(tmp_path: Path) -> None:
    """Without `policy` a tenant may dial nothing, which is doubtful but allowed."""
    text = GOOD[: GOOD.index("    policy:")]

    found, findings = examine(write_config(tmp_path, text))

    assert found is not None
    assert [(one.path, one.severity) for one in findings] == [("tenants.acme", "warning")]


def test_an_unreachable_pattern_is_one_that_always_loses(tmp_path: Path) -> None:
    """A longer literal wins over a shorter denial, so neither of these is unreachable."""
    text = GOOD.replace(
        """allow: ["380*", '\\**'], deny: ["3801900*"]""", 'allow: ["19001*", "19"], deny: ["1900*", "1*"]'
    )

    assert examine(write_config(tmp_path, text))[1] == ()


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    """A file of the wrong kind does not take the memory."""
    path = write_config(tmp_path)
    with path.open("ab") as file:
        file.truncate(MAX_BYTES + 1)

    with pytest.raises(BadConfiguration, match="is it the right file"):
        load(path)


WORDS = """& &a *a <<: - [ ] { } : ? | > ' " \\ % !!int --- ... # null ~ 010 1:30 2024-99-99 1e999 .nan .inf
0x 0b = << !!binary "\\ud800" true -0 +1 '*' \\*"""
FRAGMENTS = strategies.sampled_from(
    [*GOOD.split(), *GOOD.splitlines(), *WORDS.split(), "\t", "\x85", "\u2028", "\ufeff", "\x1b", " "]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    strategies.one_of(
        strategies.lists(strategies.tuples(FRAGMENTS, strategies.sampled_from(["", " ", "\n", "\n  "]))).map(
            lambda pieces: "".join(piece + gap for piece, gap in pieces).encode()
        ),
        strategies.binary(max_size=200),
    )
)
def test_any_text_is_settings_or_findings(tmp_path: Path, source: bytes) -> None:
    """Whatever a file holds: settings, or faults with a place; nothing else is ever raised."""
    path = tmp_path / "any.yaml"
    path.write_bytes(source)

    found, findings = examine(path)

    assert isinstance(found, Settings) or any(one.severity == "error" for one in findings)
    assert all(one.line >= 1 and one.column >= 1 and "\n" not in str(one) for one in findings)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    strategies.integers(0, len(GOOD.splitlines()) - 1),
    strategies.integers(0, 60),
    FRAGMENTS,
)
def test_any_slip_of_the_pen_is_settings_or_findings(
    tmp_path: Path, line: int, column: int, slip: str
) -> None:
    """The same for a good file with something typed into it."""
    if not (tmp_path / "pbx").exists():
        write_config(tmp_path)
    lines = GOOD.splitlines()
    lines[line] = lines[line][:column] + slip + lines[line][column:]
    path = tmp_path / "slip.yaml"
    path.write_text("\n".join(lines))

    found, findings = examine(path)

    assert isinstance(found, Settings) or any(one.severity == "error" for one in findings)
