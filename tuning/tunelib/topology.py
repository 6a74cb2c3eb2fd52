"""What the host has: CPUs, cores, siblings, memory nodes, network cards, interrupts.

Owns: reading them from /proc and /sys. Must not know: who should run where. Invariant: nothing is
assumed about numbering; only CPUs that are online are counted.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tunelib import cpulist
from tunelib.errors import Unsupported
from tunelib.host import Host

CPU_FOLDER = "/sys/devices/system/cpu"
# The kernel gives the first namespace of processes this number on every host.
INITIAL_PID_NAMESPACE = "pid:[4026531836]"
PCI = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


@dataclass(frozen=True)
class Core:
    """A physical core: its online CPUs in order, and its memory node."""

    cpus: tuple[int, ...]
    node: int


@dataclass(frozen=True)
class Nic:
    """A network card.

    Attributes:
        mac: with `pci` its identity; names and numbers change.
        node: memory node, -1 where the kernel does not tell.
        queues: receive queues now.
        is_management: it has the default route, or this ssh session came in over it.
    """

    name: str
    mac: str
    pci: str
    driver: str
    version: str
    node: int
    queues: int
    is_management: bool


@dataclass(frozen=True)
class Topology:
    """The host.

    Attributes:
        cores: by their first CPU.
        kernel: major and minor.
        instance: type of the EC2 instance, empty elsewhere.
        container: what kind of container this is, empty outside of one.
    """

    cores: tuple[Core, ...]
    nics: tuple[Nic, ...]
    kernel: tuple[int, int]
    release: str
    machine: str
    instance: str
    container: str

    @property
    def cpus(self) -> frozenset[int]:
        """Online CPUs."""
        return frozenset(cpu for core in self.cores for cpu in core.cpus)

    @property
    def has_siblings(self) -> bool:
        """Whether a core runs more than one thread."""
        return any(len(core.cpus) > 1 for core in self.cores)

    @property
    def nodes(self) -> frozenset[int]:
        """Memory nodes with CPUs."""
        return frozenset(core.node for core in self.cores)

    def without(self, cpus: frozenset[int]) -> Topology:
        """The host with these CPUs offline."""
        left = [(tuple(cpu for cpu in core.cpus if cpu not in cpus), core) for core in self.cores]
        return replace(self, cores=tuple(Core(kept, core.node) for kept, core in left if kept))

    def siblings(self, cpu: int) -> frozenset[int]:
        """The other CPUs of its core."""
        return frozenset(next(core.cpus for core in self.cores if cpu in core.cpus)) - {cpu}


def read(host: Host, environment: Mapping[str, str] = os.environ) -> Topology:
    """Looks at a host.

    Args:
        environment: where ssh says how this session came in.
    """
    release = _line(host, "/proc/sys/kernel/osrelease") or platform.release()
    version = re.match(r"(\d+)\.(\d+)", release)
    vendor = _line(host, "/sys/class/dmi/id/sys_vendor")
    is_ec2 = vendor == "Amazon EC2" or _line(host, "/sys/hypervisor/uuid").startswith("ec2")
    return Topology(
        cores=_cores(host),
        nics=_nics(host, environment),
        kernel=(int(version[1]), int(version[2])) if version else (0, 0),
        release=release,
        machine=_line(host, "/proc/sys/kernel/arch") or platform.machine(),
        instance=(_line(host, "/sys/class/dmi/id/product_name") or "unknown") if is_ec2 else "",
        container=_container(host),
    )


def _line(host: Host, path: str) -> str:
    try:
        return (host.read(path) or "").strip()
    except Unsupported:
        return ""


def _number(host: Host, path: str, otherwise: int) -> int:
    text = _line(host, path)
    return int(text) if re.fullmatch(r"-?\d+", text) else otherwise


def _cores(host: Host) -> tuple[Core, ...]:
    online = cpulist.parse_list(_line(host, f"{CPU_FOLDER}/online") or "0")
    nodes = {
        cpu: int(path.rsplit("node", 1)[1].split("/")[0])
        for path in host.glob("/sys/devices/system/node/node[0-9]*/cpulist")
        for cpu in cpulist.parse_list(_line(host, path))
    }
    found = {}
    for cpu in sorted(online):
        listed = _line(host, f"{CPU_FOLDER}/cpu{cpu}/topology/thread_siblings_list")
        cpus = tuple(sorted((cpulist.parse_list(listed) & online) | {cpu}))
        found[cpus] = Core(cpus, nodes.get(cpu, 0))
    return tuple(found.values())


def _container(host: Host) -> str:
    """A marker alone is no container: what counts is whether processes are numbered apart."""
    if host.link("/proc/self/ns/pid") in ("", INITIAL_PID_NAMESPACE):
        return ""
    markers = (("/.dockerenv", "docker"), ("/run/.containerenv", "podman"))
    found = [kind for path, kind in markers if host.exists(path)]
    return _line(host, "/run/systemd/container") or (found[0] if found else "a container")


# ---- network cards --------------------------------------------------------------------------


def _nics(host: Host, environment: Mapping[str, str]) -> tuple[Nic, ...]:
    management = {_default_interface(host), _ssh_interface(host, environment)}
    found = []
    for path in host.glob("/sys/class/net/*/device"):
        folder, name = path.rsplit("/", 1)[0], path.split("/")[4]
        addresses = PCI.findall(host.resolve(path))
        driver_path = f"{path}/driver"
        driver = host.resolve(driver_path).rsplit("/", 1)[1] if host.exists(driver_path) else ""
        found.append(
            Nic(
                name=name,
                mac=_line(host, f"{folder}/address"),
                pci=addresses[-1] if addresses else "",
                driver=driver,
                version=_line(host, f"/sys/module/{driver}/version"),
                node=_number(host, f"{path}/numa_node", -1),
                queues=len(host.glob(f"{folder}/queues/rx-*")),
                is_management=name in management,
            )
        )
    return tuple(found)


def _default_interface(host: Host) -> str:
    for line in _line(host, "/proc/net/route").splitlines()[1:]:
        name, destination, *_ = line.split()
        if destination == "00000000":
            return name
    return ""


def _ssh_interface(host: Host, environment: Mapping[str, str]) -> str:
    """The interface with the address to which this session's client connected."""
    words = environment.get("SSH_CONNECTION", "").split()
    if len(words) != 4 or not host.has_command("ip"):
        return ""
    for line in host.run(["ip", "-o", "addr"]).out.splitlines():
        _, name, _, address, *_ = line.split()
        if address.split("/")[0] == words[2]:
            return name
    return ""


def choose_nic(topology: Topology, name: str | None) -> Nic | None:
    """The trading interface: as told, the only one, or the only one beside the management's.

    Raises:
        Unsupported: there is none of that name.
    """
    if name is not None:
        for nic in topology.nics:
            if nic.name == name:
                return nic
        known = ", ".join(nic.name for nic in topology.nics) or "none"
        raise Unsupported(f"there is no card {name} here; there is {known}")
    others = [nic for nic in topology.nics if not nic.is_management]
    if len(others) == 1:
        return others[0]
    return topology.nics[0] if topology.nics else None


# ---- interrupts -----------------------------------------------------------------------------


def interrupts(host: Host) -> dict[str, int]:
    """Number of each interrupt by name; a second one of a name is `name#1`."""
    found: dict[str, int] = {}
    paths = host.glob("/sys/kernel/irq/[0-9]*/actions")
    for path in sorted(paths, key=lambda path: int(path.split("/")[4])):
        name = _line(host, path)
        if name:
            same = sum(1 for other in found if other.split("#")[0] == name)
            found[f"{name}#{same}" if same else name] = int(path.split("/")[4])
    return found
