"""The numbers that the wire prints for the engine's values."""

from __future__ import annotations

from copy import copy
from dataclasses import fields
from decimal import Decimal

import pytest

from tests.venue.desk import Desk
from tests.venue.test_book import order
from whitewire.venue.values.events import OrderEventKind
from whitewire.venue.values.model import OrderType, Product, Role, Side, VenueError


def test_sides_roles_types_and_events_have_their_wire_numbers() -> None:
    assert (Side.SELL.code, Side.BUY.code) == (1, 2)
    assert (Role.MAKER, Role.TAKER) == (1, 2)
    assert [kind.value for kind in OrderType] == [
        *("limit", "market", "stock market", "stop limit", "stop market", "stop stock market"),
    ]
    placed = order(1, Side.BUY, 10)
    codes = {}
    for product in Product:
        placed.product = product
        for kind in OrderType:
            placed.type = kind
            if product is Product.SPOT or "STOCK" not in kind.name:
                codes[product, kind] = placed.type_code
    spot = [codes[Product.SPOT, kind] for kind in OrderType]
    assert spot == [1, 2, 202, 3, 4, 203]
    for product in (Product.MARGIN, Product.FUTURES):
        of_product = [code for (one, _), code in codes.items() if one is product]
        assert of_product == [7, 8, 9, 10]
    assert [int(kind) for kind in OrderEventKind] == [1, 2, 3]


def test_opposite_sides() -> None:
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY


def test_a_snapshot_does_not_follow_the_order() -> None:
    desk = Desk()
    resting = desk.limit("alice", "buy", "60000", "1")
    desk.limit("bob", "sell", "60000", "0.4")
    assert resting.left == 1
    assert resting.deal_stock == 0


def test_a_snapshot_has_every_value_of_the_order() -> None:
    desk = Desk()
    desk.trade("60000")
    order = desk.stop_limit("alice", "buy", "61000", "61000", "1", client_order_id="x", stp="cn")
    order.deal_fee, order.frozen, order.is_finished = Decimal("0.1"), Decimal("0.2"), True
    taken = order.snapshot()
    assert taken is not order
    assert [(each.name, getattr(taken, each.name)) for each in fields(order)] == [
        (each.name, getattr(copy(order), each.name)) for each in fields(order)
    ]


def test_a_refusal_says_what_it_is() -> None:
    refusal = VenueError(422, 30, "Validation failed", {"side": ["wrong"]})
    with pytest.raises(VenueError, match=r"422/30 Validation failed: \{'side': \['wrong'\]\}"):
        raise refusal
