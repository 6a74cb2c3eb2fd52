"""A plan as a shell script, a sysctl file, a profile of TuneD, or a file of GRUB.

Owns: the formats of other tools. Must not know: how the plan was made. Invariant: nothing is in a
file that the plan does not want; the script does what apply does and hides no failure.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from tunelib.audit import shown
from tunelib.context import Context
from tunelib.kinds import Target
from tunelib.kinds_more import GRUB_HEAD, GRUB_LINE, KINDS, format_cmdline
from tunelib.operations import Write
from tunelib.planner import Assessment

TUNED_PARENT = "network-latency"
# What that and its own parent set; the plan says which of them are wanted.
TUNED_INHERITED = (
    "net.core.busy_read",
    "net.core.busy_poll",
    "net.ipv4.tcp_fastopen",
    "kernel.numa_balancing",
    "vm.dirty_ratio",
    "vm.dirty_background_ratio",
    "vm.swappiness",
)

SCRIPT_HEAD = """\
#!/bin/sh
# What tune apply would do on this host; tune apply also keeps what it finds, so that it can be
# undone.
set -eu

# A file of a queue goes with its queue.
put() {
    if [ -e "$2" ]; then printf '%s\\n' "$1" > "$2"; fi
}

# Interrupts have names; their numbers change.
irq() {
    for actions in /sys/kernel/irq/*/actions; do
        if [ "$(cat "$actions")" = "$1" ]; then
            number=${actions%/actions}
            printf '%s\\n' "$2" > "/proc/irq/${number##*/}/smp_affinity_list"
        fi
    done
}
"""


def script(context: Context, steps: Sequence[Assessment]) -> str:
    """A script of shell."""
    text = SCRIPT_HEAD
    cmdline: dict[str, str] = {}
    for step in steps:
        if step.change and step.target is not None:
            found = shown({key: step.found[key] for key in step.change}, has_names=True)
            text += f"\n# {step.entry.id} {step.entry.title}\n# found: {found}\n"
            change = step.change
            if step.entry.kind == "cmdline":  # all of them are one file: it grows
                change = cmdline = {**cmdline, **step.change}
            text += "".join(f"{line}\n" for line in _lines(context, step.target, change))
    return text


def _lines(context: Context, target: Target, change: Mapping[str, str]) -> list[str]:
    if target.kind == "irq":
        name = context.the_nic().name if context.nic else ""
        return [
            f"irq {shlex.quote(key.replace('{if}', name).split('#')[0])} {shlex.quote(value)}"
            for key, value in change.items()
        ]
    lines = []
    for _, operations in KINDS[target.kind].groups(context.host, target, change):
        for operation in operations:
            if isinstance(operation, Write):
                lines.append(f"put {shlex.quote(operation.text)} {shlex.quote(operation.path)}")
            else:
                lines.append(operation.shell())
    return lines


def _of_kind(steps: Sequence[Assessment], kind: str) -> list[Assessment]:
    return [step for step in steps if step.entry.kind == kind and not step.reason]


def _wanted(steps: Sequence[Assessment], kind: str) -> dict[str, str]:
    return {key: value for step in _of_kind(steps, kind) for key, value in step.wanted.items()}


def sysctl_d(context: Context, steps: Sequence[Assessment]) -> str:
    """A file for /etc/sysctl.d."""
    text = f"# Profile {context.profile.name} of whitewire, for this host.\n"
    for step in _of_kind(steps, "sysctl"):
        text += f"\n# {step.entry.id} {step.entry.title}\n"
        cleared = set(step.entry.pairs.values())
        for key, value in step.wanted.items():
            text += "" if key in cleared else f"{key} = {value}\n"
    return text


def grub(context: Context, steps: Sequence[Assessment]) -> str:
    """A file for /etc/default/grub.d; a comment where the profile wants no parameter."""
    wanted = _wanted(steps, "cmdline")
    if not wanted:
        return f"{GRUB_HEAD}# Profile {context.profile.name} wants no parameter here.\n"
    return GRUB_HEAD + GRUB_LINE.format(format_cmdline(wanted))


def tuned(context: Context, steps: Sequence[Assessment]) -> str:
    """A profile of TuneD; what it cannot do is named in a comment."""
    sections: list[tuple[str, dict[str, str]]] = [
        ("main", {"summary": context.profile.summary, "include": TUNED_PARENT})
    ]
    pairs = {key for step in steps for key in step.entry.pairs.values()}
    sysctls = {key: text for key, text in _wanted(steps, "sysctl").items() if key not in pairs}
    drop = ", ".join(key for key in TUNED_INHERITED if key not in sysctls)
    sections.append(("sysctl", {"drop": drop, **sysctls}))
    net = {}
    coalesce = _wanted(steps, "coalesce")
    if coalesce:
        net["coalesce"] = " ".join(word for pair in coalesce.items() for word in pair)
    channels = _wanted(steps, "channels")
    if channels:
        net["channels"] = " ".join(word for pair in channels.items() for word in pair)
    if net and context.nic is not None:
        sections.append(("net", {"devices": context.nic.name, **net}))
    if _of_kind(steps, "file") and any(step.entry.id == "V1" for step in steps):
        sections.append(("vm", {"transparent_hugepages": "madvise"}))
    if any(step.entry.id == "I2" and not step.reason for step in steps):
        sections.append(("irqbalance", {"banned_cpus": context.fill("{isolated}")}))
    cmdline = _wanted(steps, "cmdline")
    if cmdline:
        sections.append(("bootloader", {"cmdline_whitewire": f"+{format_cmdline(cmdline)}"}))
    text = f"# Profile {context.profile.name} of whitewire, for this host.\n"
    for name, values in sections:
        if values:
            text += f"\n[{name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
    left = left_by_tuned(steps)
    return text + (f"\n# left to tune apply --only: {' '.join(left)}\n" if left else "")


def left_by_tuned(steps: Sequence[Assessment]) -> list[str]:
    """Ids of what TuneD cannot do."""
    done = {"sysctl", "coalesce", "channels", "cmdline"}
    return [
        step.entry.id
        for step in steps
        if not step.reason and step.entry.kind not in done and step.entry.id not in ("V1", "I2")
    ]


FORMATS = {"sh": script, "sysctl.d": sysctl_d, "tuned": tuned, "grub": grub}
