"""The same facts for people, programs and other tools.

Owns: every format but those of other tools. Must not know: the host. Invariant: what is printed as
JSON has the names of the fields; text is for reading and may change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from tunelib import cpulist
from tunelib.apply import Done
from tunelib.audit import FAIL, PASS, SKIP, STATES, Row, value_of
from tunelib.context import Context
from tunelib.interlocks import Obstacle
from tunelib.planner import Assessment

DISRUPTIONS = {"none": "", "blip": "  [traffic stops]", "reboot": "  [at the next reboot]"}
WIDTHS = {"setting": 46, "found": 26, "wanted": 20}


def as_json(document: Any) -> str:
    """Indented, non-ASCII letters as they are."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def table(titles: Sequence[str], lines: Iterable[Sequence[str]], widths: Sequence[int]) -> str:
    """Columns as wide as their widest text, at most as given; the last one is free."""
    rows = [titles, *lines]
    cut = [[_cut(text, width) for text, width in zip(row, (*widths, 10_000))] for row in rows]
    wide = [max(len(text) for text in column) for column in zip(*cut)]
    return "".join(
        "  ".join(text.ljust(width) for text, width in zip(row, wide)).rstrip() + "\n"
        for row in cut
    )


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


# ---- where ----------------------------------------------------------------------------------


def headline(context: Context) -> str:
    """The host and its plan in two lines."""
    host, nic, plan = context.topology, context.nic, context.plan
    words = [host.instance or "no EC2 instance", f"kernel {host.release}", host.machine]
    words.append(f"{nic.name} ({nic.driver} {nic.version}".rstrip() + ")" if nic else "no card")
    roles = [f"layout {plan.layout}", f"housekeeping {cpulist.format_list(plan.housekeeping)}"]
    if plan.hot is not None:
        roles += [f"card {plan.nic}", f"hot thread {plan.hot}"]
        roles += [f"strategy {plan.strategy}"] if plan.strategy is not None else []
        roles += [f"idle {cpulist.format_list(plan.idle)}"] if plan.idle else []
    roles.append(f"receive {plan.receive}")
    return f"{', '.join(words)}\nprofile {context.profile.name}: {', '.join(roles)}\n"


def topology(context: Context) -> str:
    """CPUs with their roles, cards, notes."""
    host, plan = context.topology, context.plan
    text = headline(context) + "\n"
    lines = []
    for core in host.cores:
        for cpu in core.cpus:
            siblings = cpulist.format_list(host.siblings(cpu)) or "–"
            lines.append((str(cpu), siblings, str(core.node), ", ".join(roles(context, cpu))))
    text += table(("CPU", "SIBLING", "NODE", "ROLE"), lines, (4, 12, 5))
    if host.nics:
        cards = [
            (nic.name, nic.driver, nic.pci, str(nic.queues), "management" * nic.is_management)
            for nic in host.nics
        ]
        text += "\n" + table(("CARD", "DRIVER", "PCI", "QUEUES", ""), cards, (16, 16, 14, 7))
    return text + "".join(f"\n{note}\n" for note in plan.notes)


def roles(context: Context, cpu: int) -> list[str]:
    """What a CPU is for."""
    plan = context.plan
    found = [
        name
        for name, cpus in (
            ("hot thread", {plan.hot}),
            ("strategy", {plan.strategy}),
            ("card", {plan.nic} if plan.hot is not None else set()),
            ("idle", plan.idle),
            ("housekeeping", plan.housekeeping),
        )
        if cpu in cpus
    ]
    return found or ["free"]


def topology_json(context: Context) -> dict[str, Any]:
    """Everything that `topology` shows."""
    host, plan, nic = context.topology, context.plan, context.nic
    return {
        "kernel": host.release,
        "machine": host.machine,
        "instance": host.instance,
        "container": host.container,
        "cores": [{"cpus": list(core.cpus), "node": core.node} for core in host.cores],
        "cards": [
            dict(one._asdict() if hasattr(one, "_asdict") else vars(one)) for one in host.nics
        ],
        "interface": nic.name if nic else None,
        "plan": {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in vars(plan).items()
        },
    }


# ---- check ----------------------------------------------------------------------------------


def check(context: Context, rows: Sequence[Row], is_full: bool) -> str:
    """One screen: what is not as it should be; the rest as a list of ids."""
    shown_rows = [row for row in rows if is_full or row.state not in (PASS, SKIP)]
    ordered = shown_rows if is_full else sorted(shown_rows, key=lambda r: STATES.index(r.state))
    lines = [(row.id, row.setting, row.found, row.wanted, row.state, row.note) for row in ordered]
    titles = ("ID", "SETTING", "FOUND", "WANTED", "STATE", "NOTE")
    text = headline(context) + "\n"
    if lines:
        text += table(titles, lines, (4, *WIDTHS.values(), 7)) + "\n"
    for state in () if is_full else (PASS, SKIP):
        ids = [row.id for row in rows if row.state == state]
        text += f"{state} {len(ids)}: {', '.join(ids)}\n" if ids else ""
    counts = ", ".join(f"{sum(row.state == state for row in rows)} {state}" for state in STATES)
    return f"{text}{counts}" + ("\n" if is_full else "; --all shows every row\n")


