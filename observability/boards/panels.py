"""The kinds of panels the dashboards are made of; each has a title, a description, a unit, queries."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as shared
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    FieldColorModeId,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from observability.boards.queries import (
    GREEN,
    NEUTRAL,
    RED,
    Query,
    Steps,
    as_limit,
    fixed,
    thresholds,
    value_map,
)

Panel: TypeAlias = (
    timeseries.Panel | stat.Panel | bargauge.Panel | heatmap.Panel | statetimeline.Panel | table.Panel
)


_SMALLEST_TOPS: Final = {"reqps": 0.1, "cps": 0.1, "short": 1.0, "s": 0.01}
"""Unit -> where an axis ends at least. All zeros would get an axis up to 100 and look like a lot."""


def _plain(title: str, description: str, unit: str) -> timeseries.Panel:
    """Thin lines, a legend as a table, a crosshair that names them all."""
    return (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .min(0)
        .line_width(1)
        .show_points(shared.VisibilityMode.NEVER)
        .fill_opacity(8)
        .color_scheme(build.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(shared.LegendDisplayMode.TABLE)
            .placement(shared.LegendPlacement.BOTTOM)
            .calcs(["lastNotNull", "max"])
            # What is largest must be in sight: the legend shows three or four rows at a time.
            .sort_by("Max")
            .sort_desc(True)
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(shared.TooltipDisplayMode.MULTI)
            .sort(shared.SortOrder.DESCENDING)
            .hide_zeros(True)
        )
    )


def lines(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    colors: Mapping[str, str] | None = None,
    is_stacked: bool = False,
    limit: float | None = None,
    limits: Sequence[str] = (),
    no_value: str = "no data",
    maximum: float | None = None,
) -> timeseries.Panel:
    """Lines over time. `colors` by the series' name; `limit` is drawn as a dashed red line, and series
    named in `limits` as dashes of their own color."""
    panel = _plain(title, description, unit).no_value(no_value)
    if is_stacked:
        panel = panel.fill_opacity(60).stacking(
            common.StackingConfig().mode(shared.StackingMode.NORMAL).group("A")
        )
    if maximum is not None:
        panel = panel.max(maximum)
    elif unit in _SMALLEST_TOPS:
        panel = panel.axis_soft_max(_SMALLEST_TOPS[unit])
    if limit is not None:
        panel = panel.thresholds(thresholds([(None, GREEN), (limit, RED)]))
        style = common.GraphThresholdsStyleConfig().mode(shared.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds_style(style)
    for name, color in (colors or {}).items():
        panel = panel.override_by_name(name, [fixed(color)])
    for name in limits:
        panel = panel.override_by_name(name, as_limit())
    return panel.targets([query.target(index) for index, query in enumerate(queries)])


def number(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    steps: Steps = NEUTRAL,
    decimals: int | None = None,
    no_value: str = "no data",
    texts: Mapping[str, tuple[str, str]] | None = None,
    is_instant: bool = False,
) -> stat.Panel:
    """One big figure, colored by `steps`; `texts` maps a value to (text, color)."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .no_value(no_value)
        .thresholds(thresholds(steps))
        .color_mode(
            shared.BigValueColorMode.BACKGROUND_SOLID if len(steps) > 1 else shared.BigValueColorMode.NONE
        )
        .graph_mode(shared.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .text_mode(
            shared.BigValueTextMode.VALUE if len(queries) == 1 else shared.BigValueTextMode.VALUE_AND_NAME
        )
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    if texts:
        panel = panel.mappings([value_map(texts)])
    return panel.targets([query.target(index, is_instant=is_instant) for index, query in enumerate(queries)])


def bars(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    steps: Steps = NEUTRAL,
    minimum: float = 0,
    maximum: float | None = None,
    no_value: str = "none",
    decimals: int | None = None,
) -> bargauge.Panel:
    """A bar for each series, as things stand now."""
    panel = (
        bargauge.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .min(minimum)
        .no_value(no_value)
        .thresholds(thresholds(steps))
        .display_mode(shared.BarGaugeDisplayMode.BASIC)
        .orientation(shared.VizOrientation.HORIZONTAL)
        .value_mode(shared.BarGaugeValueMode.TEXT)
        .show_unfilled(True)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    if maximum is not None:
        panel = panel.max(maximum)
    if decimals is not None:
        panel = panel.decimals(decimals)
    return panel.targets([query.target(index, is_instant=True) for index, query in enumerate(queries)])


def heat(title: str, description: str, histogram: str) -> heatmap.Panel:
    """Durations of a histogram over time; `histogram` is the increase of its buckets by `le`."""
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .unit("s")
        .calculate(False)
        .y_axis(heatmap.YAxisConfig().unit("s"))
        .cell_gap(1)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(HeatmapColorMode.SCHEME)
            .scheme("Oranges")
            .scale(HeatmapColorScale.EXPONENTIAL)
            .exponent(0.5)
            .steps(64)
        )
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .show_legend()
        .targets([Query(histogram, "{{le}}", has_exemplars=True).target(0, form=PromQueryFormat.HEATMAP)])
    )


def timeline(
    title: str, description: str, *queries: Query, texts: Mapping[str, tuple[str, str]]
) -> statetimeline.Panel:
    """A band for each series; `texts` maps a value to (text, color)."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .unit("short")
        .color_scheme(build.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(thresholds(NEUTRAL))
        .mappings([value_map(texts)])
        .show_value(shared.VisibilityMode.AUTO)
        .row_height(0.8)
        .legend(common.VizLegendOptions().show_legend(False))
        .targets([query.target(index) for index, query in enumerate(queries)])
    )


def listing(title: str, description: str, unit: str, query: Query, *, hidden: Sequence[str]) -> table.Panel:
    """The labels of an instant vector as rows; `hidden` columns are left out."""
    exclude = dict.fromkeys(("Time", "__name__", *hidden), True)
    return (
        table.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .with_transformation(DataTransformerConfig(id_val="organize", options={"excludeByName": exclude}))
        .targets([query.target(0, is_instant=True, form=PromQueryFormat.TABLE)])
    )
