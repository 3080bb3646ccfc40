"""The engine and the image, made once and kept from run to run."""

import pytest

from tests.deploy.engine import Engine, engine
from tests.deploy.images import build_image


@pytest.fixture(scope="session")
def containers() -> Engine:
    """podman and buildah."""
    return engine()


@pytest.fixture(scope="session")
def image(containers: Engine) -> str:
    """The gateway's image on a base without a shell."""
    return build_image(containers)
