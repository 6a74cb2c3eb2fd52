"""Groups of orders: rules R1 to R3, and that of two legs only one fills."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venue.desk import PERP, Desk, collateral_accounts, refusal
from whitewire.venue.collateral.groups import Group, GroupKind
from whitewire.venue.collateral.requests import GroupCancelRequest, PageQuery
from whitewire.venue.values.model import Order, Status
from whitewire.venue.values.money import to_text
from whitewire.venue.values.requests import CancelAllRequest, CancelRequest


@pytest.fixture
def desk() -> Desk:
    made = Desk(accounts=collateral_accounts())
    made.perp_trade("60000")
    return made


def listed(desk: Desk, *kinds: GroupKind) -> list[int]:
    found, _, _ = desk.exchange.collateral.groups("alice", PageQuery(), kinds or tuple(GroupKind))
    return [group.id for group in found]


def outcome(desk: Desk, *legs: Order) -> list[tuple[str, str]]:
    return [(state.status.value, to_text(state.deal_stock)) for state in map(desk.last, legs)]


def sell_oco(desk: Desk, **fields: object) -> Group:
    return desk.oco("alice", "sell", "0.2", "61000", "59000", "58900", **fields)


def exits(desk: Desk) -> list[Order]:
    """Alice's waiting exits: the stop-loss, the take-profit."""
    return sorted(desk.exchange.open_orders_of("alice"), key=lambda order: order.id)


# R1


def test_r1_a_leg_that_trades_takes_the_other_with_it(desk: Desk) -> None:
    group = sell_oco(desk)
    desk.said()
    desk.perp_limit("bob", "buy", "61000", "0.05")
    assert outcome(desk, *group.legs) == [("CANCELED", "0"), ("PARTIALLY_FILLED", "0.05")]
    assert desk.said("alice")[:3] == ["deal 5", "2 PARTIALLY_FILLED 5", "3 CANCELED 4?"]
    assert listed(desk) == []


def test_r1_a_leg_that_is_activated_takes_the_other_with_it_before_it_trades(desk: Desk) -> None:
    group = sell_oco(desk)
    desk.perp_limit("bob", "buy", "58950", "1")
    desk.said()
    desk.perp_limit("yang", "buy", "59000", "0.001")
    desk.perp_limit("yin", "sell", "59000", "0.001")
    assert outcome(desk, *group.legs) == [("FILLED", "0.2"), ("CANCELED", "0")]
    assert desk.said("alice") == ["1 OPEN 4", "3 CANCELED 5", "deal 4", "3 FILLED 4"]


@pytest.mark.parametrize("leg", [0, 1])
def test_r1_a_leg_that_ends_takes_the_other_with_it(desk: Desk, leg: int) -> None:
    group = sell_oco(desk)
    desk.cancel("alice", group.legs[leg])
    assert [status for status, _ in outcome(desk, *group.legs)] == ["CANCELED"] * 2
    assert listed(desk) == []
    assert desk.open("alice") == []


def test_r1_one_trade_that_meets_both_legs_fills_one() -> None:
    """The limit leg is taken at a price that is also beyond the stop leg's trigger."""
    desk = Desk(accounts=collateral_accounts())
    desk.perp_trade("60000")
    desk.perp_limit("carol", "buy", "50000", "1")
    group = desk.oco("alice", "sell", "0.2", "55000", "59000", "51000")
    desk.perp_limit("bob", "buy", "55000", "0.2")
    assert outcome(desk, *group.legs) == [("CANCELED", "0"), ("FILLED", "0.2")]
    assert desk.held("alice") == "-0.2"


def test_r1_stops_of_others_do_not_meet_a_leg_that_is_on_its_way_out(desk: Desk) -> None:
    """Both stops are met by one walk; the first one's group is settled before the second trades."""
    desk.perp_limit("carol", "buy", "58000", "1")
    group = sell_oco(desk)
    stop = desk.perp_stop_limit("bob", "buy", "60500", "61000", "0.2")
    desk.perp_limit("yin", "buy", "60500", "0.1")
    desk.perp_limit("yin", "buy", "59000", "0.1")
    desk.perp_limit("yang", "sell", "59000", "0.2")
    assert outcome(desk, *group.legs) == [("FILLED", "0.2"), ("CANCELED", "0")]
    assert desk.last(stop).deal_money == Decimal(58900) / 5


