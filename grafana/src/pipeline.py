"""The Pipeline board: is it alive, is it behind, is it losing or rejecting anything."""

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
)

PROCESSED = "mailflag_records_processed_total"
REJECTED = "mailflag_records_rejected_total"
LAG = of("mailflag_lag_records")
DELAY = f"({of('mailflag_delay_seconds')} and {LAG} > 0 or {LAG} * 0)"


def build() -> Dashboard:
    """Make the board."""
    made = board(
        "mailflag / Pipeline",
        "mailflag-pipeline",
        "Whether the workers are alive, keep up, and lose or reject nothing.",
    )
    for part in (_now, _flow, _transactions, _input, _workers):
        made = part(made)
    return made


def _now(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Now"))
        .with_panel(
            number(
                "Workers ready",
                "Workers that serve their partitions.",
                "short",
                f"sum({of('mailflag_worker_ready')})",
                levels=(Level("red"), Level("green", 1)),
            )
        )
        .with_panel(
            number(
                "Workers not ready",
                "Workers that run and wait: starting, recovering, or without Kafka.",
                "short",
                f"count({of('mailflag_worker_ready')} == 0) or vector(0)",
                levels=(Level("green"), Level("orange", 1)),
            )
        )
        .with_panel(
            number(
                "Delay",
                "How far the slowest partition is behind: flags are that late.",
                "s",
                f"max{DELAY}",
                levels=(Level("green"), Level("orange", 10), Level("red", 60)),
            )
        )
        .with_panel(
            number(
                "Records that wait",
                "Over all stages and partitions.",
                "short",
                f"sum({LAG})",
                levels=(Level("green"), Level("orange", 1_000), Level("red", 10_000)),
            )
        )
        .with_panel(
            number(
                "Rejected",
                "Records that went to a dead-letter topic in the time shown.",
                "short",
                f"sum({increase(REJECTED)})",
                levels=(Level("green"), Level("orange", 1)),
                decimals=0,
            )
        )
        .with_panel(
            number(
                "Fuse",
                "The nearest fuse; at 100 % it stops the worker.",
                "percentunit",
                f"max({of('mailflag_fuse_charge_ratio')})",
                levels=(Level("green"), Level("orange", 0.2), Level("red", 0.5)),
            )
        )
    )


