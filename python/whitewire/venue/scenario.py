"""Markets that live, by name or from a file: how the traders behave, and what goes wrong when.

Owns: reading a scenario and refusing what is not one. Must not know: the traders, how a fault is
carried out. Invariant: what `load` returns can be run; every name in it is known.

A scenario is a TOML file; everything in it is optional:

    description = "One sentence."   # shown by `whitewire venue --help`
    is_traded = true                # false: nobody but the clients, and the replay if there is one

    # How the simulated traders behave: the fields of `trader_options.TraderOptions`, whose
    # docstring says what each of them means and what it is in the calm market.
    [traders]
    takers_per_s = 20.0

    # A recorded feed that drives the markets that it holds in place of the traders; the fields of
    # `options.ReplayOptions`. `replay = "feed.jsonl.gz"` does where only the file is to be said.
    [replay]
    file = "feed.jsonl.gz"          # see `drivers.recording`; relative to the scenario's folder
    loop = false                    # true: begins anew at its end
    speed = 1.0                     # how much faster than it was recorded

    # What goes wrong, as often as there are such tables: the arguments of `FaultTable.arm`.
    [[faults]]
    name = "gap"                    # a row of `faults.kinds.FAULTS`
    times = 3                       # how many occasions it strikes, or
    probability = 0.01              # the chance of each
    at = 10.0                       # seconds of venue time since the venue was made
    seconds = 60.0                  # how long it stays armed
    market = "BTC_USDT"             # whatever else the row takes: what narrows it, its values
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

from whitewire.venue.faults.armed import FaultTable
from whitewire.venue.faults.kinds import did_you_mean
from whitewire.venue.options import ReplayOptions
from whitewire.venue.trader_options import TraderOptions

__all__ = ["Scenario", "descriptions", "load", "scenario_names"]

_SUFFIX = ".toml"
_TRADER_KEYS = tuple(option.name for option in fields(TraderOptions))
_REPLAY_KEYS = tuple(option.name for option in fields(ReplayOptions))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A market's behaviour.

    Attributes:
        description: one sentence.
        is_traded: whether simulated traders are there.
        traders: how they behave.
        faults: what goes wrong; arguments of `FaultTable.arm`.
        replay: the recorded feed that drives its markets, if there is one.
    """

    description: str = ""
    is_traded: bool = True
    traders: TraderOptions = field(default_factory=TraderOptions)
    faults: tuple[Mapping[str, Any], ...] = ()
    replay: ReplayOptions | None = None


_KEYS = tuple(part.name for part in fields(Scenario))


def scenario_names() -> tuple[str, ...]:
    """Names of the scenarios that come with the venue."""
    entries = resources.files("whitewire.venue").joinpath("scenarios").iterdir()
    names = (entry.name.removesuffix(_SUFFIX) for entry in entries if entry.name.endswith(_SUFFIX))
    return tuple(sorted(names))


def descriptions() -> dict[str, str]:
    """What the scenarios that come with the venue say about themselves, by name."""
    return {name: load(name).description for name in scenario_names()}


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
        scenario = parse(text, name)
        if scenario.replay is None:
            return scenario
        file = str(Path(name).parent / scenario.replay.file)
        return replace(scenario, replay=replace(scenario.replay, file=file))
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
            _read_replay(document.get("replay")),
        )
    except ValueError as error:
        raise ValueError(f"scenario {where!r}: {error}") from None


def _check_kinds(document: Mapping[str, Any]) -> None:
    kinds: dict[str, Any] = {"description": str, "is_traded": bool, "traders": dict}
    kinds |= {"faults": list, "replay": str | dict}
    for key, value in document.items():
        if not isinstance(value, kinds[key]):
            raise ValueError(f"{key} was {value!r}")


def _read_replay(value: Any) -> ReplayOptions | None:
    """The recording's options; the file is not looked at yet."""
    if value is None or isinstance(value, str):
        return None if value is None else ReplayOptions(value)
    _refuse_unknown(value, _REPLAY_KEYS, "a replay")
    return ReplayOptions(**{"file": "", **value})


def _check_fault(row: object) -> None:
    """Arms it where nothing happens."""
    if not isinstance(row, dict) or not isinstance(row.get("name"), str):
        raise ValueError(f"a fault needs a name: {row!r}")
    FaultTable().arm(**row)


def _refuse_unknown(table: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for key in table:
        if key not in known:
            raise ValueError(f"{what} does not have {key!r}; {did_you_mean(key, known)}")
