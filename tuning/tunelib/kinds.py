"""How the kernel's own files are read and changed: sysctls, files of /sys, interrupts, cpusets.

Owns: what a kind of entry is, and the kinds that need no program. Must not know: tiers, profiles,
state. Invariants: a key that this host lacks is left out, never invented; writing what was read
restores it.
"""

from __future__ import annotations

import abc
import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Optional

from tunelib import cpulist, topology
from tunelib.catalogue import Entry
from tunelib.context import EACH_ISOLATED, Context
from tunelib.errors import Unsupported
from tunelib.host import Host
from tunelib.operations import MakeFolder, Operation, RemoveFolder, Run, Write

# None: the thing is not there.
Values = Mapping[str, Optional[str]]
# Keys that stand or fall together, and what sets them.
Group = tuple[tuple[str, ...], Sequence[Operation]]


@dataclass(frozen=True)
class Target:
    """What of a host an entry changes; enough to undo it without the catalogue.

    Attributes:
        mac, pci: identity of the card whose name stands for `{if}`; empty where it is about none.
    """

    id: str
    kind: str
    stage: str
    compare: str = "text"
    accept: tuple[str, ...] = ()
    mac: str = ""
    pci: str = ""
    unit_property: str = ""
    pairs: tuple[str, ...] = ()
    then: tuple[tuple[str, ...], ...] = ()

    def interface(self, host: Host) -> str:
        """The card's name now.

        Raises:
            Unsupported: it is gone.
        """
        for path in host.glob("/sys/class/net/*/address"):
            folder = path.rsplit("/", 1)[0]
            is_there = (host.read(path) or "").strip() == self.mac and host.exists(
                f"{folder}/device"
            )
            if is_there and (not self.pci or self.pci in host.resolve(f"{folder}/device")):
                return folder.rsplit("/", 1)[1]
        raise Unsupported(f"the card {self.mac} at {self.pci or 'no PCI address'} is gone")

    def to_json(self) -> dict[str, Any]:
        """For the state file: only what differs from nothing."""
        return {name: value for name, value in self.__dict__.items() if value}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Target:
        """From the state file."""
        values = dict(row)
        for name in ("accept", "pairs"):
            values[name] = tuple(row.get(name, ()))
        values["then"] = tuple(map(tuple, row.get("then", ())))
        return cls(**values)


class Kind(abc.ABC):
    """A way to change something.

    Attributes:
        scope: runtime where a boot forgets it, otherwise persistent.
        is_remade: a change of the card's queues makes these anew.
        fresh: values with which a thing begins that was not there before we made it.
    """

    scope = "runtime"
    is_remade = False
    fresh: Mapping[str, str] = MappingProxyType({})

    def wanted(self, context: Context, entry: Entry, wanted: Mapping[str, str]) -> dict[str, str]:
        """The keys of this host with what is wanted.

        Raises:
            Unsupported: there are none.
        """
        return {context.fill(key): context.fill(value) for key, value in wanted.items()}

    @abc.abstractmethod
    def read(self, host: Host, target: Target, keys: Sequence[str]) -> dict[str, str | None]:
        """Values now, of those keys that are there.

        Raises:
            Unsupported: nothing can be read.
        """

    @abc.abstractmethod
    def groups(self, host: Host, target: Target, values: Values) -> list[Group]:
        """What sets these values, in order."""


def normal(target: Target, text: str | None) -> str | None:
    """A value as it is compared and kept.

    Raises:
        ValueError: it is no mask or list.
    """
    if text is None:
        return None
    if target.compare == "choice":
        chosen = re.search(r"\[(\S+)\]", text)
        return chosen[1] if chosen else text.strip()
    if target.compare == "mask":
        return cpulist.format_mask(cpulist.parse_mask(text))
    if target.compare == "cpulist":
        return cpulist.format_list(cpulist.parse_list(text))
    return " ".join(text.split())


