"""Rows for the collateral account: margin and futures orders, positions, funding.

Every row has a venue of its own, since positions stay.
"""

from __future__ import annotations

from typing import Any

from tests.venue.fidelity.recording import RecordingRest
from tests.venue.fidelity.rest_rows import Row, World

Json = Any
PERP = "BTC_PERP"
_ORDER = {"market": PERP, "side": "buy", "amount": "0.1"}
_LIMIT, _MARKET, _STOP_LIMIT, _TRIGGER, _OCO, _BULK = (
    f"order/collateral/{name}"
    for name in ("limit", "market", "stop-limit", "trigger-market", "oco", "bulk")
)
_EIGHT_HOURS = 28_800


def place(client: RecordingRest, side: str, price: str, amount: str = "0.5", **more: Json) -> Json:
    """A new limit order against collateral."""
    fields = {**_ORDER, "side": side, "price": price, "amount": amount, **more}
    return client.ok(_LIMIT, **fields)


def trade(world: World, price: str = "60000", amount: str = "0.5") -> None:
    """The first account goes long, the second short."""
    place(world.rest, "buy", price, amount)
    place(world.other, "sell", price, amount)


def pair(world: World, **more: Json) -> Json:
    """A one-cancels-the-other of the first account around 60000."""
    prices = {"price": "61000", "activation_price": "59000", "stop_limit_price": "58900"}
    return world.rest.ok(_OCO, **{**_ORDER, "side": "sell", **prices, **more})


def _apart(drive: Row) -> Row:
    def row(world: World) -> None:
        with world.elsewhere() as other_world:
            drive(other_world)

    return row


# ---- orders -----------------------------------------------------------------------------------


def _limit(world: World) -> None:
    rest = world.rest
    trade(world)
    place(rest, "buy", "59000", clientOrderId="l-1", postOnly=True, stp="no", positionSide="BOTH")
    place(rest, "buy", "59000", ioc=True)
    place(rest, "buy", "59000", rpi=True)
    place(rest, "sell", "61000", reduceOnly=True)
    entry = place(rest, "buy", "58000", stopLoss="57000", takeProfit="62000")["orderId"]
    rest.ok("orders", market=PERP)
    rest.ok("order/modify", market=PERP, clientOrderId="l-1", price="58500")
    rest.ok("order/cancel", market=PERP, orderId=entry)
    rest.ok("order/cancel/all", market=PERP, type=["futures"], positionSide="both")
    rest.ok("trade-account/order/history", market=PERP)
    rest.ok("trade-account/executed-history", market=PERP)
    rest.ok("market/fee")
    world.refuse(_LIMIT, 422)
    world.refuse(_LIMIT, 422, **_ORDER, price="60000.05")


def _market(world: World) -> None:
    place(world.other, "sell", "60000", "1")
    world.rest.ok(_MARKET, **_ORDER, clientOrderId="m-1", stp="no", positionSide="BOTH")
    world.rest.ok(_MARKET, **_ORDER, stopLoss="50000", takeProfit="70000")
    world.refuse(_MARKET, 422, **{**_ORDER, "side": "both"})


def _stop_limit(world: World) -> None:
    trade(world)
    stop = {**_ORDER, "activation_price": "61000", "price": "61500"}
    kept = world.rest.ok(_STOP_LIMIT, **stop, stp="cn", reduceOnly=False)["orderId"]
    world.rest.ok(_STOP_LIMIT, **stop, stopLoss="50000")
    world.rest.ok("orders", market=PERP)
    world.rest.ok("order/modify", market=PERP, orderId=kept, activationPrice="61100")
    world.refuse(_STOP_LIMIT, 422, **_ORDER)


def _trigger_market(world: World) -> None:
    trade(world)
    stop = {**_ORDER, "activation_price": "61000"}
    world.rest.ok(_TRIGGER, **stop, stp="cn", positionSide="BOTH")
    world.rest.ok(_TRIGGER, **stop, takeProfit="70000")
    world.refuse(_TRIGGER, 422, **_ORDER)


def _bulk(world: World) -> None:
    good = {**_ORDER, "price": "59000"}
    entry = {**good, "stopLoss": "50000", "positionSide": "BOTH", "reduceOnly": False}
    world.rest.ok(_BULK, orders=[good, {**good, "amount": "0.0001"}, entry])
    world.rest.ok(_BULK, orders=[good, {**good, "amount": "0.0001"}, good], stopOnFail=True)
    world.refuse(_BULK, 422, orders="x")


def _oco(world: World) -> None:
    trade(world)
    pair(world, stp="no", clientOrderId="o-1")
    pair(world, reduceOnly=True, positionSide="BOTH")
    world.refuse(_OCO, 422, **_ORDER)


def _oco_orders(world: World) -> None:
    trade(world)
    pair(world)
    pair(world, reduceOnly=True)
    assert world.rest.ok("oco-orders", market=PERP, limit=10, offset=0)
    world.rest.ok("oco-orders", market="ETH_PERP")
    world.refuse("oco-orders", 422, limit=101)


def _conditional_orders(world: World) -> None:
    trade(world)
    pair(world)
    place(world.rest, "buy", "58000", stopLoss="57000", takeProfit="62000", clientOrderId="e-1")
    place(world.rest, "buy", "58000", postOnly=True, takeProfit="62000")
    stop = {**_ORDER, "activation_price": "61000", "price": "61500"}
    world.rest.ok(_STOP_LIMIT, **stop, stopLoss="50000")
    assert world.rest.ok("conditional-orders", market=PERP)["records"]
    world.rest.ok("conditional-orders", limit=10, offset=5)
    world.refuse("conditional-orders", 422, market="NO_SUCH")


