"""What the four dashboards share: variables, links, annotations, and rows of panels."""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from observability.boards.panels import Panel

SELECTOR: Final = 'job=~"$job",namespace=~"$namespace",instance=~"$instance"'
"""The matchers of every raw series; recorded series have no instance."""
RECORDED: Final = 'job=~"$job",namespace=~"$namespace"'

WIDTH: Final = 24
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
_TAG: Final = "gateway"
_ALL: Final = VariableOption(selected=True, text="All", value="$__all")


class Board:
    """A dashboard under construction. Every row fills the width of 24 columns."""

    def __init__(self, uid: str, title: str, description: str, *, with_tenant: bool = False) -> None:
        self._dashboard = (
            build.Dashboard(title)
            .uid(uid)
            .description(description)
            .tags([_TAG, "telephony"])
            .readonly()
            .time("now-3h", "now")
            .refresh("30s")
            .timezone("browser")
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .link(_links())
        )
        for variable in _variables(with_tenant=with_tenant):
            self._dashboard.with_variable(variable)
        for annotation in (_deployments(), _alerts()):
            self._dashboard.annotation(annotation)

    def row(self, title: str, height: int, *panels: tuple[int, Panel]) -> "Board":
        """A titled row, or (title empty) one more line of the last; `panels` are (width, panel)."""
        if sum(width for width, _ in panels) != WIDTH:
            raise ValueError(f"{title}: a row fills {WIDTH} columns")
        if title:
            self._dashboard.with_row(build.Row(title))
        for width, panel in panels:
            self._dashboard.with_panel(panel.datasource(SOURCE).span(width).height(height))
        return self

    def build(self) -> Dashboard:
        """The finished dashboard; panels are numbered in the order of reading."""
        dashboard = self._dashboard.build()
        for number, panel in enumerate(dashboard.panels or (), start=1):
            panel.id_val = number
        return dashboard


def _links() -> build.DashboardLink:
    return (
        build.DashboardLink("Gateway dashboards")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([_TAG])
        .include_vars(True)
        .keep_time(True)
        .as_dropdown(False)
    )


def _variables(*, with_tenant: bool) -> list[build.DatasourceVariable | build.QueryVariable]:
    source = build.DatasourceVariable("datasource").label("Data source").type("prometheus")
    known = "gateway_build_info"
    found: list[build.DatasourceVariable | build.QueryVariable] = [
        source,
        _labels("job", "Job", f"label_values({known}, job)"),
        _labels("namespace", "Namespace", f'label_values({known}{{job=~"$job"}}, namespace)'),
        _labels("instance", "Instance", f"label_values({known}{{{RECORDED}}}, instance)"),
    ]
    if with_tenant:
        query = f"label_values(gateway_tenant_calls_total{{{SELECTOR}}}, tenant)"
        found.append(_labels("tenant", "Tenant", query))
    return found


def _labels(name: str, label: str, query: str) -> build.QueryVariable:
    """A choice of label values. `All` is `.*`, which also takes series without the label."""
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": query, "refId": name})
        .definition(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(_ALL)
    )


def _deployments() -> build.AnnotationQuery:
    """A mark where a version shows up that was not there a minute before."""
    series = f"group by (namespace, job, version) (gateway_build_info{{{SELECTOR}}}"
    return _annotation(
        "Deployments",
        "blue",
        f"{series}) unless {series} offset 1m)",
        title="Version {{version}} of {{job}}",
    )


def _alerts() -> build.AnnotationQuery:
    expr = f'ALERTS{{alertname=~"Gateway.*",alertstate="firing",{RECORDED}}}'
    return _annotation("Alerts", "red", expr, title="{{alertname}} ({{severity}})")


def _annotation(name: str, color: str, expr: str, *, title: str) -> build.AnnotationQuery:
    return (
        build.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(True)
        .icon_color(color)
        .expr(expr)
        .step("60s")
        .title_format(title)
        .target(prometheus.Dataquery().ref_id("Anno").expr(expr))
    )
