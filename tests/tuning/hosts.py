"""Fake hosts: the files of /proc, /sys and /etc of some instances, made from a few facts each.

Owns: what a fresh host of each type shows. Must not know: what tuning does with it. Invariant: a
host is only text by path, so that it can live in memory or in a folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tuning.machine import COMMANDS, irq_files, queue_files
from tunelib import cpulist

SHIM = """#!{python}
import sys
sys.path[:0] = [{repository!r}, {tuning!r}]
from tests.tuning.machine import main
sys.exit(main(sys.argv))
"""


@dataclass(frozen=True)
class Spec:
    """A type of host.

    Attributes:
        cores: the CPUs of each core.
        nodes: the CPUs of each memory node.
        idle_us: exit latency of each sleep state by name; empty where none is shown.
        ntuple: whether the card can steer flows.
        cgroup2: whether the unified hierarchy has cpusets.
    """

    name: str
    cores: tuple[tuple[int, ...], ...]
    kernel: str
    instance: str
    machine: str = "x86_64"
    nodes: tuple[tuple[int, ...], ...] = ()
    idle_us: dict[str, int] = field(default_factory=dict)
    ena: str = "2.16.1g"
    ntuple: str = "off [fixed]"
    queues: int = 4
    cgroup2: bool = True
    has_numa_balancing: bool = True
    services: tuple[str, ...] = ("irqbalance",)
    second_card: bool = False

    @property
    def cpus(self) -> tuple[int, ...]:
        """All, in order."""
        return tuple(sorted(cpu for core in self.cores for cpu in core))


def plain(count: int) -> tuple[tuple[int, ...], ...]:
    """Cores without siblings."""
    return tuple((cpu,) for cpu in range(count))


def paired(count: int) -> tuple[tuple[int, ...], ...]:
    """Cores of two threads, numbered as on EC2."""
    return tuple((core, core + count) for core in range(count))


INTEL_IDLE = {"POLL": 0, "C1": 2, "C1E": 10, "C6": 133}
SPECS = {
    spec.name: spec
    for spec in (
        Spec("amd4", plain(4), "6.12.40-63.114.amzn2023.x86_64", "c7a.xlarge"),
        Spec("amd4-steering", plain(4), "6.18.3-cloud-amd64", "m8a.xlarge", ntuple="off",
             ena="2.17.0g", second_card=True),
        Spec("graviton4", plain(4), "6.1.128-136.amzn2023.aarch64", "c7g.xlarge",
             machine="aarch64", ena="", has_numa_balancing=False),
        Spec("intel4", paired(2), "6.8.0-1021-aws", "c6i.xlarge", idle_us=INTEL_IDLE,
             ena="2.13.0K"),
        Spec("old4", plain(4), "5.10.235-227.919.amzn2.x86_64", "c5a.xlarge", ena="2.2.8g",
             cgroup2=False),
        Spec("intel16", paired(8), "6.12.40-cloud-amd64", "m7i.4xlarge", idle_us=INTEL_IDLE,
             queues=8, nodes=((0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15))),
        Spec("tiny2", plain(2), "6.12.40-cloud-amd64", "t4g.small", machine="aarch64", queues=2),
    )
}  # fmt: skip

SYSCTLS = {
    "net.ipv4.tcp_slow_start_after_idle": "1",
    "net.ipv4.tcp_autocorking": "1",
    "net.ipv4.tcp_no_metrics_save": "0",
    "net.ipv4.tcp_congestion_control": "cubic",
    "net.ipv4.tcp_timestamps": "1",
    "net.ipv4.tcp_sack": "1",
    "net.ipv4.tcp_window_scaling": "1",
    "net.ipv4.tcp_rmem": "4096\t131072\t6291456",
    "net.ipv4.tcp_wmem": "4096\t16384\t4194304",
    "net.core.busy_poll": "0",
    "net.core.busy_read": "0",
    "kernel.nmi_watchdog": "0",
    "kernel.timer_migration": "1",
    "vm.swappiness": "60",
    "vm.stat_interval": "1",
    "vm.compaction_proactiveness": "20",
    "vm.dirty_background_bytes": "0",
    "vm.dirty_background_ratio": "10",
    "vm.dirty_bytes": "0",
    "vm.dirty_ratio": "20",
    "vm.min_free_kbytes": "67584",
}
THP = "/sys/kernel/mm/transparent_hugepage"
CLOCK = "/sys/devices/system/clocksource/clocksource0"
CPU = "/sys/devices/system/cpu"


def files(spec: Spec) -> dict[str, str]:
    """Text by path; one that starts with `->` is a link."""
    found = {
        "/proc/version": f"Linux version {spec.kernel}\n",
        "/proc/sys/kernel/osrelease": f"{spec.kernel}\n",
        "/proc/sys/kernel/arch": f"{spec.machine}\n",
        "/proc/sys/kernel/random/boot_id": "11111111-2222-3333-4444-555555555555\n",
        "/proc/cmdline": f"BOOT_IMAGE=/boot/vmlinuz-{spec.kernel} root=/dev/nvme0n1p1 ro\n",
        "/proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n",
        "/proc/stat": "cpu  100 0 100 10000 0 0 0 0 0 0\n",
        "/proc/uptime": "1000.00 3900.00\n",
        "/proc/net/softnet_stat": "".join("000004d2 00000000 00000000\n" for _ in spec.cpus),
        "/proc/net/route": "Iface\tDestination\tGateway\nens5\t00000000\t0101A8C0\n",
        "/sys/class/dmi/id/sys_vendor": "Amazon EC2\n",
        "/sys/class/dmi/id/product_name": f"{spec.instance}\n",
        "/metadata/placement/availability-zone-id": "apne1-az4\n",
        "/metadata/instance-type": f"{spec.instance}\n",
        f"/boot/config-{spec.kernel}": "CONFIG_NO_HZ_FULL=y\n",
        f"{THP}/enabled": "[always] madvise never\n",
        f"{THP}/defrag": "always defer defer+madvise [madvise] never\n",
        f"{THP}/khugepaged/defrag": "1\n",
        "/sys/devices/virtual/workqueue/cpumask": f"{cpulist.format_mask(spec.cpus)}\n",
        "/etc/chrony/chrony.conf": "confdir /etc/chrony/conf.d\nmakestep 1.0 3\n",
        "/etc/chrony/conf.d/README": "# files here are read\n",
        "/etc/default/grub.d/40-cloud.cfg": 'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0"\n',
        "/etc/systemd/system/README": "# units\n",
        "/etc/modprobe.d/README": "#\n",
        "/etc/udev/rules.d/README": "#\n",
        "/var/lib/README": "#\n",
    }
    found |= {f"/proc/sys/{key.replace('.', '/')}": f"{text}\n" for key, text in SYSCTLS.items()}
    if spec.has_numa_balancing:
        found["/proc/sys/kernel/numa_balancing"] = "0\n"
    source = "arch_sys_counter" if spec.machine == "aarch64" else "tsc"
    others = "" if spec.machine == "aarch64" else "kvm-clock "
    found[f"{CLOCK}/available_clocksource"] = f"{others}{source}\n"
    found[f"{CLOCK}/current_clocksource"] = f"{others.strip() or source}\n"
    if spec.cgroup2:
        found["/sys/fs/cgroup/cgroup.controllers"] = "cpuset cpu io memory pids\n"
        found["/sys/fs/cgroup/cgroup.subtree_control"] = "cpu memory pids\n"
    return found | _cpu_files(spec) | _card_files(spec)


def _cpu_files(spec: Spec) -> dict[str, str]:
    everything = f"{cpulist.format_list(spec.cpus)}\n"
    found = {f"{CPU}/online": everything, f"{CPU}/present": everything}
    for core in spec.cores:
        for cpu in core:
            folder = f"{CPU}/cpu{cpu}"
            found[f"{folder}/topology/thread_siblings_list"] = f"{cpulist.format_list(core)}\n"
            found[f"{folder}/power/pm_qos_resume_latency_us"] = "0\n"
            if cpu:
                found[f"{folder}/online"] = "1\n"
            for number, (name, latency) in enumerate(spec.idle_us.items()):
                found[f"{folder}/cpuidle/state{number}/name"] = f"{name}\n"
                found[f"{folder}/cpuidle/state{number}/latency"] = f"{latency}\n"
    for number, cpus in enumerate(spec.nodes or (spec.cpus,)):
        path = f"/sys/devices/system/node/node{number}/cpulist"
        found[path] = f"{cpulist.format_list(cpus)}\n"
    if spec.idle_us:
        found["/sys/module/intel_idle/parameters/max_cstate"] = "9\n"
    return found


def _card_files(spec: Spec) -> dict[str, str]:
    found: dict[str, str] = {}
    cards = {"ens5": ("06:00:00:00:00:05", "0000:00:05.0")}
    if spec.second_card:
        cards["ens6"] = ("06:00:00:00:00:06", "0000:00:06.0")
    number = 40
    for name, (mac, pci) in cards.items():
        folder = f"/sys/class/net/{name}"
        found[f"{folder}/address"] = f"{mac}\n"
        found[f"{folder}/device"] = f"->/sys/devices/pci0000:00/{pci}"
        found[f"{folder}/threaded"] = "0\n"
        found[f"{folder}/napi_defer_hard_irqs"] = "0\n"
        found[f"{folder}/gro_flush_timeout"] = "0\n"
        found[f"/sys/devices/pci0000:00/{pci}/numa_node"] = "-1\n"
        found[f"/sys/devices/pci0000:00/{pci}/driver"] = "->/sys/bus/pci/drivers/ena"
        found |= queue_files(name, spec.queues)
        irqs = [f"ena-mgmnt@pci:{pci}", *(f"{name}-Tx-Rx-{n}" for n in range(spec.queues))]
        for irq in irqs:
            found |= irq_files(number, irq, cpulist.format_list(spec.cpus))
            number += 1
    for irq in ("nvme0q0", "nvme0q1", "ACPI:Ged"):
        found |= irq_files(number, irq, cpulist.format_list(spec.cpus))
        number += 1
    found["/sys/bus/pci/drivers/ena/README"] = "\n"
    if spec.ena:
        found["/sys/module/ena/version"] = f"{spec.ena}\n"
    found["/machine.json"] = json.dumps(machine_state(spec, list(cards)))
    return found


def machine_state(spec: Spec, cards: list[str]) -> dict[str, Any]:
    """What the fake programs know."""
    card = {
        "coalesce": {"adaptive-rx": "on", "rx-usecs": "20", "tx-usecs": "64"},
        "queues": [spec.queues, spec.queues],
        "ntuple": spec.ntuple,
        "features": {"generic-receive-offload": "on", "rx-checksumming": "on"},
        "indirection": spec.queues,
        "rules": {},
        "stats": {"bw_in_allowance_exceeded": 0, "pps_allowance_exceeded": 0, "rx_overruns": 0},
    }
    return {
        "cards": {name: json.loads(json.dumps(card)) for name in cards},
        "units": {},
        "active": list(spec.services),
        "cpus": cpulist.format_list(spec.cpus),
        "log": [],
    }


def build(spec: Spec, root: Path, python: str) -> Path:
    """Makes the host in a folder, with its programs."""
    import tests.tuning

    for path, text in files(spec).items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("->"):
            target = root / text[2:].lstrip("/")
            target.mkdir(parents=True, exist_ok=True)
            place.symlink_to(target)
        else:
            place.write_text(text)
    shim = root / "shim"
    shim.mkdir()
    repository = str(tests.tuning.TUNING.parent)
    program = SHIM.format(python=python, repository=repository, tuning=str(tests.tuning.TUNING))
    for name in COMMANDS:
        (shim / name).write_text(program)
        (shim / name).chmod(0o755)
    return root
