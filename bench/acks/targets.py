"""`python -m bench.acks.targets`: twenty legs pipelined, beside bulk and beside sequential aiohttp.

Owns: the run on the native front, and its verdict. Must not know: how figures are made (see
`whitewire.bench`). Invariant: all three are sent in each round, in random order, on one schedule,
to one front; every order is canceled, and the front says so at its end.

A front that serves each connection's orders one by one, 200 us each, plain HTTP. The gateway is the
product's own, with one connection for each leg; its feed and everything but orders is an embedded
venue beside the front. The rival is a process of its own (`rival.py`) on the gateway's CPU; a
gateway that spins leaves it alone there while a burst is the rival's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from bench.acks.front import CannotMeasureError, Front
from whitewire._bridge import now_ns
from whitewire.bench.acks import embedded_config
from whitewire.bench.burst import Leg, Outcome
from whitewire.bench.desk import Desk, measure
from whitewire.bench.ladder import FarLadder
from whitewire.bench.options import Request
from whitewire.bench.plan import Due, Way
from whitewire.bench.summary import paired, summarize
from whitewire.bench.tables import tables
from whitewire.bench.verdict import times
from whitewire.config import Config, Credentials
from whitewire.config_process import RECEIVE_MODES, ReceiveMode
from whitewire.endpoints import ENDPOINTS, Route
from whitewire.errors import WhitewireError
from whitewire.rehearsal import VenueProcess, cpus_apart
from whitewire.sharing import Shared
from whitewire.transport.control import LANE_ENDPOINTS
from whitewire.transport.loop import run
from whitewire.transport.receive import Reception

__all__ = ["main"]

MARKET = "BTC_USDT"
LEGS = 20
SERVICE_US = 200
INTERVAL_MS = 80.0
RIVAL = Way("aiohttp", "pipelined", is_sequential=True)
BULK = Way("bulk", "bulk")
# Each further connection costs a write and a wake-up; which number is best depends on the host.
OURS = tuple(Way(f"pipelined-{k}", "pipelined", k) for k in (5, 10, LEGS))
# At least so many times as late as ours is the other.
TARGETS = {RIVAL.name: 20.0, BULK.name: 10.0}


class TargetDesk(Desk):
    """A desk some of whose bursts a rival sends.

    Args:
        rival: its process.
        request: what is measured.
        reception: how the gateway waits.
    """

    def __init__(
        self, rival: asyncio.subprocess.Process, request: Request, reception: Reception
    ) -> None:
        # the front has no private stream
        super().__init__(
            MARKET, request.plan(), request.distance_percent, None, lambda done: None, event_s=0.0
        )
        self._rival = rival
        self._reception = reception

    async def send(self, ladder: FarLadder, due: Due, due_ns: int) -> None:
        """Sends one burst, or lets the rival send it."""
        if due.cell.way is not RIVAL:
            await super().send(ladder, due, due_ns)
            return
        spinner = self._reception.spinner
        if spinner is not None:
            spinner.stop()
        try:
            await self._send_by_rival(ladder, due, due_ns)
        finally:
            if spinner is not None:
                spinner.start()

    async def _send_by_rival(self, ladder: FarLadder, due: Due, due_ns: int) -> None:
        is_late = now_ns() > due_ns
        bids = ladder.bids(self.found.best_bid, due.cell.legs)
        asked = {"due_ns": due_ns, "bids": [(f"{p:f}", f"{amount:f}") for p, amount in bids]}
        if self._rival.stdin is None or self._rival.stdout is None:
            raise CannotMeasureError("the rival has no input")
        self._rival.stdin.write(json.dumps(asked).encode() + b"\n")
        line = await self._rival.stdout.readline()
        if not line:
            raise CannotMeasureError("the rival ended; see above")
        said = json.loads(line)
        legs = tuple(Leg(ack - due_ns, None) for ack in said["acks_ns"])
        self.found.outcomes.append(Outcome(due, said["sent_ns"] - due_ns, legs, is_late))
        self.found.placed += len(legs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures and the verdict; 0 measured, met or not, 1 unclean, 2 unfit."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.acks.targets", description="How soon 20 legs are acknowledged."
    )
    parser.add_argument("--rounds", type=int, default=100, metavar="N", help="default 100")
    parser.add_argument(
        "--receive", choices=RECEIVE_MODES, default="block", help="of the gateway, default block"
    )
    parser.add_argument("--json", metavar="FILE", help="write every figure and sample as JSON")
    options = parser.parse_args(arguments)
    try:
        data = run(_measured(request_of(options.rounds, options.receive)))
    except (CannotMeasureError, WhitewireError) as error:
        print(f"bench.acks.targets: {error}", file=sys.stderr)
        return 2
    Console().print(tables(data))
    Console().print(verdict_table(data))
    if options.json is not None:
        Path(options.json).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    is_clean = data["orders"]["clean_stop"] and data["front"]["resting"] == 0
    return 0 if is_clean else 1


def request_of(rounds: int, receive: ReceiveMode = "block") -> Request:
    """The run: the rival, bulk and ours, twenty legs each."""
    return Request(
        ways=(RIVAL, BULK, *OURS),
        legs=(LEGS,),
        rounds=rounds,
        connections=LEGS,
        interval_ms=INTERVAL_MS,
        distance_percent=Decimal(10),
        market=MARKET,
        seed=1,
        receive=receive,
    )


async def _measured(request: Request) -> dict[str, Any]:
    cpu, others = cpus_apart()
    venue = VenueProcess(["--market", MARKET, "--no-tls"], others)
    with Front(SERVICE_US, others) as front:
        async with venue as where:
            url = f"http://127.0.0.1:{front.port}"
            config, credentials = _config(where, url, request, cpu)
            found = await _beside_the_rival(request, config, credentials, url)
    data = summarize(request, found)
    (counts, placed) = (front.counts, data["orders"]["placed"])
    if counts["placed"] != placed:
        raise CannotMeasureError(f"the front took {counts['placed']} orders, {placed} were placed")
    return {**data, "front": counts, "targets": targets(data)}


async def _beside_the_rival(
    request: Request, config: Config, credentials: Credentials, url: str
) -> Any:
    pipe = asyncio.subprocess.PIPE
    rival = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.acks.rival", url, MARKET, stdin=pipe, stdout=pipe
    )
    shared = Shared(config)
    if config.process.cpu is not None:
        os.sched_setaffinity(rival.pid, {config.process.cpu})
    try:
        return await measure(
            TargetDesk(rival, request, shared.reception), config, credentials, shared
        )
    finally:
        if rival.stdin is not None:
            rival.stdin.close()
        await rival.wait()


def _config(
    where: dict[str, Any], url: str, request: Request, cpu: int | None
) -> tuple[Config, Credentials]:
    """Orders to the front, everything else to the venue."""
    config, credentials = embedded_config(where, request, cpu)
    moved = {
        name: Route.PUBLIC.value
        for name, row in ENDPOINTS.items()
        if row.route is Route.COLOCATION and name not in LANE_ENDPOINTS
    }
    venue = msgspec.structs.replace(config.venue, rest=url, route_overrides=moved)
    return msgspec.structs.replace(config, venue=venue), credentials


def targets(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Each target with what was found; met where the ratio of medians reaches it.

    Ours is the number of connections whose last answer comes soonest.
    """
    cells = {cell["transport"]: cell for cell in data["cells"] if cell["rounds"]}
    ours = min(
        (cells[way.name] for way in OURS if way.name in cells),
        key=lambda cell: float(cell["last_us"]["p50"]),
    )
    rows = []
    for name, least in TARGETS.items():
        row = paired(ours, cells[name], "last_us") if name in cells else None
        if row is not None:
            rows.append({**row, "target": least, "is_met": row["ratio"] >= least})
    return rows


def verdict_table(data: dict[str, Any]) -> Table:
    """The row of the targets, with its verdict."""
    table = Table(title=f"last of {LEGS} legs, {SERVICE_US} µs each, serial for each connection")
    for head in ("ours", "beside", "times as late", "target", "verdict"):
        table.add_column(head, justify="right" if head in ("times as late", "target") else "left")
    words = {RIVAL.name: "aiohttp, sequential", BULK.name: "one bulk request"}
    for row in data["targets"]:
        verdict = "met" if row["is_met"] else "MISSED"
        ours, other = row["fast"], words[row["slow"]]
        table.add_row(ours, other, times(row), f"≥ {row['target']:g}x", verdict)
    return table


if __name__ == "__main__":
    sys.exit(main())