def test_r1_exits_that_are_both_met_fill_once(desk: Desk) -> None:
    desk.perp_limit("yin", "sell", "60000", "0.3")
    desk.perp_limit("alice", "buy", "60000", "0.3", take_profit="60500", stop_loss="59500")
    stop_loss, take_profit = exits(desk)
    desk.perp_limit("carol", "buy", "59000", "2")
    desk.perp_limit("yin", "buy", "60500", "0.1")
    desk.perp_limit("yin", "buy", "59500", "0.1")
    desk.perp_limit("yang", "sell", "59500", "0.2")
    assert outcome(desk, stop_loss, take_profit) == [("FILLED", "0.3"), ("CANCELED", "0")]
    assert desk.held("alice") == "0"


def test_a_stop_leg_that_is_activated_and_rests_is_an_order_of_its_own(desk: Desk) -> None:
    group = sell_oco(desk)
    desk.perp_limit("yang", "buy", "58800", "0.001")
    desk.perp_limit("yin", "sell", "58800", "0.001")
    assert outcome(desk, *group.legs) == [("OPEN", "0"), ("CANCELED", "0")]
    assert listed(desk) == []
    assert refusal(desk.modify, "alice", group.stop_leg, price="59000")[1] == 155
    desk.cancel("alice", group.stop_leg)


# R2


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_r2_an_entry_that_fills_places_its_exits(desk: Desk, side: str, sign: int) -> None:
    counter = "sell" if side == "buy" else "buy"
    gain, loss = Decimal(60000 + sign * 1000), Decimal(60000 - sign * 1000)
    entry = desk.perp_limit("alice", side, "60000", "0.4", take_profit=gain, stop_loss=loss)
    assert listed(desk, GroupKind.OTO) == [entry.group_id]
    desk.perp_limit("yin", counter, "60000", "0.1")
    assert desk.open("alice") == [desk.number(entry.id)], "not before it is through"
    desk.perp_limit("yin", counter, "60000", "0.3")
    stop_loss, take_profit = exits(desk)
    assert [leg.activation and leg.activation.price for leg in (stop_loss, take_profit)] == [
        loss,
        gain,
    ]
    for leg in (stop_loss, take_profit):
        assert (leg.side.value, leg.amount, leg.reduce_only) == (counter, Decimal("0.4"), True)
        assert leg.activation is not None
    assert stop_loss.activation is not None
    assert stop_loss.activation.condition.value == ("lte" if side == "buy" else "gte")
    assert take_profit.activation is not None
    assert take_profit.activation.condition.value == ("gte" if side == "buy" else "lte")
    assert stop_loss.group_id == take_profit.group_id == stop_loss.id - 1
    assert listed(desk) == [stop_loss.group_id]
    assert listed(desk, GroupKind.OTO) == []
    desk.cancel("alice", take_profit)
    assert outcome(desk, stop_loss) == [("CANCELED", "0")]


def test_r2_an_entry_cancelled_after_a_fill_protects_what_it_filled(desk: Desk) -> None:
    entry = desk.perp_limit("alice", "buy", "60000", "0.4", stop_loss="59000")
    desk.perp_limit("yin", "sell", "60000", "0.1")
    desk.cancel("alice", entry)
    (stop_loss,) = exits(desk)
    assert (stop_loss.amount, stop_loss.reduce_only) == (Decimal("0.1"), True)


def test_r2_an_entry_that_ends_untouched_takes_the_oto_with_it(desk: Desk) -> None:
    entry = desk.perp_limit("alice", "buy", "60000", "0.4", stop_loss="59000")
    desk.exchange.cancel_all("alice", CancelAllRequest())
    assert outcome(desk, entry) == [("CANCELED", "0")]
    assert listed(desk) == []
    assert desk.open("alice") == []


def test_r2_no_exits_for_what_a_delisting_has_ended(desk: Desk) -> None:
    entry = desk.perp_limit("alice", "buy", "60000", "0.4", stop_loss="59000")
    group = sell_oco(desk)
    desk.perp_limit("yin", "sell", "60000", "0.1")
    desk.exchange.delist(PERP)
    assert outcome(desk, entry) == [("DELISTING", "0.1")]
    assert [status for status, _ in outcome(desk, *group.legs)] == ["DELISTING"] * 2
    assert desk.open("alice") == []
    assert not desk.exchange._accounts["alice"].collateral.positions
    assert desk.exchange.collateral._parts.groups.of("alice", tuple(GroupKind)) == []


