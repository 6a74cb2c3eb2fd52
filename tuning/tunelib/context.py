"""What the braces of the catalogue stand for on this host, and which conditions it meets.

Owns: variables and conditions by name. Must not know: what entries do with them. Invariant: a
name without a value here gives a reason, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tunelib import cpulist, ethtool, layout, topology
from tunelib.catalogue import VARIABLE, Catalogue, Entry
from tunelib.errors import Unsupported
from tunelib.host import Host
from tunelib.layout import CpuPlan
from tunelib.profile import Profile
from tunelib.topology import Nic, Topology

# Per CPU, `{isolated_cpu}` in a key stands for one key each.
EACH_ISOLATED = "{isolated_cpu}"


@dataclass
class Context:
    """One host, one profile, and what follows from both.

    Attributes:
        nic: the trading interface, None where there is none.
        venue: address of the venue for flow steering, empty if not told.
    """

    host: Host
    profile: Profile
    topology: Topology
    nic: Nic | None
    plan: CpuPlan
    venue: str = ""
    _steers: bool | None = None

    @classmethod
    def of(
        cls, host: Host, profile: Profile, interface: str | None = None, venue: str = ""
    ) -> Context:
        """Looks at the host.

        Raises:
            Unsupported: there is no such interface.
        """
        seen = topology.read(host)
        nic = topology.choose_nic(seen, interface)
        node = nic.node if nic else -1
        plan = layout.plan(seen, profile.receive, profile.irq, node)
        if "C6" in profile.entries and plan.layout == "B" and len(seen.cpus) > 3:
            # the sibling goes first, and nobody is sent to a CPU that is about to go
            seen = seen.without(plan.idle)
            plan = layout.plan(seen, profile.receive, profile.irq, node)
        return cls(host, profile, seen, nic, plan, venue)

    # ---- variables --------------------------------------------------------------------------

    def fill(self, text: str) -> str:
        """The text with its braces filled in; `{if}` stays, because names of cards change.

        Raises:
            Unsupported: a variable has no value here.
        """
        return VARIABLE.sub(lambda match: self._variable(match[1]), text)

    def _variable(self, name: str) -> str:
        if name == "if":
            return "{if}"
        if name not in VARIABLES:
            raise Unsupported(f"the catalogue names {{{name}}}, which is no variable")
        return VARIABLES[name](self)

    def the_nic(self) -> Nic:
        """The trading interface.

        Raises:
            Unsupported: there is none.
        """
        if self.nic is None:
            raise Unsupported("no network card with a device behind it")
        return self.nic

    def steers_flows(self) -> bool:
        """Whether the card can send a flow to a queue of our choice.

        Raises:
            Unsupported: the card does not tell.
        """
        if self._steers is None:
            self._steers = ethtool.can_steer(self.host, self.the_nic().name)
        return self._steers

    def has_partition(self, catalogue: Catalogue) -> bool:
        """Whether the profile makes the isolated CPUs a partition here (C1)."""
        if "C1" not in self.profile.entries:
            return False
        try:
            self.demand(catalogue["C1"])
        except Unsupported:
            return False
        return True

    # ---- conditions -------------------------------------------------------------------------

    def demand(self, entry: Entry) -> None:
        """Checks what an entry requires.

        Raises:
            Unsupported: the first condition that is not met, in words.
        """
        if self.topology.container and entry.changes:
            raise Unsupported(f"inside {self.topology.container}: tune the host, not the container")
        for condition in entry.requires:
            self._demand(condition)

    def _demand(self, condition: str) -> None:
        match = re.fullmatch(r"([a-z0-9-]+)(?:(>=|<|>|=)(.+))?", condition)
        name, sign, value = match.groups() if match else (condition, None, "")
        if name not in CONDITIONS:
            raise Unsupported(f"the catalogue requires {condition!r}, which is no condition")
        CONDITIONS[name](self, sign or "", value or "")


# ---- variables ------------------------------------------------------------------------------


def _isolated(context: Context) -> frozenset[int]:
    if not context.plan.isolated:
        raise Unsupported("; ".join(context.plan.notes))
    return context.plan.isolated


def _hot_sibling(context: Context) -> str:
    """The one CPU that the plan does without: about to go offline, or offline."""
    present = (context.host.read(f"{topology.CPU_FOLDER}/present") or "").strip()
    gone = cpulist.parse_list(present) - context.topology.cpus
    if context.plan.layout != "B" or len(gone) != 1:
        raise Unsupported("the hot CPU has no sibling, or fewer than three CPUs would be left")
    return str(min(gone))


def _queues(context: Context) -> str:
    limit = ethtool.channel_limit(context.host, context.the_nic().name)
    wanted = 2 if context.venue and context.steers_flows() else 1
    return str(min(wanted, limit))


def _venue(context: Context) -> str:
    if not context.venue:
        raise Unsupported("the venue's address is not told: --venue ADDRESS")
    return context.venue


def _c1_us(context: Context) -> str:
    """What it takes to leave C1 on the slowest hot CPU."""
    found = []
    for cpu in sorted(_isolated(context)):
        for path in context.host.glob(f"/sys/devices/system/cpu/cpu{cpu}/cpuidle/state*/name"):
            if (context.host.read(path) or "").strip().split("_")[0] == "C1":
                found.append(int(context.host.read(path.replace("/name", "/latency")) or "0"))
    if not found:
        raise Unsupported("no state C1 is shown by this host")
    return str(max([1, *found]))  # 0 would mean that any latency is allowed


def _chrony(context: Context) -> str:
    for folder in ("/etc/chrony/conf.d", "/etc/chrony.d"):
        if context.host.is_folder(folder):
            return folder
    raise Unsupported("chrony has no folder for additional files here")


def _chrony_unit(context: Context) -> str:
    return "chrony" if context.host.exists("/etc/chrony/chrony.conf") else "chronyd"


VARIABLES: Mapping[str, Callable[[Context], str]] = {
    "nic": lambda context: str(context.plan.nic),
    "driver": lambda context: context.the_nic().driver,
    "housekeeping": lambda context: cpulist.format_list(context.plan.housekeeping),
    "shared": lambda context: cpulist.format_list(context.plan.shared(context.topology)),
    "shared_mask": lambda context: cpulist.format_mask(context.plan.shared(context.topology)),
    "isolated": lambda context: cpulist.format_list(_isolated(context)),
    "isolated_mask": lambda context: cpulist.format_mask(_isolated(context)),
    "hot_sibling": _hot_sibling,
    "queues": _queues,
    "venue": _venue,
    "c1_us": _c1_us,
    "chrony": _chrony,
    "chrony_unit": _chrony_unit,
}

# ---- conditions -----------------------------------------------------------------------------


def _compares(found: tuple[int, ...], sign: str, value: str) -> bool:
    wanted = tuple(int(part) for part in value.split("."))
    return {">=": found >= wanted, "<": found < wanted, ">": found > wanted}[sign]


def _kernel(context: Context, sign: str, value: str) -> None:
    if not _compares(context.topology.kernel, sign, value):
        release = ".".join(map(str, context.topology.kernel))
        raise Unsupported(f"kernel {release}, and it takes {sign}{value}")


def _cpus(context: Context, sign: str, value: str) -> None:
    if not _compares((len(context.topology.cpus),), sign, value):
        raise Unsupported(f"{len(context.topology.cpus)} CPUs, and it takes {sign}{value}")
    if context.plan.layout == "none":
        raise Unsupported("; ".join(context.plan.notes))


def _ena(context: Context, sign: str, value: str) -> None:
    _driver(context, "=", "ena")
    version = re.match(r"(\d+)\.(\d+)", context.the_nic().version)
    if version is None:
        raise Unsupported("the driver is the kernel's own and tells no version")
    if not _compares((int(version[1]), int(version[2])), sign, value):
        raise Unsupported(f"ena {context.the_nic().version}, and it takes {sign}{value}")


def _driver(context: Context, sign: str, value: str) -> None:
    if context.the_nic().driver != value:
        raise Unsupported(f"the card is driven by {context.the_nic().driver or 'nothing'}")


def _ntuple(context: Context, sign: str, value: str) -> None:
    if not context.steers_flows():
        raise Unsupported("the card cannot steer flows (ntuple off [fixed]): older Nitro or driver")


def _no_ntuple(context: Context, sign: str, value: str) -> None:
    if context.venue and context.steers_flows():
        raise Unsupported("the card steers flows (N4)")


def _has_queues(context: Context, sign: str, value: str) -> None:
    """As many queues as there will be: N3 may be about to change them."""
    queues = context.the_nic().queues
    if "N3" in context.profile.entries:
        try:
            queues = int(context.profile.entries["N3"].get("combined") or _queues(context))
        except (Unsupported, ValueError):
            queues = context.the_nic().queues
    if not _compares((queues,), sign, value):
        raise Unsupported(f"queues: {queues} (N3)")


def _command(context: Context, sign: str, value: str) -> None:
    if not context.host.has_command(value):
        raise Unsupported(f"{value} is not installed")


def _active(context: Context, sign: str, value: str) -> None:
    _command(context, "=", "systemctl")
    if context.host.run(["systemctl", "is-active", value]).out.strip() != "active":
        raise Unsupported(f"{value} is not running")


def _config(context: Context, sign: str, value: str) -> None:
    text = context.host.read(f"/boot/config-{context.topology.release}")
    if text is None:
        raise Unsupported(f"no /boot/config of this kernel tells whether it has {value}")
    if f"CONFIG_{value}=y" not in text.splitlines():
        raise Unsupported(f"the kernel is built without {value}")


def _clocksource(context: Context, sign: str, value: str) -> None:
    folder = "/sys/devices/system/clocksource/clocksource0"
    if value not in (context.host.read(f"{folder}/available_clocksource") or "").split():
        raise Unsupported(f"the kernel does not offer the clock source {value}")


def _cgroup2(context: Context, sign: str, value: str) -> None:
    controllers = context.host.read("/sys/fs/cgroup/cgroup.controllers") or ""
    if "cpuset" not in controllers.split():
        raise Unsupported("cgroup v2 has no cpuset controller here")


def _room(context: Context, sign: str, value: str) -> None:
    """A partition of one CPU would leave none to the gateway's other threads."""
    if context.plan.hot is not None and not context.plan.inside:
        raise Unsupported("the gateway's other threads would have no CPU in the partition")


