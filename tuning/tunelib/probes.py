"""Questions whose answer is only reported.

Owns: what is asked of the host for entries that change nothing. Must not know: entries' tiers and
words. Invariant: an answer is good, bad, or for a human to judge; otherwise there is a reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tunelib import cpulist, ethtool, gateway
from tunelib.catalogue import Entry
from tunelib.context import Context
from tunelib.errors import Unsupported
from tunelib.kinds_more import parse_cmdline

INSTANCE_CLOCK = ("169.254.169.123", "PHC")
BURSTABLE = re.compile(r"t\d\w*\.")
SMALLEST_BUFFER = 4 * 1024 * 1024
STEAL_LIMIT = 0.001
RESERVE_LIMIT = 0.03


class Finding(NamedTuple):
    """An answer: good, bad, or None where only a human can judge."""

    is_good: bool | None
    found: str
    note: str = ""


def ask(context: Context, entry: Entry) -> Finding:
    """Asks an entry's question.

    Raises:
        Unsupported: it cannot be asked here, with the reason.
    """
    return PROBES[entry.probe](context, entry)


# ---- placement ------------------------------------------------------------------------------


def _metadata(context: Context, path: str) -> str:
    if not context.topology.instance:
        raise Unsupported("not an EC2 instance")
    found = context.host.metadata(path)
    if found is None:
        raise Unsupported(f"the instance's metadata has no {path}")
    return found


def _zone(context: Context, entry: Entry) -> Finding:
    zone = _metadata(context, "placement/availability-zone-id")
    return Finding(None, zone, "compare it with the zone id that the venue's account manager gave")


def _placement_group(context: Context, entry: Entry) -> Finding:
    return Finding(None, _metadata(context, "placement/group-name"), "is it the venue's?")


def _cores(context: Context, entry: Entry) -> Finding:
    cores, plan = context.topology.cores, context.plan
    found = f"{len(context.topology.cpus)} CPUs on {len(cores)} cores"
    return Finding(len(cores) >= 4, found, "; ".join(plan.notes) or f"layout {plan.layout}")


def _steal(context: Context, entry: Entry) -> Finding:
    instance = context.topology.instance
    if BURSTABLE.match(instance):
        return Finding(False, instance, "burstable: it stands still when its credits are spent")
    fields = (context.host.read("/proc/stat") or "").split("\n", 1)[0].split()[1:]
    if len(fields) < 8:
        raise Unsupported("/proc/stat tells no stolen time")
    share = int(fields[7]) / max(1, sum(map(int, fields[:8])))
    return Finding(share <= STEAL_LIMIT, f"{share:.2%} stolen since boot")


def _stats(context: Context, pattern: str) -> dict[str, int]:
    text = ethtool.ask(context.host, "-S", context.the_nic().name)
    found = re.findall(r"^\s*(\S+): (\d+)$", text, re.MULTILINE)
    return {name: int(value) for name, value in found if re.search(pattern, name)}


def _counted(context: Context, pattern: str, what: str) -> Finding:
    counters = _stats(context, pattern)
    if not counters:
        raise Unsupported(f"the driver counts no {what}")
    grown = {name: value for name, value in counters.items() if value}
    found = ", ".join(f"{name} {value}" for name, value in grown.items()) or "0"
    return Finding(not grown, found, "since boot")


def _allowances(context: Context, entry: Entry) -> Finding:
    return _counted(context, "allowance_exceeded", "allowances")


def _drops(context: Context, entry: Entry) -> Finding:
    return _counted(context, r"^rx_(?:overruns|drops)$", "overruns")


def _ena_express(context: Context, entry: Entry) -> Finding:
    mode = _stats(context, "^ena_srd_mode$").get("ena_srd_mode", 0)
    return Finding(mode == 0, f"ena_srd_mode {mode}")


def _conntrack(context: Context, entry: Entry) -> Finding:
    counters = _stats(context, "^conntrack_allowance_exceeded$")
    found = f"{sum(counters.values())} flows refused"
    return Finding(None if not any(counters.values()) else False, found, "the timeout is EC2's")


def _second_interface(context: Context, entry: Entry) -> Finding:
    names = ", ".join(nic.name for nic in context.topology.nics) or "none"
    is_apart = context.nic is not None and not context.nic.is_management
    note = "" if is_apart else "trading shares the card with ssh: queues cannot change unnoticed"
    return Finding(is_apart or None, names, note)


def _metal(context: Context, entry: Entry) -> Finding:
    kind = _metadata(context, "instance-type")
    if "metal" not in kind:
        raise Unsupported(f"{kind} is virtual: metal pays only where bench shows its jitter")
    return Finding(True, kind)


# ---- card -----------------------------------------------------------------------------------


def _driver(context: Context, entry: Entry) -> Finding:
    version = context.the_nic().version
    match = re.match(r"(\d+)\.(\d+)", version)
    if match is None:
        return Finding(None, f"of kernel {context.topology.release}", "it tells no version")
    return Finding((int(match[1]), int(match[2])) >= (2, 13), f"ena {version}", "2.13 or later")


def _offloads(context: Context, entry: Entry) -> Finding:
    features = ethtool.read_features(context.host, context.the_nic().name)
    off = [name for name in features if "checksum" in name and features[name] == "off"]
    return Finding(not off, f"off: {', '.join(off)}" if off else "on")


def _qdisc(context: Context, entry: Entry) -> Finding:
    said = context.host.run(["tc", "qdisc", "show", "dev", context.the_nic().name])
    names = re.findall(r"^qdisc (\S+)", said.out, re.MULTILINE)
    if not names:
        raise Unsupported("tc shows none")
    control = context.host.read("/proc/sys/net/ipv4/tcp_congestion_control") or ""
    is_good = "noqueue" not in names and not ("fq" in names and "bbr" in control)
    return Finding(is_good, ", ".join(dict.fromkeys(names)))


def _llq(context: Context, entry: Entry) -> Finding:
    text = context.host.read(f"/sys/class/net/{context.the_nic().name}/device/large_llq_header")
    if text is None:
        raise Unsupported("the driver does not show it")
    return Finding(None, text.strip())


def _timestamps(context: Context, entry: Entry) -> Finding:
    text = ethtool.ask(context.host, "-T", context.the_nic().name)
    clock = re.search(r"^PTP Hardware Clock: (.*)$", text, re.MULTILINE)
    return Finding(True, f"clock {clock[1] if clock else 'none'}", "for measuring only")


# ---- kernel ---------------------------------------------------------------------------------


def _cmdline_never(context: Context, entry: Entry) -> Finding:
    running = parse_cmdline(context.host.read("/proc/cmdline") or "")
    found = []
    for word in entry.watch:
        name, sign, value = word.partition("=")
        if name in running and (not sign or running[name] == value):
            found.append(word)
    return Finding(not found, ", ".join(found) or "none", "tune never changes these")


def _tcp_buffers(context: Context, entry: Entry) -> Finding:
    limits = {}
    for name in ("tcp_rmem", "tcp_wmem"):
        text = context.host.read(f"/proc/sys/net/ipv4/{name}")
        if text is None:
            raise Unsupported(f"no {name} here")
        limits[name] = int(text.split()[2])
    found = ", ".join(f"{name} up to {value >> 10} KiB" for name, value in limits.items())
    return Finding(min(limits.values()) >= SMALLEST_BUFFER, found)


def _softnet(context: Context, entry: Entry) -> Finding:
    rows = [
        line.split() for line in (context.host.read("/proc/net/softnet_stat") or "").split("\n")
    ]
    counted = [(int(row[1], 16), int(row[2], 16)) for row in rows if len(row) >= 3]
    if not counted:
        raise Unsupported("no /proc/net/softnet_stat here")
    dropped, squeezed = (sum(column) for column in zip(*counted))
    return Finding(dropped == 0, f"{dropped} dropped, {squeezed} times out of time", "since boot")


def _min_free(context: Context, entry: Entry) -> Finding:
    reserve = context.host.read("/proc/sys/vm/min_free_kbytes")
    memory = re.search(r"^MemTotal:\s+(\d+)", context.host.read("/proc/meminfo") or "", re.M)
    if reserve is None or memory is None:
        raise Unsupported("the host does not tell its memory")
    share = int(reserve) / int(memory[1])
    return Finding(share <= RESERVE_LIMIT, f"{int(reserve)} KiB, {share:.1%} of memory")


# ---- clock ----------------------------------------------------------------------------------


def _clock(context: Context, entry: Entry) -> Finding:
    said = context.host.run(["chronyc", "-c", "tracking"])
    fields = said.out.strip().split(",")
    if said.code != 0 or len(fields) < 6:
        raise Unsupported(f"chronyc: {(said.err or said.out).strip() or 'no answer'}")
    name, offset = fields[1] or fields[0], float(fields[4])
    is_good = any(name.startswith(clock) for clock in INSTANCE_CLOCK)
    return Finding(is_good, f"{name}, {offset * 1e6:+.0f} µs off")


def _chrony_lines(context: Context, word: str) -> list[list[str]]:
    patterns = ("/etc/chrony.conf", "/etc/chrony/chrony.conf", "/etc/chrony/conf.d/*")
    paths = [
        path for pattern in (*patterns, "/etc/chrony.d/*") for path in context.host.glob(pattern)
    ]
    if not paths:
        raise Unsupported("chrony has no configuration here")
    lines = [line.split() for path in paths for line in (context.host.read(path) or "").split("\n")]
    return [words for words in lines if words and words[0] == word]


def _makestep(context: Context, entry: Entry) -> Finding:
    found = _chrony_lines(context, "makestep")
    if not found:
        return Finding(True, "never steps")
    limit = int(found[-1][2]) if len(found[-1]) > 2 else -1
    return Finding(0 <= limit <= 10, " ".join(found[-1]), "a negative limit steps at any time")


def _local_stratum(context: Context, entry: Entry) -> Finding:
    found = _chrony_lines(context, "local")
    return Finding(not found, " ".join(found[0]) if found else "none")


# ---- the gateway ----------------------------------------------------------------------------


def _gateway_threads(context: Context, entry: Entry) -> Finding:
    hot = context.plan.hot
    if hot is None:
        raise Unsupported("; ".join(context.plan.notes))
    found = []
    is_good = True
    for one in gateway.demand(context.host):
        masks = [
            cpulist.parse_list(text) for text in gateway.threads(context.host, one.pid).values()
        ]
        alone = [mask for mask in masks if mask == {hot}]
        strays = [mask for mask in masks if hot in mask and len(mask) > 1]
        is_good &= len(alone) == 1 and not strays
        found.append(f"{one.pid}: {len(alone)} on {hot}, {len(strays)} that may stray there")
    return Finding(is_good, "; ".join(found), f"cpu = {hot} in [process]")


def _realtime(context: Context, entry: Entry) -> Finding:
    found = []
    for one in gateway.demand(context.host):
        for path in context.host.glob(f"/proc/{one.pid}/task/[0-9]*/stat"):
            fields = (context.host.read(path) or "").rpartition(")")[2].split()
            if len(fields) > 38 and fields[38] in ("1", "2"):
                found.append(path.split("/")[4])
    return Finding(not found, f"threads {', '.join(found)}" if found else "none")


def _gateway_memory(context: Context, entry: Entry) -> Finding:
    found = []
    for one in gateway.demand(context.host):
        status = context.host.read(f"/proc/{one.pid}/status") or ""
        match = re.search(r"^VmLck:\s+(\d+)", status, re.MULTILINE)
        found.append(int(match[1]) if match else 0)
    return Finding(min(found) > 0 or None, f"{', '.join(map(str, found))} KiB locked")


def _epoll_busy_poll(context: Context, entry: Entry) -> Finding:
    release = ".".join(map(str, context.topology.kernel))
    if context.topology.kernel < (6, 9):
        raise Unsupported(f"kernel {release}, and it takes 6.9: S4 instead")
    return Finding(True, f"kernel {release}", f'receive = "{context.plan.receive}"')


PROBES: Mapping[str, Callable[[Context, Entry], Finding]] = {
    "allowances": _allowances,
    "clock": _clock,
    "cmdline_never": _cmdline_never,
    "conntrack": _conntrack,
    "cores": _cores,
    "driver": _driver,
    "drops": _drops,
    "ena_express": _ena_express,
    "epoll_busy_poll": _epoll_busy_poll,
    "gateway_memory": _gateway_memory,
    "gateway_threads": _gateway_threads,
    "llq": _llq,
    "local_stratum": _local_stratum,
    "makestep": _makestep,
    "metal": _metal,
    "min_free": _min_free,
    "offloads": _offloads,
    "placement_group": _placement_group,
    "qdisc": _qdisc,
    "realtime": _realtime,
    "second_interface": _second_interface,
    "softnet": _softnet,
    "steal": _steal,
    "tcp_buffers": _tcp_buffers,
    "timestamps": _timestamps,
    "zone": _zone,
}
