"""Makes a faulty configuration whole again, only so that its other parts can be judged as well.

`check` tells all faults at once: what stands beside a fault is still worth judging. Faulty values are
taken away, missing ones get the model's own example; whatever is said of those is not told.
"""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from gateway.settings import shape
from gateway.settings.findings import KeyPath
from gateway.settings.model import Settings
from gateway.settings.wording import path_of

_ROUNDS: Final = 8
"""Taking a value away may show that it is required, a few levels up at most."""


def mended(
    root: object, directory: Path, faults: Iterable[tuple[KeyPath, str]]
) -> tuple[Settings | None, frozenset[KeyPath]]:
    """The settings without their `faults` (path, pydantic's type), and the paths that were changed."""
    data, changed = copy.deepcopy(root), set[KeyPath]()
    for _ in range(_ROUNDS):
        for path, kind in faults:
            changed.add(_mend(data, path, kind))
        try:
            return Settings.model_validate(data, context=directory), frozenset(changed)
        except ValidationError as error:
            faults = [(path_of(one["loc"], data), one["type"]) for one in error.errors(include_url=False)]
    return None, frozenset(changed)


def _mend(data: object, path: KeyPath, kind: str) -> KeyPath:
    while path and isinstance(path[-1], int):
        # Taking one entry out would move the others away from their places.
        path = path[:-1]
    around = _value(data, path[:-1])
    if not path or not isinstance(around, dict):
        return path
    if kind == "missing":
        around[path[-1]] = copy.deepcopy(shape.example_at(path))
    else:
        around.pop(path[-1], None)
    return path


def _value(data: object, path: KeyPath) -> object:
    for key in path:
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return None
    return data
