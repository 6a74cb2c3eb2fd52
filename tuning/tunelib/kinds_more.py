"""The kinds that need a program or outlive a boot: the card through ethtool, files, the boot line.

Owns: these kinds, and the table of all. Must not know: tiers, profiles, state. Invariants: of a
file of ours that was not there nothing is left; the boot line of the host's own files is never
rewritten.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Optional

from tunelib import ethtool, topology
from tunelib.catalogue import CHANGING, Entry
from tunelib.context import Context
from tunelib.errors import Unsupported
from tunelib.host import Host
from tunelib.kinds import (
    THERE,
    CpusetKind,
    FileKind,
    Group,
    IrqKind,
    Kind,
    SysctlKind,
    Target,
    UnitKind,
    Values,
)
from tunelib.operations import (
    MakeFolder,
    Operation,
    Remove,
    RemoveFolder,
    Replace,
    Run,
)

# ---- the card -------------------------------------------------------------------------------

Reader = Callable[[Host, str], dict[str, Optional[str]]]
Writer = Callable[[str, ethtool.Values], list[list[str]]]


class EthtoolKind(Kind):
    """One of ethtool's families of settings.

    Args:
        read: all values of a card.
        write: commands that set some.
        may_be_absent: a key that is not there is free, not unsupported.
        is_remade: a change of queues makes it anew.
    """

    def __init__(
        self, read: Reader, write: Writer, may_be_absent: bool = False, is_remade: bool = False
    ) -> None:
        self._read = read
        self._write = write
        self._may_be_absent = may_be_absent
        self.is_remade = is_remade

    def wanted(self, context: Context, entry: Entry, wanted: Mapping[str, str]) -> dict[str, str]:
        filled = super().wanted(context, entry, wanted)
        found = self._read(context.host, context.the_nic().name)
        if self._may_be_absent:
            for key, value in filled.items():
                if found.get(key, value) != value:
                    raise Unsupported(f"slot {key} holds another rule: {found[key]}")
            return filled
        known = {key: value for key, value in filled.items() if key in found}
        if not known:
            raise Unsupported(f"the card has no {', '.join(filled)}, or it is fixed")
        return known

    def read(self, host: Host, target: Target, keys: Sequence[str]) -> dict[str, str | None]:
        found = self._read(host, target.interface(host))
        if self._may_be_absent:
            return {key: found.get(key) for key in keys}
        return {key: found[key] for key in keys if key in found}

    def groups(self, host: Host, target: Target, values: Values) -> list[Group]:
        commands = self._write(target.interface(host), values)
        return [(tuple(values), [Run(tuple(command)) for command in commands])]


# ---- files ----------------------------------------------------------------------------------


class DropinKind(Kind):
    """Whole files of ours among those of others. A key that ends in `/` is a folder."""

    scope = "persistent"

    def wanted(self, context: Context, entry: Entry, wanted: Mapping[str, str]) -> dict[str, str]:
        filled = super().wanted(context, entry, wanted)
        folders: dict[str, str] = {}
        for path in filled:
            folder = path.rsplit("/", 1)[0]
            if not context.host.is_folder(folder):
                if not context.host.is_folder(folder.rsplit("/", 1)[0]):
                    raise Unsupported(f"there is no {folder}")
                folders[f"{folder}/"] = THERE
        return {**folders, **filled}

    def read(self, host: Host, target: Target, keys: Sequence[str]) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for key in keys:
            is_folder = key.endswith("/")
            found[key] = (THERE if host.is_folder(key) else None) if is_folder else host.read(key)
        return found

    def groups(self, host: Host, target: Target, values: Values) -> list[Group]:
        operations: list[Operation] = []
        last: list[Operation] = []
        for key, text in values.items():
            if not key.endswith("/"):
                operations.append(Remove(key) if text is None else Replace(key, text))
            elif text is None:
                last.append(RemoveFolder(key.rstrip("/")))
            else:
                operations.insert(0, MakeFolder(key.rstrip("/")))
        commands = [Run(command) for command in target.then]
        return [(tuple(values), [*operations, *last, *commands])]


# ---- the kernel's command line --------------------------------------------------------------

GRUB_FOLDER = "/etc/default/grub.d"
GRUB_FILE = f"{GRUB_FOLDER}/90-whitewire.cfg"
GRUB_HEAD = "# Written by tune, removed by tune revert.\n"
GRUB_LINE = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT {}"\n'


def parse_cmdline(text: str) -> dict[str, str]:
    """Parameters; the last of a name counts, one without value is empty."""
    parts = (word.partition("=") for word in text.split())
    return {name: value for name, _, value in parts}


def format_cmdline(parameters: Mapping[str, str]) -> str:
    """As on the kernel's command line."""
    return " ".join(f"{name}={value}" if value else name for name, value in parameters.items())


