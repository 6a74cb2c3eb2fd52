"""What a host shows, recorded without names and addresses: for a report, and as a fake host.

Owns: what is recorded and how it is made anonymous. Must not know: what it means. Invariant: the
recording has no address, host name, instance id or key of the host; `tune --root` reads it as the
host was.
"""

from __future__ import annotations

import io
import json
import platform
import re
import tarfile
from pathlib import Path

from tunelib.errors import Unsupported
from tunelib.host import Host
from tunelib.rooted import RECORDED

FILES = (
    "/proc/version",
    "/proc/cmdline",
    "/proc/stat",
    "/proc/swaps",
    "/proc/meminfo",
    "/proc/interrupts",
    "/proc/net/netstat",
    "/proc/net/route",
    "/proc/net/softnet_stat",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/arch",
    "/proc/sys/kernel/nmi_watchdog",
    "/proc/sys/kernel/numa_balancing",
    "/proc/sys/kernel/timer_migration",
    "/proc/sys/net/core/busy_*",
    "/proc/sys/net/ipv4/tcp_*",
    "/proc/sys/vm/*",
    "/proc/irq/[0-9]*/smp_affinity_list",
    "/sys/kernel/irq/[0-9]*/actions",
    "/sys/kernel/mm/transparent_hugepage/*",
    "/sys/kernel/mm/transparent_hugepage/khugepaged/defrag",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/present",
    "/sys/devices/system/cpu/isolated",
    "/sys/devices/system/cpu/nohz_full",
    "/sys/devices/system/cpu/cpu[0-9]*/online",
    "/sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list",
    "/sys/devices/system/cpu/cpu[0-9]*/power/pm_qos_resume_latency_us",
    "/sys/devices/system/cpu/cpu[0-9]*/cpuidle/state*/name",
    "/sys/devices/system/cpu/cpu[0-9]*/cpuidle/state*/latency",
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor",
    "/sys/devices/system/clocksource/clocksource0/*_clocksource",
    "/sys/devices/system/node/node[0-9]*/cpulist",
    "/sys/devices/virtual/workqueue/cpumask",
    "/sys/module/ena/version",
    "/sys/module/intel_idle/parameters/max_cstate",
    "/sys/class/dmi/id/sys_vendor",
    "/sys/class/dmi/id/product_name",
    "/sys/class/net/*/address",
    "/sys/class/net/*/threaded",
    "/sys/class/net/*/napi_defer_hard_irqs",
    "/sys/class/net/*/gro_flush_timeout",
    "/sys/class/net/*/queues/*/*_cpus",
    "/sys/class/net/*/device/numa_node",
    "/sys/class/net/*/device/large_llq_header",
    "/sys/fs/cgroup/cgroup.controllers",
    "/sys/fs/cgroup/cgroup.subtree_control",
    "/sys/fs/cgroup/whitewire.slice/cpuset.cpus*",
    "/etc/tuned/active_profile",
    "/etc/default/grub.d/90-whitewire.cfg",
)
CARD_QUESTIONS = ("-c", "-g", "-i", "-k", "-l", "-n", "-S", "-T", "-x")
COMMANDS = (
    ("chronyc", "-c", "tracking"),
    ("systemctl", "is-active", "irqbalance"),
    ("systemctl", "is-active", "tuned"),
    ("systemctl", "show", "-p", "AllowedCPUs", "--value", "system.slice"),
    ("systemctl", "show", "-p", "AllowedCPUs", "--value", "user.slice"),
    ("systemctl", "show", "-p", "AllowedCPUs", "--value", "init.scope"),
)
METADATA = ("instance-type", "placement/availability-zone-id")
MAC = re.compile(r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b", re.IGNORECASE)
IPV4 = re.compile(r"\b(?!0\.0\.0\.0|255\.|127\.|169\.254\.169\.)(?:\d{1,3}\.){3}\d{1,3}\b")
IPV6 = re.compile(r"\b(?:[0-9a-f]{1,4}:){3,7}(?::|[0-9a-f]{1,4})(?:[0-9a-f:]*)\b", re.IGNORECASE)
INSTANCE = re.compile(r"\b(i|eni|vol|vpc|subnet)-[0-9a-f]{8,17}\b")
IDENTIFIER = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)


