"""How orders against collateral are carried: rules K1 to K6."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venue.desk import MARKET, PERP, Desk, collateral_accounts, refusal
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.model import Order, PositionSide, Side, Status
from whitewire.venue.values.money import to_text

BUYS = (PERP, PositionSide.BOTH, Side.BUY)


@pytest.fixture
def desk() -> Desk:
    made = Desk(accounts=collateral_accounts(6_000))
    made.perp_trade("60000")
    return made


def pending(desk: Desk, who: str = "alice") -> Decimal:
    return desk.exchange._accounts[who].collateral.pending.get(BUYS, Decimal(0))


# K1


def test_k1_an_order_beyond_the_equity_is_refused_and_one_within_it_is_not(desk: Desk) -> None:
    assert refusal(desk.perp_limit, "alice", "buy", "60000", "1.001") == (
        422,
        10,
        "Validation failed",
        {"amount": ["Not enough balance."]},
    )
    assert desk.perp_limit("alice", "buy", "60000", "1").frozen == 60000
    assert refusal(desk.perp_limit, "alice", "buy", "50000", "0.001")[:2] == (422, 10)
    desk.perp_limit("alice", "sell", "70000", "0.8")
    assert refusal(desk.perp_limit, "alice", "sell", "70000", "0.1")[:2] == (422, 10)


def test_k1_an_order_that_lessens_the_need_never_is(desk: Desk) -> None:
    desk.perp_limit("yin", "sell", "60000", "1")
    desk.perp_limit("alice", "buy", "60000", "0.99")
    desk.perp_trade("59000")
    assert desk.exchange.collateral.summary("alice").free_margin < 0
    assert refusal(desk.perp_limit, "alice", "buy", "50000", "0.001")[:2] == (422, 10)
    assert desk.perp_limit("alice", "sell", "60000", "0.99").status is Status.OPEN


def test_k1_a_modify_is_held_against_the_margin_without_the_old_order(desk: Desk) -> None:
    order = desk.perp_limit("alice", "buy", "60000", "1")
    assert refusal(desk.modify, "alice", order, amount="1.001")[:2] == (422, 10)
    moved = desk.modify("alice", order, price="50000", amount="1.2")
    assert pending(desk) == moved.frozen == 60000


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_k1_an_activated_stop_that_lessens_the_need_is_not_cancelled(desk: Desk, side: str) -> None:
    """Whatever the account has free: it has nothing."""
    other = "sell" if side == "buy" else "buy"
    desk.perp_limit("yin", other, "60000", "5")
    desk.perp_limit("alice", side, "60000", "0.99")
    desk.cancel("yin", desk.exchange.open_orders_of("yin")[0])
    bad, worse = ("59000", "58900") if side == "buy" else ("61000", "61100")
    stop = desk.perp_trigger("alice", other, bad, "0.5")
    desk.perp_limit("yin", side, worse, "1")
    desk.perp_limit("yang", side, bad, "0.001")
    desk.perp_limit("yin", other, bad, "0.001")
    assert desk.last(stop).status is Status.FILLED
    assert desk.held("alice") == ("0.49" if side == "buy" else "-0.49")


def test_k1_an_activated_stop_beyond_the_equity_is_cancelled(desk: Desk) -> None:
    stop = desk.perp_stop_limit("alice", "buy", "61000", "60500", "0.9")
    desk.perp_limit("yin", "sell", "60400", "0.9")
    desk.perp_limit("alice", "buy", "60000", "0.05")
    desk.perp_limit("yin", "sell", "60000", "0.05")
    desk.exchange._accounts["alice"].collateral.credit("USDT", Decimal(-3_000))
    desk.cancel("yin", desk.exchange.open_orders_of("yin")[0])
    desk.said()
    desk.perp_trade("61000")
    assert desk.last(stop).status is Status.AUTO_CANCELED_USER_MARGIN
    assert [text for text in desk.said("alice") if text[0] in "123"] == [
        f"1 OPEN {desk.number(stop.id)}",
        f"3 AUTO_CANCELED_USER_MARGIN {desk.number(stop.id)}",
    ]
    assert pending(desk) == 0


# K2


def test_k2_the_position_alone_and_the_orders_with_it_have_numbers_of_their_own() -> None:
    desk = Desk(accounts=collateral_accounts(10_000_000))
    desk.exchange.collateral.set_leverage("alice", 100)  # at most 100000 USDT
    assert refusal(desk.perp_limit, "alice", "buy", "60000", "1.667")[1:] == (
        111,
        "Validation failed",
        {"amount": ["Position is too big."]},
    )
    desk.perp_limit("alice", "buy", "50000", "1.2")
    assert refusal(desk.perp_limit, "alice", "buy", "50000", "0.801")[1:] == (
        112,
        "Validation failed",
        {"amount": ["Pending orders value is too big."]},
    )
    assert refusal(desk.perp_limit, "alice", "buy", "50000", "2.1")[1] == 111
    desk.perp_limit("alice", "sell", "70000", "1.42")
    desk.perp_limit("alice", "buy", "50000", "0.8")


def test_k2_counts_the_position_and_lets_it_be_reduced() -> None:
    desk = Desk(accounts=collateral_accounts(10_000_000))
    desk.exchange.collateral.set_leverage("alice", 100)
    desk.perp_limit("yin", "sell", "60000", "1.5")
    desk.perp_limit("alice", "buy", "60000", "1.5")
    assert refusal(desk.perp_limit, "alice", "buy", "60000", "0.2")[1] == 111
    desk.perp_limit("alice", "sell", "60000", "3")
    assert refusal(desk.perp_limit, "alice", "sell", "60000", "0.2")[1] == 112
    assert refusal(desk.perp_limit, "alice", "sell", "60000", "3.2")[1] == 111


def test_k2_a_position_that_has_outgrown_its_bracket_may_be_sold() -> None:
    desk = Desk(accounts=collateral_accounts(10_000_000))
    desk.exchange.collateral.set_leverage("alice", 100)
    desk.perp_limit("yin", "sell", "60000", "1.6")
    desk.perp_limit("alice", "buy", "60000", "1.6")
    desk.perp_trade("65000")
    assert refusal(desk.perp_limit, "alice", "buy", "60000", "0.1")[1] == 111
    assert desk.perp_limit("alice", "sell", "66000", "1.6").status is Status.OPEN


def test_k2_orders_in_other_markets_do_not_change_the_number() -> None:
    desk = Desk(accounts=collateral_accounts(10_000_000))
    desk.exchange.collateral.set_leverage("alice", 100)
    desk.perp_limit("alice", "buy", "2900", "1", market="ETH_PERP")
    assert refusal(desk.perp_limit, "alice", "buy", "60000", "1.7")[1] == 111


def test_k2_a_market_without_brackets_has_no_bound() -> None:
    desk = Desk(accounts=collateral_accounts(10_000_000))
    desk.exchange.collateral.set_leverage("alice", 100)
    order = desk.perp_limit("alice", "buy", "60000", "50", market=MARKET)
    assert order.status is Status.OPEN


# K3


def test_k3_both_sides_pay_their_fee_in_money_out_of_the_collateral(desk: Desk) -> None:
    maker = desk.perp_limit("bob", "sell", "60000", "0.5")
    taker = desk.perp_limit("alice", "buy", "60000", "0.5")
    assert (taker.fee_asset, taker.deal_fee) == ("USDT", Decimal("10.5"))
    assert (maker.fee_asset, desk.last(maker).deal_fee) == ("USDT", Decimal(3))
    assert (desk.money("alice"), desk.money("bob")) == ("5989.5", "5997")
    assert desk.wallet("alice", "USDT") == ("1000000", "0")


def test_k3_fees_are_cut_where_the_option_says_so() -> None:
    desk = Desk(ExchangeOptions(truncate_fees=True), collateral_accounts())
    desk.perp_limit("bob", "sell", "60000.1", "0.007")
    assert desk.perp_limit("alice", "buy", "60000.1", "0.007").deal_fee == Decimal("0.147000")


def test_a_fill_is_recorded_with_its_profit_and_its_fee(desk: Desk) -> None:
    desk.perp_limit("yin", "sell", "60000", "0.1")
    desk.perp_limit("alice", "buy", "60000", "0.1")
    desk.perp_limit("yin", "buy", "61000", "0.3")
    order = desk.perp_limit("alice", "sell", "61000", "0.3")
    records = desk.exchange._accounts["alice"].collateral.records
    texts = [
        (record.order_id == order.id, *map(to_text, (record.amount, record.trade_amount)))
        for record in records
    ]
    assert texts == [(False, "0.1", "0.1"), (True, "0", "0.1"), (True, "-0.2", "0.2")]
    assert [to_text(record.realized) for record in records] == ["0", "100", "0"]
    assert [to_text(record.fee) for record in records] == ["2.1", "6.405", "0"]
    ids = [record.position_id for record in records]
    assert ids[0] == ids[1] != ids[2]
    closed = desk.exchange._accounts["alice"].collateral.closed
    assert [position.id for position in closed] == [ids[0]]


# K4


def test_k4_a_waiting_leg_of_an_oco_counts_nothing(desk: Desk) -> None:
    desk.oco("alice", "buy", "0.9", "59000", "61000", "61500")
    assert pending(desk) == Decimal("0.9") * 59000


def test_k4_its_activation_gives_the_other_legs_margin_to_it(desk: Desk) -> None:
    """There is not enough for both: only one of the two can fill."""
    group = desk.oco("alice", "buy", "0.95", "59000", "61000", "61500")
    desk.perp_limit("yin", "sell", "61000", "2")
    desk.perp_limit("yang", "buy", "61000", "0.001")
    assert desk.last(group.stop_leg).status is Status.FILLED
    assert desk.last(group.limit_leg).status is Status.CANCELED
    assert desk.held("alice") == "0.95"
    assert pending(desk) == 0


def test_k4_the_waiting_entry_of_an_oto_counts_like_any_stop(desk: Desk) -> None:
    entry = desk.perp_stop_limit("alice", "buy", "61000", "61500", "0.5", stop_loss="55000")
    assert entry.frozen == pending(desk) == 30750
    assert refusal(desk.perp_limit, "alice", "buy", "60000", "0.5")[:2] == (422, 10)
    desk.perp_trade("61000")
    assert (pending(desk), desk.last(entry).left) == (30750, Decimal("0.5"))


def test_a_stop_market_counts_its_trigger_and_then_what_it_pays(desk: Desk) -> None:
    stop = desk.perp_trigger("alice", "buy", "61000", "0.5")
    assert stop.frozen == pending(desk) == 30500
    desk.perp_limit("yin", "sell", "61100", "0.2")
    desk.perp_trade("61000")
    assert (desk.last(stop).deal_stock, desk.last(stop).status) == (
        Decimal("0.2"),
        Status.CANCELED,
    )
    assert pending(desk) == 0


# K5


def shrunken(desk: Desk, held: str) -> Order:
    """A reduce-only stop of 0.5 whose position has become smaller."""
    desk.perp_limit("yin", "sell", "60000", "0.5")
    desk.perp_limit("alice", "buy", "60000", "0.5")
    stop = desk.perp_trigger("alice", "sell", "59000", "0.5", reduce_only=True)
    rest = Decimal("0.5") - Decimal(held)
    desk.perp_limit("yang", "buy", "60000", rest)
    desk.perp_limit("alice", "sell", "60000", rest)
    return stop


def test_k5_a_reduce_only_stop_fits_its_position(desk: Desk) -> None:
    stop = shrunken(desk, "0.2")
    assert (desk.last(stop).amount, desk.last(stop).left) == (Decimal("0.2"), Decimal("0.2"))
    desk.perp_limit("yin", "buy", "58000", "1")
    desk.perp_trade("59000")
    done = desk.last(stop)
    assert (done.status, done.deal_stock) == (Status.FILLED, Decimal("0.2"))
    assert desk.held("alice") == "0"


def test_k5_without_a_position_it_ends(desk: Desk) -> None:
    stop = shrunken(desk, "0")
    assert desk.last(stop).status is Status.AUTO_CANCELED_REDUCE_ONLY


def test_k5_exits_of_all_of_it_take_the_size_that_there_is(desk: Desk) -> None:
    desk.perp_limit("yin", "sell", "60000", "0.6")
    desk.perp_limit("alice", "buy", "60000", "0.3")
    stop_loss, take_profit = desk.tpsl("alice", take_profit="62000", stop_loss="58000")
    assert stop_loss is not None
    assert take_profit is not None
    assert stop_loss.amount == take_profit.amount == 0
    desk.perp_limit("alice", "buy", "60000", "0.3")
    desk.perp_limit("yang", "buy", "57000", "1")
    desk.perp_trade("58000")
    done = desk.last(stop_loss)
    assert (done.amount, done.deal_stock, done.status) == (
        Decimal("0.6"),
        Decimal("0.6"),
        Status.FILLED,
    )
    assert desk.last(take_profit).status is Status.AUTO_CANCELED_REDUCE_ONLY


# K6


def test_k6_the_venues_own_traders_need_no_margin() -> None:
    desk = Desk(ExchangeOptions(traded_markets=(PERP,)), collateral_accounts())
    bids, asks = desk.exchange.depth(PERP, 5)
    assert len(bids) == len(asks) == 5
    desk.perp_market("alice", "buy", "0.2")
    assert desk.held("alice") == "0.2"
    desk.now += 30
    desk.exchange.tick(desk.now)
    assert desk.exchange.recent_trades(PERP, 10)
    assert set(desk.exchange._parts._clearing.holders) == {"alice"}
