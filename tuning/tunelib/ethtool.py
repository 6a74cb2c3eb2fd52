"""Settings of a network card, through the program ethtool.

Owns: its arguments and its output. Must not know: what is wanted. Invariant: what cannot be read
or written back exactly is unsupported, with ethtool's own words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Optional

from tunelib.errors import Unsupported
from tunelib.host import Host

Values = Mapping[str, Optional[str]]
FILTER_FIELDS = (("Src IP addr", "src-ip"), ("Dest IP addr", "dst-ip"))
FILTER_PORTS = (("Src port", "src-port"), ("Dest port", "dst-port"))


def ask(host: Host, *arguments: str) -> str:
    """What ethtool says.

    Raises:
        Unsupported: it refuses.
    """
    found = host.run(["ethtool", *arguments])
    if found.code != 0:
        lines = (found.err or found.out).strip().splitlines() or ["it failed"]
        raise Unsupported(f"ethtool {arguments[0]}: {lines[-1]}")
    return found.out


def can_steer(host: Host, name: str) -> bool:
    """Whether flows can be steered to a queue: ntuple filters are on, or can be."""
    match = re.search(r"^ntuple-filters: (.*)$", ask(host, "-k", name), re.MULTILINE)
    return match is not None and match[1] != "off [fixed]"


def channel_limit(host: Host, name: str) -> int:
    """How many combined queues there may be."""
    match = re.search(r"^Combined:\s+(\d+)", ask(host, "-l", name), re.MULTILINE)
    if match is None or match[1] == "0":
        raise Unsupported("the card has no combined queues")
    return int(match[1])


# ---- coalescing -----------------------------------------------------------------------------


def read_coalesce(host: Host, name: str) -> dict[str, str | None]:
    """Moderation, as far as the card has it."""
    text = ask(host, "-c", name)
    found: dict[str, str | None] = {}
    for way in ("rx", "tx"):
        match = re.search(r"Adaptive RX: (\S+)\s+TX: (\S+)", text)
        if match is not None and match[1 if way == "rx" else 2] in ("on", "off"):
            found[f"adaptive-{way}"] = match[1 if way == "rx" else 2]
    for key, value in re.findall(r"^([a-z-]+):\s*(\d+)$", text, re.MULTILINE):
        found[key] = value
    return found


def coalesce_commands(name: str, values: Values) -> list[list[str]]:
    """One command, or the card would be between two states."""
    return [["ethtool", "-C", name, *_words(values)]]


# ---- queues, features -----------------------------------------------------------------------


def read_channels(host: Host, name: str) -> dict[str, str | None]:
    """Queues in use."""
    _, _, current = ask(host, "-l", name).partition("Current hardware settings:")
    found = re.findall(r"^(RX|TX|Other|Combined):\s+(\d+)$", current, re.MULTILINE)
    return {key.lower(): value for key, value in found}


def channels_commands(name: str, values: Values) -> list[list[str]]:
    """Traffic stops for a moment."""
    return [["ethtool", "-L", name, *_words(values)]]


def read_features(host: Host, name: str) -> dict[str, str | None]:
    """Offloads that can be switched."""
    found = re.findall(r"^\s*([a-z0-9-]+): (on|off)$", ask(host, "-k", name), re.MULTILINE)
    return dict(found)


def features_commands(name: str, values: Values) -> list[list[str]]:
    """All in one command."""
    return [["ethtool", "-K", name, *_words(values)]]


# ---- where packets go -----------------------------------------------------------------------


def read_indirection(host: Host, name: str) -> dict[str, str | None]:
    """`equal N` of the indirection table: only such a table can be written back."""
    text = ask(host, "-x", name)
    rows = re.findall(r"^\s*\d+:((?:\s+\d+)+)\s*$", text, re.MULTILINE)
    table = [int(queue) for row in rows for queue in row.split()]
    if not table:
        raise Unsupported("the card shows no indirection table")
    count = max(table) + 1
    if table != [slot % count for slot in range(len(table))]:
        raise Unsupported("the indirection table was set by hand and could not be restored")
    return {"indirection": f"equal {count}"}


def indirection_commands(name: str, values: Values) -> list[list[str]]:
    """The table anew."""
    return [["ethtool", "-X", name, *(values["indirection"] or "default").split()]]


def read_rules(host: Host, name: str) -> dict[str, str | None]:
    """Rules by slot, as the words that make them."""
    found: dict[str, str | None] = {}
    for slot, body in re.findall(r"^Filter: (\d+)\n((?:\t.*\n?)+)", ask(host, "-n", name), re.M):
        lines = dict(line.strip().split(": ", 1) for line in body.splitlines() if ": " in line)
        words = ["flow-type", "tcp4" if lines.get("Rule Type") == "TCP over IPv4" else "other"]
        for title, word in (*FILTER_FIELDS, *FILTER_PORTS):
            value, _, mask = lines.get(title, "0 mask: ").partition(" mask: ")
            if value not in ("0", "0.0.0.0"):
                words += [word, value if mask in ("0.0.0.0", "0x0") else f"{value}?"]
        action = re.search(r"Direct to queue (\d+)", lines.get("Action", ""))
        found[slot] = " ".join([*words, "action", action[1] if action else "?"])
    return found


def rules_commands(name: str, values: Values) -> list[list[str]]:
    """A rule in its slot, or the slot free."""
    commands = []
    for slot, words in values.items():
        if words is None:
            commands.append(["ethtool", "-N", name, "delete", slot])
        else:
            commands.append(["ethtool", "-N", name, *words.split(), "loc", slot])
    return commands


def _words(values: Values) -> list[str]:
    return [word for key, value in values.items() for word in (key, str(value))]
