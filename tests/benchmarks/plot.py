"""CPU a request as an SVG: a dot at each median and a line from the least to the most, on a log scale."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from tests.benchmarks.figures import Spread

_WIDTH: Final = 860
_LEFT: Final = 230
_RIGHT: Final = 90
_ROW: Final = 20
_COLOURS: Final = {"ours": "#0b6e4f", "obvious": "#8a8d91"}
_PEER: Final = "#b45309"
_STYLE: Final = "text{font:12px system-ui,sans-serif;fill:#24292f}.h{font-weight:600}.q{fill:#57606a}"


def _colour(name: str) -> str:
    return _COLOURS.get(name.split("-", 1)[0], _PEER)


def _ticks(least: float, most: float) -> list[float]:
    marks = [m * 10**e for e in range(1, 6) for m in (1, 2, 5)]
    inside = [mark for mark in marks if least <= mark <= most]
    return inside or [least]


def svg(title: str, groups: Mapping[str, Sequence[tuple[str, Spread]]]) -> str:
    """The plot: a group of rows under each heading, cheapest first."""
    every = [one for rows in groups.values() for _, one in rows]
    low, high = min(s.least for s in every) * 0.9, max(s.most for s in every) * 1.1
    scale = (_WIDTH - _LEFT - _RIGHT) / math.log(high / low)

    def x(value: float) -> float:
        return _LEFT + math.log(value / low) * scale

    drawn, y = [f'<text class="h" x="12" y="22">{escape(title)}</text>'], 34
    top = y
    for heading, rows in groups.items():
        y += _ROW + 6
        drawn.append(f'<text class="h" x="12" y="{y}">{escape(heading)}</text>')
        for name, one in sorted(rows, key=lambda row: row[1].median):
            y += _ROW
            colour, at = _colour(name), y - 4
            drawn += [
                f'<text x="{_LEFT - 10}" y="{y}" text-anchor="end">{escape(name)}</text>',
                f'<path d="M{x(one.least):.1f} {at}H{x(one.most):.1f}" stroke="{colour}" stroke-width="3"/>',
                f'<circle cx="{x(one.median):.1f}" cy="{at}" r="5" fill="{colour}"/>',
                f'<text x="{x(one.most) + 10:.1f}" y="{y}">{one.median:.0f}</text>',
            ]
    grid = []
    for mark in _ticks(low, high):
        grid.append(f'<path d="M{x(mark):.1f} {top}V{y + 8}" stroke="#d8dee4"/>')
        grid.append(f'<text class="q" x="{x(mark):.1f}" y="{y + 24}" text-anchor="middle">{mark:g}</text>')
    caption = f'<text class="q" x="{_LEFT}" y="{y + 44}">microseconds of CPU a request, log scale</text>'
    height = y + 58
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" role="img"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>\n'
        + "\n".join([*grid, *drawn, caption])
        + "\n</svg>\n"
    )
