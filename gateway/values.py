"""Frozen values that are cheap to make: two hundred fields are filled on the way of one call.

`dataclass(frozen=True)` fills each of them through `object.__setattr__`, 0.2 us a field. What `value_class`
makes is the same dataclass, but an instance is filled as a mutable twin of the same layout and only
then becomes what it is, in a fifth of the time; nobody ever holds one that can be changed.
"""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as value_class
else:

    def value_class(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """As `dataclass(frozen=True, slots=True)`; both must be said, since checkers read it as that."""
        if not (frozen and slots):
            raise TypeError("a value is frozen and has slots")
        return _made


def _made(plain: type) -> type:
    if plain.__bases__ != (object,) or hasattr(plain, "__post_init__"):
        raise TypeError("a value has neither bases nor __post_init__")
    made: Any = dataclass(frozen=True, slots=True)(plain)
    names = tuple(field.name for field in fields(made))
    made.__new__ = _maker(made, names)
    del made.__init__
    made.__reduce__ = lambda self: (made, tuple(getattr(self, name) for name in names))
    return made  # type: ignore[no-any-return]


def _maker(made: Any, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - a class, and its `__new__`
    scope = {"_new": object.__new__, "_twin": type("Draft", (), {"__slots__": names})}
    parameters = []
    for field in fields(made):
        if field.kw_only or not field.init or field.default_factory is not MISSING:
            raise TypeError("a value's fields are positional and have no factories")
        default = f"_default_{field.name}"
        parameters.append(field.name if field.default is MISSING else f"{field.name}={default}")
        scope[default] = field.default
    lines = [f"def __new__(_class, {', '.join(parameters)}):", " self = _new(_twin)"]
    lines += [f" self.{name} = {name}" for name in names]
    exec("\n".join([*lines, " self.__class__ = _class", " return self"]), scope)  # noqa: S102 - as dataclasses does
    return scope["__new__"]


def described(made: type, defaults: tuple[tuple[str, Any], ...]) -> None:
    """Make a class that was written out (`gateway.native`) known to `dataclasses.fields` and `replace`.

    `defaults` has each field's name, and its default, or `...` for none.
    """
    names = {name: object for name, _ in defaults}
    given = {name: default for name, default in defaults if default is not ...}
    twin: Any = dataclass(kw_only=True)(type("Twin", (), {"__annotations__": names, **given}))
    made.__dataclass_fields__ = twin.__dataclass_fields__  # type: ignore[attr-defined]


__all__ = ["described", "value_class"]
