"""Markets that live, by name or from a file: how the traders behave, and what goes wrong when.

Owns: reading a scenario and refusing what is not one. Must not know: the traders, how a fault is
carried out. Invariant: what `load` returns can be run; every name in it is known.

A scenario is a TOML file; everything in it is optional:

    description = "One sentence."
    is_traded = true                # false: nobody but the clients

    [traders]                       # the fields of `TraderOptions`
    takers_per_s = 20.0

    [[faults]]                      # the arguments of `FaultTable.arm`
    name = "gap"
    at = 10.0                       # seconds of venue time since the venue was made
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

from whitewire.venue.fault_kinds import did_you_mean
from whitewire.venue.faults import FaultTable
from whitewire.venue.trader_options import TraderOptions

__all__ = ["Scenario", "load", "scenario_names"]

_SUFFIX = ".toml"
_TRADER_KEYS = tuple(option.name for option in fields(TraderOptions))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A market's behaviour.

    Attributes:
        description: one sentence.
        is_traded: whether simulated traders are there.
        traders: how they behave.
        faults: what goes wrong; arguments of `FaultTable.arm`.
    """

    description: str = ""
    is_traded: bool = True
    traders: TraderOptions = field(default_factory=TraderOptions)
    faults: tuple[Mapping[str, Any], ...] = ()


_KEYS = tuple(part.name for part in fields(Scenario))


def scenario_names() -> tuple[str, ...]:
    """Names of the scenarios that come with the venue."""
    entries = resources.files("whitewire.venue").joinpath("scenarios").iterdir()
    names = (entry.name.removesuffix(_SUFFIX) for entry in entries if entry.name.endswith(_SUFFIX))
    return tuple(sorted(names))


def load(name: str) -> Scenario:
    """Reads a scenario.

    Args:
        name: one of `scenario_names()`, or the path of a TOML file (it ends in .toml).

    Raises:
        ValueError: no such scenario, or what it says is not one.
    """
    if name.endswith(_SUFFIX):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"cannot read the scenario {name!r}: {error}") from None
        return parse(text, name)
    names = scenario_names()
    if name not in names:
        raise ValueError(f"no scenario is named {name!r}; {did_you_mean(name, names)}")
    packaged = resources.files("whitewire.venue").joinpath("scenarios", name + _SUFFIX)
    return parse(packaged.read_text(encoding="utf-8"), name)


def parse(text: str, where: str) -> Scenario:
    """Reads the text of a scenario; `where` names it in errors.

    Raises:
        ValueError: it is not one; says why.
    """
    try:
        document = tomllib.loads(text)
        _refuse_unknown(document, _KEYS, "a scenario")
        _check_kinds(document)
        traders = document.get("traders", {})
        _refuse_unknown(traders, _TRADER_KEYS, "traders")
        faults = tuple(document.get("faults", ()))
        for row in faults:
            _check_fault(row)
        return Scenario(
            document.get("description", ""),
            document.get("is_traded", True),
            TraderOptions(**traders),
            faults,
        )
    except ValueError as error:
        raise ValueError(f"scenario {where!r}: {error}") from None


def _check_kinds(document: Mapping[str, Any]) -> None:
    kinds = {"description": str, "is_traded": bool, "traders": dict, "faults": list}
    for key, value in document.items():
        if not isinstance(value, kinds[key]):
            raise ValueError(f"{key} was {value!r}")


def _check_fault(row: object) -> None:
    """Arms it where nothing happens."""
    if not isinstance(row, dict) or not isinstance(row.get("name"), str):
        raise ValueError(f"a fault needs a name: {row!r}")
    FaultTable().arm(**row)


def _refuse_unknown(table: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for key in table:
        if key not in known:
            raise ValueError(f"{what} does not have {key!r}; {did_you_mean(key, known)}")
