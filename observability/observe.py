"""`make observe`: a gateway, a simulated legacy API and a Prometheus, with steady mixed traffic.

Ctrl-C ends all of them. Everything it writes is in a temporary directory, which goes with it.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from observability.stage import Stage, stage
from observability.traffic import Target, Traffic

_BANNER: Final = """
Prometheus        {prometheus}/graph        alerts: {prometheus}/alerts
gateway           {gateway}/
metrics, probes   {admin}/metrics
simulated API     {upstream}/_ledger
API keys          {keys}

About {rate:g} requests a second go through both doors; a few of each kind go wrong, as they do in life.
Dashboards: import observability/dashboards/*.json into a Grafana whose data source is that Prometheus,
or see them drawn without one: make dashboards-preview.
Ctrl-C ends everything.
"""


def _tell(place: Stage, rate: float) -> None:
    text = _BANNER.format(
        prometheus=place.prometheus,
        gateway=place.gateway,
        admin=place.admin,
        upstream=place.upstream,
        keys=" ".join(place.keys),
        rate=rate,
    )
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=float, default=20, help="requests a second (20)")
    parser.add_argument("--seconds", type=float, help="end by itself after so long")
    parser.add_argument("--free-ports", action="store_true", help="not 8080, 9464 and 9090, but free ones")
    asked = parser.parse_args()
    ports = None if asked.free_ports else (8080, 9464, 9090)
    with (
        tempfile.TemporaryDirectory(prefix="gateway-observe-") as directory,
        stage(Path(directory), scrape_seconds=5, ports=ports) as place,
    ):
        _tell(place, asked.rate)
        traffic = Traffic(Target(place.gateway, place.keys), per_second=asked.rate)
        traffic.start()
        try:
            time.sleep(asked.seconds or 10**9)
        except KeyboardInterrupt:
            sys.stdout.write("\nending\n")
        finally:
            traffic.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
