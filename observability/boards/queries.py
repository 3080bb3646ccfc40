"""Colors, thresholds and queries, as all kinds of panels use them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

GREEN: Final = "green"
YELLOW: Final = "#EAB839"
ORANGE: Final = "orange"
RED: Final = "red"
BLUE: Final = "blue"
PURPLE: Final = "purple"
GRAY: Final = "#8e8e8e"
MAGENTA: Final = "#e02fc0"
"""An unknown outcome, wherever it is shown."""
Steps = Sequence[tuple[float | None, str]]
"""(from this value on, color); the first value is None."""
NEUTRAL: Final[Steps] = ((None, BLUE),)


def gained(series: str) -> str:
    """By how much rare counters rose in the time range picked. What a new pod counted before its first
    scrape, which increase() can't see, is what a series began with that was not there before."""
    born = f"last_over_time({series}[$__range]) unless {series} offset $__range"
    return f"sum({born} or increase({series}[$__range]))"


@dataclass(frozen=True, slots=True)
class Query:
    """One query. `legend` is a name with {{label}}s; `has_exemplars`: marks link to traces."""

    expr: str
    legend: str
    has_exemplars: bool = False

    def target(
        self, index: int, *, is_instant: bool = False, form: PromQueryFormat = PromQueryFormat.TIME_SERIES
    ) -> prometheus.Dataquery:
        """As a panel asks it."""
        query = prometheus.Dataquery().ref_id(chr(ord("A") + index)).expr(self.expr)
        query = query.legend_format(self.legend).format(form).exemplar(self.has_exemplars)
        return query.instant() if is_instant else query.range()


def thresholds(steps: Steps) -> build.ThresholdsConfig:
    """Colors from given values on."""
    config = build.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE)
    return config.steps([Threshold(value=value, color=color) for value, color in steps])


def fixed(color: str) -> DynamicConfigValue:
    """One color for a series."""
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})


def as_limit() -> list[DynamicConfigValue]:
    """A series that is no value but a bound: dashes, nothing filled below."""
    dashes = {"fill": "dash", "dash": [10, 10]}
    return [DynamicConfigValue("custom.fillOpacity", 0), DynamicConfigValue("custom.lineStyle", dashes)]


def value_map(texts: Mapping[str, tuple[str, str]]) -> ValueMap:
    """Words and colors for values."""
    return ValueMap(
        {
            value: ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in enumerate(texts.items())
        }
    )
