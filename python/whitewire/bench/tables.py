"""A run on the terminal: one table, and the verdict.

Owns: columns and rows. Must not know: how figures came about. Invariant: the table shows what the
data holds, no more.
"""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from whitewire.bench.verdict import duration

__all__ = ["tables"]


HEADS = ("first\np50", "middle\np50", "last\np50", "last\np99", "ack to\nevent", "not\nacked")


def tables(data: dict[str, Any]) -> RenderableType:
    """Everything that a person wants to see at once."""
    run = data["run"]
    title = f"acknowledgements, {run['rounds']} rounds, from when the burst was due"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("legs", justify="right")
    table.add_column("transport", no_wrap=True)
    for head in HEADS:
        table.add_column(head, justify="right", no_wrap=True)
    previous = None
    for cell in data["cells"]:
        if previous not in (None, cell["legs"]):
            table.add_section()
        table.add_row(*_row(cell, cell["legs"] != previous))
        previous = cell["legs"]
    lines = [Text(f"\n{sentence}") for sentence in data["verdicts"]]
    return Group(table, *lines, Text(f"\n{end_sentence(data['orders'])}"))


def _row(cell: dict[str, Any], is_first: bool) -> list[str]:
    figures = [
        _figure(cell[name], share)
        for name, share in (
            ("first_us", "p50"),
            ("median_us", "p50"),
            ("last_us", "p50"),
            ("last_us", "p99"),
            ("event_us", "p50"),
        )
    ]
    lost = sum(cell["refused"].values()) + cell["unknown"] + cell["unanswered"]
    legs = str(cell["legs"]) if is_first else ""
    return [legs, cell["transport"], *figures, str(lost)]


def _figure(quantiles: dict[str, float] | None, share: str) -> str:
    return "-" if quantiles is None else duration(quantiles[share])


def end_sentence(orders: dict[str, Any]) -> str:
    """Whether everything that was placed is gone."""
    resting, placed = orders["resting_at_end"], orders["placed"]
    if resting or not orders["clean_stop"]:
        listed = "was not asked" if resting is None else f"still listed {resting}"
        verified = "verified" if orders["clean_stop"] else "could NOT verify"
        return (
            f"NOT CLEAN: of {placed} orders placed the venue {listed} at the end; the stop "
            f"{verified} that none rests now. Then run: whitewire cancel-all --config FILE"
        )
    if not orders["whole_schedule"]:
        return f"Stopped early; {placed} orders placed, and the stop verified that none rests."
    text = f"{placed} orders placed; the venue's list of open orders, asked at the end, has none."
    if orders["skipped_bursts"]:
        text += f" {orders['skipped_bursts']} bursts were skipped: the market was not quotable."
    return text
