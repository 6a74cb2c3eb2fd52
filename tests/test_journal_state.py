"""What a journal amounts to, and the same question asked of its tables."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from tests.journal_rig import MARKETS, anew, as_written, fact, fill, histories, placed, start, write
from whitewire.errors import JournalError
from whitewire.journal.projection import Projection
from whitewire.journal.reader import replay
from whitewire.journal.records import CleanStop, FillFact, LastDeal, ModifySent, Placed, Record
from whitewire.journal.state import JournalState
from whitewire.market import Market, Side
from whitewire.protocol.events import Deal
from whitewire.protocol.order_table import OrderStore
from whitewire.protocol.orders import Fill
from whitewire.protocol.positions import Position

History = Sequence[Sequence[Sequence[Record]]]


def state_of(*records: Record) -> JournalState:
    return JournalState().fold_all(anew([*MARKETS, *records]))


# ---- orders ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "remembered"),
    [
        ([], True),
        ([fact()], True),
        ([fact(state="rejected")], False),
        ([fact(state="canceled")], False),
        ([fact(state="canceled", filled=4)], True),
        ([fact(state="filled", filled=10_000)], True),
        ([fact(state="filled", filled=10_000), fill()], False),
        ([fill(), fact(state="filled", filled=10_000)], False),
        ([fill(lots=9_999), fact(state="filled", filled=10_000)], True),
        ([fact(state="unknown")], True),
    ],
)
def test_an_order_is_remembered_until_its_end_and_its_fills_are(
    told: list[Record], remembered: bool
) -> None:
    assert ("ww-1" in state_of(placed(), *told).orders) == remembered


def test_a_modification_keeps_what_may_still_come() -> None:
    state = state_of(placed(), fact(), ModifySent(1, "ww-1", 5, 6))
    order = state.orders["ww-1"]
    assert (order.is_replacement_due, order.target_ticks, order.target_lots) == (True, 5, 6)
    state.fold(fact(venue_id=12, ticks=5, lots=6, target_ticks=5, target_lots=6))
    assert (order.is_replacement_due, order.venue_ids) == (False, [11, 12])


def test_a_fill_counts_once_and_the_last_deal_only_grows() -> None:
    state = state_of(placed(), fill(9), fill(9), LastDeal("BTC_USDT", 4))
    assert (state.duplicates, state.last_deals) == (1, {"BTC_USDT": 9})
    assert state.positions["BTC_USDT"].fills == 1
    # a self-trade shares its deal id between two orders
    assert state_of(fill(9), fill(9, venue_id=12)).duplicates == 0


@given(histories)
@settings(max_examples=60, deadline=None)
def test_a_start_reads_one_session_and_knows_what_reading_all_would_tell(history: History) -> None:
    with tempfile.TemporaryDirectory() as name:
        everything = as_written(history, Path(name))
        expected = JournalState().fold_all(anew(everything))
        found = replay(Path(name))
        assert found.carry() == expected.carry()
        assert found.session == len(history)


@given(histories)
@settings(max_examples=60, deadline=None)
def test_positions_are_those_of_the_gateway(history: History) -> None:
    fills = [r for session in history for commit in session for r in commit]
    fills = [record for record in fills if isinstance(record, FillFact)]
    state = state_of(*fills)
    positions: dict[str, Position] = {}
    seen = set()
    for record in fills:
        if (record.deal_id, record.venue_id) in seen:
            continue
        seen.add((record.deal_id, record.venue_id))
        market = market_of(record.market)
        told = tell(market, record)
        positions.setdefault(record.market, Position(market)).apply(told)
    assert set(positions) == set(state.positions)
    for name, position in positions.items():
        row = state.positions[name]
        assert (row.stock, row.money) == (position.stock, position.money)
        assert (row.bought, row.sold, row.fills) == (position.bought, position.sold, position.fills)
        assert row.fees == position.fees


def market_of(name: str) -> Market:
    seen = next(market for market in MARKETS if market.name == name)
    values: dict[str, Any] = {
        "index": 0,
        "name": name,
        "stock": seen.stock,
        "money": seen.money,
        "price_decimals": seen.price_decimals,
        "amount_decimals": seen.amount_decimals,
    }
    return Market(**values)


def tell(market: Market, record: FillFact) -> Fill:
    """The fill that the gateway made of a deal."""
    store = OrderStore("ww-", object())  # type: ignore[arg-type]
    store.create(market, Side(record.side), 1, 1, record.client_id, 0)
    deal = Deal(
        record.deal_id, 0, market.name, record.venue_id, f"{record.price.quantize(Decimal(1)):f}",
        f"{record.amount.quantize(Decimal('0.0001')):f}", f"{record.fee:f}", record.client_id,
        1, record.role, record.fee_asset,
    )  # fmt: skip
    (found,) = [notice for notice in store.apply_deal(deal) if isinstance(notice, Fill)]
    return dataclasses.replace(found, price=record.price, amount=record.amount)


# ---- the tables -----------------------------------------------------------------------------


def dump(projection: Projection) -> list[str]:
    return list(projection.database.iterdump())


@given(histories)
@settings(max_examples=40, deadline=None)
def test_the_tables_say_what_the_journal_says_however_they_were_made(history: History) -> None:
    with tempfile.TemporaryDirectory() as grown, tempfile.TemporaryDirectory() as whole:
        for count in range(1, len(history) + 1):
            for path in Path(grown).glob("*.journal"):
                path.unlink()
            everything = as_written(history[:count], Path(grown))
            with Projection(Path(grown)) as projection:
                projection.update()
        as_written(history, Path(whole))
        with Projection(Path(grown)) as first, Projection(Path(whole)) as second:
            second.update()
            assert dump(first) == dump(second)
            second.rebuild()
            assert dump(first) == dump(second)
            check_tables(first, JournalState().fold_all(anew(everything)), everything)


def check_tables(projection: Projection, state: JournalState, everything: list[Record]) -> None:
    fills, orders = projection.rows("fills"), projection.rows("orders")
    assert {(row["deal_id"], row["venue_id"]) for row in fills} == set(state.fill_keys)
    for name, position in state.positions.items():
        mine = [row for row in fills if row["market"] == name]
        assert len(mine) == position.fills
        for side, total in (("buy", position.bought), ("sell", position.sold)):
            assert sum(Decimal(row["amount"]) for row in mine if row["side"] == side) == total
    by_id = {row["client_id"]: row for row in orders}
    assert set(by_id) == {r.client_id for r in everything if isinstance(r, Placed)}
    for name, order in state.orders.items():
        assert by_id[name]["state"] == order.state
        decimals = state.markets[order.market].amount_decimals
        assert Decimal(by_id[name]["amount"]) == Decimal(order.lots).scaleb(-decimals)
    assert [row["number"] for row in projection.rows("sessions")] == list(
        range(1, state.session + 1)
    )


def test_a_session_without_an_end_is_an_incident(tmp_path: Path) -> None:
    write(tmp_path, 1, [start(1), *MARKETS, placed(), fact(kind="unknown", detail="lost")])
    write(tmp_path, 2, [start(2), CleanStop(6_000, "done")])
    write(tmp_path, 3, [start(3)])
    with Projection(tmp_path) as projection:
        assert projection.update() == 8
        assert projection.update() == 0
        found = [
            (row["kind"], row["subject"], row["detail"]) for row in projection.rows("incidents")
        ]
        assert found == [("unknown", "ww-1", "lost"), ("no-clean-stop", "1", "")]
        rows = projection.rows("sessions")
        assert [row["reason"] for row in rows] == [None, "done", None]
        assert rows[1]["ended_utc_ns"] == 2_000_000 + 1_000


def test_tables_that_cannot_be_are_explained(tmp_path: Path) -> None:
    (tmp_path / "projection.sqlite").write_bytes(b"not a database, and longer than a header" * 30)
    with pytest.raises(JournalError, match="delete it"):
        Projection(tmp_path)


def test_tables_of_a_journal_that_lost_its_segments_are_not_continued(tmp_path: Path) -> None:
    path = write(tmp_path, 1, [start(1)])
    with Projection(tmp_path) as projection:
        projection.update()
    path.unlink()
    write(tmp_path, 2, [start(2)])
    with Projection(tmp_path) as projection:
        with pytest.raises(JournalError, match="whitewire journal rebuild"):
            projection.update()
        assert projection.rebuild() == 1
