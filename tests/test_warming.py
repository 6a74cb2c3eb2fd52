"""Going the way of a tick and its order changes nothing, is told to nobody, and has an end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.gateway_rig import MARKET, Recorder, Truth, config_for, gateway, live, until
from whitewire.config import JournalConfig
from whitewire.config_process import ProcessConfig
from whitewire.venue import Venue
from whitewire.warming import Warming, book_target

CPU = max(os.sched_getaffinity(0))


@live
async def test_a_round_places_records_counts_and_tells_nothing(
    venue: Venue, truth: Truth, tmp_path: Path
) -> None:
    seen = Recorder()
    config = config_for(venue, journal=JournalConfig(path=str(tmp_path)))
    async with gateway(venue, seen, config, truth=truth) as rig:
        gw, outlet = rig.gw, rig.gw.ordering.outlet
        warming = Warming(gw)
        warming()  # nothing was placed yet: there is no kind of order to go the way of
        order = gw.limit(MARKET, "buy", "59000", "0.01")
        await until(lambda: order.is_open)
        gw.journal.flush()

        def state() -> tuple[object, ...]:
            cells, _ = gw.throttle.native()
            files = {file.name: file.stat().st_size for file in tmp_path.rglob("*.journal")}
            core = (gw.engine.allowance.nonces_left(1), gw.engine.guard.totals())
            return outlet.sequence, dict(gw.counts), list(cells)[:1], files, core, seen.calls[:]

        before = state()
        for _ in range(100):
            warming()
        assert state() == before
        again = gw.limit(MARKET, "buy", "58900", "0.01")
        await until(lambda: again.is_open)
        assert int(again.client_id[-10:]) == int(order.client_id[-10:]) + 1


@live
async def test_a_spinning_gateway_keeps_itself_warm_until_it_stops(
    venue: Venue, truth: Truth
) -> None:
    process = ProcessConfig(cpu=CPU, receive="spin", keep_warm_us=500)
    async with gateway(venue, config=config_for(venue, process=process), truth=truth) as rig:
        order = rig.gw.limit(MARKET, "buy", "59000", "0.01")
        await until(lambda: order.is_open)
        rounds: list[None] = []
        placed = rig.gw.journal.placed
        rig.gw.journal.placed = lambda *_: rounds.append(None)  # type: ignore[method-assign]
        await until(lambda: len(rounds) > 5)
        rig.gw.journal.placed = placed  # type: ignore[method-assign]
        assert len(truth.orders()) == 1
    await asyncio.sleep(0)


def test_a_market_out_of_sight_is_judged_before_the_strategy_is_told() -> None:
    told: list[str] = []

    class Callbacks:
        on_book = staticmethod(told.append)

    blind = {"A": None}
    judged: list[str] = []

    def can_see(market: str, book: object) -> bool:
        judged.append(market)
        return len(judged) > 1

    target = book_target("A", "book", Callbacks(), blind, can_see)  # type: ignore[arg-type]
    target()
    assert told == []
    target()
    assert told == ["book"]
    blind.clear()
    target()
    assert (told, judged) == (["book"] * 2, ["A"] * 2)
