"""Profiles: which entries, with which values.

Owns: reading a profile and what it extends. Must not know: this host. Invariant: a profile names
entries of the catalogue only, and changes only values that the entry sets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunelib.catalogue import Catalogue, Entry
from tunelib.errors import TuneError

FOLDER = Path(__file__).resolve().parent.parent / "profiles"
SCHEMA = 1
DEFAULT = "latency"
RECEIVE = ("block", "busy_poll", "spin")
# Interrupts of the card on the hot thread's CPU, or on its neighbour.
IRQ_LAYOUTS = ("fused", "split")
_FIELDS = {"schema", "name", "summary", "extends", "receive", "irq", "entries", "without"}


@dataclass(frozen=True)
class Profile:
    """A profile with everything that it extends.

    Attributes:
        receive: the gateway's receive mode that it fits.
        irq: where the card's interrupts go, one of IRQ_LAYOUTS.
        entries: values that replace the entry's own, by id.
    """

    name: str
    summary: str
    receive: str
    irq: str
    entries: Mapping[str, Mapping[str, str]]

    def wanted(self, entry: Entry) -> Mapping[str, str]:
        """What the profile wants of an entry, before braces are filled in."""
        return {**entry.wants, **self.entries.get(entry.id, {})}


def names(folder: Path = FOLDER) -> tuple[str, ...]:
    """The profiles that there are."""
    return tuple(sorted(path.stem for path in folder.glob("*.json")))


def load(name: str, catalogue: Catalogue, folder: Path = FOLDER) -> Profile:
    """Reads a profile.

    Raises:
        TuneError: `profile-unknown` or `profile-damaged`.
    """
    return _load(name, catalogue, folder, ())


def _load(name: str, catalogue: Catalogue, folder: Path, seen: tuple[str, ...]) -> Profile:
    if name not in names(folder):
        known = ", ".join(names(folder))
        raise TuneError("profile-unknown", f"there is no profile {name}", f"known are {known}")
    try:
        document = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(name, str(error)) from error
    if not isinstance(document, dict) or set(document) != _FIELDS or document["schema"] != SCHEMA:
        raise _damaged(name, f"its fields must be {', '.join(sorted(_FIELDS))}, schema {SCHEMA}")
    if document["name"] != name or name in seen:
        raise _damaged(name, "it must carry the name of its file and not extend itself")
    if document["receive"] not in RECEIVE or document["irq"] not in IRQ_LAYOUTS:
        raise _damaged(name, f"receive is one of {RECEIVE}, irq one of {IRQ_LAYOUTS}")
    entries: dict[str, Mapping[str, str]] = {}
    if document["extends"] is not None:
        entries.update(_load(document["extends"], catalogue, folder, (*seen, name)).entries)
    for id in document["without"]:
        if id not in entries:
            raise _damaged(name, f"{id} is left out and was not in")
        del entries[id]
    for id, values in document["entries"].items():
        entries[id] = _values(name, catalogue, id, values)
    return Profile(name, document["summary"], document["receive"], document["irq"], entries)


def _values(name: str, catalogue: Catalogue, id: str, values: Any) -> Mapping[str, str]:
    if id not in catalogue.entries or not catalogue[id].changes:
        raise _damaged(name, f"{id} is no entry that changes something")
    is_text = isinstance(values, dict) and all(isinstance(text, str) for text in values.values())
    if not is_text or not set(values) <= set(catalogue[id].wants):
        raise _damaged(name, f"{id} can replace {', '.join(catalogue[id].wants)}, with text")
    return dict(values)


def _damaged(name: str, what: str) -> TuneError:
    return TuneError("profile-damaged", f"profile {name}: {what}", "correct the file")
