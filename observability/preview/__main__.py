"""`make dashboards-preview`: the four dashboards as PNG files, drawn over a gateway at work.

The gateway is given a short life with an upstream that goes wrong for a while, so that there is
something to see; or `--prometheus URL` draws what another one holds.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from observability.preview.bundle import HOME, bundle
from observability.preview.live import DASHBOARDS, Window, board
from observability.stage import stage
from observability.traffic import Target, Traffic

_CELL_PIXELS: Final = 38
_WIDTH_PIXELS: Final = 1704
_SCRAPE_SECONDS: Final = 2
_STORY: Final = ((0.35, None), (0.15, "0592"), (0.15, None), (0.1, "0401"), (0.25, None))
"""Shares of the time, and what the legacy API does in each: never answers, then rejects credentials."""


def _draw(prometheus: str, window: Window, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gateway-preview-") as name:
        script = Path(name) / "draw.js"
        bundle(script)
        page = (HOME / "page.html").read_text(encoding="utf-8")
        for path in sorted(DASHBOARDS.glob("*.json")):
            data = board(path, prometheus, window)
            file = Path(name) / f"{path.stem}.html"
            text = json.dumps(data).replace("<", "\\u003c")
            scripts = f'<script>window.BOARD = {text}</script><script src="draw.js"></script>'
            file.write_text(page + scripts, encoding="utf-8")
            rows = max(p["panel"]["gridPos"]["y"] + p["panel"]["gridPos"]["h"] for p in data["panels"])
            _shoot(file, out / f"{path.stem}.png", rows * _CELL_PIXELS + 60)
            sys.stdout.write(f"{out / path.stem}.png\n")


def _shoot(page: Path, picture: Path, height: int) -> None:
    # Its own profile: a browser that somebody uses must not be asked instead.
    command = [
        *(shutil.which("chromium") or "chromium", "--headless=new", "--no-sandbox", "--hide-scrollbars"),
        *(f"--window-size={_WIDTH_PIXELS},{height}", f"--user-data-dir={page.parent / 'profile'}"),
        *("--virtual-time-budget=4000", f"--screenshot={picture}", page.as_uri()),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 - our own


def _live(seconds: int, out: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="gateway-preview-stage-") as directory,
        stage(Path(directory), scrape_seconds=_SCRAPE_SECONDS) as place,
    ):
        start = time.time()
        traffic = Traffic(Target(place.gateway, place.keys), per_second=30)
        traffic.start()
        for share, trouble in _STORY:
            traffic.trouble = trouble
            time.sleep(seconds * share)
        traffic.stop()
        window = Window(start, time.time(), _SCRAPE_SECONDS, 4 * _SCRAPE_SECONDS)
        _draw(place.prometheus, window, out)


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=HOME / "out", help="a directory for the pictures")
    parser.add_argument("--seconds", type=int, default=120, help="how long the gateway works (120)")
    parser.add_argument("--prometheus", metavar="URL", help="draw the last hour of this one instead")
    asked = parser.parse_args()
    if shutil.which("chromium") is None:
        raise SystemExit("preview: Chromium is needed: apt-get install chromium")
    if asked.prometheus is None:
        _live(asked.seconds, asked.out)
    else:
        now = time.time()
        _draw(asked.prometheus, Window(now - 3600, now, 15, 60), asked.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
