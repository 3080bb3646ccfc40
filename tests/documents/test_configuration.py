"""The chapter's configuration is the whole of it, with the true defaults."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from gateway.settings.load import load
from gateway.settings.model import Settings
from tests.documents.blocks import DOCUMENTS
from tests.documents.running import write_whole

[SHOWN] = [block.text for block in DOCUMENTS["docs/operating.md"].blocks if "paused: false" in block.text]
REQUIRED = {"upstream.base_url", "upstream.credentials", "store.url", "tenants", "tenants.acme.credentials"}


def _keys(model: BaseModel, shown: Any, path: str = "") -> Iterator[tuple[str, object, object]]:
    """(path, what is shown, the default) of every key of a model and of those below it."""
    for name, field in type(model).model_fields.items():
        value, here = getattr(model, name), f"{path}{name}"
        assert name in shown, here
        if isinstance(value, BaseModel):
            yield from _keys(value, shown[name], f"{here}.")
        elif here == "tenants":
            yield from _keys(value["acme"], shown[name]["acme"], "tenants.acme.")
        elif here not in REQUIRED:
            yield here, value, field.get_default(call_default_factory=True)


def test_every_key_is_shown_at_its_default(tmp_path: Path) -> None:
    """No key of the settings is missing, and what is shown is what holds where the key is left out."""
    settings: Settings = load(write_whole(SHOWN, tmp_path))
    rows = list(_keys(settings, yaml.safe_load(SHOWN)))
    assert len(rows) > 50
    assert [(path, shown) for path, shown, _ in rows] == [(path, default) for path, _, default in rows]


def test_every_required_key_is_told() -> None:
    """The keys that have no default are named as required."""
    text = DOCUMENTS["docs/operating.md"].text
    for key in REQUIRED - {"tenants", "tenants.acme.credentials"}:
        assert f"`{key}`" in text
