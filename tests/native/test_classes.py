"""A class that is written out for the compiler is the class that its decorator makes."""

import copy
import pickle
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gateway.native.classes import NotWrittenOut, written_out
from gateway.native.modules import compiled, shared_names

PACKAGE = Path(__file__).parent.parent.parent / "gateway"
SOURCE = '''"""A module."""

from dataclasses import dataclass, field

from gateway.values import value_class


@value_class(frozen=True, slots=True)
class Plain:
    """A value."""

    number: int
    text: str = "a"
    limits: tuple[int, ...] | None = None

    @property
    def doubled(self) -> int:
        """Twice the number."""
        return self.number * 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A value that does not show all."""

    name: str
    password: str = field(default="none", repr=False)


@dataclass(slots=True)
class Open:
    """What may change."""

    after: "Plain | None"
    seen: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Job:
    """Each is its own."""

    weight: int


@value_class(frozen=True, slots=True)
class Nothing:
    """No fields."""
'''


def module(name: str, source: str) -> Any:
    """A module of that source, which pickle finds by its name."""
    made = ModuleType(name)
    sys.modules[name] = made
    exec(compile(source, name, "exec"), made.__dict__)  # noqa: S102 - ours
    return made


@pytest.fixture(scope="module", params=["decorated", "written out"])
def sample(request: pytest.FixtureRequest) -> Any:
    """The same classes, made either way."""
    text = SOURCE if request.param == "decorated" else written_out(SOURCE)
    assert ("@value_class" in text) == (request.param == "decorated")
    return module(f"sample_{request.param.replace(' ', '_')}", text)


def test_a_value_is_made_shown_and_compared(sample: Any) -> None:
    """By position, by name, with defaults; equal and hashed by its fields; shown by them."""
    value = sample.Plain(1, limits=(2,))
    assert (value.number, value.text, value.limits, value.doubled) == (1, "a", (2,), 2)
    assert value == sample.Plain(1, "a", (2,))
    assert value != sample.Plain(2, "a", (2,))
    assert value != (1, "a", (2,))
    assert len({value, sample.Plain(1, "a", (2,)), sample.Plain(3)}) == 2
    assert repr(value) == "Plain(number=1, text='a', limits=(2,))"
    assert sample.Plain.__doc__ == "A value."
    assert sample.Nothing() == sample.Nothing()
    with pytest.raises(TypeError):
        sample.Plain()


def test_a_value_is_replaced_copied_and_pickled(sample: Any) -> None:
    """As dataclasses are; the original stays."""
    value = sample.Plain(1)
    assert replace(value, text="b") == sample.Plain(1, "b")
    assert [(field.name, field.default) for field in fields(sample.Plain)][1:] == [
        ("text", "a"),
        ("limits", None),
    ]
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - ours
    match value:
        case sample.Plain(number, text):
            assert (number, text) == (1, "a")


def test_what_is_not_to_be_shown_is_not(sample: Any) -> None:
    """A secret stays out of the text in either form."""
    secret = sample.Secret(name="n", password="hidden")
    assert repr(secret) == "Secret(name='n')"
    assert sample.Secret(name="n").password == "none"
    with pytest.raises(TypeError):
        sample.Secret("n")


def test_factories_make_one_each(sample: Any) -> None:
    """Two values share no set; what may change does."""
    first, second = sample.Open(None), sample.Open(after=sample.Plain(1))
    first.seen.add("x")
    first.after = second.after
    assert (first.after, first.seen, second.seen) == (sample.Plain(1), {"x"}, set())
    assert sample.Open(None) == sample.Open(None)
    job = sample.Job(1)
    assert job == job
    assert job != sample.Job(1)


@pytest.mark.parametrize(
    "text",
    [
        "@dataclass(order=True)\nclass A:\n    x: int\n",
        "@dataclass(frozen=True)\nclass A(B):\n    x: int\n",
        "@dataclass(frozen=True)\nclass A:\n    x: int = field(compare=False)\n",
        "@dataclass(frozen=True)\nclass A:\n    x: ClassVar[int] = 1\n",
        "@dataclass(frozen=True)\nclass A:\n    x: int\n\n    def __post_init__(self): ...\n",
    ],
)
def test_what_would_be_lost_is_refused(text: str) -> None:
    """What this does not write out it names, instead of making another class."""
    with pytest.raises(NotWrittenOut, match="is not written out"):
        written_out(text)


def test_nothing_of_anybody_else_s_is_replaced(tmp_path: Path) -> None:
    """A directory that holds something else is refused by name, and stays as it was."""
    (tmp_path / "mine.txt").write_text("mine")
    command = [sys.executable, "-m", "gateway.native", str(tmp_path)]
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr == f"{tmp_path} holds something else: name a new directory, or an empty one\n"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("mine.txt", "mine")]


def test_every_compiled_module_can_be_written_out() -> None:
    """No decorated class is left in what the compiler gets, and all of it is Python."""
    modules = list(compiled(PACKAGE))
    assert len(modules) > 80
    for path in modules:
        assert not shared_names(path.read_text()), path
        text = written_out(path.read_text())
        compile(text, path.name, "exec")
        assert "\n@value_class(" not in text, path
        assert "\n@dataclass(" not in text, path


def test_exceptions_that_share_a_name_are_seen() -> None:
    """In one function; the same name in two functions is no fault."""
    one = "def f():\n try: ...\n except OSError as e: ...\n{}except ValueError as e: ...\n"
    assert shared_names(one.format(" ")) == ["f: e"]
    assert shared_names(one.format("def g():\n try: ...\n ")) == []
