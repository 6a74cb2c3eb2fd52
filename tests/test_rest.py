"""Every endpoint of the table, called once on the embedded venue through its typed method."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway_rig import Truth, config_for, credentials_of, live
from tests.scripted_peer import read_request, response, silent
from tests.test_control import control_for, control_to
from whitewire import _core
from whitewire.endpoints import ENDPOINTS, Class, Route
from whitewire.errors import NumberError, PeerError, VenueRefusal
from whitewire.protocol import replies_collateral as collateral
from whitewire.protocol import replies_orders as orders
from whitewire.protocol import replies_public as public
from whitewire.protocol.control_replies import KillSwitchTimer
from whitewire.protocol.events import BalanceRow
from whitewire.protocol.nonce import NonceAllocator
from whitewire.transport.rest import Rest
from whitewire.venue import Venue

SPOT, PERP = "BTC_USDT", "BTC_PERP"


@asynccontextmanager
async def rest_of(venue: Venue) -> AsyncIterator[Rest]:
    """Typed calls of the venue's first account."""
    key = credentials_of(venue)
    control = control_for(config_for(venue), _core.Signer(key.key, key.secret), NonceAllocator())
    await control.open()
    try:
        yield Rest(control)
    finally:
        control.close()
        await asyncio.sleep(0)


@pytest.fixture
def rich() -> Iterator[Venue]:
    """Markets of both kinds with something in their books, and a trade in each."""
    with Venue(traders=False, markets=(SPOT, PERP)) as venue:
        for market in (SPOT, PERP):
            truth = Truth(venue, market)
            truth.make_market()
            truth.make("buy", 61000, "0.01")
        yield venue


def is_a(document: object, kind: Any) -> bool:
    """Whether a document is of `kind`: a type, None, [item type] or {str: item type}."""
    if kind is None:
        return document is None
    if isinstance(kind, list):
        return isinstance(document, list) and all(is_a(row, kind[0]) for row in document)
    if isinstance(kind, dict):
        items = document.items() if isinstance(document, dict) else [("", None)]
        return all(isinstance(key, str) and is_a(row, kind[str]) for key, row in items)
    return isinstance(document, kind)


