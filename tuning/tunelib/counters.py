"""Counters that prove or disprove a tuning, over some seconds.

Owns: which are read and which must not grow. Must not know: settings. Invariant: a counter that
this host lacks is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tunelib import ethtool, gateway
from tunelib.context import Context
from tunelib.errors import Unsupported
from tunelib.host import Host
from tunelib.render import table

TCP = frozenset(
    {"BusyPollRxPackets", "TCPAutoCorking", "TCPTimeouts", "TCPLossProbes", "DelayedACKs"}
    | {"TCPSlowStartRetrans"}
)
CARD = re.compile(
    r"allowance_exceeded|^rx_overruns$|^rx_drops$|queue_stop|phc_err|linearize_failed"
)
INTERRUPTS = ("LOC", "RES", "CAL", "TLB")
# Growing while traffic flows, each of these is a fault.
MUST_NOT_GROW = re.compile(
    r"allowance_exceeded|overruns|drops|TCPAutoCorking|TCPTimeouts|dropped|stolen|switched away"
    r"|major faults"
)


class Row(NamedTuple):
    """A counter before and after."""

    counter: str
    before: int
    after: int
    is_bad: bool


def watch(context: Context, seconds: float, sleep: Callable[[float], None]) -> list[Row]:
    """Reads, waits, reads."""
    before = read(context)
    sleep(seconds)
    after = read(context)
    return [
        Row(name, value, after[name], after[name] > value and bool(MUST_NOT_GROW.search(name)))
        for name, value in before.items()
        if name in after
    ]


def read(context: Context) -> dict[str, int]:
    """All counters that there are."""
    found: dict[str, int] = {}
    for source in (_tcp, _softnet, _steal, _card, _interrupts, _threads):
        try:
            found.update(source(context))
        except Unsupported:
            continue  # a counter that this host lacks is left out
    return found


def _tcp(context: Context) -> Iterator[tuple[str, int]]:
    lines = (context.host.read("/proc/net/netstat") or "").splitlines()
    for names, values in zip(lines[::2], lines[1::2]):
        for name, value in zip(names.split()[1:], values.split()[1:]):
            if names.startswith("TcpExt") and name in TCP:
                yield f"tcp {name}", int(value)


def _softnet(context: Context) -> Iterator[tuple[str, int]]:
    rows = [
        line.split() for line in (context.host.read("/proc/net/softnet_stat") or "").split("\n")
    ]
    for column, name in ((1, "dropped"), (2, "out of time")):
        yield f"softnet {name}", sum(int(row[column], 16) for row in rows if len(row) > 2)


def _steal(context: Context) -> Iterator[tuple[str, int]]:
    fields = (context.host.read("/proc/stat") or "").split("\n", 1)[0].split()
    if len(fields) > 8:
        yield "ticks stolen", int(fields[8])


def _card(context: Context) -> Iterator[tuple[str, int]]:
    text = ethtool.ask(context.host, "-S", context.the_nic().name)
    for name, value in re.findall(r"^\s*(\S+): (\d+)$", text, re.MULTILINE):
        if CARD.search(name):
            yield f"card {name}", int(value)


def _interrupts(context: Context) -> Iterator[tuple[str, int]]:
    """On the hot CPU."""
    hot = context.plan.hot
    lines = (context.host.read("/proc/interrupts") or "").splitlines()
    if hot is None or not lines:
        return
    column = lines[0].split().index(f"CPU{hot}")
    card = f"{context.nic.name}-" if context.nic else "no card"
    of_card = 0
    for line in lines[1:]:
        name, *fields = line.split()
        if len(fields) > column and name.rstrip(":") in INTERRUPTS:
            yield f"CPU {hot} {name.rstrip(':')}", int(fields[column])
        elif card in line:
            of_card += int(fields[column])
    yield f"CPU {hot} card", of_card


def _threads(context: Context) -> Iterator[tuple[str, int]]:
    hot = context.plan.hot
    for one in gateway.running(context.host):
        alone = [tid for tid, cpus in gateway.threads(context.host, one.pid).items()
                 if cpus == str(hot)]  # fmt: skip
        for tid in alone:
            yield f"gateway {one.pid} switched away", _switches(context.host, one.pid, tid)
        fields = (context.host.read(f"/proc/{one.pid}/stat") or "").rpartition(")")[2].split()
        if len(fields) > 9:
            yield f"gateway {one.pid} major faults", int(fields[9])


def _switches(host: Host, pid: int, tid: int) -> int:
    text = host.read(f"/proc/{pid}/task/{tid}/status") or ""
    match = re.search(r"^nonvoluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE)
    return int(match[1]) if match else 0


def text(rows: Sequence[Row]) -> str:
    """What grew, and what must not have."""
    lines = [
        (row.counter, str(row.after - row.before), "must not grow" if row.is_bad else "")
        for row in rows
        if row.after != row.before
    ]
    still = sum(row.after == row.before for row in rows)
    head = table(("COUNTER", "GREW BY", ""), lines, (40, 12)) if lines else ""
    return f"{head}{still} counters stood still\n"


def is_clean(rows: Sequence[Row]) -> bool:
    """Whether nothing grew that must not."""
    return not any(row.is_bad for row in rows)