def _deep_idle(context: Context, sign: str, value: str) -> None:
    if len(context.host.glob("/sys/devices/system/cpu/cpu0/cpuidle/state[0-9]*")) < 3:
        raise Unsupported("the host shows no sleep state deeper than C1")


def _intel_idle(context: Context, sign: str, value: str) -> None:
    if not context.host.exists("/sys/module/intel_idle/parameters/max_cstate"):
        raise Unsupported("sleep states are not driven by intel_idle")
    _deep_idle(context, sign, value)


def _swap(context: Context, sign: str, value: str) -> None:
    if len((context.host.read("/proc/swaps") or "").splitlines()) < 2:
        raise Unsupported("there is no swap")


def _ec2(context: Context, sign: str, value: str) -> None:
    if not context.topology.instance:
        raise Unsupported("not an EC2 instance")


def _has_nic(context: Context, sign: str, value: str) -> None:
    context.the_nic()


def _not_management(context: Context, sign: str, value: str) -> None:
    if context.the_nic().is_management:
        raise Unsupported(f"{context.the_nic().name} carries the default route or this ssh session")


CONDITIONS: Mapping[str, Callable[[Context, str, str], None]] = {
    "kernel": _kernel,
    "cpus": _cpus,
    "ena": _ena,
    "driver": _driver,
    "nic": _has_nic,
    "ntuple": _ntuple,
    "no-ntuple": _no_ntuple,
    "queues": _has_queues,
    "not-management": _not_management,
    "command": _command,
    "active": _active,
    "config": _config,
    "clocksource": _clocksource,
    "cgroup2": _cgroup2,
    "room": _room,
    "deep-idle": _deep_idle,
    "intel-idle": _intel_idle,
    "swap": _swap,
    "ec2": _ec2,
}
