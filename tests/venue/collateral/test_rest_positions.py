"""Balances, leverage, positions, funding, hedge mode and liquidation over REST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.venue.collateral.wire import (
    LIMIT,
    MARKET,
    PERP,
    account,
    limit,
    market,
    positions,
    refused,
    trade,
)
from tests.venue.naive import Nonces, RestClient
from whitewire.venue import Venue, VirtualClock, WireOptions
from whitewire.venue.exchange_options import ExchangeOptions

START = 1_785_730_130.0
EVERY_MINUTE = ExchangeOptions(funding_interval_min=1)
NEXT_FUNDING = (int(START) // 60 + 1) * 60


# Balances and leverage


def test_balances(rest: RestClient) -> None:
    every = rest.ok("collateral-account/balance")
    assert (every["USDT"], every["BTC"], every["ETH"]) == ("1000000", "5", "0")
    assert rest.ok("collateral-account/balance", ticker="BTC") == {"BTC": "5"}
    summary = rest.ok("collateral-account/balance-summary")
    assert [entry["asset"] for entry in summary] == list(every)
    assert rest.ok("collateral-account/balance-summary", ticker="USDT") == [
        {
            "asset": "USDT",
            "balance": "1000000",
            "borrow": "0",
            "availableWithoutBorrow": "1000000",
            "availableWithBorrow": "13000000",
        }
    ]
    for path in ("balance", "balance-summary"):
        for ticker in ("NOPE", 7):
            answer = refused(rest, f"collateral-account/{path}", ticker=ticker)
            assert answer == (422, 30, ["ticker"])


def test_balances_as_numbers_on_request() -> None:
    wire = WireOptions(collateral_balance_numbers=True)
    accounts = [account("a", "0.25")]
    with (
        Venue(traders=False, wire=wire, accounts=accounts) as venue,
        RestClient(venue) as rest,
    ):
        assert rest.ok("collateral-account/balance", ticker="USDT") == {"USDT": 0.25}
        assert rest.ok("collateral-account/balance", ticker="BTC") == {"BTC": 0}


def test_the_summary_counts_orders_and_positions(rest: RestClient, other: RestClient) -> None:
    empty = rest.ok("collateral-account/summary")
    assert empty == {
        "equity": "1300000",
        "margin": "0",
        "freeMargin": "1300000",
        "unrealizedFunding": "0",
        "pnl": "0",
        "leverage": 10,
        "marginFraction": "0",
    }
    limit(rest, "buy", "60000", "1")
    held = rest.ok("collateral-account/summary")
    assert (held["margin"], held["freeMargin"]) == ("6000", "1294000")
    market(other, "sell", "1")
    trade(other, other, "60100", "0.1")
    after = rest.ok("collateral-account/summary")
    assert (after["equity"], after["pnl"], after["margin"]) == ("1300094", "100", "6010")


def test_leverage(rest: RestClient) -> None:
    assert rest.ok("collateral-account/leverage", leverage=5) == {"leverage": 5}
    assert rest.ok("collateral-account/summary")["leverage"] == 5
    for wrong in (None, 4, 0, 101, "5", 5.5, True):
        answer = refused(rest, "collateral-account/leverage", leverage=wrong)
        assert answer == (422, 30, ["leverage"])
    limit(rest, "buy", "60000")
    assert refused(rest, "collateral-account/leverage", leverage=3) == (422, 113, ["leverage"])
    assert rest.ok("collateral-account/leverage", leverage=5) == {"leverage": 5}
    rest.ok("order/cancel/all")
    assert rest.ok("collateral-account/leverage", leverage=3) == {"leverage": 3}


# Positions


def test_a_position_from_its_first_fill_to_its_last(rest: RestClient, other: RestClient) -> None:
    assert rest.ok("collateral-account/positions/open") == []
    trade(rest, other, "60000", "0.5")
    (opened,) = rest.ok("collateral-account/positions/open", market=PERP)
    expected = {
        "market": PERP,
        "amount": "0.5",
        "basePrice": "60000",
        "liquidationPrice": None,
        "liquidationState": None,
        "pnl": "0",
        "pnlPercent": "0",
        "margin": "3000",
        "freeMargin": "1296997",
        "funding": "0",
        "unrealizedFunding": "0",
        "unrealizedPnl": "0",
        "positionSide": "BOTH",
        "tpsl": None,
    }
    assert set(opened) == set(expected) | {"positionId", "openDate", "modifyDate"}
    assert {key: opened[key] for key in expected} == expected
    assert type(opened["positionId"]) is int
    assert type(opened["openDate"]) is float
    (short,) = other.ok("collateral-account/positions/open")
    assert (short["amount"], short["basePrice"]) == ("-0.5", "60000")
    trade(rest, other, "62000", "0.5")
    (added,) = rest.ok("collateral-account/positions/open")
    assert (added["positionId"], added["openDate"]) == (opened["positionId"], opened["openDate"])
    assert (added["amount"], added["basePrice"]) == ("1", "61000")
    assert (added["unrealizedPnl"], added["margin"]) == ("1000", "6200")
    assert added["pnlPercent"].startswith("16.129")
    trade(other, rest, "62000", "0.4")
    (reduced,) = rest.ok("collateral-account/positions/open")
    assert (reduced["amount"], reduced["basePrice"], reduced["pnl"]) == ("0.6", "61000", "400")
    trade(other, rest, "62000", "1")
    (flipped,) = rest.ok("collateral-account/positions/open")
    assert (flipped["amount"], flipped["basePrice"], flipped["pnl"]) == ("-0.4", "62000", "0")
    assert flipped["positionId"] > opened["positionId"]
    assert rest.ok("collateral-account/positions/open", market="ETH_PERP") == []
    answer = refused(rest, "collateral-account/positions/open", market="NO_SUCH")
    assert answer[0::2] == (422, ["market"])


def test_a_low_balance_has_a_liquidation_price() -> None:
    with _venue("1000") as venue, RestClient(venue) as rest, RestClient(venue, 1) as other:
        trade(rest, other, "60000", "0.1")
        (position,) = rest.ok("collateral-account/positions/open")
        assert position["liquidationPrice"] == "50257.2"


def _venue(usdt: str) -> Venue:
    """A poor first account, and a rich one against it."""
    return Venue(traders=False, accounts=[account("poor", usdt), account("rich")])


def test_history_has_an_entry_for_each_change(rest: RestClient, other: RestClient) -> None:
    trade(rest, other, "60000", "0.5")
    closing = limit(rest, "sell", "61000", "0.2")
    limit(other, "buy", "61000", "0.2")
    reduced, opened = rest.ok("collateral-account/positions/history")
    assert set(reduced) == {
        *("positionId", "market", "openDate", "modifyDate", "amount", "basePrice"),
        *("realizedFunding", "liquidationPrice", "liquidationState", "orderDetail"),
        *("side", "isHedge"),
    }
    assert (reduced["amount"], opened["amount"]) == ("0.3", "0.5")
    assert (reduced["side"], reduced["isHedge"]) == ("BOTH", False)
    assert reduced["orderDetail"] == {
        "id": closing["orderId"],
        "tradeAmount": "0.2",
        "price": "61000",
        "tradeFee": "1.22",
        "fundingFee": None,
        "realizedPnl": "200",
    }
    assert opened["orderDetail"]["realizedPnl"] is None
    path = "collateral-account/positions/history"
    assert rest.ok(path, limit=1) == [reduced]
    assert rest.ok(path, limit=1, offset=1) == [opened]
    assert rest.ok(path, positionId=reduced["positionId"], market=PERP) == [reduced, opened]
    assert rest.ok(path, positionId=1) == []
    now = int(reduced["modifyDate"])
    assert rest.ok(path, startDate=now + 100) == []
    assert rest.ok(path, endDate=now - 100) == []
    assert rest.ok(path, startDate=now - 100, endDate=now + 1) == [reduced, opened]
    assert refused(rest, path, startDate=2, endDate=1) == (422, 30, ["startDate"])
    assert refused(rest, path, endDate=now + 100) == (422, 30, ["endDate"])
    assert refused(rest, path, startDate="2") == (422, 30, ["startDate"])
    assert refused(rest, path, positionId="x") == (422, 30, ["positionId"])
    assert refused(rest, path, limit=101) == (422, 30, ["limit"])
    assert refused(rest, path, market="NO_SUCH") == (422, 31, ["market"])


def test_closing_a_position_and_what_it_brought(rest: RestClient, other: RestClient) -> None:
    path = "collateral-account/position/close"
    trade(rest, other, "60000", "0.5")
    position_id = rest.ok("collateral-account/positions/open")[0]["positionId"]
    assert refused(rest, path) == (422, 30, ["market", "positionId"])
    assert refused(rest, path, market=PERP, positionId="1") == (422, 30, ["positionId"])
    assert refused(rest, path, market=PERP, positionId=1) == (422, 104, ["positionId"])
    wrong = {"market": "ETH_PERP", "positionId": position_id}
    assert refused(rest, path, **wrong) == (422, 104, ["positionId"])
    right = {"market": PERP, "positionId": position_id}
    assert refused(other, path, **right) == (422, 104, ["positionId"])
    assert refused(rest, path, **right, positionSide="LONG") == (422, 114, ["positionSide"])
    assert refused(rest, path, **right) == (400, 12, ["amount"])
    assert rest.ok("collateral-account/positions/closed-pnl") == []
    limit(other, "buy", "61000", "0.5")
    assert rest.ok(path, **right) == []
    assert rest.ok("collateral-account/positions/open") == []
    assert refused(rest, path, **right) == (422, 104, ["positionId"])
    (closed,) = rest.ok("collateral-account/positions/closed-pnl")
    dates = {key: closed.pop(key) for key in ("openDate", "closeDate")}
    assert all(type(date) is int for date in dates.values())
    assert closed == {
        "positionId": position_id,
        "market": PERP,
        "grossPnl": "486.325",  # 500, less 3 of the maker and 10.675 of the taker
        "netPnl": "486.325",
        "totalTradeFee": "13.675",
        "totalFunding": "0",
        "avgEntryPrice": "60000",
        "avgExitPrice": "61000",
        "closedSize": "0.5",
        "amount": "0",
        "side": "BOTH",
        "isHedge": False,
    }
    path = "collateral-account/positions/closed-pnl"
    assert rest.ok(path, startDate=dates["closeDate"] + 100) == []
    assert len(rest.ok(path, startDate=dates["closeDate"])) == 1
    assert refused(rest, path, offset=9_999, limit=2) == (422, 30, ["offset"])
    assert refused(rest, path, limit=101)[:2] == (422, 30)
    assert refused(rest, path, startDate=2, endDate=1) == (422, 30, ["startDate"])
    later = dates["closeDate"] + 100
    assert refused(rest, path, endDate=later) == (422, 30, ["endDate"])


def test_the_quantile_names_the_sides_that_there_are(rest: RestClient, other: RestClient) -> None:
    assert rest.ok("collateral-account/adl-quantile") == []
    trade(rest, other, "60000", "0.5")
    assert rest.ok("collateral-account/adl-quantile") == [
        {"market": PERP, "long": 0, "short": None}
    ]
    assert other.ok("collateral-account/adl-quantile")[0]["short"] == 0


def test_reduce_only_orders_shrink_and_end_with_the_position(
    rest: RestClient, other: RestClient
) -> None:
    trade(rest, other, "60000", "0.5")
    exit_order = limit(rest, "sell", "61000", "2", reduceOnly=True)
    assert (exit_order["amount"], exit_order["left"]) == ("0.5", "0.5")
    assert exit_order["reduceOnly"] is True
    same_side = {"market": PERP, "side": "buy", "amount": "1", "price": "59000"}
    assert refused(rest, LIMIT, **same_side, reduceOnly=True) == (422, 116, ["reduceOnly"])
    limit(other, "buy", "60000", "0.5")
    market(rest, "sell", "0.2")
    (listed,) = rest.ok("orders")
    assert (listed["left"], listed["reduceOnly"]) == ("0.3", True)
    market(rest, "sell", "0.3")
    assert rest.ok("orders") == []
    statuses = {
        entry["id"]: entry["status"] for entry in rest.ok("trade-account/order/history")[PERP]
    }
    assert statuses[exit_order["orderId"]] == "AUTO_CANCELED_REDUCE_ONLY"


# Hedge mode


def test_hedge_mode_holds_both_sides(rest: RestClient, other: RestClient) -> None:
    update = "collateral-account/hedge-mode/update"
    assert rest.ok("collateral-account/hedge-mode") == {"hedgeMode": False}
    assert rest.ok(update, hedgeMode=True) == {"hedgeMode": True}
    assert rest.ok("collateral-account/hedge-mode") == {"hedgeMode": True}
    limit(other, "sell", "60000", "1")
    limit(other, "buy", "59000", "1")
    fields = {"market": PERP, "amount": "0.5"}
    for side in (None, "BOTH"):
        more = {} if side is None else {"positionSide": side}
        assert refused(rest, MARKET, **fields, side="buy", **more) == (422, 114, ["positionSide"])
    long = market(rest, "buy", positionSide="LONG")
    assert (long["positionSide"], long["reduceOnly"]) == ("LONG", False)
    market(rest, "sell", positionSide="SHORT")
    assert positions(rest) == {"LONG": "0.5", "SHORT": "-0.5"}
    assert rest.ok("collateral-account/adl-quantile") == [{"market": PERP, "long": 0, "short": 0}]
    (entry, _) = rest.ok("collateral-account/positions/history")
    assert (entry["side"], entry["isHedge"]) == ("SHORT", True)
    too_much = {"market": PERP, "side": "sell", "amount": "0.6", "positionSide": "LONG"}
    assert refused(rest, MARKET, **too_much) == (422, 115, ["amount"])
    market(rest, "sell", "0.5", positionSide="LONG")
    assert positions(rest) == {"SHORT": "-0.5"}
    assert refused(rest, update, hedgeMode=False) == (422, 113, ["hedgeMode"])
    market(rest, "buy", "0.5", positionSide="SHORT")
    assert rest.ok(update, hedgeMode=False) == {"hedgeMode": False}


@pytest.mark.parametrize("mode", [None, "true", 1])
def test_the_mode_is_a_boolean(rest: RestClient, mode: Any) -> None:
    answer = refused(rest, "collateral-account/hedge-mode/update", hedgeMode=mode)
    assert answer == (422, 30, ["hedgeMode"])


# Funding


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def timed(clock: VirtualClock) -> Iterator[tuple[RestClient, RestClient]]:
    """Two accounts of a venue whose time the test moves."""
    with (
        Venue(traders=False, clock=clock, engine=EVERY_MINUTE) as venue,
        RestClient(venue, nonces=Nonces(clock)) as rest,
        RestClient(venue, 1, nonces=Nonces(clock)) as other,
    ):
        yield rest, other


def test_funding_moves_the_balance_and_has_a_history(
    clock: VirtualClock, timed: tuple[RestClient, RestClient]
) -> None:
    rest, other = timed
    trade(rest, other, "60300", "0.5")  # half a percent above the index
    (market_now, _) = rest.get("futures")[1]["result"]
    assert market_now["funding_rate"] == "0.005"
    assert market_now["next_funding_rate_timestamp"] == f"{NEXT_FUNDING}000"
    assert market_now["funding_interval_minutes"] == 1
    path = "collateral-account/funding-history"
    assert rest.ok(path) == {"records": [], "limit": 100, "offset": 0}
    assert rest.get("funding-history/BTC_PERP") == (200, [])
    before = rest.ok("collateral-account/balance", ticker="USDT")["USDT"]
    assert before == "999996.985"
    clock.advance(NEXT_FUNDING + 1.0 - START)
    paid = rest.ok("collateral-account/balance", ticker="USDT")["USDT"]
    assert paid == "999846.235"  # 150.75 less
    record = {
        "market": PERP,
        "fundingTime": str(NEXT_FUNDING),
        "fundingRate": "0.005",
        "fundingAmount": "-150.75",
        "positionAmount": "0.5",
        "settlementPrice": "60300",
        "rateCalculatedTime": str(int(START)),
    }
    assert rest.ok(path) == {"records": [record], "limit": 100, "offset": 0}
    (received,) = other.ok(path, market=PERP)["records"]
    assert (received["fundingAmount"], received["positionAmount"]) == ("150.75", "-0.5")
    assert rest.ok(path, limit=1, offset=1) == {"records": [], "limit": 1, "offset": 1}
    assert refused(rest, path, limit=0) == (422, 30, ["limit"])
    assert refused(rest, path, offset=-1) == (422, 30, ["offset"])
    assert refused(rest, path, market="ETH_BTC") == (422, 31, ["market"])
    (position,) = rest.ok("collateral-account/positions/open")
    assert (position["funding"], position["unrealizedFunding"]) == ("0", "0")
    shared = ("market", "fundingTime", "fundingRate", "settlementPrice", "rateCalculatedTime")
    public = {key: record[key] for key in shared}
    assert rest.get("funding-history/BTC_PERP") == (200, [public])
    later = f"funding-history/BTC_PERP?startDate={NEXT_FUNDING + 1}"
    assert rest.get(later) == (200, [])
    span = f"funding-history/BTC_PERP?startDate={NEXT_FUNDING}&endDate={NEXT_FUNDING}&limit=1"
    assert rest.get(span) == (200, [public])
    assert rest.get("funding-history/BTC_PERP?offset=1") == (200, [])


# Liquidation


def test_an_account_below_its_maintenance_is_closed_out() -> None:
    with _venue("1000") as venue, RestClient(venue) as rest, RestClient(venue, 1) as other:
        trade(rest, other, "60000", "0.1")
        waiting = limit(rest, "buy", "40000", "0.01")
        trade(other, other, "50500", "0.01")
        (position,) = rest.ok("collateral-account/positions/open")
        assert position["liquidationState"] == "margin_call"
        limit(other, "buy", "50200", "0.2")
        limit(other, "sell", "50200", "0.01")
        assert rest.ok("collateral-account/positions/open") == []
        assert rest.ok("orders") == []
        history = rest.ok("trade-account/order/history")[PERP]
        statuses = {entry["id"]: entry["status"] for entry in history}
        assert statuses[waiting["orderId"]] == "AUTO_CANCELED_LIQUIDATION"
        forced = max(history, key=lambda entry: int(entry["id"]))
        assert (forced["type"], forced["status"]) == ("margin market", "FILLED")
        assert (forced["side"], forced["reduceOnly"]) == ("sell", True)
        entry = rest.ok("collateral-account/positions/history")[0]
        assert (entry["amount"], entry["liquidationState"]) == ("0", "liquidation")
        assert entry["orderDetail"]["realizedPnl"] == "-980"
        left = rest.ok("collateral-account/balance", ticker="USDT")["USDT"]
        assert left == "17.643"  # 1000 - 0.6 - 980 - 1.757
