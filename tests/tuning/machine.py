"""The fake programs of a fake host: ethtool, systemctl, chronyc, update-grub and the like.

Owns: their output, and what they change. Must not know: how tuning reads it. Invariant: what they
know is in `/machine.json` of the host, so a host in memory and one in a folder behave alike.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunelib.host import Host, Result
from tunelib.rooted import ROOT_VARIABLE, RootedHost

COMMANDS = ("chronyc", "ethtool", "ip", "systemctl", "tc", "update-grub")
STATE = "/machine.json"


def irq_files(number: int, name: str, cpus: str) -> dict[str, str]:
    """An interrupt."""
    return {
        f"/sys/kernel/irq/{number}/actions": f"{name}\n",
        f"/proc/irq/{number}/smp_affinity_list": f"{cpus}\n",
        f"/proc/irq/{number}/effective_affinity_list": f"{cpus.split('-')[0]}\n",
    }


def queue_files(name: str, count: int) -> dict[str, str]:
    """The queues of a card."""
    found = {}
    for number in range(count):
        found[f"/sys/class/net/{name}/queues/rx-{number}/rps_cpus"] = "0\n"
        found[f"/sys/class/net/{name}/queues/tx-{number}/xps_cpus"] = f"{1 << number:x}\n"
    return found


class Refusal(Exception):
    """What a program says when it cannot: exit code 1."""


class Machine:
    """Programs over a host.

    Args:
        host: whose files they see.
        put: makes or overwrites a file of the kernel.
        drop: removes one.
    """

    def __init__(self, host: Host, put: Any, drop: Any) -> None:
        self._host = host
        self._put = put
        self._drop = drop
        self._state = json.loads(host.read(STATE) or "{}")

    def run(self, command: Sequence[str]) -> Result:
        """Runs one, and remembers what it changed."""
        name, *arguments = command
        try:
            out = getattr(self, "_" + name.replace("-", "_"))(*arguments)
        except Refusal as error:
            return Result(1, "", f"{error}\n")
        self._state["log"].append(" ".join(command))
        self._put(STATE, json.dumps(self._state))
        return Result(0, out or "", "")

    # ---- ethtool ----------------------------------------------------------------------------

    def _ethtool(self, option: str, name: str, *words: str) -> str | None:
        if name not in self._state["cards"]:
            raise Refusal("netlink error: No such device")
        card = self._state["cards"][name]
        actions = {
            "-c": self._show_coalesce,
            "-C": self._set_coalesce,
            "-l": self._show_channels,
            "-L": self._set_channels,
            "-k": self._show_features,
            "-K": self._set_features,
            "-x": self._show_indirection,
            "-X": self._set_indirection,
            "-n": self._show_rules,
            "-N": self._set_rule,
            "-S": self._show_stats,
            "-T": lambda _card, _name: "Time stamping parameters:\nPTP Hardware Clock: none\n",
        }
        if option not in actions:
            raise Refusal("netlink error: Operation not supported")
        return actions[option](card, name, *words)

    @staticmethod
    def _show_coalesce(card: dict[str, Any], name: str) -> str:
        values = card["coalesce"]
        lines = [f"Coalesce parameters for {name}:"]
        lines.append(f"Adaptive RX: {values['adaptive-rx']}  TX: n/a")
        lines += ["stats-block-usecs:\tn/a", f"rx-usecs:\t{values['rx-usecs']}"]
        lines += ["rx-frames:\tn/a", f"tx-usecs:\t{values['tx-usecs']}"]
        return "\n".join(lines) + "\n"

    @staticmethod
    def _set_coalesce(card: dict[str, Any], name: str, *words: str) -> None:
        if card.get("refuses_coalesce"):
            raise Refusal("netlink error: Operation not supported")
        card["coalesce"].update(zip(words[::2], words[1::2], strict=True))

    @staticmethod
    def _show_channels(card: dict[str, Any], name: str) -> str:
        now, most = card["queues"]
        return (
            f"Channel parameters for {name}:\nPre-set maximums:\nRX:\t\tn/a\nTX:\t\tn/a\n"
            f"Other:\t\tn/a\nCombined:\t{most}\nCurrent hardware settings:\nRX:\t\tn/a\n"
            f"TX:\t\tn/a\nOther:\t\tn/a\nCombined:\t{now}\n"
        )

    def _set_channels(self, card: dict[str, Any], name: str, word: str, count: str) -> None:
        """The driver makes queues and interrupts anew, under new numbers."""
        card["queues"][0] = card["indirection"] = int(count)
        for path in self._host.glob(f"/sys/class/net/{name}/queues/*/*_cpus"):
            self._drop(path)
        highest = 0
        for path in self._host.glob("/sys/kernel/irq/*/actions"):
            number = int(path.split("/")[4])
            highest = max(highest, number)
            if (self._host.read(path) or "").startswith(f"{name}-Tx-Rx-"):
                for gone in irq_files(number, "", ""):
                    self._drop(gone)
        made = queue_files(name, int(count))
        for queue in range(int(count)):
            number = highest + 1 + queue
            made |= irq_files(number, f"{name}-Tx-Rx-{queue}", self._state["cpus"])
        for path, text in made.items():
            self._put(path, text)

    @staticmethod
    def _show_features(card: dict[str, Any], name: str) -> str:
        lines = [f"{key}: {value}" for key, value in card["features"].items()]
        lines.append(f"ntuple-filters: {card['ntuple']}")
        return "\n".join([f"Features for {name}:", *lines, "rx-vlan-filter: off [fixed]"]) + "\n"

    @staticmethod
    def _set_features(card: dict[str, Any], name: str, *words: str) -> None:
        card["features"].update(zip(words[::2], words[1::2], strict=True))

    @staticmethod
    def _show_indirection(card: dict[str, Any], name: str) -> str:
        slots = [str(slot % card["indirection"]) for slot in range(16)]
        rows = [f"{first:5}:    {'     '.join(slots[first : first + 8])}" for first in (0, 8)]
        return "\n".join([f"RX flow hash indirection table for {name}:", *rows, "RSS hash key:"])

    @staticmethod
    def _set_indirection(card: dict[str, Any], name: str, word: str, count: str = "") -> None:
        card["indirection"] = int(count) if word == "equal" else card["queues"][0]

    @staticmethod
    def _show_rules(card: dict[str, Any], name: str) -> str:
        lines = ["4 RX rings available", f"Total {len(card['rules'])} rules", ""]
        for slot, (address, port, queue) in card["rules"].items():
            lines += [f"Filter: {slot}", "\tRule Type: TCP over IPv4"]
            lines += [f"\tSrc IP addr: {address} mask: 0.0.0.0"]
            lines += ["\tDest IP addr: 0.0.0.0 mask: 255.255.255.255", "\tTOS: 0x0 mask: 0xff"]
            lines += [f"\tSrc port: {port} mask: 0x0", "\tDest port: 0 mask: 0xffff"]
            lines += [f"\tAction: Direct to queue {queue}", ""]
        return "\n".join(lines)

    @staticmethod
    def _set_rule(card: dict[str, Any], name: str, *words: str) -> None:
        if card["ntuple"] == "off [fixed]":
            raise Refusal("rmgr: Cannot insert RX class rule: Operation not supported")
        if words[0] == "delete":
            del card["rules"][words[1]]
            return
        values = dict(zip(words[::2], words[1::2], strict=True))
        rule = [values["src-ip"], values["src-port"], values["action"]]
        card["rules"][values["loc"]] = rule

    @staticmethod
    def _show_stats(card: dict[str, Any], name: str) -> str:
        lines = [f"     {key}: {value}" for key, value in card["stats"].items()]
        return "\n".join(["NIC statistics:", *lines]) + "\n"

    # ---- others -----------------------------------------------------------------------------

    def _systemctl(self, verb: str, *words: str) -> str | None:
        if verb == "is-active":
            is_active = words[0] in self._state["active"]
            return "active\n" if is_active else "inactive\n"
        if verb == "show":
            return f"{self._state['units'].get(words[-1], '')}\n"
        if verb == "set-property":
            _, unit, assignment = words
            value = assignment.partition("=")[2]
            self._state["units"][unit] = value
            if not value:
                del self._state["units"][unit]
        return None

    def _chronyc(self, *words: str) -> str:
        source = self._state.get("clock", "A9FEA97B,169.254.169.123")
        numbers = "4,1795677000.1,-0.000001,0.000001,0.000010,-1.5,0.0,0.1,0.0002,0.0003,16.1"
        return f"{source},{numbers},Normal\n"

    def _tc(self, *words: str) -> str:
        return "qdisc mq 0: root\nqdisc fq_codel 0: parent :1\n"

    def _ip(self, *words: str) -> str:
        return "2: ens5    inet 10.0.0.7/24 brd 10.0.0.255 scope global ens5\n"

    def _update_grub(self) -> None:
        return None


def in_folder(root: Path) -> Machine:
    """The programs of a host in a folder."""

    def put(path: str, text: str) -> None:
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def drop(path: str) -> None:
        (root / path.lstrip("/")).unlink()
        folder = (root / path.lstrip("/")).parent
        if not any(folder.iterdir()):
            folder.rmdir()

    return Machine(RootedHost(str(root)), put, drop)


def main(argv: Sequence[str]) -> int:
    """A program of `ROOT/shim`."""
    said = in_folder(Path(os.environ[ROOT_VARIABLE])).run([Path(argv[0]).name, *argv[1:]])
    os.write(1, said.out.encode())
    os.write(2, said.err.encode())
    return said.code