class Anonymous:
    """Replaces what tells whose host it is; the same by the same.

    Args:
        host_name: replaced too.
    """

    def __init__(self, host_name: str) -> None:
        self._host_name = host_name
        self._numbers: dict[str, int] = {}

    def _number(self, found: str) -> int:
        return self._numbers.setdefault(found.lower(), len(self._numbers) + 1)

    def text(self, text: str) -> str:
        """The text without addresses, names and identifiers."""
        text = MAC.sub(lambda m: f"06:00:00:00:00:{self._number(m[0]) % 256:02x}", text)
        text = IPV4.sub(
            lambda m: f"10.0.{self._number(m[0]) // 256}.{self._number(m[0]) % 256}", text
        )
        text = IPV6.sub(
            lambda m: m[0] if MAC.fullmatch(m[0]) else f"fd00::{self._number(m[0]):x}", text
        )
        text = INSTANCE.sub(lambda m: f"{m[1]}-{self._number(m[0]):017x}", text)
        text = IDENTIFIER.sub(
            lambda m: f"{self._number(m[0]):08x}-0000-0000-0000-000000000000", text
        )
        if len(self._host_name) > 2:
            text = re.sub(rf"\b{re.escape(self._host_name)}\b", "host", text)
        return text


def write(host: Host, path: Path) -> int:
    """Records a host: how many files and commands."""
    anonymous = Anonymous(platform.node())
    files = _files(host)
    cards = [name.split("/")[4] for name in host.glob("/sys/class/net/*/device")]
    commands = {}
    for command in (
        *COMMANDS,
        *(("ethtool", ask, card) for card in cards for ask in CARD_QUESTIONS),
    ):
        if host.has_command(command[0]):
            commands[" ".join(command)] = _said(host, command)
    for card in cards:
        if host.has_command("tc"):
            line = ("tc", "qdisc", "show", "dev", card)
            commands[" ".join(line)] = _said(host, line)
    files[RECORDED] = json.dumps(commands, indent=1)
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            _add(archive, name, anonymous.text(text))
        for card in cards:
            _add_device(archive, host, card)
    return len(files) - 1 + len(commands)


def _files(host: Host) -> dict[str, str]:
    files = {}
    for pattern in FILES:
        for name in host.glob(pattern):
            try:
                text = None if host.is_folder(name) else host.read(name)
            except Unsupported:
                continue  # what this user may not read is not recorded
            if text is not None:
                # below the link that a card has to its device stands the device itself
                files[host.resolve(name) if "/device/" in name else name] = text
    release = (files.get("/proc/sys/kernel/osrelease") or "").strip()
    config = host.read(f"/boot/config-{release}")
    if config is not None:
        kept = [line for line in config.splitlines() if line == "CONFIG_NO_HZ_FULL=y"]
        files[f"/boot/config-{release}"] = "\n".join(kept) + "\n"
    for word in METADATA if files.get("/sys/class/dmi/id/sys_vendor", "") == "Amazon EC2\n" else ():
        files[f"/metadata/{word}"] = host.metadata(word) or ""
    return files


def _said(host: Host, command: tuple[str, ...]) -> list[object]:
    try:
        return list(host.run(command))
    except Unsupported as error:
        return [1, "", str(error)]


def _add(archive: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode("utf-8", "replace")
    member = tarfile.TarInfo(name.lstrip("/"))
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def _add_device(archive: tarfile.TarFile, host: Host, card: str) -> None:
    """The links that tell a card's place on the bus and its driver."""
    link = f"/sys/class/net/{card}/device"
    device = host.resolve(link)
    driver = host.resolve(f"{link}/driver")
    for folder in (device, driver):
        member = tarfile.TarInfo(folder.lstrip("/"))
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(member)
    for name, target in ((link, device), (f"{device}/driver", driver)):
        member = tarfile.TarInfo(name.lstrip("/"))
        member.type = tarfile.SYMTYPE
        member.linkname = "../" * (name.count("/") - 1) + target.lstrip("/")
        archive.addfile(member)
