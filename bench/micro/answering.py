"""`python -m bench.micro.answering`: what one answer of the venue costs until all of it is booked.

Owns: the answers and their check. Must not know: how the gateway works. Invariant: every order is
looked at after its answer, whether that was timed or not.

Answers come one after the other, as those of a ladder do. Time is the CPU time of this thread from
the loop's turn that finds one: the kernel's part of the read, the response, the order, the
callbacks and the journal's record are in it; what is signed in advance afterwards is not.
Exit codes: 0 measured, 1 a wrong answer, 2 usage.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from statistics import median, quantiles

import uvloop

from bench.micro.desk import MARKET, Desk
from bench.micro.measure import WrongAnswerError, expect
from whitewire.protocol.orders import Order, OrderState

__all__ = ["NAMES", "main", "verify"]

NAMES = ("ack of a placement", "ack of a cancel")
_STATES = (OrderState.OPEN, OrderState.CANCELED)
_AMOUNT, _BEST, _STEP = Decimal("0.01"), Decimal("60000.00"), Decimal("0.01")
_LEGS = _CONNECTIONS = 20


def verify(order: Order, state: OrderState) -> None:
    """Checks an order after its answer.

    Raises:
        WrongAnswerError: it is not what the venue said.
    """
    expect(order.state is state, f"the order is {order.state} instead of {state}")
    expect(order.in_flight == 0, "the answer found no request")
    expect(order.venue_id != 0, "the order has no venue id")
    expect(order.t_ack_ns >= order.t_sent_ns > 0, "the answer came before the request")


async def _answers(desk: Desk, state: OrderState, samples: list[int]) -> None:
    """Answers what was sent, one after the other."""
    for far, body, reply in desk.replies():
        order = desk.gateway.store.by_client_id(body["clientOrderId"])
        assert order is not None
        far.sendall(reply)
        began = time.thread_time_ns()
        while order.in_flight:
            await asyncio.sleep(0)
        samples.append(time.thread_time_ns() - began)
        verify(order, state)
        await asyncio.sleep(0)  # what was put off until after the callbacks


async def _rounds(desk: Desk, count: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {name: [] for name in NAMES}
    for number in range(count):
        desk.refresh()
        best = _BEST + number % 7 * _STEP
        desk.gateway.quote(MARKET.name, [(best - leg * _STEP, _AMOUNT) for leg in range(_LEGS)], [])
        await _answers(desk, _STATES[0], found[NAMES[0]])
        desk.gateway.cancel_all()
        await _answers(desk, _STATES[1], found[NAMES[1]])
    return found


async def _measure(count: int) -> dict[str, list[int]]:
    desk = Desk(_CONNECTIONS)
    await desk.open()
    try:
        await _rounds(desk, count // 5 + 1)
        gc.collect()
        gc.freeze()
        return await _rounds(desk, count)
    finally:
        gc.unfreeze()
        await desk.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; an exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.micro.answering", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, metavar="N", help="ladders of 20")
    chosen = parser.parse_args(arguments)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(_measure(chosen.rounds))
    except WrongAnswerError as error:
        print(f"wrong answer: {error}", file=sys.stderr)
        return 1
    for name, samples in found.items():
        tenth = quantiles(samples, n=10)[0]
        print(f"{name:24} median {median(samples) / 1000:8.1f} us   p10 {tenth / 1000:8.1f} us")
    return 0


if __name__ == "__main__":
    sys.exit(main())
