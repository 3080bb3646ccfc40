"""Each overlay, rendered once."""

import pytest

from tests.manifests.rendered import OVERLAYS, Overlay, rendered


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> Overlay:
    """One overlay after the other."""
    return rendered(request.param)


@pytest.fixture
def shared() -> Overlay:
    """The overlay of many replicas."""
    return rendered("shared-store")


@pytest.fixture
def embedded() -> Overlay:
    """The overlay of one replica."""
    return rendered("embedded-store")
