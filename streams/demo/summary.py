"""What the demo says at its end: counts, and one example of each promise.

Pure. The four examples are the rows of the table in the README: many flags at
once, a flag although the mail arrived, a flag that was a passing problem, and a
flag that stays.
"""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

from streams.core.failure import Side
from streams.demo.story import Document, Story, peer, told, words

_WIDTH = 88
_LABEL = 14


class Example(NamedTuple):
    """One row of the promise, as it was seen."""

    name: str
    """Key in the JSON summary."""
    title: str
    seen: str
    """What happened to whom, in one sentence."""
    flag: Document
    """The flag that shows it, as subscribers got it."""
    where_to_check: str
    what_to_do: str
    answered: str
    """What mailflag did about it."""

    def lines(self) -> Iterator[tuple[str, str]]:
        """Answer what is shown, each with its label."""
        yield "seen", self.seen
        yield "server said", f"{words(self.flag)} ({peer(self.flag)})"
        yield "cause", f"{self.flag['summary']} ({self.flag['side']})"
        yield "where to check", self.where_to_check
        yield "what to do", self.what_to_do
        yield "mailflag", self.answered


PROMISES = {
    "sender_set_up": "Many flags over many customers: the tenant's own set-up",
    "response_mismatch": "A flag, but the mail was delivered: a server says what is"
    " not so",
    "passing": "A flag on one customer: a passing problem",
    "persistent": "A flag that persists over several mails: an ongoing problem",
}
"""What a run must have shown."""


def examples(story: Story) -> list[Example]:
    """Answer an example of each promise that the day has shown."""
    found = (_set_up(story), _mismatch(story), _passing(story), _persistent(story))
    return [example for example in found if example is not None]


def missing(shown: Sequence[Example]) -> list[str]:
    """Answer the promises that the day has not shown."""
    names = {example.name for example in shown}
    return [title for name, title in PROMISES.items() if name not in names]


