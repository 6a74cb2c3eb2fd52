"""`tune bench`: measures, switches settings through apply and takes them back.

Owns: which settings are switched, and the output. Must not know: statistics. Invariant: every
switch is recorded as an apply is, so a crash leaves what revert restores.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Sequence

from tunelib import bench, interlocks, pending, planner, render
from tunelib.apply import Applier, outcome
from tunelib.catalogue import Entry
from tunelib.context import Context
from tunelib.errors import TuneError
from tunelib.host import Host
from tunelib.ping import Pinger, jitter
from tunelib.state import State, locked


def run(options: argparse.Namespace, host: Host, context: Context, entries: list[Entry]) -> int:
    """Measures the host, and with --yes each setting that would change something."""
    from tunelib.commands import demand_clear, demand_rights

    pinger = Pinger(options.target, options.ca, options.rate) if options.target else None
    _pin(context)
    measure = _measurer(pinger, options.pings)
    if not options.yes:
        samples = [measure() for _ in range(options.rounds)]
        _print_baseline(options, bench.percentiles(samples))
        return 0
    demand_rights(host)
    results = []
    with locked(host) as state:
        pending.expire(host, state, pending.boot_seconds())
        steps = [step for step in planner.steps(context, entries) if step.change]
        steps = [step for step in steps if step.entry.disruption != "reboot"]
        demand_clear(options, interlocks.obstacles(context, steps))
        for step in steps:
            switch = _switch(host, context, state, step.entry, options.force)
            results.append(bench.compare(step.entry.id, options.rounds, measure, switch))
            print(f"{step.entry.id}: {results[-1].verdict}", file=sys.stderr)
    _print(options, results)
    return 0


def _pin(context: Context) -> None:
    """To the hot thread's CPU, where the gateway would run, if this process may."""
    hot = context.plan.hot
    if hot is None or context.host.root != "/":
        return
    try:
        os.sched_setaffinity(0, {hot})
    except OSError as error:
        print(f"tune: not measured on CPU {hot}: {error.strerror}", file=sys.stderr)


def _measurer(pinger: Pinger | None, pings: int) -> Callable[[], bench.Sample]:
    if pinger is not None:
        pinger.warm()

    def measure() -> bench.Sample:
        absent = jitter()
        # without a target the absence is all that there is to compare
        return bench.Sample(pinger.round(pings) if pinger else [absent], absent)

    return measure


def _switch(
    host: Host, context: Context, state: State, entry: Entry, is_forced: bool
) -> Callable[[bool], None]:
    run = secrets.token_hex(8)

    def switch(wanted: bool) -> None:
        applier = Applier(host, state, run, is_forced)
        done = applier.apply(context, [entry]) if wanted else applier.rollback(run)
        if outcome(done):
            notes = "; ".join(f"{one.what}: {one.note}" for one in done)
            raise TuneError(
                "bench-switch", f"{entry.id} cannot be switched: {notes}", "leave it out"
            )

    return switch


def _print_baseline(options: argparse.Namespace, found: dict[str, float]) -> None:
    if options.json:
        print(render.as_json({"baseline_us": found}), end="")
        return
    what = "round trip" if options.target else "longest absence"
    print(f"{what}, µs: " + ", ".join(f"{name} {value}" for name, value in found.items()))
    print("nothing was switched; --yes compares each setting", file=sys.stderr)


def _print(options: argparse.Namespace, results: Sequence[bench.Comparison]) -> None:
    if options.json:
        print(render.as_json([bench.as_row(one) for one in results]), end="")
        return
    lines = []
    for one in results:
        low, middle, high = (f"{share:+.1%}" for share in one.change)
        before, after = one.without, one.applied
        lines.append(
            (
                one.id,
                f"{before['p50']:g} -> {after['p50']:g}",
                f"{before['p99']:g} -> {after['p99']:g}",
                f"{before['jitter']:g} -> {after['jitter']:g}",
                f"{middle} ({low} to {high})",
                one.verdict,
            )
        )
    titles = ("ID", "P50 µs", "P99 µs", "ABSENT µs", "CHANGE OF THE MEDIAN", "VERDICT")
    print(render.table(titles, lines, (4, 20, 20, 20, 30)), end="")
