"""What forbids a change now.

Owns: the reasons to refuse. Must not know: how anything is changed. Invariant: what cannot be
judged forbids; each reason names what would override it, if anything does.
"""

from __future__ import annotations

import configparser
from collections.abc import Sequence
from typing import NamedTuple

from tunelib import gateway
from tunelib.context import Context
from tunelib.errors import Unsupported
from tunelib.host import Host
from tunelib.planner import Assessment

WHILE_TRADING = "--while-trading"
MANAGEMENT = "--allow-mgmt-iface"
BESIDE_TUNED = "--beside-tuned"
TUNED_FOLDERS = ("/etc/tuned", "/etc/tuned/profiles", "/usr/lib/tuned", "/usr/lib/tuned/profiles")
# Entries that a section and option of a TuneD profile has its hand on; sysctls are compared by key.
TUNED_OWNS = {
    ("vm", "transparent_hugepages"): ("V1",),
    ("cpu", "governor"): ("C5",),
    ("cpu", "force_latency"): ("C4",),
    ("net", "coalesce"): ("N2",),
    ("net", "channels"): ("N3",),
    ("net", "features"): ("N7",),
    ("irqbalance", "banned_cpus"): ("I2",),
    ("scheduler", "isolated_cores"): ("C1", "I1"),
}


class Obstacle(NamedTuple):
    """A reason to refuse; `override` is the option that accepts it, empty if none does."""

    code: str
    what: str
    override: str


def obstacles(context: Context, steps: Sequence[Assessment]) -> list[Obstacle]:
    """What forbids these steps; each has a change."""
    if not steps:
        return []
    is_blip = [step.entry.id for step in steps if step.entry.disruption == "blip"]
    found = trading(context.host, bool(is_blip))
    if is_blip and context.nic is not None and context.nic.is_management:
        what = f"{', '.join(is_blip)} stops traffic on {context.nic.name} for a moment, and it"
        what += " carries the default route or this ssh session"
        found.append(Obstacle("management-interface", what, MANAGEMENT))
    plan = context.plan
    if 0 in plan.isolated or not plan.housekeeping - plan.isolated:
        found.append(Obstacle("no-housekeeping", "CPU 0 or every CPU would be isolated", ""))
    return found + _tuned(context, steps)


def trading(host: Host, is_disruptive: bool) -> list[Obstacle]:
    """Gateways that forbid a change.

    Args:
        is_disruptive: traffic would stop for a moment.
    """
    try:
        running = gateway.running(host)
    except Unsupported as error:
        what = f"nobody can tell whether orders rest: {error}"
        return [Obstacle("orders-unknown", what, WHILE_TRADING)]
    found = []
    for one in running:
        if one.open_orders:
            what = f"gateway {one.pid} has {one.open_orders} orders resting"
            found.append(Obstacle("orders-resting", what, WHILE_TRADING))
        elif is_disruptive:
            what = f"gateway {one.pid} is running, and traffic would stop for a moment"
            found.append(Obstacle("gateway-running", what, WHILE_TRADING))
    return found


# ---- TuneD ----------------------------------------------------------------------------------


def _tuned(context: Context, steps: Sequence[Assessment]) -> list[Obstacle]:
    host = context.host
    name = (host.read("/etc/tuned/active_profile") or "").strip()
    if not name or not host.has_command("systemctl"):
        return []
    if host.run(["systemctl", "is-active", "tuned"]).out.strip() != "active":
        return []
    ids: set[str] = set()
    keys: set[str] = set()
    has_bootloader = False
    for section, option in _tuned_options(context, name.split()):
        ids.update(TUNED_OWNS.get((section, option), ()))
        if section == "sysctl":
            keys.add(option)
        has_bootloader |= section == "bootloader" and option.startswith("cmdline")
    mine = [
        step.entry.id
        for step in steps
        if step.entry.id in ids
        or keys & set(step.change)
        or (has_bootloader and step.entry.kind == "cmdline")
    ]
    if not mine:
        return []
    what = f"TuneD's profile {name} sets the same as {', '.join(mine)}; tune plan --format tuned"
    what += " prints a profile for TuneD, tuned-adm off lets go"
    return [Obstacle("tuned", what, BESIDE_TUNED)]


def _tuned_options(context: Context, names: Sequence[str]) -> list[tuple[str, str]]:
    """(section, option) of profiles and of what they include."""
    found: list[tuple[str, str]] = []
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        for folder in TUNED_FOLDERS:
            text = context.host.read(f"{folder}/{name}/tuned.conf")
            if text is not None:
                parser.read_string(text)
                break
        for section in parser.sections():
            for option, value in parser.items(section):
                found.append((parser.get(section, "type", fallback=section), option))
                if (section, option) == ("main", "include") and value:
                    waiting += value.replace(",", " ").split()
    return found