def _set_up(story: Story) -> Example | None:
    found = story.widest(Side.SENDER_CONFIG)
    if found is None:
        return None
    group, flags = found
    flag = flags[len(flags) // 2]
    times = sorted(flag["last_failure_at"] for flag in flags)
    advised = sum(bool(flag["suppress_recommended"]) for flag in flags)
    still = sum(
        flag["tenant_id"] == group.tenant_id and flag["class"] == group.failure_class
        for flag in story.flags.values()
    )
    return Example(
        "sender_set_up",
        PROMISES["sender_set_up"],
        f"{len(flags):,} customers of {group.tenant_id} failed for one cause from"
        f" {_time(times[0])} to {_time(times[-1])}.",
        flag,
        *_advice(flag),
        f"advises for {advised or 'none'} of them to stop writing; the next deliveries"
        f" cleared all but {still:,}.",
    )


def _mismatch(story: Story) -> Example | None:
    changes = story.contradictions()
    if not changes:
        return None
    change = changes[0]
    flag = change["flag"]
    blamed = change.get("blamed") or peer(flag)
    customers = {
        c["flag"]["address"] for c in changes if (c.get("blamed") or blamed) == blamed
    }
    return Example(
        "response_mismatch",
        PROMISES["response_mismatch"],
        f"{flag['address']} of {flag['tenant_id']} was refused at"
        f" {_time(flag['last_failure_at'])}; a report proved the delivery.",
        flag,
        f"The log of {blamed} about this message: what it answered, and what it did.",
        "Ask those who run it why it refuses what it hands on. Nobody is unreachable.",
        f"cleared the flag by response_mismatch, and names {blamed}, which did so to"
        f" {len(customers)} customers.",
    )


def _passing(story: Story) -> Example | None:
    change = story.recovery()
    if change is None:
        return None
    flag = change["flag"]
    return Example(
        "passing",
        PROMISES["passing"],
        f"{flag['address']} of {flag['tenant_id']} failed at"
        f" {_time(flag['last_failure_at'])}.",
        flag,
        *_advice(flag),
        f"cleared the flag by itself when the next mail was {change['cleared_by']}.",
    )


def _persistent(story: Story) -> Example | None:
    flag = story.persistence()
    if flag is None:
        return None
    return Example(
        "persistent",
        PROMISES["persistent"],
        f"{flag['consecutive_failures']} messages in a row to {flag['address']} of"
        f" {flag['tenant_id']} failed since {flag['first_failure_at'][:10]}.",
        flag,
        *_advice(flag),
        "calls the flag persistent, and advises to stop writing to the address.",
    )


def _advice(flag: Document) -> tuple[str, str]:
    return flag["where_to_check"], flag["what_to_do"]


class Run(NamedTuple):
    """How the day was played."""

    seed: int
    events: int
    seconds: float
    per_second: float
    where: str
    """Which Kafka."""


def document(story: Story, run: Run) -> dict[str, Any]:
    """Answer the summary for a program."""
    return {
        "seed": run.seed,
        "kafka": run.where,
        "events": run.events,
        "seconds": round(run.seconds, 1),
        "events_per_second": round(run.per_second),
        "flags": {
            "set": story.changes["flag-set"],
            "cleared": story.changes["flag-cleared"],
            "updated": story.changes["flag-updated"],
            "standing": sum(story.standing.values()),
            "suppress_recommended": story.suppressed,
        },
        "standing_by_side": dict(story.standing),
        "cleared_by": dict(story.cleared_by),
        "rejected": dict(story.rejected),
        "alerts": list(story.told_alerts()),
        "examples": {
            each.name: {
                "seen": each.seen,
                "server_said": words(each.flag),
                "where_to_check": each.where_to_check,
                "what_to_do": each.what_to_do,
                "mailflag": each.answered,
                "flag": each.flag,
            }
            for each in examples(story)
        },
    }


def text(story: Story, run: Run) -> str:
    """Answer the summary for a person."""
    changes, standing = story.changes, story.standing
    count = sum(standing.values())
    lines = [
        (
            f"Yesterday's mail of a dozen tenants: {run.events:,} events (seed"
            f" {run.seed}), played in {run.seconds:.0f} s on {run.where}."
        ),
        "",
        *_entry("flags set", f"{changes['flag-set']:,}"),
        *_entry(
            "flags cleared", _with_parts(changes["flag-cleared"], story.cleared_by)
        ),
        *_entry("flags updated", f"{changes['flag-updated']:,}"),
        *_entry("flags standing", _with_parts(count, standing)),
        *_entry("", f"{story.suppressed:,} of them advise to stop writing"),
        *_entry("rejected", _with_parts(sum(story.rejected.values()), story.rejected)),
    ]
    for alert in story.told_alerts():
        lines += _entry("alert", _alert(alert))
    for example in examples(story):
        lines += ["", example.title]
        for label, said in example.lines():
            lines += _entry(label, said)
    lines += ["", *wrap(TIMES, _WIDTH)]
    return "\n".join(lines) + "\n"


TIMES = (
    "The events carry yesterday's times, and the worker of the demo goes by them, not"
    " by the wall clock: what has to wait for ten minutes waits for ten minutes of that"
    " day."
)


def _alert(alert: Document) -> str:
    resolved = alert.get("resolved_at")
    until = f"resolved {_time(resolved)}" if resolved else "still open"
    return f"{told(alert)} Opened {_time(alert['opened_at'])}, {until}."


def _with_parts(total: int, parts: dict[str, int]) -> str:
    ordered = sorted(parts.items(), key=lambda part: -part[1])
    named = ", ".join(f"{name} {count:,}" for name, count in ordered if count)
    return f"{total:,} ({named})" if named else f"{total:,}"


def _entry(label: str, said: str) -> list[str]:
    first, *rest = wrap(said, _WIDTH - _LABEL - 4) or [""]
    indent = " " * (_LABEL + 4)
    return [f"  {label:{_LABEL}}  {first}", *(indent + line for line in rest)]


def _time(moment: str) -> str:
    """Answer the time of the day of an RFC 3339 moment."""
    return f"{moment[11:16]} UTC"