Call = tuple[str, Callable[[Rest, dict[str, Any]], Awaitable[object]], Any]
# In an order in which each has something to do; what one returns is there for those behind it.
CALLS: list[Call] = [
    ("ping", lambda r, s: r.ping(), [str]),
    ("time", lambda r, s: r.time(), public.ServerTime),
    ("platform_status", lambda r, s: r.platform_status(), public.PlatformStatus),
    ("markets", lambda r, s: r.markets(), [public.MarketRow]),
    ("futures", lambda r, s: r.futures(), [public.FuturesRow]),
    ("collateral_markets", lambda r, s: r.collateral_markets(), [str]),
    ("tickers", lambda r, s: r.tickers(), {str: public.TickerRow}),
    ("assets", lambda r, s: r.assets(), {str: public.AssetRow}),
    ("transfer_fees", lambda r, s: r.transfer_fees(), {str: public.TransferFee}),
    ("order_book", lambda r, s: r.order_book(SPOT, limit=5), public.PublicBook),
    ("near_book", lambda r, s: r.near_book(SPOT), public.PublicBook),
    ("trades", lambda r, s: r.trades(SPOT, side="buy"), [public.PublicDeal]),
    ("funding_rates", lambda r, s: r.funding_rates(PERP, limit=3), [public.FundingRate]),
    ("market_fee", lambda r, s: r.market_fee(), public.AccountFees),
    ("websocket_token", lambda r, s: r.websocket_token(), str),
    ("kill_switch", lambda r, s: r.kill_switch(SPOT, 60), KillSwitchTimer),
    ("kill_switch_status", lambda r, s: r.kill_switch_status(), [KillSwitchTimer]),
    ("kill_switch", lambda r, s: r.kill_switch(SPOT, None), None),
    ("balance", lambda r, s: r.balance(), [BalanceRow]),
    ("place", lambda r, s: r.place(SPOT, "buy", "0.01", 58000, stp="cn"), orders.OrderDetail),
    (
        "modify",
        lambda r, s: r.modify(SPOT, order_id=s["place"].venue_id, price=58001, stp="cn"),
        orders.OrderDetail,
    ),
    ("open_orders", lambda r, s: r.open_orders(SPOT), [orders.OrderDetail]),
    (
        "cancel",
        lambda r, s: r.cancel(SPOT, order_id=s["modify"].venue_id),
        orders.OrderDetail,
    ),
    ("place_market", lambda r, s: r.place_market(SPOT, "buy", 100), orders.OrderDetail),
    (
        "place_stock_market",
        lambda r, s: r.place_stock_market(SPOT, "sell", "0.001"),
        orders.OrderDetail,
    ),
    (
        "place_stop_limit",
        lambda r, s: r.place_stop_limit(SPOT, "buy", "0.001", 70000, 69000),
        orders.OrderDetail,
    ),
    (
        "place_stop_market",
        lambda r, s: r.place_stop_market(SPOT, "sell", "0.001", 50000),
        orders.OrderDetail,
    ),
    (
        "bulk",
        lambda r, s: r.bulk([leg(SPOT, "58000"), leg(SPOT, "0")], stop_on_fail=False),
        [orders.BulkItem],
    ),
    (
        "cancel_bulk",
        lambda r, s: r.cancel_bulk(
            [
                {"market": SPOT, "orderId": s["bulk"][0].result.venue_id},
                {"market": SPOT, "orderId": 1},
            ]
        ),
        [orders.CanceledItem],
    ),
    ("cancel_all", lambda r, s: r.cancel_all(SPOT, types=["spot"]), None),
    (
        "order_deals",
        lambda r, s: r.order_deals(s["place_market"].venue_id),
        orders.OrderDeals,
    ),
    ("order_history", lambda r, s: r.order_history(), {str: [orders.FinishedDetail]}),
    ("executed_history", lambda r, s: r.executed_history(SPOT, limit=10), [orders.DealRow]),
    ("executed_history", lambda r, s: r.executed_history_all(), {str: [orders.DealRow]}),
    ("collateral_balance", lambda r, s: r.collateral_balance(), {str: Decimal}),
    ("collateral_assets", lambda r, s: r.collateral_assets(), [collateral.CollateralAsset]),
    ("set_leverage", lambda r, s: r.set_leverage(5), collateral.Leverage),
    ("collateral_summary", lambda r, s: r.collateral_summary(), collateral.CollateralSummary),
    ("hedge_mode", lambda r, s: r.hedge_mode(), collateral.HedgeMode),
    ("set_hedge_mode", lambda r, s: r.set_hedge_mode(False), collateral.HedgeMode),
    (
        "collateral_market",
        lambda r, s: r.collateral_market(PERP, "buy", "0.01"),
        orders.OrderDetail,
    ),
    ("positions", lambda r, s: r.positions(PERP), [collateral.OpenPosition]),
    ("adl_quantiles", lambda r, s: r.adl_quantiles(), [collateral.AdlQuantile]),
    (
        "collateral_limit",
        lambda r, s: r.collateral_limit(PERP, "buy", "0.01", 58000, stopLoss="57000"),
        orders.OrderDetail,
    ),
    (
        "cancel_oto",
        lambda r, s: r.cancel_oto(PERP, s["collateral_limit"].oto.oto_id),
        None,
    ),
    (
        "collateral_stop_limit",
        lambda r, s: r.collateral_stop_limit(PERP, "buy", "0.01", 70000, 69000),
        orders.OrderDetail,
    ),
    (
        "collateral_trigger_market",
        lambda r, s: r.collateral_trigger_market(PERP, "sell", "0.01", 50000),
        orders.OrderDetail,
    ),
    (
        "collateral_oco",
        lambda r, s: r.collateral_oco(PERP, "sell", "0.01", 70000, 50000, 49000),
        orders.OcoOrder,
    ),
    ("oco_orders", lambda r, s: r.oco_orders(PERP), [orders.OcoOrder]),
    ("conditional_orders", lambda r, s: r.conditional_orders(PERP), orders.ConditionalOrders),
    (
        "cancel_oco",
        lambda r, s: r.cancel_oco(PERP, s["collateral_oco"].id),
        orders.OcoOrder,
    ),
    (
        "collateral_oco",
        lambda r, s: r.collateral_oco(PERP, "sell", "0.01", 70000, 50000, 49000),
        orders.OcoOrder,
    ),
    (
        "cancel_conditional",
        lambda r, s: r.cancel_conditional(PERP, s["collateral_oco"].id),
        None,
    ),
    (
        "collateral_bulk",
        lambda r, s: r.collateral_bulk([leg(PERP, "58000"), leg(PERP, "58001")]),
        [orders.BulkItem],
    ),
    ("cancel_all", lambda r, s: r.cancel_all(), None),
    ("close_position", lambda r, s: r.close_position(PERP, s["positions"][0].position_id), None),
    ("position_history", lambda r, s: r.position_history(PERP), [collateral.PositionChange]),
    ("closed_positions", lambda r, s: r.closed_positions(), [collateral.ClosedPosition]),
    ("funding_history", lambda r, s: r.funding_history(PERP), collateral.FundingPage),
]
# Lists that would hold nothing of what they are about on an idle account.
MAY_BE_EMPTY = {"funding_rates"}


def leg(market: str, price: str) -> dict[str, str]:
    return {"market": market, "side": "buy", "amount": "0.01", "price": price}


