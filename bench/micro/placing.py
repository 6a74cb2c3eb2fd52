"""`python -m bench.micro.placing`: what one call of a strategy costs until its bytes are written.

Owns: the calls and their check. Must not know: how the gateway works. Invariant: every round's
requests are read back and verified, whether it was timed or not.

"whole" is the CPU time of this thread until the call returned, the kernel's part of the writes
(into socket pairs) included; "written" is the time until the last byte was handed to the kernel.
Exit codes: 0 measured, 1 a wrong answer, 2 usage.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median, quantiles
from typing import Any

import uvloop

from bench.micro.desk import MARKET, Desk
from bench.micro.measure import WrongAnswerError, expect
from whitewire._bridge import now_ns
from whitewire.protocol.orders import Order

__all__ = ["CALLS", "main", "verify"]

_AMOUNT = Decimal("0.01")
_BEST, _STEP = Decimal("60000.00"), Decimal("0.01")
_BEST_TICKS, _LOTS = 6_000_000, 10_000
_LEGS = 20
_SLOTS = 5
_CONNECTIONS = 20


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a strategy.

    Attributes:
        name: as printed.
        make: does it and returns its orders; takes the number of the round.
        requests: how many it sends.
    """

    name: str
    make: Callable[[Desk, int], Sequence[Order]]
    requests: int


def _limit(desk: Desk, number: int) -> Sequence[Order]:
    return (desk.gateway.limit(MARKET.name, "buy", _BEST + number % 7 * _STEP, _AMOUNT),)


def _quote(desk: Desk, number: int) -> Sequence[Order]:
    best = _BEST + number % 7 * _STEP
    bids = [(best - leg * _STEP, _AMOUNT) for leg in range(_LEGS)]
    return desk.gateway.quote(MARKET.name, bids, []).orders


def _ticket(desk: Desk, number: int) -> Sequence[Order]:
    return (desk.ticket.limit(_BEST_TICKS + number % 7, _LOTS),)


def _ladder(desk: Desk, number: int) -> Sequence[Order]:
    best = _BEST_TICKS + number % 7
    return desk.ticket.ladder([(best - leg, _LOTS) for leg in range(_LEGS)])


def _set_quotes(desk: Desk, number: int) -> Sequence[Order]:
    best = _BEST + number % 7 * _STEP
    bids = [(best - leg * _STEP, _AMOUNT) for leg in range(_SLOTS)]
    asks = [(best + (leg + _LEGS) * _STEP, _AMOUNT) for leg in range(_SLOTS)]
    desk.gateway.set_quotes(MARKET.name, bids, asks)
    return desk.gateway.open_orders()


CALLS = (
    Call("limit", _limit, 1),
    Call("ticket.limit", _ticket, 1),
    Call(f"ticket.ladder, {_LEGS} legs", _ladder, _LEGS),
    Call(f"quote, {_LEGS} legs", _quote, _LEGS),
    Call(f"set_quotes, {2 * _SLOTS} moves", _set_quotes, 2 * _SLOTS),
)


def verify(call: Call, bodies: list[dict[str, Any]]) -> None:
    """Checks what a call sent.

    Raises:
        WrongAnswerError: it is not what was asked for.
    """
    expect(len(bodies) == call.requests, f"{len(bodies)} requests instead of {call.requests}")
    names = {body["clientOrderId"] for body in bodies}
    expect(len(names) == len(bodies), "two requests name the same order")
    expect(len({body["nonce"] for body in bodies}) == len(bodies), "a nonce was used twice")
    for body in bodies:
        is_near = abs(Decimal(body["price"]) - _BEST) <= 2 * _LEGS * _STEP
        expect(is_near, f"the price is {body['price']}")
        expect(Decimal(body.get("amount", _AMOUNT)) == _AMOUNT, "the amount is wrong")


async def _rounds(desk: Desk, call: Call, count: int) -> list[tuple[int, int]]:
    """So many calls: CPU time of each, and time until its last byte was written, ns."""
    found = []
    is_moving = call.make is _set_quotes
    if is_moving:  # the first one places
        call.make(desk, -1)
        await desk.answer()
    for number in range(count):
        desk.refresh()
        began, asked = time.thread_time_ns(), now_ns()
        orders = call.make(desk, number)
        whole = time.thread_time_ns() - began
        # a modification does not say when it was written
        written = 0 if is_moving else max(order.t_sent_ns for order in orders) - asked
        found.append((whole, written))
        verify(call, await desk.answer())
        if not is_moving:
            desk.gateway.cancel_all()
            await desk.answer()
    desk.gateway.cancel_all()
    await desk.answer()
    return found


async def _measure(count: int) -> dict[str, list[tuple[int, int]]]:
    desk = Desk(_CONNECTIONS)
    await desk.open()
    found = {}
    try:
        for call in CALLS:
            await _rounds(desk, call, count // 5 + 1)
            gc.collect()
            gc.freeze()
            found[call.name] = await _rounds(desk, call, count)
    finally:
        gc.unfreeze()
        await desk.close()
    return found


def _row(samples: list[int]) -> str:
    tenth = quantiles(samples, n=10)[0] / 1000
    return f"median {median(samples) / 1000:7.1f} us   p10 {tenth:7.1f} us"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; an exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.micro.placing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500, metavar="N", help="calls of each kind")
    chosen = parser.parse_args(arguments)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(_measure(chosen.rounds))
    except WrongAnswerError as error:
        print(f"wrong answer: {error}", file=sys.stderr)
        return 1
    for name, samples in found.items():
        whole, written = zip(*samples, strict=True)
        print(f"{name:24} whole    {_row(list(whole))}")
        if any(written):
            print(f"{'':24} written  {_row(list(written))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