def _flow(made: Dashboard) -> Dashboard:
    where = "{{stage}} < {{topic}}"
    batch = rate("mailflag_batch_records_bucket")
    delay = rate("mailflag_batch_delay_seconds_bucket")
    return (
        made.with_row(Row("Flow"))
        .with_panel(
            graph(
                "Records processed",
                "What each stage reads. Processing again after a failure counts again.",
                "cps",
                Query(f"sum by (stage, topic) ({rate(PROCESSED)})", where),
            )
        )
        .with_panel(
            graph(
                "Messages written",
                "What each stage writes: committed, or acknowledged where it forwards.",
                "cps",
                Query(
                    "sum by (stage, topic) ("
                    + rate("mailflag_messages_written_total")
                    + ")",
                    "{{stage}} > {{topic}}",
                ),
            )
        )
        .with_panel(
            graph(
                "Delay, by stage",
                "How late the last record of the slowest partition was processed, while"
                " more wait.",
                "s",
                Query(f"max by (stage, topic) {DELAY}", where),
            )
        )
        .with_panel(
            graph(
                "Records that wait, by stage",
                "Lag behind the end of the topics; it must come back to nearly 0.",
                "short",
                Query(f"sum by (stage, topic) ({LAG})", where),
            )
        )
        .with_panel(
            graph(
                "From the log to the stage",
                "Time from a record's arrival in its topic to its processing.",
                "s",
                Query(
                    f"histogram_quantile(0.5, sum by (stage, le) ({delay}))",
                    "{{stage}}, half",
                ),
                Query(
                    f"histogram_quantile(0.99, sum by (stage, le) ({delay}))",
                    "{{stage}}, 99 %",
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Bytes processed",
                "Size of the values that each stage reads.",
                "Bps",
                Query(
                    f"sum by (stage) ({rate('mailflag_processed_bytes_total')})",
                    "{{stage}}",
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Records in a batch",
                "Small when there is little to do, large under load.",
                "short",
                Query(
                    f"histogram_quantile(0.5, sum by (stage, le) ({batch}))",
                    "{{stage}}, half",
                ),
                Query(
                    f"histogram_quantile(0.99, sum by (stage, le) ({batch}))",
                    "{{stage}}, 99 %",
                ),
                span=8,
            )
        )
    )


def _transactions(made: Dashboard) -> Dashboard:
    seconds = rate("mailflag_transaction_seconds_bucket")
    forward = rate("mailflag_forward_seconds_bucket")
    writes = rate("mailflag_transaction_writes_bucket")
    return (
        made.with_row(Row("Transactions"))
        .with_panel(
            graph(
                "Duration of transactions",
                "From begin to committed. Usual: 20 to 100 ms.",
                "s",
                Query(
                    f"histogram_quantile(0.5, sum by (stage, le) ({seconds}))",
                    "{{stage}}, half",
                ),
                Query(
                    f"histogram_quantile(0.99, sum by (stage, le) ({seconds}))",
                    "{{stage}}, 99 %",
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Duration of forwarding",
                "From handed over to acknowledged, for stages without state.",
                "s",
                Query(
                    f"histogram_quantile(0.5, sum by (stage, le) ({forward}))",
                    "{{stage}}, half",
                ),
                Query(
                    f"histogram_quantile(0.99, sum by (stage, le) ({forward}))",
                    "{{stage}}, 99 %",
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Writes in a transaction",
                "Table changes and messages committed together.",
                "short",
                Query(
                    f"histogram_quantile(0.99, sum by (stage, le) ({writes}))",
                    "{{stage}}, 99 %",
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Transactions committed",
                "A few a second and partition under load, fewer when it is quiet.",
                "cps",
                Query(
                    f"sum by (stage) ({rate('mailflag_transaction_seconds_count')})",
                    "{{stage}}",
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Transactions given up",
                "fenced at a rebalance is normal. Nothing is lost, but each costs a"
                " recovery.",
                "cps",
                Query(
                    "sum by (stage, reason) ("
                    + rate("mailflag_transactions_aborted_total")
                    + ")",
                    "{{stage}}: {{reason}}",
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Writes that wait",
                "Waiting for their transaction; at its limit a worker reads no more.",
                "short",
                Query(
                    f"sum by (instance) ({of('mailflag_pending_writes')})",
                    "{{instance}}",
                ),
                span=8,
            )
        )
    )


def _input(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Input that cannot be used"))
        .with_panel(
            graph(
                "Rejected records",
                "Gone to a dead-letter topic; mailflag dlq show has them.",
                "cps",
                Query(
                    f"sum by (topic, reason) ({rate(REJECTED)}) > 0 or"
                    f" sum by (topic) ({rate(REJECTED)})",
                    "{{topic}} {{reason}}",
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Fuses",
                "The nearest partition of each input; 100 % stops the worker.",
                "percentunit",
                Query(
                    f"max by (topic) ({of('mailflag_fuse_charge_ratio')})", "{{topic}}"
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Events from the future",
                "Dated back to their arrival: a producer's clock is wrong.",
                "cps",
                Query(
                    f"sum by (topic) ({rate('mailflag_clock_skewed_events_total')})",
                    "{{topic}}",
                ),
                span=8,
            )
        )
    )


def _workers(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Workers"))
        .with_panel(
            rows(
                "Every worker",
                "Version, readiness, age and what it serves.",
                (
                    Query(f"max by (instance) ({of('mailflag_worker_ready')})"),
                    Query(f"sum by (instance) ({of('mailflag_lanes')})"),
                    Query(
                        "time() - max by (instance) ("
                        + of("process_start_time_seconds")
                        + ")"
                    ),
                    Query(f"max by (instance, version) ({of('mailflag_build_info')})"),
                ),
                (
                    Column("instance", "worker"),
                    Column("version", "version"),
                    Column("Value #A", "ready", "bool_yes_no"),
                    Column("Value #B", "partitions"),
                    Column("Value #C", "running for", "s"),
                ),
            )
        )
        .with_panel(
            graph(
                "CPU",
                "A worker uses one core at most: at 1 it is at its limit.",
                "short",
                Query(
                    f"sum by (instance) ({rate('process_cpu_seconds_total')})",
                    "{{instance}}",
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Memory",
                "Resident; it grows with the addresses that the worker serves.",
                "bytes",
                Query(
                    f"max by (instance) ({of('process_resident_memory_bytes')})",
                    "{{instance}}",
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Keys in tables",
                "Addresses and tenants that are remembered.",
                "short",
                Query(f"sum by (stage) ({of('mailflag_table_keys')})", "{{stage}}"),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Partitions served",
                "Their sum must be the number of partitions, whoever serves them.",
                "short",
                Query(
                    f"sum by (instance) ({of('mailflag_lanes')})",
                    "{{instance}}",
                ),
                span=8,
                stacked=True,
            )
        )
        .with_panel(
            graph(
                "Recovery",
                "Records of changelogs still to be read before partitions are served.",
                "short",
                Query(
                    f"sum by (stage) ({of('mailflag_recovery_left_records')})",
                    "{{stage}}",
                ),
                span=8,
            )
        )
        .with_panel(
            graph(
                "Conditions that are not met",
                "What workers that are not ready wait for.",
                "short",
                Query(
                    f"count by (condition) ({of('mailflag_worker_condition')} == 0) or"
                    f" count by (condition) ({of('mailflag_worker_condition')}) * 0",
                    "{{condition}}",
                ),
                span=8,
            )
        )
    )
