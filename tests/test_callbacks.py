"""The border to the user's code: looked up once, guarded, silent before and after."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway_rig import MARKET, Recorder, Truth, gateway, live, until
from whitewire import Strategy
from whitewire.callbacks import Callbacks
from whitewire.gateway import Gateway
from whitewire.strategy import CALLBACKS
from whitewire.venue import Venue


class Two(Strategy):
    """Overrides two callbacks; the second one fails."""

    def __init__(self) -> None:
        self.books: list[object] = []

    def on_book(self, book: Any) -> None:
        self.books.append(book)

    def on_timer(self, now_ns: int) -> None:
        raise KeyError(now_ns)


def test_only_what_is_overridden_is_called_and_only_while_open() -> None:
    failures: list[tuple[str, Exception]] = []
    strategy = Two()
    callbacks = Callbacks(strategy, lambda name, error: failures.append((name, error)))
    assert [name for name in CALLBACKS if callbacks.wants(name)] == ["on_book", "on_timer"]
    callbacks.on_book("early")  # type: ignore[arg-type]
    callbacks.open()
    callbacks.on_book("in time")  # type: ignore[arg-type]
    callbacks.on_connection("feed", "up")
    callbacks.on_timer(7)
    callbacks.close()
    callbacks.on_book("late")  # type: ignore[arg-type]
    callbacks.on_timer(8)
    assert strategy.books == ["in time"]
    assert [(name, repr(error)) for name, error in failures] == [("on_timer", "KeyError(7)")]
    assert callbacks.errors == 1


class Faulty(Recorder):
    """Quotes at the start; raises in the callbacks that it is told."""

    def __init__(self, *raises: str) -> None:
        super().__init__()
        self.raises = raises

    def _note(self, name: str, *values: object) -> None:
        super()._note(name, *values)
        if name in self.raises:
            raise ZeroDivisionError(f"in {name}")

    def on_start(self, gw: Gateway) -> None:
        gw.set_quotes(MARKET, [(60000, "0.01")], [(60100, "0.01")])
        super().on_start(gw)


@pytest.mark.parametrize("name", ["on_start", "on_book", "on_order", "on_balance", "on_timer"])
@live
async def test_a_callback_that_raises_pulls_everything_and_the_session_lives(
    venue: Venue, truth: Truth, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen = Faulty(name)
    async with gateway(venue, seen, truth=truth) as rig:
        if name == "on_timer":
            rig.gw.every(0.01)
        truth.make("buy", 59100, "0.1")
        await until(lambda: rig.gw.state == "halted")
        assert rig.gw.halt_reason == f"{name} raised ZeroDivisionError: in {name}"
        await until(lambda: truth.placed() == 0 or not truth.orders())
        await until(lambda: not truth.timers())
        assert truth.orders() == []
        books = seen.names.count("on_book")
        truth.make("buy", 59200, "0.1")
        await until(lambda: seen.names.count("on_book") > books)  # later callbacks still run
        refused = rig.place()
        assert refused.reject is not None
        assert refused.reject.code == "halted"
        assert rig.gw.feed.is_up
    assert seen.names.count("on_stop") == 1
    tracebacks = [r for r in caplog.records if r.exc_info and r.levelno == logging.ERROR]
    assert len(tracebacks) == 1  # however often it raised


@live
async def test_a_fill_that_raises_is_still_booked(venue: Venue, truth: Truth) -> None:
    seen = Faulty("on_fill")
    async with gateway(venue, seen, truth=truth) as rig:
        await until(lambda: len(truth.orders()) == 2)
        truth.make("buy", 60100, "0.01")
        await until(lambda: rig.gw.state == "halted")
        assert rig.gw.inventory(MARKET).sold == Decimal("0.01")
        await until(lambda: not truth.orders())


class Halter(Recorder):
    """Halts on its own when something was filled."""

    def on_fill(self, fill: Any) -> None:
        super().on_fill(fill)
        gw = self.named("on_start")[0][0]
        gw.halt("enough for today")
        self.left = {str(order.state) for order in gw.open_orders() if order is not fill.order}


@live
async def test_a_strategy_can_halt_itself(venue: Venue, truth: Truth) -> None:
    seen = Halter()
    async with gateway(venue, seen, truth=truth) as rig:
        first = await rig.resting("sell", 60500)
        second = await rig.resting("buy", 60000)
        truth.make("buy", 60500, "0.01")
        await until(lambda: first.is_done and second.is_done)
        assert seen.left == {"canceling"}  # at once
        assert (rig.gw.state, rig.gw.halt_reason) == ("halted", "enough for today")
        assert rig.gw.callbacks.errors == 0
        rig.gw.halt("again")
        assert rig.gw.halt_reason == "enough for today"
