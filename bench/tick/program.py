"""The program of `whitewire bench tick`: which clients meet, on which schedule, for which targets.

Owns: matches, rounds, options. Must not know: how a client is started (see `stage`), statistics
(see `figures`). Invariant: in every round of a match each client plays once, in random order, on
the schedule of that round, and nothing is printed about a match with a wrong order in it.

Two schedules, because a queue is not a reaction time. On the brisk one a tick comes every 0.2 to
1.2 ms; the gateway and the floors keep up with it. A client that takes longer than the gap would
be charged for its queue, without end, so rivals meet the gateway on a calm one, every 1 to 2 ms.
Schedules are open loop: a tick leaves when it is due, whatever has arrived.

Tables go to stdout, talk to stderr. Exit codes: 0 measured, 1 a wrong answer, 2 something is
missing.
"""

from __future__ import annotations

import json
import os
import platform
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

from bench.micro.measure import CannotMeasureError, Ratio, WrongAnswerError
from bench.tick.figures import Match, Tail
from bench.tick.stage import (
    Client,
    Found,
    Plan,
    Stage,
    c_floor_client,
    native_client,
    python_client,
)
from whitewire.config import ProcessConfig

__all__ = ["FLOOR", "Options", "best_gateway", "gateways", "main", "measure", "meet"]

FLOOR = "native floor, spinning"
_C_FLOOR = "C floor"
_BRISK = Plan(ticks=1_000)
_CALM = Plan(ticks=400, warm_up=100, gap_us=(1_000, 2_000))
_SHORT = 4
# Below the 720 orders a second that the gateway allows itself however long it runs: of the venue's
# 1,000 a fifth is kept for cancels, and a tenth may come in a burst.
_TAIL = Plan(ticks=40_000, gap_us=(1_000, 2_000))
_SPIN, _SPINNING = "spin", 1.3
_PACKAGES = ("whitewire", "picows", "uvloop", "ccxt", "requests", "websockets", "orjson", "aiohttp")


class Rival(NamedTuple):
    """A client of others: its module here, what it needs, and how many times as long it takes."""

    module: str
    packages: tuple[str, ...]
    plain: float
    tls: float


