"""A long run under random faults: `make soak`.

Owns: the lanes (a gateway and a venue each), their memory, and the table at the end. Must not
know: what a fault is, what agreement means. Invariant: 0 only when every lane ended its schedule
with every invariant intact and flat memory; the seed is printed before anything happens.

Venue time runs as real time does, because the gateway's nonces and timers do.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import json
import secrets
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from tests.matrix.course import Broken, Course
from tests.matrix.runner import TRANSPORTS
from tests.matrix.schedule import SEGMENT_S, Segment, Strike, draw, fingerprint
from tests.matrix.stage import MARKET, WIRE, impatience
from whitewire.report import rss_bytes
from whitewire.venue import Venue
from whitewire.venue.exchange_options import ExchangeOptions

__all__ = ["Lane", "main", "soak"]

POLL_S = 0.1
# Faults wait for their occasions: several at once can cost a timeout each before all is known, and
# a feed that lost ten tokens within a minute waits for the rest of it (the venue's own limit).
PATIENCE_S = 75.0
STARTS = 20
MIB = 1024 * 1024
# Memory after the warm-up may grow by this share and this much on top.
GROWTH, SLACK_MIB = 0.10, 16.0
WARM_SHARE = 0.3
READ_EVERY_S = 10.0
# A shorter run is still warming up: a single frame that is too large takes 11 MiB for a while.
JUDGED_AFTER_S = 120.0
# What the gateway counts and the table shows.
SHOWN = ("sent", "modifies", "cancels", "fills", "unknown", "gaps", "feed-losses", "illegal")


class Lane:
    """One gateway on one venue, restarted now and then.

    Attributes:
        counts: sums of what the gateways counted.
        notes: how often gateways said something of themselves.
        struck: occasions that each fault struck.
        longest_rest_s: the longest time until everything agreed.
        reason: "" while every invariant holds.
    """

    def __init__(self, transport: str, segments: Sequence[Segment], console: Console) -> None:
        self.transport = transport
        self.segments = segments
        self.done = 0
        self.restarts = 0
        self.longest_rest_s = 0.0
        self.counts: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        self.reason = ""
        self._console = console

    async def run(self) -> None:
        """The whole schedule, or until something is broken."""
        options = ExchangeOptions(history_limit=2_000)
        venue = Venue((MARKET,), traders=False, wire=WIRE, engine=options)
        await asyncio.to_thread(venue.start)
        limits = tempfile.TemporaryDirectory(prefix="whitewire-soak-")
        course = Course(venue, self.transport, limits_kept_in=Path(limits.name))
        course.swallows = True
        course.patience_s = course.start_s = PATIENCE_S
        try:
            await course.start()
            for number, segment in enumerate(self.segments):
                await self._segment(venue, course, segment)
                self.done = number + 1
                self._say(venue)
            await course.stop("the soak is over")
            self._collect(course)
        except Broken as error:
            self.reason = f"segment {self.done + 1}: {error}"
            self._console.print(f"{self.transport}: BROKEN {self.reason}", markup=False)
        finally:
            self.notes.update(course.notes)
            self.longest_rest_s = course.longest_rest_s
            self.struck.update(await asyncio.to_thread(venue.strikes))
            await course.close()
            await asyncio.to_thread(venue.stop)
            limits.cleanup()

    async def _segment(self, venue: Venue, course: Course, segment: Segment) -> None:
        began = time.monotonic()
        waiting = list(segment.strikes)
        while (passed := time.monotonic() - began) < segment.seconds:
            while waiting and waiting[0].at <= passed:
                await self._arm(venue, waiting.pop(0))
            if course.audit.breaches:
                raise Broken(course.audit.breaches[0])
            await asyncio.sleep(POLL_S)
        await course.agree()
        # a halted one said why, and a human would start anew
        if not segment.restart and not course.halt_reason:
            course.resume()
            return
        course.resume()
        if segment.at_restart is not None:
            await self._arm(venue, segment.at_restart)
        await course.stop("a restart of the soak")
        self._collect(course)
        self.restarts += 1
        for _ in range(STARTS):
            error = await course.try_start()
            if error is None:
                return
            await asyncio.sleep(POLL_S)
        raise Broken(f"no start in {STARTS} attempts: {error}")

    async def _arm(self, venue: Venue, strike: Strike) -> None:
        await asyncio.to_thread(lambda: venue.fault(strike.fault, **strike.args))

    def _collect(self, course: Course) -> None:
        self.counts.update({name: course.gateway.counts[name] for name in SHOWN})

    def _say(self, venue: Venue) -> None:
        if self.done % 10 == 0 or self.done == len(self.segments):
            self._console.print(
                f"{self.transport}: {self.done}/{len(self.segments)} segments, "
                f"{sum(venue.strikes().values())} strikes, {rss_bytes() / MIB:.0f} MiB",
                highlight=False,
            )


async def _watch_memory(readings: list[tuple[float, float]]) -> None:
    """Reads what is in use: what only the C library or a frozen heap keeps is given back first.

    A heap thaws when no gateway is left; here one restarts while the others run.
    """
    give_back = ctypes.CDLL(None).malloc_trim
    began = time.monotonic()
    while True:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        give_back(0)
        readings.append((time.monotonic() - began, rss_bytes() / MIB))
        await asyncio.sleep(READ_EVERY_S)


def memory_verdict(readings: Sequence[tuple[float, float]]) -> tuple[float, float, str]:
    """MiB after the warm-up and at the end, and what is wrong with them."""
    end_s = readings[-1][0]
    warm = [size for at, size in readings if WARM_SHARE * end_s <= at < 0.5 * end_s]
    late = [size for at, size in readings if at >= 0.85 * end_s]
    before, after = statistics.median(warm or [readings[0][1]]), statistics.median(late)
    allowed = before * (1 + GROWTH) + SLACK_MIB
    is_judged = end_s >= JUDGED_AFTER_S and after > allowed
    return before, after, f"memory grew to {after:.0f} MiB" if is_judged else ""


def soak(
    seed: int,
    seconds: float,
    transports: Sequence[str],
    console: Console,
    segment_s: float = SEGMENT_S,
) -> dict[str, Any]:
    """Runs one lane per transport side by side; everything that is worth telling."""
    lanes = [Lane(name, draw(f"{seed}:{name}", seconds, segment_s), console) for name in transports]
    for lane in lanes:
        console.print(
            f"{lane.transport}: {len(lane.segments)} segments, schedule "
            f"{fingerprint(lane.segments)} of seed {seed}",
            highlight=False,
        )
    unhandled: list[str] = []
    memory: list[tuple[float, float]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, text: unhandled.append(f"{text.get('message')}: {text.get('exception')!r}")
        )
        watching = asyncio.get_running_loop().create_task(_watch_memory(memory))
        await asyncio.gather(*(lane.run() for lane in lanes))
        watching.cancel()

    with impatience(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    return _summary(seed, seconds, lanes, memory, unhandled)


def _summary(
    seed: int,
    seconds: float,
    lanes: Sequence[Lane],
    memory: Sequence[tuple[float, float]],
    unhandled: Sequence[str],
) -> dict[str, Any]:
    before, after, wrong = memory_verdict(memory)
    reasons = [f"{lane.transport}: {lane.reason}" for lane in lanes if lane.reason]
    reasons += [wrong] if wrong else []
    reasons += [f"errors that nobody heard: {unhandled}"] if unhandled else []
    return {
        "seed": seed,
        "seconds": seconds,
        "memory_mib": {"warm": round(before, 1), "end": round(after, 1)},
        "lanes": [
            {
                "transport": lane.transport,
                "schedule": fingerprint(lane.segments),
                "segments": lane.done,
                "restarts": lane.restarts,
                "longest rest, s": round(lane.longest_rest_s, 1),
                "counts": dict(lane.counts),
                "notes": dict(lane.notes),
                "struck": dict(lane.struck),
                "reason": lane.reason,
            }
            for lane in lanes
        ],
        "reasons": reasons,
    }


def tables(data: dict[str, Any]) -> list[Table]:
    """What happened, and which faults struck how often."""
    lanes = data["lanes"]
    names = [lane["transport"] for lane in lanes]
    facts = Table("", *names, title=f"soak, seed {data['seed']}")
    for label in ("segments", "restarts", "longest rest, s"):
        facts.add_row(label, *(str(lane[label]) for lane in lanes))
    for name in SHOWN:
        facts.add_row(name, *(str(lane["counts"].get(name, 0)) for lane in lanes))
    for note in sorted({note for lane in lanes for note in lane["notes"]}):
        facts.add_row(note, *(str(lane["notes"].get(note, 0)) for lane in lanes))
    facts.add_row("invariants", *(lane["reason"] or "intact" for lane in lanes))
    faults = Table("fault", *names, title="occasions struck")
    for name in sorted({name for lane in lanes for name in lane["struck"]}):
        faults.add_row(name, *(str(lane["struck"].get(name, 0)) for lane in lanes))
    return [faults, facts]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a soak; 1 when an invariant broke or memory grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="of quoting (default 30)")
    parser.add_argument("--seed", type=int, help="of the schedule; drawn and printed otherwise")
    parser.add_argument("--transport", choices=TRANSPORTS, action="append", help="default: both")
    parser.add_argument("--json", metavar="FILE", help="write everything there")
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(f"soak: {options.minutes:g} minutes, seed {seed}", highlight=False)
    data = soak(seed, options.minutes * 60, options.transport or TRANSPORTS, console)
    for table in tables(data):
        console.print(table)
    memory = data["memory_mib"]
    console.print(f"memory {memory['warm']:.0f} MiB when warm, {memory['end']:.0f} at the end")
    for reason in data["reasons"]:
        console.print(f"FAIL {reason}  (again with: --seed {seed})", markup=False)
    if options.json:
        Path(options.json).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return 1 if data["reasons"] else 0


if __name__ == "__main__":
    sys.exit(main())
