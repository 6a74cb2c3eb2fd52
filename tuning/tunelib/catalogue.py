"""The catalogue, read strictly.

Owns: the form of an entry, and what is refused. Must not know: this host. Invariant: an entry
that would change something says how it is undone; a typing error is found here, not on a host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunelib.errors import TuneError

FOLDER = Path(__file__).resolve().parent.parent / "catalogue"
SCHEMA = 1
TIERS = ("T0", "T1", "T2", "X")
CHANGING = frozenset(
    {"channels", "cmdline", "coalesce", "cpuset", "dropin", "feature", "file", "irq", "ntuple"}
    | {"rxfh", "sysctl", "unit"}
)
PASSIVE = frozenset({"app", "never", "report"})
# Order of application: what makes interrupts anew comes before what moves them, and a CPU goes
# offline before masks name those that are left.
STAGES: tuple[str, ...] = (
    *("offline", "queues", "steering", "coalesce", "irqbalance", "irq", "xps", "workqueue"),
    *("cpuset", "sysctl", "memory", "cpu", "files", "boot"),
)
DISRUPTIONS = ("none", "blip", "reboot")
DEVIATIONS = ("fail", "warn", "info")
COMPARES = ("text", "choice", "mask", "cpulist")
# Braces after a capital letter are udev's, `ATTR{clock_name}`.
VARIABLE = re.compile(r"(?<![A-Z])\{([a-z0-9_]+)\}")
_TEXTS = ("title", "why", "risk", "four", "read", "write", "revert")
_NEEDED = frozenset({"id", "tier", "kind", "sources", *_TEXTS})
_OPTIONAL = frozenset(
    {"set", "accept", "requires", "stage", "disruption", "deviation", "probe", "watch", "compare"}
    | {"pairs", "then", "unit_property"}
)


@dataclass(frozen=True)
class Entry:
    """One entry; the fields are described in the package's docstring."""

    id: str
    group: str
    tier: str
    kind: str
    title: str
    why: str
    risk: str
    four: str
    read: str
    write: str
    revert: str
    sources: tuple[str, ...]
    wants: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    stage: str = ""
    disruption: str = "none"
    deviation: str = "info"
    probe: str = ""
    watch: tuple[str, ...] = ()
    compare: str = "text"
    pairs: Mapping[str, str] = field(default_factory=dict)
    then: tuple[tuple[str, ...], ...] = ()
    unit_property: str = ""

    @property
    def changes(self) -> bool:
        """Whether apply may ever do something about it."""
        return self.kind in CHANGING


@dataclass(frozen=True)
class Catalogue:
    """All entries by id, in order, with the titles of groups and the sources."""

    entries: Mapping[str, Entry]
    groups: Mapping[str, str]
    sources: Mapping[str, str]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def __getitem__(self, id: str) -> Entry:
        if id not in self.entries:
            raise TuneError(
                "entry-unknown", f"there is no entry {id}", f"known are {', '.join(self.entries)}"
            )
        return self.entries[id]


def load(folder: Path = FOLDER) -> Catalogue:
    """Reads every group.

    Raises:
        TuneError: `catalogue-damaged`, with the file, the entry and what is wrong with it.
    """
    sources = _read(folder / "sources.json")["sources"]
    entries: dict[str, Entry] = {}
    groups: dict[str, str] = {}
    for path in sorted(folder.glob("[0-9]*.json")):
        document = _read(path)
        _demand(set(document) == {"schema", "group", "title", "entries"}, path.name, "its fields")
        groups[document["group"]] = document["title"]
        for row in document["entries"]:
            entry = parse(row, document["group"], frozenset(sources))
            _demand(entry.id not in entries, entry.id, "there are two of it")
            entries[entry.id] = entry
    _demand(bool(entries), str(folder), "it has no entries")
    return Catalogue(entries, groups, sources)


def parse(row: Mapping[str, Any], group: str, sources: frozenset[str]) -> Entry:
    """One entry from its JSON object.

    Raises:
        TuneError: `catalogue-damaged`.
    """
    id = str(row.get("id", "an entry without id"))
    unknown, lacking = set(row) - _NEEDED - _OPTIONAL, _NEEDED - set(row)
    _demand(not unknown, id, f"unknown fields {sorted(unknown)}")
    _demand(not lacking, id, f"fields missing: {sorted(lacking)}")
    for name in _TEXTS:
        _demand(bool(row[name]) and isinstance(row[name], str), id, f"{name} must be text")
    values = {**row, "wants": row.get("set", {})}
    values.pop("set", None)
    for name in ("sources", "accept", "requires", "watch"):
        values[name] = _texts(id, name, row.get(name, []))
    values["then"] = tuple(_texts(id, "then", command) for command in row.get("then", []))
    entry = Entry(group=group, **values)
    _check(entry, sources)
    return entry


def _check(entry: Entry, sources: frozenset[str]) -> None:
    id = entry.id
    _demand(bool(re.fullmatch(r"[A-Z]{1,2}\d{1,2}", id)), id, "the id is a letter and a number")
    _one_of(id, "tier", entry.tier, TIERS)
    _one_of(id, "kind", entry.kind, (*CHANGING, *PASSIVE))
    _one_of(id, "disruption", entry.disruption, DISRUPTIONS)
    _one_of(id, "deviation", entry.deviation, DEVIATIONS)
    _one_of(id, "compare", entry.compare, COMPARES)
    _demand(bool(entry.sources), id, "it names no source")
    _demand(set(entry.sources) <= sources, id, f"unknown sources in {entry.sources}")
    _demand((entry.tier == "X") == (entry.kind == "never"), id, "X and never belong together")
    if entry.changes:
        _one_of(id, "stage", entry.stage, STAGES)
        _demand(bool(entry.wants), id, "it changes something and does not say what")
        for key, value in (*entry.wants.items(), *entry.pairs.items()):
            _demand(isinstance(key, str) and isinstance(value, str), id, f"{key} must be text")
    else:
        _demand(
            not entry.wants and not entry.then and not entry.stage, id, "it must change nothing"
        )
    _demand(set(entry.pairs) <= set(entry.wants), id, "pairs of what it does not set")
    _demand((entry.kind == "unit") == bool(entry.unit_property), id, "units have a property")


def _read(path: Path) -> Any:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TuneError(
            "catalogue-damaged", f"{path.name} cannot be read: {error}", "restore the file"
        ) from error
    _demand(isinstance(document, dict), path.name, "it must be an object")
    _demand(document.get("schema") == SCHEMA, path.name, f"its schema is not {SCHEMA}")
    return document


def _texts(id: str, name: str, value: Any) -> tuple[str, ...]:
    is_list = isinstance(value, list) and all(isinstance(part, str) for part in value)
    _demand(is_list, id, f"{name} must be a list of texts")
    return tuple(value)


def _one_of(id: str, name: str, value: Any, known: tuple[str, ...]) -> None:
    _demand(value in known, id, f"{name} is {value!r}, not one of {', '.join(sorted(known))}")


def _demand(condition: bool, where: str, what: str) -> None:
    if not condition:
        raise TuneError("catalogue-damaged", f"{where}: {what}", "correct the catalogue")
