"""The program of `whitewire bench tick`: which clients meet, on which schedule, for which targets.

Owns: matches, rounds, options. Must not know: how a client is started (see `stage`), statistics
(see `figures`). Invariant: in every round of a match each client plays once, in random order, on
the schedule of that round, and nothing is printed about a match with a wrong order in it.

Two schedules, because a queue is not a reaction time. On the brisk one a tick comes every 0.2 to
1.2 ms; the gateway and the floors keep up with it. A client that takes longer than the gap would
be charged for its queue, without end, so rivals meet the gateway on a calm one, every 2 to 4 ms.
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args, get_type_hints

from bench.micro.measure import CannotMeasureError, Ratio, WrongAnswerError
from bench.tick.figures import Match, Tail
from bench.tick.stage import Client, Plan, Stage, c_floor_client, native_client, python_client
from whitewire.config import ProcessConfig

__all__ = ["Options", "best_gateway", "environment", "gateways", "main", "play", "receive_modes"]

FLOOR = "native floor, spinning"
_C_FLOOR = "C floor"
_BRISK = Plan(ticks=1_000)
_CALM = Plan(ticks=400, warm_up=100, gap_us=(2_000, 4_000))
_SHORT = 4
# Below the venue's 1,000 orders a second, which the gateway keeps to, however long it runs.
_TAIL = Plan(ticks=50_000, gap_us=(700, 1_700))
_RIVALS = {
    "ccxt.pro": ("ccxt_pro", ("ccxt",), 14, 11),
    "the guide's code, one session": ("guide", ("requests", "websockets"), 20, 14),
    "careful asyncio": ("careful", ("websockets", "orjson", "aiohttp"), 10, 8),
}
_PACKAGES = ("whitewire", "picows", "uvloop", "ccxt", "requests", "websockets", "orjson", "aiohttp")


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


def receive_modes() -> tuple[str, ...]:
    """The modes of `process.receive` that make a difference on loopback.

    The kernel's busy polling needs a network card.
    """
    hint = get_type_hints(ProcessConfig).get("receive")
    return tuple(mode for mode in ("block", "spin") if mode in get_args(hint)) or ("block",)


def gateways(**told: Any) -> dict[str, Client]:
    """whitewire in each receive mode."""
    names = {mode: f"whitewire, {mode}" for mode in receive_modes()}
    return {
        name: python_client(name, "gateway", receive=mode, **told) for mode, name in names.items()
    }


def best_gateway() -> str:
    """Its name in the mode that answers soonest."""
    return f"whitewire, {receive_modes()[-1]}"


def _rivals() -> dict[str, Client]:
    found = {}
    for name, (module, packages, *_) in _RIVALS.items():
        missing = [package for package in packages if find_spec(package) is None]
        if missing:
            print(
                f"without {name}: {', '.join(missing)} is missing (pip install --group rivals)",
                file=sys.stderr,
            )
        else:
            found[name] = python_client(name, module)
    return found


def play(
    stage: Stage, clients: dict[str, Client], plan: Plan, options: Options
) -> Iterator[tuple[str, Any]]:
    """(client, what was found) of every round, in random order within each."""
    source = random.Random(options.seed)
    for number in range(options.rounds):
        order = list(clients)
        source.shuffle(order)
        for name in order:
            print(f"round {number + 1} of {options.rounds}: {name}", file=sys.stderr)
            yield name, stage.play(clients[name], plan, options.seed + number)


def _match(
    title: str,
    stage: Stage,
    clients: dict[str, Client],
    plan: Plan,
    options: Options,
    promises: Sequence[Ratio | Tail],
) -> Match | None:
    wanted = {
        name: client
        for name, client in clients.items()
        if not options.only or any(text in name for text in options.only)
    }
    if not wanted:
        return None
    rounds: dict[str, list[Any]] = {name: [] for name in wanted}
    missed = dict.fromkeys(wanted, (0, 0))
    for name, found in play(stage, wanted, plan, options):
        rounds[name].append(found.report["tick_to_order"])
        lost, ticks = missed[name]
        missed[name] = (lost + found.report["missed"], ticks + found.report["ticks"])
    return Match(title, rounds, missed, promises)


def _matches(stage: Stage, transport: str, options: Options) -> Iterator[Match | None]:
    floors = {FLOOR: native_client(FLOOR)}
    if stage.has_c_floor:
        floors[_C_FLOOR] = c_floor_client()
    best = best_gateway()
    if options.minutes:
        both = {FLOOR: floors[FLOOR], best: gateways()[best]}
        yield _match(
            f"tail, {transport}: {options.minutes} min each, a tick every 0.7 to 1.7 ms",
            stage,
            both,
            _TAIL,
            replace(options, rounds=options.minutes),
            [Tail(best, FLOOR, at_most=1.2)],
        )
        return
    brisk, calm = _BRISK, _CALM
    if options.short:
        brisk = replace(brisk, ticks=brisk.ticks // _SHORT)
        calm = replace(calm, ticks=calm.ticks // _SHORT)
    yield _match(
        f"tick to trade, {transport}: a tick every 0.2 to 1.2 ms",
        stage,
        {**floors, **gateways()},
        brisk,
        options,
        [
            *(Ratio(name, FLOOR, at_most=1.3 if "spin" in name else None) for name in gateways()),
            Ratio(best, _C_FLOOR),
            Ratio(FLOOR, _C_FLOOR),
        ],
    )
    at_least = {name: row[3] if transport == "tls" else row[2] for name, row in _RIVALS.items()}
    yield _match(
        f"tick to trade beside rivals, {transport}: a tick every 2 to 4 ms",
        stage,
        {best: gateways()[best], **_rivals()},
        calm,
        options,
        [Ratio(name, best, at_least=factor) for name, factor in at_least.items()],
    )


def environment() -> dict[str, str]:
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
    """Measures and prints; an exit code."""
    documents = []
    try:
        for transport in options.transports:
            with Stage(transport == "tls") as stage:
                for match in _matches(stage, transport, options):
                    if match is not None:
                        print("\n".join(match.lines()), flush=True)
                        documents.append(match.as_json())
    except WrongAnswerError as error:
        print(f"wrong answer: {error}", file=sys.stderr)
        return 1
    except CannotMeasureError as error:
        print(f"cannot measure: {error}", file=sys.stderr)
        return 2
    if options.json_file is not None:
        text = json.dumps({"environment": environment(), "matches": documents}, indent=1)
        Path(options.json_file).write_text(text + "\n", encoding="utf-8")
    return 0