@live
async def test_every_endpoint_answers_with_its_type(rich: Venue) -> None:
    said: dict[str, Any] = {}
    async with rest_of(rich) as rest:
        for name, call, kind in CALLS:
            said[name] = await call(rest, said)
            assert is_a(said[name], kind), f"{name}: {said[name]!r}"
            if isinstance(kind, list | dict) and name not in MAY_BE_EMPTY:
                assert said[name], f"{name} was empty"
    assert {name for name, _, _ in CALLS} == set(ENDPOINTS)
    assert all(hasattr(Rest, name) for name in ENDPOINTS)
    assert said["bulk"][0].error is None
    assert said["bulk"][1].error.code == 33
    assert [item.error and item.error.code for item in said["cancel_bulk"]] == [None, 404]
    assert said["collateral_summary"].leverage == 5
    [position] = said["positions"]
    assert (position.amount, position.entry) == (Decimal("0.01"), Decimal(61000))
    assert (position.liquidation_state, position.position_side) == (None, "BOTH")
    assert said["market_fee"].custom == {}
    kinds = {row.name: row.type for row in said["markets"]}
    assert (kinds[SPOT], kinds[PERP]) == ("spot", "futures")
    assert said["conditional_orders"].records[0].take_profit.activation_price is None
    assert said["oco_orders"][0].stop_loss.activation_price == 50000
    assert said["position_history"][0].order_detail.trade_amount != 0


@live
async def test_a_refusal_is_a_refusal_on_every_endpoint(rich: Venue) -> None:
    """What takes a market refuses one that is not listed, the others a key that is unknown."""
    async with rest_of(rich) as rest:
        for call in (
            rest.place("NO_NO", "buy", 1, 1),
            rest.open_orders("NO_NO"),
            rest.kill_switch("NO_NO", 60),
            rest.order_book("NO_NO"),
            rest.trades("NO/NO"),
            rest.collateral_limit("NO_NO", "buy", 1, 1),
            rest.funding_rates("NO_NO"),
        ):
            with pytest.raises(VenueRefusal) as caught:
                await call
            assert caught.value.status == 422
        with pytest.raises(VenueRefusal, match="Validation failed") as caught:
            await rest.set_leverage(7)
        assert caught.value.fields
        with pytest.raises(NumberError, match="is not a number"):
            await rest.place(SPOT, "buy", "1x", 1)
    wrong = _core.Signer("nobody", "secret")
    control = control_for(config_for(rich), wrong, NonceAllocator())
    for name, endpoint in ENDPOINTS.items():
        if endpoint.method == "POST":
            status, _ = await control.call(name)
            assert status == 401, name
    control.close()
    await asyncio.sleep(0)


@live
async def test_what_is_not_of_its_type_is_a_broken_peer() -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(response(b'["x", 1e999]'))

    async with control_to(*[nonsense] * 3) as control:
        rest = Rest(control)
        said: dict[str, Any] = {}
        for call in (
            rest.markets, rest.time, rest.open_orders, rest.collateral_balance, rest.positions,
            rest.futures, rest.assets, rest.order_history, rest.market_fee, rest.hedge_mode,
        ):  # fmt: skip
            with pytest.raises(PeerError, match="cannot be read"):
                said[call.__name__] = await call()
        assert said == {}


@live
async def test_a_slow_history_holds_up_neither_questions_nor_guards() -> None:
    """Each class has a connection of its own; the first two to be opened never answer."""
    seen: list[bytes] = []

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        await silent(reader, writer)

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(response(b"[]"))
        await silent(reader, writer)

    async with control_to(deaf, deaf, answers) as control:
        slow = asyncio.ensure_future(control.call("executed_history"))
        while len(seen) < 1:
            await asyncio.sleep(0.001)
        question = asyncio.ensure_future(control.call("open_orders"))
        while len(seen) < 2:
            await asyncio.sleep(0.001)
        assert await control.call("kill_switch", {"market": SPOT, "timeout": "5"}) == (200, b"[]")
        assert not slow.done()
        assert not question.done()
        for call in (slow, question):
            call.cancel()
    assert json.loads(seen[2].split(b"\r\n\r\n")[1])["timeout"] == "5"


def test_what_must_not_wait_has_its_own_class() -> None:
    guards = {name for name, row in ENDPOINTS.items() if row.kind is Class.GUARD}
    assert guards == {name for name, row in ENDPOINTS.items() if row.is_cancel}
    assert {"cancel", "cancel_all", "cancel_bulk", "kill_switch"} <= guards
    urgent = {"open_orders", "balance", "websocket_token", "kill_switch_status", "positions"}
    assert all(ENDPOINTS[name].kind is Class.QUESTION for name in urgent)
    assert sum(row.route is Route.COLOCATION for row in ENDPOINTS.values()) == 33
