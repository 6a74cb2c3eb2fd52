"""An answer in short does what the whole one does, whatever happened before."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.order_desk import AMOUNT, MARKET, PRICE, VenueOrder, new_order, new_store
from tests.order_world import Sent, World
from whitewire.errors import PeerError
from whitewire.protocol.order_reducer import scale
from whitewire.protocol.order_table import Notice
from whitewire.protocol.orders import Fill, NoticeKind, Order, OrderState
from whitewire.protocol.replies import Ack, OrderReply, Reply, RequestKind
from whitewire.protocol.replies_plain import PlainAck


def short(reply: Reply | None) -> Reply | None:
    """The answer as the core would read it, where nothing was dealt."""
    if not isinstance(reply, Ack) or reply.order.deal_stock or not reply.order.price:
        return reply
    row = reply.order
    return PlainAck(
        row.venue_id,
        scale(row.price or Decimal(0), MARKET.price_decimals),
        scale(row.amount, MARKET.amount_decimals),
        row.finish,
    )


@dataclass
class ShortWorld(World):
    """The same world, whose answers come in short where they can."""

    shortened: set[RequestKind] = field(default_factory=set)

    def answer(self, request: Sent) -> None:
        reply = short(request.reply)
        if reply is not request.reply:
            self.shortened.add(request.kind)
        request.reply = reply
        super().answer(request)


def facts(order: Order) -> dict[str, object]:
    """Everything that is known of an order."""
    names = [
        name for name in Order.__slots__ if name not in ("_actions", "legs", "past", "current")
    ]
    legs = [(leg.venue_id, *(getattr(leg, name) for name in LEG)) for leg in order.legs]
    return {name: getattr(order, name) for name in names} | {"legs": legs, "at": order.venue_id}


LEG = ("amount_lots", "dealt_lots", "dealt_money", "fill_lots", "fill_money", "finish", "is_pushed")


def told(notices: list[Notice]) -> list[object]:
    """Notices without their order."""
    assert all(isinstance(notice, tuple | Fill) for notice in notices)
    return [
        (notice.deal_id, notice.amount_lots) if isinstance(notice, Fill) else tuple(notice)[1:]
        for notice in notices
    ]


@settings(deadline=None, max_examples=500)
@given(seed=st.integers(0, 2**64 - 1), steps=st.integers(1, 40))
def test_a_short_answer_does_what_the_whole_one_does(seed: int, steps: int) -> None:
    whole, brief = World(random.Random(seed)), ShortWorld(random.Random(seed))
    for _ in range(steps):
        whole.step()
        brief.step()
        assert facts(whole.order) == facts(brief.order)
        assert told(whole.told) == told(brief.told)
    whole.settle()
    brief.settle()
    assert facts(whole.order) == facts(brief.order)
    assert told(whole.told) == told(brief.told)


@settings(deadline=None, max_examples=500)
@given(
    state=st.sampled_from(OrderState),
    kind=st.sampled_from([RequestKind.PLACE, RequestKind.CANCEL, RequestKind.MODIFY]),
    named=st.sampled_from(["current", "old", "new"]),
    status=st.sampled_from(["OPEN", "CANCELED"]),
    is_due=st.booleans(),
    legs=st.integers(0, 2),
)
def test_so_it_does_in_any_state(
    state: OrderState, kind: RequestKind, named: str, status: str, is_due: bool, legs: int
) -> None:
    """Contradictions too: any answer, whatever was asked."""
    ids = {"current": 1 if legs < 2 else 2, "old": 1, "new": 9}
    row = OrderReply(
        venue_id=ids[named],
        market=MARKET.name,
        amount=MARKET.amount(AMOUNT + 1),
        left=MARKET.amount(AMOUNT + 1),
        price=MARKET.price(PRICE + 1),
        status=status,
    )
    seen = []
    for reply in (Ack(row), short(Ack(row))):
        assert reply is not None
        store = new_store()
        order = new_order(store)
        for venue_id in range(1, legs + 1):
            order.current = order.add_leg(venue_id)
            store.index(order)
        order.state, order.is_replacement_due = state, is_due
        order.target_ticks, order.target_lots = PRICE + 7, AMOUNT + 7
        notices = store.on_reply(kind, order, reply, 50)
        seen.append((facts(order), told([*notices]), store.illegal, len(store.open_orders())))
    assert seen[0] == seen[1]


def test_worlds_have_short_answers_of_each_kind() -> None:
    shortened = set()
    for seed in range(40):
        world = ShortWorld(random.Random(seed))
        for _ in range(30):
            world.step()
        shortened |= world.shortened
    assert shortened == {RequestKind.PLACE, RequestKind.CANCEL, RequestKind.MODIFY}


@pytest.mark.parametrize("status", ["OPEN", "CANCELED"])
def test_a_short_answer_is_told_as_an_ack(status: str) -> None:
    store, venue = new_store(), VenueOrder()
    order = new_order(store)
    ack = venue.place()
    plain = short(Ack(msgspec.structs.replace(ack.order, status=status)))
    assert isinstance(plain, PlainAck)
    kinds = [notice.kind for notice in store.on_reply(RequestKind.PLACE, order, plain, 5)]
    is_over = status == "CANCELED"
    assert kinds == [NoticeKind.ACKED, NoticeKind.CANCELED][: 1 + is_over]
    assert (order.state is OrderState.CANCELED) is is_over
    assert store.by_venue_id(ack.order.venue_id) is order


@given(
    text=st.one_of(
        st.decimals(allow_nan=False, allow_infinity=False).map(str),
        st.from_regex(r"-?[0-9]{1,22}(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
        st.sampled_from(["", "NaN", "Infinity", "1_0", " 1", "+1", "1.", ".5", "0", "-0"]),
    ),
    decimals=st.integers(-4, 12),
)
def test_a_text_is_scaled_as_its_number_is(text: str, decimals: int) -> None:
    outcomes = []
    for value in (lambda: Decimal(text), lambda: text):
        try:
            outcomes.append(scale(value(), decimals))
        except (PeerError, InvalidOperation):
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]