def satisfied(target: Target, found: str | None, wanted: str | None) -> bool:
    """Whether a value is as good as the wanted one."""
    if found == wanted or (found is not None and found in target.accept):
        return True
    if target.kind == "irq" and found and wanted:
        return cpulist.parse_list(found) <= cpulist.parse_list(wanted)
    return False


# ---- files and sysctls ----------------------------------------------------------------------


class FileKind(Kind):
    """Files of the kernel by path; a pattern stands for all that match."""

    is_remade = True

    def wanted(self, context: Context, entry: Entry, wanted: Mapping[str, str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for pattern, value in wanted.items():
            filled = context.fill(value)
            for path in self._expand(context, pattern):
                found[path] = filled
        if not found:
            raise Unsupported(f"this host has no {', '.join(wanted)}")
        return found

    def _expand(self, context: Context, pattern: str) -> list[str]:
        name = context.the_nic().name if "{if}" in pattern else ""
        patterns = [pattern]
        if EACH_ISOLATED in pattern:
            isolated = cpulist.parse_list(context.fill("{isolated}"))
            patterns = [pattern.replace(EACH_ISOLATED, str(cpu)) for cpu in sorted(isolated)]
        found = []
        for one in patterns:
            for path in context.host.glob(context.fill(one).replace("{if}", name)):
                head = f"/sys/class/net/{name}/"
                is_card = name and path.startswith(head)
                found.append(f"/sys/class/net/{{if}}/{path[len(head) :]}" if is_card else path)
        return found

    def read(self, host: Host, target: Target, keys: Sequence[str]) -> dict[str, str | None]:
        name = target.interface(host) if target.mac else ""
        found: dict[str, str | None] = {}
        for key in keys:
            text = host.read(self._path(key, name))
            if text is not None:
                found[key] = normal(target, text)
        return found

    @staticmethod
    def _path(key: str, name: str) -> str:
        return key.replace("{if}", name)

    def groups(self, host: Host, target: Target, values: Values) -> list[Group]:
        name = target.interface(host) if target.mac else ""
        return [
            ((key,), [Write(self._path(key, name), str(value))]) for key, value in values.items()
        ]


class SysctlKind(FileKind):
    """Sysctls by name. Of a pair that clear each other, the one that counts is written first."""

    is_remade = False

    def wanted(self, context: Context, entry: Entry, wanted: Mapping[str, str]) -> dict[str, str]:
        keys = {**wanted, **dict.fromkeys(entry.pairs.values(), "0")}
        found = {
            key: context.fill(value)
            for key, value in keys.items()
            if context.host.exists(self._path(key, ""))
        }
        if not found:
            raise Unsupported(f"this kernel has no {', '.join(wanted)}")
        return found

    @staticmethod
    def _path(key: str, name: str) -> str:
        return f"/proc/sys/{key.replace('.', '/')}"

    def groups(self, host: Host, target: Target, values: Values) -> list[Group]:
        groups: list[Group] = []
        last: list[Group] = []
        for key, value in values.items():
            is_cleared = value == "0" and bool(target.pairs)
            operation = Write(self._path(key, ""), str(value), unless_same=is_cleared)
            (last if is_cleared else groups).append(((key,), [operation]))
        return groups + last


# ---- interrupts -----------------------------------------------------------------------------

# The kernel places these itself and refuses another place.
MANAGED = re.compile(r"nvme\d+q[1-9]\d*")


class IrqKind(Kind):
    """Affinities of interrupts by name; of several patterns the first that matches counts."""

    is_remade = True

    def wanted(self, context: Context, entry: Entry, wanted: Mapping[str, str]) -> dict[str, str]:
        name = context.nic.name if context.nic else ""
        found: dict[str, str] = {}
        for irq in topology.interrupts(context.host):
            key = f"{{if}}-{irq[len(name) + 1 :]}" if irq.startswith(f"{name}-") else irq
            pattern = next((one for one in wanted if fnmatch.fnmatchcase(key, one)), None)
            if pattern is not None and not MANAGED.fullmatch(irq.split("#")[0]):
                found[key] = context.fill(wanted[pattern])
        if not found:
            raise Unsupported("no interrupt of the host has a name")
        return found

    def _paths(self, host: Host, target: Target, keys: Sequence[str]) -> dict[str, str]:
        name = target.interface(host) if target.mac else ""
        numbers = topology.interrupts(host)
        names = {key: key.replace("{if}", name) for key in keys}
        return {
            key: f"/proc/irq/{numbers[irq]}/smp_affinity_list"
            for key, irq in names.items()
            if irq in numbers
        }

    def read(self, host: Host, target: Target, keys: Sequence[str]) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for key, path in self._paths(host, target, keys).items():
            text = host.read(path)
            if text is not None:
                found[key] = normal(target, text)
        return found

    def groups(self, host: Host, target: Target, values: Values) -> list[Group]:
        paths = self._paths(host, target, list(values))
        return [((key,), [Write(path, str(values[key]))]) for key, path in paths.items()]


# ---- control groups -------------------------------------------------------------------------

GROUPS = "/sys/fs/cgroup"
SLICE = f"{GROUPS}/whitewire.slice"
# Beside the two files of the group: whether groups have the controller at all, and the group.
CONTROLLER, FOLDER = "cpuset controller", "whitewire.slice"
THERE = "there"


class CpusetKind(Kind):
    """The partition of the gateway's slice."""

    fresh: Mapping[str, str] = MappingProxyType(
        {"cpuset.cpus": "", "cpuset.cpus.partition": "member"}
    )

    def wanted(self, context: Context, entry: Entry, wanted: Mapping[str, str]) -> dict[str, str]:
        filled = super().wanted(context, entry, wanted)
        return {CONTROLLER: "on", FOLDER: THERE, **filled}

    def read(self, host: Host, target: Target, keys: Sequence[str]) -> dict[str, str | None]:
        has_folder = host.is_folder(SLICE)
        enabled = (host.read(f"{GROUPS}/cgroup.subtree_control") or "").split()
        found: dict[str, str | None] = {}
        for key in keys:
            if key == CONTROLLER:
                found[key] = "on" if "cpuset" in enabled else "off"
            elif key == FOLDER:
                found[key] = THERE if has_folder else None
            else:
                found[key] = normal(target, host.read(f"{SLICE}/{key}"))
        return found

    def groups(self, host: Host, target: Target, values: Values) -> list[Group]:
        operations: list[Operation] = []
        if values.get(CONTROLLER) == "on":
            operations.append(Write(f"{GROUPS}/cgroup.subtree_control", "+cpuset"))
        if values.get(FOLDER) == THERE:
            operations.append(MakeFolder(SLICE))
        files = {key: text for key, text in values.items() if key not in (CONTROLLER, FOLDER)}
        if "isolated" not in str(files.get("cpuset.cpus.partition", "isolated")):
            # an isolated partition cannot lose its CPUs: it becomes a member first
            files = dict(reversed(list(files.items())))
        operations += [
            Write(f"{SLICE}/{key}", text) for key, text in files.items() if text is not None
        ]
        if FOLDER in values and values[FOLDER] is None:
            operations += [Write(f"{SLICE}/cpuset.cpus.partition", "member"), RemoveFolder(SLICE)]
        if values.get(CONTROLLER) == "off":
            operations.append(Write(f"{GROUPS}/cgroup.subtree_control", "-cpuset"))
        return [(tuple(values), operations)]


class UnitKind(Kind):
    """A property of systemd's units, until the next boot."""

    def read(self, host: Host, target: Target, keys: Sequence[str]) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for unit in keys:
            said = host.run(["systemctl", "show", "-p", target.unit_property, "--value", unit])
            if said.code != 0:
                raise Unsupported(f"systemctl show: {said.err.strip()}")
            found[unit] = normal(target, said.out.replace(" ", ","))
        return found

    def groups(self, host: Host, target: Target, values: Values) -> list[Group]:
        command = ("systemctl", "set-property", "--runtime")
        return [
            ((unit,), [Run((*command, unit, f"{target.unit_property}={value}"))])
            for unit, value in values.items()
        ]