def test_r2_exits_beyond_the_last_trade_are_activated_at_once(desk: Desk) -> None:
    """The market order's own walk has gone through its stop-loss."""
    desk.perp_limit("yin", "buy", "60000", "0.1")
    desk.perp_limit("yin", "buy", "58000", "1")
    desk.perp_limit("yin", "sell", "60050", "0.1")
    desk.perp_limit("yin", "sell", "62000", "0.2")
    entry = desk.perp_market("alice", "buy", "0.2", take_profit="61000")
    assert entry.deal_stock == Decimal("0.2")
    assert desk.held("alice") == "0"
    assert desk.open("alice") == []


def test_r2_a_stop_entry_stays_a_group_after_its_activation(desk: Desk) -> None:
    entry = desk.perp_stop_limit("alice", "buy", "61000", "60500", "0.1", stop_loss="59000")
    desk.perp_trade("61000")
    assert listed(desk, GroupKind.OTO) == [entry.group_id]
    desk.perp_limit("yin", "sell", "60500", "0.1")
    assert len(exits(desk)) == 1


# R3


def test_r3_ids_are_consecutive_and_groups_are_listed_newest_first(desk: Desk) -> None:
    first, second = sell_oco(desk), sell_oco(desk)
    assert [leg.id - first.id for leg in first.legs] == [1, 2]
    assert listed(desk, GroupKind.OCO) == [second.id, first.id]


def test_r3_legs_cannot_share_a_client_id(desk: Desk) -> None:
    names = {"client_order_id": "a", "stop_client_order_id": "a"}
    assert refusal(sell_oco, desk, **names)[:2] == (422, 36)
    assert desk.open("alice") == []
    group = sell_oco(desk, **{**names, "stop_client_order_id": "b"})
    assert [leg.client_order_id for leg in group.legs] == ["b", "a"]


def test_an_oco_is_placed_whole_or_not_at_all(desk: Desk) -> None:
    desk.perp_limit("alice", "buy", "50000", "0.1", client_order_id="a")
    assert refusal(sell_oco, desk, client_order_id="a")[:2] == (422, 36)
    assert refusal(sell_oco, desk, stop_client_order_id="a")[:2] == (422, 36)
    assert len(desk.open("alice")) == 1


# Cancelling


def test_a_group_is_cancelled_whole_by_its_id_or_a_legs_client_id(desk: Desk) -> None:
    """D3."""
    group = sell_oco(desk)
    again = sell_oco(desk, client_order_id="mine")
    cancel = desk.exchange.collateral.cancel_group
    ended = cancel("alice", GroupCancelRequest("orderId", PERP, group.id))
    assert [leg.status for leg in ended.legs] == [Status.CANCELED] * 2
    cancel("alice", GroupCancelRequest("orderId", PERP, None, "mine"))
    assert [status for status, _ in outcome(desk, *again.legs)] == ["CANCELED"] * 2
    gone = GroupCancelRequest("orderId", PERP, group.id)
    assert refusal(cancel, "alice", gone)[:2] == (400, 2)
    other = sell_oco(desk)
    assert refusal(cancel, "bob", GroupCancelRequest("orderId", PERP, other.id))[:2] == (400, 2)
    elsewhere = GroupCancelRequest("orderId", "ETH_PERP", other.id)
    assert refusal(cancel, "alice", elsewhere)[:2] == (400, 2)
    of_kind = GroupCancelRequest("otoId", PERP, other.id)
    assert refusal(cancel, "alice", of_kind, (GroupKind.OTO,))[:2] == (400, 2)
    assert refusal(cancel, "alice", GroupCancelRequest("orderId", PERP))[:2] == (422, 30)
    both = GroupCancelRequest("orderId", PERP, 1, "x")
    assert refusal(cancel, "alice", both)[:2] == (422, 30)


def test_what_is_handed_out_does_not_change(desk: Desk) -> None:
    group = sell_oco(desk)
    before = [leg.status for leg in group.legs]
    (shown,), _, _ = desk.exchange.collateral.groups("alice", PageQuery())
    desk.exchange.cancel("alice", CancelRequest(PERP, group.limit_leg.id))
    assert [leg.status for leg in group.legs] == before
    assert [leg.status for leg in shown.legs] == before
