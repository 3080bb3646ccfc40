"""The overlays as a cluster would get them, and what is asked of them."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import yaml

from tests.manifests.tools import ROOT, kubectl

K8S: Final = ROOT / "k8s"
EXAMPLES: Final = K8S / "examples"

OverlayName = Literal["embedded-store", "shared-store"]
OVERLAYS: Final[tuple[OverlayName, ...]] = ("embedded-store", "shared-store")


@dataclass(frozen=True)
class Overlay:
    """One rendered overlay."""

    name: OverlayName
    text: str
    objects: tuple[dict[str, Any], ...]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Every object of a kind, by name."""
        return {one["metadata"]["name"]: one for one in self.objects if one["kind"] == kind}

    @property
    def pod(self) -> dict[str, Any]:
        """The gateway's pod."""
        spec: dict[str, Any] = self.of("Deployment")["gateway"]["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> dict[str, Any]:
        """The gateway's container."""
        [container] = self.pod["containers"]
        return dict(container)

    @property
    def configuration(self) -> str:
        """The text of the gateway's configuration."""
        return str(self.of("ConfigMap")["gateway-config"]["data"]["gateway.yaml"])

    def workloads(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and pod of everything that runs."""
        for kind in ("Deployment", "StatefulSet"):
            for name, one in self.of(kind).items():
                yield name, one["spec"]["template"]


@functools.cache
def rendered(name: OverlayName) -> Overlay:
    """`kubectl kustomize` of one overlay."""
    text = kubectl("kustomize", K8S / "overlays" / name)
    return Overlay(name, text, tuple(yaml.safe_load_all(text)))


def examples(file: str) -> tuple[dict[str, Any], ...]:
    """The objects of one of the examples."""
    return tuple(yaml.safe_load_all((EXAMPLES / file).read_text()))


def secret(name: str) -> dict[str, str]:
    """The files of one Secret of the example."""
    [found] = [one for one in examples("secret.yaml") if one["metadata"]["name"] == name]
    return dict(found["stringData"])
