"""The desk of collateral trading: rules D1 to D3, bulks, histories and the life of a market."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venue.desk import MARKET, PERP, START, Desk, collateral_accounts, refusal
from whitewire.venue.collateral.desk import CollateralDesk
from whitewire.venue.collateral.groups import GroupKind
from whitewire.venue.collateral.requests import CollateralRequest, PageQuery, PositionHistoryQuery
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.model import Order, OrderType, Status, VenueError
from whitewire.venue.values.requests import CancelAllRequest, KillSwitchRequest, LimitRequest


@pytest.fixture
def desk() -> Desk:
    made = Desk(accounts=collateral_accounts())
    made.perp_trade("60000")
    return made


@pytest.fixture
def trading(desk: Desk) -> CollateralDesk:
    return desk.exchange.collateral


def enter(desk: Desk, amount: str = "0.5", **fields: object) -> None:
    desk.perp_limit("yin", "sell", "60000", amount)
    desk.perp_limit("alice", "buy", "60000", amount, **fields)


# D1


def test_d1_leverage_and_mode_are_locked_by_a_position(desk: Desk, trading: CollateralDesk) -> None:
    enter(desk)
    locked = refusal(trading.set_leverage, "alice", 20)
    assert locked[:2] == (422, 113)
    assert list(locked[3]) == ["leverage"]
    assert trading.set_leverage("alice", 10) == 10
    assert refusal(trading.set_hedge_mode, "alice", True)[1] == 113
    assert trading.set_hedge_mode("alice", False) is False
    desk.perp_limit("yin", "buy", "60000", "0.5")
    desk.perp_market("alice", "sell", "0.5")
    assert trading.set_leverage("alice", 20) == 20
    assert trading.set_hedge_mode("alice", True) is True
    assert trading.hedge_mode("alice") is True
    assert trading.hedge_mode("bob") is False


@pytest.mark.parametrize("kind", ["limit", "stop", "oco", "oto stop"])
def test_d1_by_an_order_too_but_not_by_a_spot_order(
    desk: Desk, trading: CollateralDesk, kind: str
) -> None:
    desk.limit("alice", "buy", "50000", "1")
    assert trading.set_leverage("alice", 20) == 20
    if kind == "limit":
        desk.perp_limit("alice", "buy", "59000", "0.1")
    elif kind == "stop":
        desk.perp_trigger("alice", "buy", "61000", "0.1")
    elif kind == "oco":
        desk.oco("alice", "buy", "0.1", "59000", "61000", "61000")
    else:
        desk.perp_trigger("alice", "buy", "61000", "0.1", stop_loss="50000")
    assert refusal(trading.set_leverage, "alice", 10)[1] == 113
    assert refusal(trading.set_hedge_mode, "alice", True)[1] == 113


def test_d1_hedge_mode_is_a_flag_that_must_be_given(trading: CollateralDesk) -> None:
    assert refusal(trading.set_hedge_mode, "alice", None)[:2] == (422, 30)
    assert refusal(trading.set_hedge_mode, "alice", "true")[:2] == (422, 30)


# D2


def test_d2_position_history_is_newest_first_and_filtered(
    desk: Desk, trading: CollateralDesk
) -> None:
    enter(desk)
    desk.now += 10
    desk.perp_limit("yin", "buy", "60000", "0.5")
    desk.perp_market("alice", "sell", "0.2")

    def amounts(**query: object) -> list[str]:
        found = trading.position_history("alice", PositionHistoryQuery(**query))
        return [str(record.amount) for record in found]

    assert amounts() == ["0.3", "0.5"]
    assert amounts(market=PERP) == ["0.3", "0.5"]
    assert amounts(market=MARKET) == []
    assert amounts(limit=1, offset=1) == ["0.5"]
    assert amounts(start_date=int(START) + 5) == ["0.3"]
    assert amounts(end_date=int(START) + 5) == ["0.5"]
    view = desk.position("alice")
    assert view is not None
    assert amounts(position_id=view.position.id) == ["0.3", "0.5"]
    assert amounts(position_id=view.position.id + 100) == []
    wrong = PositionHistoryQuery(start_date=5, end_date=4)
    assert refusal(trading.position_history, "alice", wrong)[:2] == (422, 30)
    assert refusal(trading.position_history, "alice", PositionHistoryQuery(limit=101))[1] == 30


def test_d2_pages_of_groups_and_fundings_are_bounded(desk: Desk, trading: CollateralDesk) -> None:
    for _ in range(3):
        desk.oco("alice", "buy", "0.01", "59000", "61000", "61000")
    desk.perp_limit("alice", "buy", "59000", "0.01", stop_loss="50000")
    found, limit, offset = trading.groups("alice", PageQuery(PERP, 2, 1))
    assert (len(found), limit, offset) == (2, 2, 1)
    assert trading.groups("alice", PageQuery(MARKET))[0] == []
    assert trading.groups("alice", PageQuery())[1] == 50
    assert len(trading.groups("alice", PageQuery(), tuple(GroupKind))[0]) == 4
    assert trading.group_total("alice") == 4
    for query in (PageQuery(limit=0), PageQuery(limit=101), PageQuery("NOPE_X")):
        assert refusal(trading.groups, "alice", query)[0] == 422
        assert refusal(trading.funding_history, "alice", query)[0] == 422


# Positions and balances


def test_a_position_is_shown_with_its_margin_and_its_exits(
    desk: Desk, trading: CollateralDesk
) -> None:
    enter(desk, take_profit="70000", stop_loss="50000")
    desk.perp_trade("61000")
    (view,) = trading.positions("alice")
    assert (view.mark, view.margin, view.unrealized) == (61000, 3050, 500)
    assert view.unrealized_percent == Decimal("16.393442622950")
    assert view.free_margin == trading.summary("alice").free_margin
    assert view.stop_loss is not None
    assert view.take_profit is not None
    assert view.stop_loss.activation is not None
    assert view.stop_loss.activation.price == 50000
    assert trading.position_by_id("alice", view.position.id) == view
    assert trading.position_by_id("alice", 1) is None
    assert trading.positions("alice", "ETH_PERP") == []
    assert refusal(trading.positions, "alice", "NOPE_X")[1] == 31
    desk.perp_limit("bob", "buy", "60900", "1")
    desk.perp_market("alice", "sell", "0.1")
    assert view.position.amount == Decimal("0.5"), "what was handed out does not change"


def test_balances_are_those_of_the_asked_asset(trading: CollateralDesk) -> None:
    assert refusal(trading.assets, "alice", "NOPE")[1:] == (
        30,
        "Validation failed",
        {"ticker": ["ticker is invalid."]},
    )
    assert set(trading.assets("alice", "USDT")) == {"USDT"}
    assert {"BTC", "USDT", "ETH"} <= set(trading.assets("alice"))


# Bulks and groups through the desk


def test_a_bulk_places_its_legs_with_exits_too(desk: Desk, trading: CollateralDesk) -> None:
    leg = {"market": PERP, "side": "buy", "amount": "0.1", "price": "59000"}
    results = trading.place_bulk(
        "alice", [leg, {**leg, "price": "x"}, {**leg, "stopLoss": "50000"}, "no leg"]
    )
    assert [isinstance(result, Order) for result in results] == [True, False, True, False]
    assert results[2].exits is not None
    assert len(desk.open("alice")) == 2
    stopped = trading.place_bulk("alice", [leg, {**leg, "price": "x"}, leg], True)
    assert [isinstance(result, VenueError) for result in stopped] == [False, True]
    quiet = Desk(ExchangeOptions(stop_on_fail_reports_failure=False), collateral_accounts())
    assert quiet.exchange.collateral.place_bulk("alice", [{**leg, "price": "x"}, leg], True) == []


def test_the_legs_of_a_bulk_have_the_gap_between_them() -> None:
    desk = Desk(ExchangeOptions(bulk_leg_gap_us=500), collateral_accounts())
    leg = {"market": PERP, "side": "buy", "amount": "0.1", "price": "59000"}
    first, second = desk.exchange.collateral.place_bulk("alice", [leg, leg])
    assert isinstance(first, Order)
    assert isinstance(second, Order)
    assert abs(second.ctime - first.ctime - 0.0005) < 1e-6


def test_an_oto_is_its_group(desk: Desk, trading: CollateralDesk) -> None:
    request = CollateralRequest(OrderType.LIMIT, PERP, "buy", "0.1", "59000")
    assert refusal(trading.place_oto, "alice", request)[:2] == (422, 30)
    whole = CollateralRequest(OrderType.LIMIT, PERP, "buy", "0.1", "59000", take_profit="60000")
    group = trading.place_oto("alice", whole)
    assert (group.kind, group.entry.group_id) == (GroupKind.OTO, group.id)


# What else ends orders


def test_cancel_all_takes_kinds_and_a_position_side_of_futures(desk: Desk) -> None:
    """C2."""
    spot = desk.limit("alice", "buy", "50000", "0.1")
    margin = desk.perp_limit("alice", "buy", "50000", "0.1", market=MARKET)
    future = desk.perp_limit("alice", "buy", "50000", "0.1")

    def ended(**fields: object) -> list[int]:
        return [order.id for order in desk.exchange.cancel_all("alice", CancelAllRequest(**fields))]

    assert ended(types=["margin"]) == [margin.id]
    assert ended(position_side="long") == []
    assert ended(position_side="both") == [future.id]
    assert ended(types=["futures", "margin"]) == []
    assert ended(types=[]) == [spot.id]
    for wrong in ({"types": "spot"}, {"types": ["x"]}, {"position_side": "LONG"}):
        assert refusal(desk.exchange.cancel_all, "alice", CancelAllRequest(**wrong))[1] == 30
    desk.exchange.collateral.set_hedge_mode("alice", True)
    long = desk.perp_limit("alice", "buy", "50000", "0.1", position_side="LONG")
    short = desk.perp_limit("alice", "sell", "70000", "0.1", position_side="SHORT")
    assert ended(position_side="both") == []
    assert ended(position_side="short") == [short.id]
    assert ended() == [long.id]


def test_cancel_all_of_a_group_answers_with_every_leg_once(desk: Desk) -> None:
    group = desk.oco("alice", "buy", "0.1", "59000", "61000", "61000")
    ended = desk.exchange.cancel_all("alice", CancelAllRequest())
    assert [order.id for order in ended] == [leg.id for leg in group.legs]
    assert {order.status for order in ended} == {Status.CANCELED}


@pytest.mark.parametrize(
    ("types", "left"),
    [(None, 0), (["spot"], 2), (["margin"], 3), (["futures"], 1), (["margin", "spot"], 2)],
)
def test_a_kill_switch_ends_its_kinds_on_its_market(
    desk: Desk, types: list[str] | None, left: int
) -> None:
    """Spot and margin share a market, futures have their own."""
    desk.limit("alice", "buy", "50000", "0.1")
    desk.oco("alice", "buy", "0.1", "59000", "61000", "61000")
    market = PERP if types == ["futures"] else MARKET
    arm = KillSwitchRequest(market, "5", types)
    desk.exchange.kill_switch("alice", arm)
    if types is None:
        desk.exchange.kill_switch("alice", KillSwitchRequest(PERP, "5", None))
    desk.now += 6
    desk.exchange.tick(desk.now)
    assert len(desk.open("alice")) == left


def test_a_delisting_closes_positions_at_the_mark(desk: Desk, trading: CollateralDesk) -> None:
    enter(desk)
    desk.perp_trade("61000")
    equity = trading.summary("alice").equity
    desk.perp_limit("alice", "sell", "70000", "0.5", reduce_only=True)
    desk.tpsl("alice", take_profit="80000", stop_loss="40000")
    desk.exchange.delist(PERP)
    assert trading.summary("alice").equity == equity
    assert trading.summary("alice").margin == 0
    assert desk.open("alice") == []
    pool = desk.exchange._parts.pool
    assert pool.taken == {PERP: Decimal(0)}
    assert not any(pool.amounts.values())
    newest = desk.exchange._accounts["alice"].collateral.records[-1]
    assert (newest.order_id, newest.amount, newest.realized, newest.price) == (0, 0, 500, 61000)
    assert refusal(desk.perp_limit, "alice", "buy", "60000", "0.1")[1] == 31
    assert trading.set_leverage("alice", 20) == 20


def test_a_delisting_ends_spot_and_margin_of_a_market_alike(desk: Desk) -> None:
    desk.limit("bob", "sell", "60000", "0.5")
    desk.perp_limit("alice", "buy", "60000", "0.5", market=MARKET)
    desk.limit("bob", "sell", "61000", "0.1")
    desk.exchange.delist(MARKET)
    assert not desk.exchange._accounts["alice"].collateral.positions
    assert desk.exchange._parts.pool.taken == {MARKET: Decimal("0.5")}
    assert desk.exchange._parts.pool.amounts["BTC"] == Decimal("0.5")
    assert desk.open("bob") == []
    assert desk.wallet("bob", "BTC") == ("9.5", "0")
    desk.perp_limit("alice", "buy", "60000", "0.1")


def test_spot_and_collateral_orders_of_one_account_trade_with_each_other(desk: Desk) -> None:
    desk.limit("alice", "sell", "60000", "0.5")
    taken = desk.perp_limit("alice", "buy", "60000", "0.5", market=MARKET)
    assert taken.status is Status.FILLED
    assert desk.held("alice", MARKET) == "0.5"
    assert desk.wallet("alice", "BTC") == ("9.5", "0")
    with pytest.raises(VenueError):
        desk.exchange.place("alice", LimitRequest(PERP, "buy", "1", "60000"))
