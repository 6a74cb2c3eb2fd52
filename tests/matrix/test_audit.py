"""The audit notices: each invariant, broken on purpose, fails a cell that names it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from tests.matrix.catalogue import row_named
from tests.matrix.cell import Cell
from tests.matrix.runner import run_cells
from whitewire import ordering, reactions, recovery, startup
from whitewire.gateway import Gateway
from whitewire.protocol.balances import Balances
from whitewire.protocol.positions import Position

Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: Patch) -> None:
    """What is broken stays broken: no need to wait for long."""
    monkeypatch.setattr("tests.matrix.course.SETTLE_S", 1.0)


def reason(row: str = "chunked", phase: str = "quoting") -> str:
    """Why one cell failed."""
    (outcome,) = run_cells([Cell(row_named(row), phase, "pipelined")])
    return outcome.verdict.reason


def test_an_id_that_is_used_again_is_i1(monkeypatch: Patch) -> None:
    create = ordering.Ordering._create

    def forget(self: Any, *values: Any) -> Any:
        self.true_sequence = getattr(self, "true_sequence", self.outlet.sequence - 1) + 1
        *others, (name, *departure) = values
        true_name = f"{name[:-10]}{self.true_sequence:010d}"
        order = create(self, *others, (true_name, *departure))
        # the next one gets a finished one's id on the wire, and a new one in the store
        done = [one for one in self._gateway.store.recent() if one.state == "canceled"]
        number = int(done[0].client_id[-10:]) - 1 if done else self.true_sequence
        self.outlet.sequence = number
        return order

    monkeypatch.setattr(ordering.Ordering, "_create", forget)
    # a busy machine may place nothing in a cell after it canceled something
    assert any(reason().startswith("I1: ww-") for _ in range(4))


def test_a_placement_that_is_sent_in_secret_is_i1(monkeypatch: Patch) -> None:
    notify = reactions.Reactions.on_answer

    def miscount(self: Any, *values: Any) -> None:
        self._gateway.counts["sent"] -= self._gateway.counts["sent"] == 5
        notify(self, *values)

    monkeypatch.setattr(reactions.Reactions, "on_answer", miscount)
    assert "placements were sent" in reason()


@pytest.mark.parametrize("limit", ["max_order_amount", "max_order_notional", "collar_percent"])
def test_an_order_beyond_a_limit_is_i2(monkeypatch: Patch, limit: str) -> None:
    import msgspec

    limits = startup.engine_limits

    def wider(market: Any, config: Any) -> Any:
        return limits(
            market, msgspec.structs.replace(config, **{limit: getattr(config, limit) * 9})
        )

    monkeypatch.setattr(startup, "engine_limits", wider)
    assert reason().startswith("I2: ")


def test_an_order_that_is_lost_is_i3(monkeypatch: Patch) -> None:
    monkeypatch.setattr(recovery.Recovery, "is_due", lambda self, now_ns: False)
    assert "I3: " in reason("lost_request")


def test_a_fill_that_is_lost_is_i4(monkeypatch: Patch) -> None:
    apply = Position.apply

    def skip(self: Position, fill: Any) -> None:
        if self.fills or self.stock:
            apply(self, fill)
        else:
            self.stock += fill.amount * 0 + 1

    monkeypatch.setattr(Position, "apply", skip)
    assert reason().startswith("I4: ")


def test_a_balance_that_is_stale_is_i5(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Balances, "apply", lambda self, rows, now_ns: [])
    monkeypatch.setattr(Balances, "apply_query", lambda self, rows, asked_ns: [])
    assert reason().startswith("I5: ")


def test_an_order_that_rests_after_a_clean_stop_is_i6(monkeypatch: Patch) -> None:
    async def yes(self: object) -> bool:
        return True

    monkeypatch.setattr(recovery.Recovery, "nothing_rests", yes)
    monkeypatch.setattr(Gateway, "cancel_all", _only_while(Gateway.cancel_all, "active"))
    assert reason().startswith("I6: a clean stop left")


def _only_while(method: Callable[..., int], state: str) -> Callable[..., int]:
    @functools.wraps(method)
    def call(self: Gateway, market: Any = None) -> int:
        return method(self, market) if self.state == state else 0

    return call


def test_a_callback_that_raises_is_told(monkeypatch: Patch) -> None:
    from tests.matrix.stage import Quoter

    def fail(self: Quoter, book: object) -> None:
        raise ValueError("on purpose")

    monkeypatch.setattr(Quoter, "on_book", fail)
    assert "an error of ours: on_book raised ValueError" in reason()
