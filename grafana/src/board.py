"""What all dashboards share: variables, links, and panels in one style.

Every panel has a title, a description and a unit; every query selects by the
variables `job` and `instance`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE = DataSourceRef(type_val="prometheus", uid="$datasource")
SELECTED = 'job=~"$job", instance=~"$instance"'
TAG = "mailflag"
ALL = ".+"

Panel = stat.Panel | table.Panel | timeseries.Panel


class Query(NamedTuple):
    """One question to Prometheus; `legend` names what it answers."""

    expr: str
    legend: str = ""


class Level(NamedTuple):
    """From which value on a number has a colour."""

    colour: str
    above: float | None = None


CALM = (Level("text"),)


def of(metric: str, *matchers: str) -> str:
    """Answer the selector of a metric in the workers that are selected."""
    return f"{metric}{{{', '.join((SELECTED, *matchers))}}}"


def rate(metric: str, *matchers: str) -> str:
    """Answer the rate of a counter."""
    return f"rate({of(metric, *matchers)}[$__rate_interval])"


def increase(metric: str, *matchers: str) -> str:
    """Answer by how much a counter has grown in the time that is shown."""
    return f"increase({of(metric, *matchers)}[$__range])"


def board(title: str, uid: str, description: str) -> dashboard.Dashboard:
    """Begin a dashboard with the variables that all of them have."""
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG, "generated"])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .timezone("browser")
        .time("now-6h", "now")
        .refresh("30s")
        .with_variable(
            dashboard.DatasourceVariable("datasource")
            .label("Data source")
            .type("prometheus")
        )
        .with_variable(variable("job", "label_values(mailflag_build_info, job)"))
        .with_variable(variable("instance", 'label_values(up{job=~"$job"}, instance)'))
        .link(
            dashboard.DashboardLink("mailflag")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .keep_time(keep_time=True)
            .include_vars(include_vars=True)
        )
    )


def variable(name: str, query: str) -> dashboard.QueryVariable:
    """Make a variable of which several values, or all, can be chosen."""
    return (
        dashboard.QueryVariable(name)
        .label(name.title())
        .query(query)
        .datasource(DATASOURCE)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(ALL)
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def number(  # noqa: PLR0913 - what a panel is
    title: str,
    description: str,
    unit: str,
    expr: str,
    *,
    span: int = 4,
    levels: Sequence[Level] = CALM,
    decimals: int | None = None,
) -> stat.Panel:
    """Make a panel of one big number."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .span(span)
        .height(4)
        .thresholds(_thresholds(levels))
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_target(Query(expr, title), "A"))
    )
    return panel if decimals is None else panel.decimals(decimals)


def graph(  # noqa: PLR0913 - what a panel is
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    span: int = 12,
    stacked: bool = False,
    floor: float | None = 0,
) -> timeseries.Panel:
    """Make a panel of lines over time, or of areas that add up."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .span(span)
        .height(8)
        .draw_style(GraphDrawStyle.LINE)
        .line_width(1)
        .show_points(VisibilityMode.NEVER)
        .fill_opacity(40 if stacked else 8)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(show_legend=True)
            .calcs(["lastNotNull", "max"])
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(TooltipDisplayMode.MULTI)
            .sort(SortOrder.DESCENDING)
        )
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    if floor is not None:
        panel = panel.min(floor)
    for number_, query in enumerate(queries):
        panel = panel.with_target(_target(query, chr(ord("A") + number_)))
    return panel


class Column(NamedTuple):
    """A column of a table: the field, how it is called, and its unit."""

    field: str
    name: str
    unit: str | None = None


def rows(
    title: str,
    description: str,
    queries: Sequence[Query],
    columns: Sequence[Column],
    *,
    span: int = 24,
) -> table.Panel:
    """Make a table: one row a label set, one column a query or label."""
    names = {column.field: column.name for column in columns}
    places = {column.field: place for place, column in enumerate(columns)}
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit("short")
        .span(span)
        .height(8)
        .with_transformation(DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            DataTransformerConfig(
                id_val="filterFieldsByName",
                options={"include": {"names": list(names)}},
            )
        )
        .with_transformation(
            DataTransformerConfig(
                id_val="organize",
                options={"renameByName": names, "indexByName": places},
            )
        )
    )
    for column in columns:
        if column.unit is not None:
            unit = DynamicConfigValue(id_val="unit", value=column.unit)
            panel = panel.override_by_name(column.name, [unit])
    for number_, query in enumerate(queries):
        asked = _target(query, chr(ord("A") + number_)).instant()
        panel = panel.with_target(asked.format(PromQueryFormat.TABLE))
    return panel


def _target(query: Query, ref: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().datasource(DATASOURCE).expr(query.expr).ref_id(ref)
    return target.legend_format(query.legend) if query.legend else target


def _thresholds(levels: Sequence[Level]) -> dashboard.ThresholdsConfig:
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=level.above, color=level.colour) for level in levels])
    )
