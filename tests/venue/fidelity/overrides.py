"""Where the protocol's reference is right and the specification is not.

The overrides are data, in `overrides.toml`. Each names a file of the specification, a JSON
pointer into it (`*` matches every key), one change there, and why. A change is one of: `put`, a
value in the place of the old one; `extend`, more keys of an object or items of a list; `drop`,
items of a list. A place that does not exist is made by `put` in an existing object.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Json = Any

_FILE = Path(__file__).with_name("overrides.toml")


class Misplaced(Exception):
    """An override points to nothing in the specification."""


@dataclass(frozen=True, slots=True)
class Override:
    """One reasoned deviation from the specification.

    Attributes:
        file: name of the document.
        at: JSON pointer; `*` stands for every key.
        change: `put`, `extend` or `drop`.
        value: what is put, added or dropped.
        reason: why the specification does not hold.
        protocol: where the protocol's reference says so.
        if_served: the row is needed only where the venue serves this path.
    """

    file: str
    at: str
    change: str
    value: Json
    reason: str
    protocol: str
    if_served: str = ""

    def __str__(self) -> str:
        return f"{self.file}#{self.at} ({self.protocol}: {self.reason})"


@cache
def read_overrides() -> tuple[Override, ...]:
    """Every override, in the order of the file."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))["override"]
    return tuple(_override(row) for row in rows)


def _override(row: dict[str, Json]) -> Override:
    common = {key: row.pop(key) for key in ("file", "at", "reason", "protocol")}
    common["if_served"] = row.pop("if_served", "")
    [(change, value)] = row.items()
    if change not in ("put", "extend", "drop"):
        raise ValueError(f"{change} is no change")
    return Override(change=change, value=value, **common)


def overridden(documents: Mapping[str, Json], overrides: Iterable[Override]) -> Mapping[str, Json]:
    """The documents with the overrides; the given ones stay as they are."""
    changed = dict(documents)
    for override in overrides:
        tokens = [
            token.replace("~1", "/").replace("~0", "~") for token in override.at.split("/")[1:]
        ]
        document = _changed(changed[override.file], tokens, override)
        if document is None:
            raise Misplaced(str(override))
        changed[override.file] = document
    return changed


def _changed(node: Json, tokens: list[str], override: Override) -> Json | None:
    """A changed copy of a node, or None where the pointer leads nowhere."""
    if not tokens:
        return _replaced(node, override)
    token, *rest = tokens
    if isinstance(node, list):
        if not token.isdigit() or int(token) >= len(node):
            return None
        item = _changed(node[int(token)], rest, override)
        return None if item is None else [*node[: int(token)], item, *node[int(token) + 1 :]]
    if not isinstance(node, dict):
        return None
    if token not in node and token != "*":
        is_new = not rest and override.change == "put"
        return {**node, token: override.value} if is_new else None
    keys = list(node) if token == "*" else [token]
    parts = {key: _changed(node[key], rest, override) for key in keys}
    found = {key: part for key, part in parts.items() if part is not None}
    return {**node, **found} if found else None


def _replaced(node: Json, override: Override) -> Json:
    value = override.value
    match override.change, node:
        case "put", _:
            return value
        case "extend", dict() if isinstance(value, dict):
            return {**node, **value}
        case "extend", list() if isinstance(value, list):
            return [*node, *value]
        case "drop", list():
            return [item for item in node if item not in value]
    raise Misplaced(str(override))
