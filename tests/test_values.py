"""A value is the dataclass that it says it is, in everything but the time it takes to make."""

import copy
from dataclasses import FrozenInstanceError, dataclass, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.values import value_class


@value_class(frozen=True, slots=True)
class Quick:
    """Two fields, one with a default."""

    name: str
    parts: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many parts."""
        return len(self.parts)


@dataclass(frozen=True, slots=True)
class Plain:
    """The same, by the standard library."""

    name: str
    parts: tuple[int, ...] = ()


@given(st.text(), st.lists(st.integers()).map(tuple))
def test_it_is_the_standard_dataclass(name, parts):
    """Made by place or by name it holds, shows, compares, hashes and copies as the standard one does."""
    made, plain = Quick(name, parts), Plain(name, parts)
    assert made == Quick(parts=parts, name=name) == replace(Quick("other"), name=name, parts=parts)
    assert (made.name, made.parts, made.size) == (name, parts, len(parts))
    assert repr(made) == repr(plain).replace("Plain", "Quick")
    assert hash(made) == hash(plain)
    assert [field.name for field in fields(made)] == ["name", "parts"]
    assert type(made) is Quick
    assert copy.deepcopy(made) == copy.copy(made) == made
    assert (made == Quick(name + "x", parts), Quick(name).parts) == (False, ())


@pytest.mark.parametrize("change", [lambda v: setattr(v, "name", "b"), lambda v: delattr(v, "parts")])
def test_nothing_changes_it(change):
    """No field can be set or deleted."""
    made = Quick("a")
    with pytest.raises(FrozenInstanceError):
        change(made)
    assert made == Quick("a")


def test_wrong_arguments_are_told():
    """Too few, too many and unknown arguments are TypeErrors."""
    for make in (Quick, lambda: Quick("a", (), 1), lambda: Quick("a", size=1)):
        with pytest.raises(TypeError):
            make()


def test_it_takes_only_plain_shapes():
    """Bases, a __post_init__ or a mutable kind are refused where the class is declared."""

    class Based(Plain):
        pass

    class Checked:
        name: str

        def __post_init__(self):
            """Would never be called."""

    for shape in (Based, Checked):
        with pytest.raises(TypeError):
            value_class(frozen=True, slots=True)(shape)
    with pytest.raises(TypeError):
        value_class(frozen=False, slots=True)