class CmdlineKind(Kind):
    """Parameters of the kernel from the next boot on, in a file of ours or through grubby."""

    scope = "persistent"

    def wanted(self, context: Context, entry: Entry, wanted: Mapping[str, str]) -> dict[str, str]:
        filled = super().wanted(context, entry, wanted)
        self._backend(context.host)
        ours = self._ours(context.host)
        running = parse_cmdline(context.host.read("/proc/cmdline") or "")
        # what the host's own files already say needs nothing of ours
        return {
            key: value for key, value in filled.items() if key in ours or running.get(key) != value
        }

    @staticmethod
    def _backend(host: Host) -> str:
        for program in ("update-grub", "grubby"):
            if host.has_command(program) and (program == "grubby" or host.is_folder(GRUB_FOLDER)):
                return program
        raise Unsupported("neither update-grub nor grubby: set the parameters by hand")

    def _ours(self, host: Host) -> dict[str, str]:
        if self._backend(host) == "grubby":
            said = host.run(["grubby", "--info=DEFAULT"])
            if said.code != 0:
                raise Unsupported(f"grubby: {said.err.strip() or 'it failed'}")
            for line in said.out.splitlines():
                name, _, value = line.partition("=")
                if name == "args":
                    return parse_cmdline(value.strip('"'))
            return {}
        text = host.read(GRUB_FILE)
        if text is None:
            return {}
        if not text.startswith(GRUB_HEAD):
            raise Unsupported(f"{GRUB_FILE} is not ours")
        return parse_cmdline(text.split("_DEFAULT ", 1)[1].rstrip('"\n'))

    def read(self, host: Host, target: Target, keys: Sequence[str]) -> dict[str, str | None]:
        ours = self._ours(host)
        return {key: ours.get(key) for key in keys}

    def groups(self, host: Host, target: Target, values: Values) -> list[Group]:
        add = {key: value for key, value in values.items() if value is not None}
        gone = [key for key, value in values.items() if value is None]
        operations: list[Operation] = []
        if self._backend(host) == "grubby":
            for flag, words in (("--args", format_cmdline(add)), ("--remove-args", " ".join(gone))):
                if words:
                    command = ("grubby", "--update-kernel=ALL", f"{flag}={words}")
                    operations.append(Run(command))
            return [(tuple(values), operations)]
        ours = {**self._ours(host), **add}
        for key in gone:
            ours.pop(key, None)
        if ours:
            operations.append(
                Replace(GRUB_FILE, GRUB_HEAD + GRUB_LINE.format(format_cmdline(ours)))
            )
        elif host.exists(GRUB_FILE):
            operations.append(Remove(GRUB_FILE))
        return [(tuple(values), [*operations, Run(("update-grub",))])]


KINDS: Mapping[str, Kind] = {
    "sysctl": SysctlKind(),
    "file": FileKind(),
    "irq": IrqKind(),
    "cpuset": CpusetKind(),
    "unit": UnitKind(),
    "coalesce": EthtoolKind(ethtool.read_coalesce, ethtool.coalesce_commands),
    "channels": EthtoolKind(ethtool.read_channels, ethtool.channels_commands),
    "feature": EthtoolKind(ethtool.read_features, ethtool.features_commands),
    "rxfh": EthtoolKind(ethtool.read_indirection, ethtool.indirection_commands, is_remade=True),
    "ntuple": EthtoolKind(ethtool.read_rules, ethtool.rules_commands, may_be_absent=True),
    "cmdline": CmdlineKind(),
    "dropin": DropinKind(),
}
assert set(KINDS) == CHANGING
QUEUE_FILES = ("rps_cpus", "xps_cpus")


def remade_with_queues(host: Host, target: Target) -> list[tuple[Target, dict[str, str | None]]]:
    """What a change of a card's queues makes anew, with its values now: a revert restores it too.

    Interrupts of the card, the files of its queues, the indirection table.
    """
    name = target.interface(host)
    prefix = f"{name}-"
    irqs = [irq for irq in topology.interrupts(host) if irq.startswith(prefix)]
    folder = f"/sys/class/net/{name}/queues"
    files = [path for word in QUEUE_FILES for path in host.glob(f"{folder}/*/{word}")]
    found = []
    for kind, compare, keys in (
        ("irq", "cpulist", [f"{{if}}-{irq[len(prefix) :]}" for irq in irqs]),
        ("file", "mask", [path.replace(f"/{name}/", "/{if}/", 1) for path in files]),
        ("rxfh", "text", ["indirection"]),
    ):
        one = replace(target, kind=kind, compare=compare)
        values: dict[str, str | None] = {}
        for key in keys:
            with contextlib.suppress(Unsupported):  # what cannot be read cannot be restored
                values.update(KINDS[kind].read(host, one, [key]))
        if values:
            found.append((one, values))
    return found


def target_of(context: Context, entry: Entry) -> Target:
    """What of this host an entry is about."""
    nic = context.nic
    texts = (*entry.wants, *(value for value in entry.wants.values()))
    is_about_card = nic is not None and (
        isinstance(KINDS[entry.kind], EthtoolKind) or any("{if}" in text for text in texts)
    )
    compare = "cpulist" if entry.kind in ("irq", "unit") else entry.compare
    return Target(
        id=entry.id,
        kind=entry.kind,
        stage=entry.stage,
        compare=compare,
        accept=entry.accept,
        mac=nic.mac if nic and is_about_card else "",
        pci=nic.pci if nic and is_about_card else "",
        unit_property=entry.unit_property,
        pairs=tuple(entry.pairs.values()),
        then=tuple(tuple(map(context.fill, command)) for command in entry.then),
    )