_RIVALS = {
    "ccxt.pro": Rival("ccxt_pro", ("ccxt",), 14, 11),
    "the guide's code, one session": Rival("guide", ("requests", "websockets"), 20, 14),
    "careful asyncio": Rival("careful", ("websockets", "orjson", "aiohttp"), 10, 8),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to measure.

    Attributes:
        rounds: how often each client plays.
        transports: "tls", "plain" or both.
        only: clients whose name contains one of these; empty for all.
        minutes: of the tail run for each client; 0 for none, and then the two matches.
        short: a quarter of the ticks.
        json_file: also written there.
        seed: of schedules and orders.
    """

    rounds: int = 5
    transports: Sequence[str] = ("tls", "plain")
    only: Sequence[str] = ()
    minutes: int = 0
    short: bool = False
    json_file: str | None = None
    seed: int = 1


def _receive_modes() -> tuple[str, ...]:
    """The modes of `process.receive` that make a difference on loopback.

    The kernel's busy polling needs a network card.
    """
    hint = get_type_hints(ProcessConfig).get("receive")
    return tuple(mode for mode in ("block", _SPIN) if mode in get_args(hint)) or ("block",)


def gateways(**told: Any) -> dict[str, Client]:
    """whitewire in each receive mode, the one that answers soonest last."""
    names = {f"whitewire, {mode}": mode for mode in _receive_modes()}
    return {
        name: python_client(name, "gateway", receive=mode, **told) for name, mode in names.items()
    }


def best_gateway() -> str:
    """Its name in the mode that answers soonest."""
    return f"whitewire, {_receive_modes()[-1]}"


def _rivals() -> dict[str, Client]:
    found = {}
    for name, rival in _RIVALS.items():
        missing = [package for package in rival.packages if find_spec(package) is None]
        if missing:
            print(
                f"without {name}: {', '.join(missing)} is missing (pip install --group rivals)",
                file=sys.stderr,
            )
        else:
            found[name] = python_client(name, rival.module)
    return found


def _play(
    stage: Stage, clients: dict[str, Client], plan: Plan, options: Options
) -> Iterator[tuple[str, Found]]:
    """(client, what was found) of every round, in random order within each."""
    source = random.Random(options.seed)
    for number in range(options.rounds):
        order = list(clients)
        source.shuffle(order)
        for name in order:
            print(f"round {number + 1} of {options.rounds}: {name}", file=sys.stderr)
            yield name, stage.play(clients[name], plan, options.seed + number)


def meet(
    match: Match, stage: Stage, clients: dict[str, Client], plan: Plan, options: Options
) -> bool:
    """Plays the rounds of a match and adds to it what they found; whether anybody played.

    Where a client times its own ladders, its figures are taken, and the referee's otherwise.
    """
    wanted = {
        name: client
        for name, client in clients.items()
        if not options.only or any(text in name for text in options.only)
    }
    match.expect(wanted)
    for name, found in _play(stage, wanted, plan, options):
        match.add(name, found.pairs, found.report)
    return bool(wanted)


def _matches(stage: Stage, transport: str, options: Options) -> Iterator[Match]:
    if options.minutes:
        yield from _tail(stage, transport, options)
    else:
        yield from _brisk(stage, transport, options)
        yield from _calm(stage, transport, options)


def _tail(stage: Stage, transport: str, options: Options) -> Iterator[Match]:
    best = best_gateway()
    match = Match(
        f"tail, {transport}: {options.minutes} min each, a tick every 1 to 2 ms",
        [Tail(best, FLOOR, at_most=1.2)],
    )
    both = {FLOOR: native_client(FLOOR), best: gateways()[best]}
    if meet(match, stage, both, _TAIL, replace(options, rounds=options.minutes)):
        yield match


def _brisk(stage: Stage, transport: str, options: Options) -> Iterator[Match]:
    floors = {FLOOR: native_client(FLOOR)}
    if stage.has_c_floor:
        floors[_C_FLOOR] = c_floor_client()
    promises = [
        Ratio(name, FLOOR, at_most=_SPINNING if name.endswith(_SPIN) else None)
        for name in gateways()
    ]
    promises += [Ratio(best_gateway(), _C_FLOOR, at_most=_SPINNING), Ratio(FLOOR, _C_FLOOR)]
    match = Match(f"tick to trade, {transport}: a tick every 0.2 to 1.2 ms", promises)
    if meet(match, stage, floors | gateways(), _shortened(_BRISK, options), options):
        yield match


def _calm(stage: Stage, transport: str, options: Options) -> Iterator[Match]:
    best = best_gateway()
    promises = [
        Ratio(name, best, at_least=rival.tls if transport == "tls" else rival.plain)
        for name, rival in _RIVALS.items()
    ]
    title = f"tick to trade beside rivals, {transport}: a tick every 1 to 2 ms"
    match = Match(title, promises)
    clients = {best: gateways()[best], **_rivals()}
    if meet(match, stage, clients, _shortened(_CALM, options), options):
        yield match


def _shortened(plan: Plan, options: Options) -> Plan:
    return replace(plan, ticks=plan.ticks // _SHORT) if options.short else plan


def _environment() -> dict[str, str]:
    """Where and with what it was measured."""
    found = {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "date_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def main(options: Options) -> int:
    """The bench; its exit code."""
    return measure(_matches, options)


def measure(matches: Callable[[Stage, str, Options], Iterator[Match]], options: Options) -> int:
    """Plays matches on each transport, prints and writes them; an exit code."""
    documents = []
    try:
        for transport in options.transports:
            with Stage(transport == "tls") as stage:
                for match in matches(stage, transport, options):
                    print("\n".join(match.lines()), flush=True)
                    documents.append(match.as_json())
    except WrongAnswerError as error:
        print(f"wrong answer: {error}", file=sys.stderr)
        return 1
    except CannotMeasureError as error:
        print(f"cannot measure: {error}", file=sys.stderr)
        return 2
    if options.json_file is not None:
        text = json.dumps({"environment": _environment(), "matches": documents}, indent=1)
        Path(options.json_file).write_text(text + "\n", encoding="utf-8")
    return 0
