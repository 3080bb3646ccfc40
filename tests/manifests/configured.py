"""An overlay's configuration as its pod would see it."""

from pathlib import Path
from typing import Final

from gateway.settings.load import examine
from gateway.settings.model import Settings
from tests.manifests.rendered import Overlay, secret

SECRETS: Final = "/run/secrets/"
DATA: Final = "/var/lib/gateway"


def laid_out(overlay: Overlay, root: Path) -> Path:
    """The configuration in a directory, with the Secrets' files where the pod would have them.

    Only the paths' beginnings are rewritten. Gives the configuration's path.
    """
    for volume in overlay.pod["volumes"]:
        if "secret" not in volume:
            continue
        files = secret(volume["secret"]["secretName"])
        items = volume["secret"].get("items") or [{"key": key, "path": key} for key in files]
        mount = Path(mount_of(overlay, volume["name"])).relative_to(SECRETS)
        (root / mount).mkdir(parents=True)
        for item in items:
            file = root / mount / item["path"]
            file.touch(mode=0o600)
            file.write_text(files[item["key"]])
    (root / "data").mkdir()
    text = overlay.configuration.replace(SECRETS, f"{root}/").replace(DATA, f"{root}/data")
    path = root / "gateway.yaml"
    path.write_text(text)
    return path


def mount_of(overlay: Overlay, volume: str) -> str:
    """Where the gateway's container has a volume."""
    [mount] = [one for one in overlay.container["volumeMounts"] if one["name"] == volume]
    return str(mount["mountPath"])


def settings_of(overlay: Overlay, root: Path) -> Settings:
    """The overlay's configuration, loaded."""
    settings, findings = examine(laid_out(overlay, root))
    assert not findings
    assert settings is not None
    return settings