def check_json(context: Context, rows: Sequence[Row]) -> dict[str, Any]:
    """Rows with their fields."""
    return {
        "profile": context.profile.name,
        "ready": not any(row.state == FAIL for row in rows),
        "rows": [row._asdict() for row in rows],
    }


def prom(rows: Sequence[Row], now_s: int) -> str:
    """For the textfile collector of the node exporter."""
    lines = [
        "# HELP whitewire_tune_entry State of each entry of the tuning catalogue.",
        "# TYPE whitewire_tune_entry gauge",
    ]
    for row in rows:
        labels = f'id="{row.id}",tier="{row.tier}",state="{row.state}"'
        lines.append(f"whitewire_tune_entry{{{labels}}} 1")
    lines.append("# HELP whitewire_tune_entries Number of entries in each state.")
    lines.append("# TYPE whitewire_tune_entries gauge")
    for state in STATES:
        count = sum(row.state == state for row in rows)
        lines.append(f'whitewire_tune_entries{{state="{state}"}} {count}')
    lines.append("# HELP whitewire_tune_checked_seconds When the host was checked, Unix time.")
    lines.append("# TYPE whitewire_tune_checked_seconds gauge")
    lines.append(f"whitewire_tune_checked_seconds {now_s}")
    return "\n".join(lines) + "\n"


# ---- plan, apply ----------------------------------------------------------------------------


def plan(context: Context, steps: Sequence[Assessment], refusals: Sequence[Obstacle]) -> str:
    """The changes in order, what is skipped and why, what would forbid them."""
    text = headline(context) + "\n"
    changes = [step for step in steps if step.change]
    for number, step in enumerate(changes, 1):
        disruption = DISRUPTIONS[step.entry.disruption]
        text += (
            f"{number:>2}  {step.entry.id:<3} {step.entry.tier}  {step.entry.title}{disruption}\n"
        )
        text += "".join(f"            {line}\n" for line in _changes(context, step))
    text += "" if changes else "nothing to do\n"
    skipped = [step for step in steps if step.reason]
    if skipped:
        text += "\nskipped here\n"
        text += "".join(f"  {step.entry.id:<4}{step.reason}\n" for step in skipped)
    return text + obstacles(refusals)


def _changes(context: Context, step: Assessment) -> list[str]:
    """Keys with the same change on one line."""
    name = context.nic.name if context.nic else ""
    together: dict[tuple[str, str], list[str]] = {}
    for key, value in step.change.items():
        change = (value_of(step.found[key]), value_of(value))
        together.setdefault(change, []).append(key.replace("{if}", name))
    return [f"{' '.join(keys)}: {now} -> {then}" for (now, then), keys in together.items()]


def obstacles(refusals: Sequence[Obstacle]) -> str:
    """Why apply would refuse."""
    if not refusals:
        return ""
    lines = [
        f"  {one.what} ({one.override})\n" if one.override else f"  {one.what}\n"
        for one in refusals
    ]
    return "\napply refuses\n" + "".join(lines)


def plan_json(
    context: Context, steps: Sequence[Assessment], refusals: Sequence[Obstacle]
) -> dict[str, Any]:
    """Steps, skipped entries and obstacles."""
    return {
        "profile": context.profile.name,
        "steps": [
            {
                "id": step.entry.id,
                "tier": step.entry.tier,
                "title": step.entry.title,
                "disruption": step.entry.disruption,
                "from": {key: step.found[key] for key in step.change},
                "to": step.change,
            }
            for step in steps
            if step.change
        ],
        "skipped": {step.entry.id: step.reason for step in steps if step.reason},
        "obstacles": [one._asdict() for one in refusals],
    }


def done(rows: Sequence[Done]) -> str:
    """What happened; entries that were as wanted or skipped are counted only."""
    quiet = ("already", "skip")
    # what goes with the card's queues is restored under the same id
    lines = [tuple(one) for one in dict.fromkeys(rows) if one.what not in quiet]
    text = table(("ID", "WHAT", "NOTE"), lines, (4, 9)) if lines else ""
    for what in quiet:
        ids = [one.id for one in rows if one.what == what]
        text += f"{what}: {', '.join(ids)}\n" if ids else ""
    return text or "nothing to do\n"
