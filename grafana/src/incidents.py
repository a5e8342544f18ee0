"""The Incidents board: what is broken for many customers, since when, and who was told.

Every worker knows all open alerts, so their gauges are taken as the maximum over
workers and never as a sum.
"""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from grafana.src.board import (
    Column,
    Level,
    Query,
    board,
    graph,
    increase,
    number,
    of,
    rate,
    rows,
    variable,
)

TENANT = 'tenant=~"$tenant"'
SORT = "tenant, kind, scope, class"
OPEN = f"max by (kind, scope) ({of('mailflag_alerts_open')})"
CUSTOMERS = f"max by ({SORT}) ({of('mailflag_alert_customers', TENANT)})"
OPENED = f"max by ({SORT}) ({of('mailflag_alert_opened_timestamp_seconds', TENANT)})"
ANNOUNCED = "mailflag_alerts_announced_total"
REQUESTS = "mailflag_alertmanager_requests_total"


def build() -> Dashboard:
    """Make the board."""
    made = board(
        "mailflag / Incidents",
        "mailflag-incidents",
        "Many customers of one tenant, or of many, newly fail for one cause: what is"
        " open, how large, and whether on-call was told.",
    ).with_variable(
        variable(
            "tenant", 'label_values(mailflag_alert_customers{job=~"$job"}, tenant)'
        )
        # A platform-wide alert has no tenant, and must not be hidden by "All".
        .all_value(".*")
    )
    for part in (_now, _over_time, _telling):
        made = part(made)
    return made


def _now(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Now"))
        .with_panel(
            number(
                "Open incidents",
                "Alerts that are open, of all kinds.",
                "short",
                f"sum({OPEN})",
                levels=(Level("green"), Level("red", 1)),
            )
        )
        .with_panel(
            number(
                "Platform-wide",
                "Open alerts over many tenants: something of ours, or a provider.",
                "short",
                f"""sum(max by (kind, scope) ({
                    of("mailflag_alerts_open", 'kind="platform-spike"')
                }))""",
                levels=(Level("green"), Level("red", 1)),
            )
        )
        .with_panel(
            number(
                "Customers that newly fail",
                "Over the ten greatest open alerts.",
                "short",
                f"sum({CUSTOMERS}) or vector(0)",
            )
        )
        .with_panel(
            number(
                "Longest open",
                "How long the oldest of the ten greatest alerts has been open.",
                "s",
                f"(time() - min({OPENED})) or vector(0)",
            )
        )
        .with_panel(
            number(
                "Opened",
                "Alerts opened in the time shown.",
                "short",
                f"""sum({increase(ANNOUNCED, 'event="alert-opened"')})""",
                decimals=0,
            )
        )
        .with_panel(
            number(
                "Alertmanager",
                "Share of requests to Alertmanagers that were taken; nothing while"
                " nothing is sent.",
                "percentunit",
                f"""sum({rate(REQUESTS, 'result="delivered"')})"""
                f" / (sum({rate(REQUESTS)}) > 0)",
                levels=(Level("red"), Level("green", 0.99)),
            )
        )
        .with_panel(
            rows(
                "The greatest open incidents",
                "What is broken, for whom, since when. The alert itself, on"
                " mail.alerts.v1 and in Alertmanager, has samples, where to check and"
                " what to do.",
                (Query(CUSTOMERS), Query(f"{OPENED} * 1000")),
                (
                    Column("tenant", "tenant"),
                    Column("class", "cause"),
                    Column("scope", "scope"),
                    Column("kind", "kind"),
                    Column("Value #A", "customers failing"),
                    Column("Value #B", "opened", "dateTimeFromNow"),
                ),
            )
        )
    )


def _over_time(made: Dashboard) -> Dashboard:
    changes = "mailflag_flag_changes_total"
    return (
        made.with_row(Row("Over time"))
        .with_panel(
            graph(
                "Open alerts, by kind and scope",
                "spike: one tenant. platform-spike: many tenants. response-mismatch: a"
                " server whose answers are untrue.",
                "short",
                Query(OPEN, "{{kind}}, {{scope}}"),
            )
        )
        .with_panel(
            graph(
                "Customers that newly fail, by tenant",
                "Of the ten greatest open alerts; a line ends when the alert does.",
                "short",
                Query(CUSTOMERS, "{{tenant}} {{class}}"),
            )
        )
        .with_panel(
            graph(
                "Alerts opened, updated and resolved",
                "What was announced on mail.alerts.v1. Opened without resolved for"
                " long: incidents that nobody mends.",
                "cps",
                Query(f"sum by (event) ({rate(ANNOUNCED)})", "{{event}}"),
            )
        )
        .with_panel(
            graph(
                "New flags that are not the recipients' fault",
                "What an incident looks like from below: the flags that it sets.",
                "cps",
                Query(
                    "sum by (side) ("
                    + rate(changes, 'change="flag-set"', 'side!="recipient"')
                    + ")",
                    "{{side}}",
                ),
                stacked=True,
            )
        )
    )


def _telling(made: Dashboard) -> Dashboard:
    lag = of("mailflag_lag_records", 'stage="spikes"')
    delay = of("mailflag_delay_seconds", 'stage="spikes"')
    return (
        made.with_row(Row("Was it seen, was it told"))
        .with_panel(
            graph(
                "Requests to Alertmanagers, by result",
                "delivered is taken; refused is our mistake; unavailable is tried again"
                " within a minute.",
                "cps",
                Query(
                    f"sum by (replica, result) ({rate(REQUESTS)})",
                    "{{replica}}: {{result}}",
                ),
            )
        )
        .with_panel(
            graph(
                "Delay of the detector",
                "How late the detector has seen the newest activity, while more of it"
                " waits. Incidents are seen that late.",
                "s",
                Query(f"max({delay} and {lag} > 0 or {lag} * 0)", "delay"),
            )
        )
    )