def _oco_cancel(world: World) -> None:
    trade(world)
    first = pair(world)["id"]
    world.rest.ok("order/oco-cancel", market=PERP, orderId=first)
    pair(world, clientOrderId="o-1", reduceOnly=True)
    world.rest.ok("order/oco-cancel", market=PERP, clientOrderId="o-1")
    world.refuse("order/oco-cancel", 400, market=PERP, orderId=first)
    world.refuse("order/oco-cancel", 422, market=PERP)


def _group_cancel(path: str, key: str) -> Row:
    def cancel(world: World) -> None:
        trade(world)
        entry = place(world.rest, "buy", "58000", stopLoss="57000")
        group = entry["oto"]["otoId"]
        world.rest.ok(path, market=PERP, **{key: group})
        world.refuse(path, 400, market=PERP, **{key: group})
        world.refuse(path, 422, market=PERP)

    return cancel


# ---- account ----------------------------------------------------------------------------------


def _balance(world: World) -> None:
    for path in ("collateral-account/balance", "collateral-account/balance-summary"):
        world.rest.ok(path)
        world.rest.ok(path, ticker="USDT")
        world.refuse(path, 422, ticker="NONE")


def _summary(world: World) -> None:
    trade(world)
    world.rest.ok("collateral-account/summary")


def _leverage(world: World) -> None:
    world.rest.ok("collateral-account/leverage", leverage=5)
    world.refuse("collateral-account/leverage", 422, leverage=4)


def _positions(world: World) -> None:
    trade(world)
    entry = {"stopLoss": "50000", "takeProfit": "70000"}
    place(world.rest, "buy", "60000", "0.1", **entry)
    place(world.other, "sell", "60000", "0.1")
    path = "collateral-account/positions"
    assert world.rest.ok(f"{path}/open", market=PERP)
    world.rest.ok(f"{path}/open", market="ETH_PERP")
    assert world.rest.ok(f"{path}/history", market=PERP)
    world.rest.ok(f"{path}/history", startDate=0, endDate=1)
    world.refuse(f"{path}/open", 422, market="NO_SUCH")
    world.refuse(f"{path}/history", 422, startDate=2, endDate=1)


def _close(world: World) -> None:
    trade(world)
    [position] = world.rest.ok("collateral-account/positions/open")
    which = {"market": PERP, "positionId": position["positionId"]}
    path = "collateral-account/position/close"
    world.refuse(path, 400, **which)
    place(world.other, "buy", "61000")
    world.rest.ok(path, **which)
    world.refuse(path, 422, **which)
    assert world.rest.ok("collateral-account/positions/closed-pnl")
    world.rest.ok("collateral-account/positions/closed-pnl", market=PERP, limit=1, offset=0)
    world.refuse("collateral-account/positions/closed-pnl", 422, limit=101)


def _hedge_mode(world: World) -> None:
    path = "collateral-account/hedge-mode"
    world.rest.ok(path)
    world.rest.ok(f"{path}/update", hedgeMode=True)
    place(world.other, "sell", "60000", "1")
    place(world.other, "buy", "59000", "1")
    world.rest.ok(_MARKET, **_ORDER, positionSide="LONG")
    world.rest.ok(_MARKET, **{**_ORDER, "side": "sell"}, positionSide="SHORT")
    world.rest.ok("collateral-account/positions/open")
    world.rest.ok("collateral-account/positions/history")
    world.refuse(f"{path}/update", 422, hedgeMode=False)
    world.rest.ok("collateral-account/adl-quantile")


def _funding(world: World) -> None:
    """Time passes to the next funding in a venue whose clock the row holds."""
    clock = Clock(1_785_730_130.0)
    with world.elsewhere(clock) as later:
        trade(later, "60300")
        later.rest.ok("collateral-account/funding-history")
        clock.now = (clock.now // _EIGHT_HOURS + 1) * _EIGHT_HOURS + 1
        later.venue.call(lambda exchange: exchange.tick(clock()))
        assert later.rest.ok("collateral-account/funding-history", market=PERP)["records"]
        later.refuse("collateral-account/funding-history", 422, limit=0)
        assert later.get(f"funding-history/{PERP}")
        later.get("funding-history/NO_SUCH", 422)
        later.get("futures")


class Clock:
    """A venue's time, which a row moves."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


ROWS: dict[str, Row] = {
    "public/funding-history/{market}": _funding,
    "collateral-account/funding-history": _funding,
    **{
        path: _apart(drive)
        for path, drive in {
            _LIMIT: _limit,
            _MARKET: _market,
            _STOP_LIMIT: _stop_limit,
            _TRIGGER: _trigger_market,
            _BULK: _bulk,
            _OCO: _oco,
            "oco-orders": _oco_orders,
            "conditional-orders": _conditional_orders,
            "order/oco-cancel": _oco_cancel,
            "order/oto-cancel": _group_cancel("order/oto-cancel", "otoId"),
            "order/conditional-cancel": _group_cancel("order/conditional-cancel", "id"),
            "collateral-account/balance": _balance,
            "collateral-account/balance-summary": _balance,
            "collateral-account/summary": _summary,
            "collateral-account/leverage": _leverage,
            "collateral-account/positions/open": _positions,
            "collateral-account/positions/history": _positions,
            "collateral-account/position/close": _close,
            "collateral-account/positions/closed-pnl": _close,
            "collateral-account/hedge-mode": _hedge_mode,
            "collateral-account/hedge-mode/update": _hedge_mode,
            "collateral-account/adl-quantile": _hedge_mode,
        }.items()
    },
}
