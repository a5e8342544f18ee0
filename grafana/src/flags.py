"""The Flags board: who cannot be reached, why, and is it getting worse."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from grafana.src.board import (
    Level,
    Query,
    board,
    graph,
    increase,
    number,
    of,
    rate,
)

CHANGES = "mailflag_flag_changes_total"
FAILURES = "mailflag_failures_classified_total"
SET = 'change="flag-set"'
CLEARED = 'change="flag-cleared"'


def build() -> Dashboard:
    """Make the board."""
    made = board(
        "mailflag / Flags",
        "mailflag-flags",
        "Addresses that cannot be reached, by whose fault it is; what sets and clears"
        " their flags.",
    )
    for part in (_now, _over_time, _evidence):
        made = part(made)
    return made


def _now(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Now"))
        .with_panel(
            number(
                "Flags standing",
                "Addresses whose newest decided mail was not delivered.",
                "short",
                f"sum({of('mailflag_flags_standing')})",
            )
        )
        .with_panel(
            number(
                "Not to be written to",
                "Flags that recommend to stop: the address itself is bad.",
                "short",
                f"""sum({
                    of("mailflag_flags_standing", 'suppress_recommended="true"')
                })""",
            )
        )
        .with_panel(
            number(
                "Sender's own set-up",
                "Flags for which a tenant's mail set-up is at fault, not the address.",
                "short",
                f"""sum({of("mailflag_flags_standing", 'side="sender_config"')})""",
                levels=(Level("text"), Level("orange", 100), Level("red", 1000)),
            )
        )
        .with_panel(
            number(
                "Set",
                "Flags set in the time shown.",
                "short",
                f"sum({increase(CHANGES, SET)})",
                decimals=0,
            )
        )
        .with_panel(
            number(
                "Cleared",
                "Flags cleared in the time shown.",
                "short",
                f"sum({increase(CHANGES, CLEARED)})",
                decimals=0,
            )
        )
        .with_panel(
            number(
                "Contradicted answers",
                "Failures reported by servers that delivered the mail all the same, in"
                " the time shown.",
                "short",
                f"sum({increase('mailflag_response_mismatches_total')})",
                decimals=0,
            )
        )
    )


def _over_time(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Over time"))
        .with_panel(
            graph(
                "Flags standing, by side",
                "Whose fault it is that these addresses cannot be reached. A jump of"
                " one side is an incident; a slow rise of recipient is an ageing list.",
                "short",
                Query(f"sum by (side) ({of('mailflag_flags_standing')})", "{{side}}"),
                stacked=True,
            )
        )
        .with_panel(
            graph(
                "Flags set and cleared",
                "Both together: a hill of the first without one of the second is"
                " trouble that lasts.",
                "cps",
                Query(f"sum({rate(CHANGES, SET)})", "set"),
                Query(f"sum({rate(CHANGES, CLEARED)})", "cleared"),
            )
        )
        .with_panel(
            graph(
                "Flags set, by side",
                "New flags per second, by whose fault the failure is.",
                "cps",
                Query(f"sum by (side) ({rate(CHANGES, SET)})", "{{side}}"),
                stacked=True,
            )
        )
        .with_panel(
            graph(
                "Flags set, by class",
                "The ten most frequent kinds of failure behind new flags.",
                "cps",
                Query(f"topk(10, sum by (class) ({rate(CHANGES, SET)}))", "{{class}}"),
            )
        )
        .with_panel(
            graph(
                "Flags cleared, by cause",
                "accepted and delivered are the normal end. Many response_mismatch: a"
                " server's answers cannot be trusted. operator: done by hand.",
                "cps",
                Query(
                    f"sum by (cause) ({rate('mailflag_flag_clears_total')})",
                    "{{cause}}",
                ),
                stacked=True,
            )
        )
        .with_panel(
            graph(
                "How sure the classifier is",
                "Share of failures classified with little confidence, and of those of"
                " which no rule knows the kind. When they rise, add rules.",
                "percentunit",
                Query(
                    f"""sum({rate(FAILURES, 'confidence="low"')})"""
                    f" / (sum({rate(FAILURES)}) > 0)",
                    "little confidence",
                ),
                Query(
                    f"""sum({rate(FAILURES, 'class="unknown"')})"""
                    f" / (sum({rate(FAILURES)}) > 0)",
                    "unknown",
                ),
            )
        )
    )


def _evidence(made: Dashboard) -> Dashboard:
    evidence = "mailflag_evidence_total"
    attempt = 'kind="attempt"'
    accepted = 'said="accepted"'
    return (
        made.with_row(Row("Evidence"))
        .with_panel(
            graph(
                "Attempts, by outcome",
                "What the mail platform reports of its SMTP sessions.",
                "cps",
                Query(f"sum by (said) ({rate(evidence, attempt)})", "{{said}}"),
                stacked=True,
            )
        )
        .with_panel(
            graph(
                "Share of attempts accepted",
                "It falls when something breaks for many; a single tenant hardly moves"
                " it.",
                "percentunit",
                Query(
                    f"sum({rate(evidence, attempt, accepted)})"
                    f" / (sum({rate(evidence, attempt)}) > 0)",
                    "accepted",
                ),
                floor=None,
            )
        )
        .with_panel(
            graph(
                "Reports, by action",
                "Recipients' blocks in delivery status notifications.",
                "cps",
                Query(
                    f"""sum by (said) ({rate(evidence, 'kind="report"')})""", "{{said}}"
                ),
                stacked=True,
            )
        )
        .with_panel(
            graph(
                "Evidence that comes late or contradicts",
                "late: about a mail older than all that are remembered, so it changes"
                " nothing. contradicted: a failure although the mail was delivered.",
                "cps",
                Query(f"sum({rate('mailflag_late_evidence_ignored_total')})", "late"),
                Query(
                    f"sum({rate('mailflag_response_mismatches_total')})", "contradicted"
                ),
            )
        )
    )
