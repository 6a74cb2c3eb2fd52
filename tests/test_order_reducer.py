from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.order_desk import (
    AMOUNT,
    CLIENT_ID,
    MARKET,
    NO_FUNDS,
    NOT_FOUND,
    PREFIX,
    PRICE,
    THROTTLED,
    WOULD_TAKE,
    VenueOrder,
    new_order,
    new_store,
)
from whitewire.errors import PeerError
from whitewire.protocol import reconcile as rec
from whitewire.protocol.events import Deal, OrderUpdate
from whitewire.protocol.order_reducer import scale
from whitewire.protocol.order_table import Notice, NoticeKind, OrderNotice, OrderStore
from whitewire.protocol.orders import Fill, Order, OrderInput, OrderState, Reject, RejectSource
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import Ack, Ambiguous, Refused, Reply, RequestKind

Kind = NoticeKind
LOST = Ambiguous("status 502")


class Desk:
    """One order here and at the venue."""

    def __init__(self) -> None:
        self.store = new_store()
        self.order = new_order(self.store)
        self.venue = VenueOrder()
        self.now_ns = 10

    def kinds(self, notices: Sequence[Notice]) -> list[NoticeKind | str]:
        return [n.kind if isinstance(n, OrderNotice) else type(n).__name__ for n in notices]

    def place(self, **how: int) -> Ack:
        return self.venue.place(**how)

    def reply(self, kind: RequestKind, reply: Reply) -> list[NoticeKind | str]:
        self.now_ns += 1
        return self.kinds(self.store.on_reply(kind, self.order, reply, self.now_ns))

    def push(self, index: int) -> list[NoticeKind | str]:
        self.now_ns += 1
        return self.kinds(self.store.apply_update(self.venue.pushes[index], self.now_ns))

    def deal(self, index: int) -> list[NoticeKind | str]:
        return self.kinds(self.store.apply_deal(self.venue.deals[index]))

    def open(self) -> Desk:
        self.reply(RequestKind.PLACE, self.place())
        self.push(0)
        return self

    def modify(self) -> Desk:
        self.store.modify_sent(self.order, PRICE + 5, AMOUNT, self.now_ns)
        return self

    def cancel(self) -> Desk:
        self.store.cancel_sent(self.order, self.now_ns)
        return self


def test_a_resting_order_is_acknowledged_and_opened_once() -> None:
    desk = Desk()
    assert desk.reply(RequestKind.PLACE, desk.place()) == [Kind.ACKED]
    assert desk.push(0) == [Kind.OPENED]
    assert desk.push(0) == []
    assert desk.order.state is OrderState.OPEN
    assert desk.store.duplicates == 1


def test_push_before_reply_opens_and_the_reply_still_tells() -> None:
    desk = Desk()
    ack = desk.place()
    assert desk.push(0) == [Kind.OPENED]
    assert desk.reply(RequestKind.PLACE, ack) == [Kind.ACKED]
    assert desk.order.state is OrderState.OPEN


def test_an_instant_fill_knows_only_event_3() -> None:
    desk = Desk()
    ack = desk.place(take=AMOUNT)
    assert [update.event for update in desk.venue.pushes] == [3]
    assert desk.push(0) == [Kind.FILLED]
    assert desk.reply(RequestKind.PLACE, ack) == []
    assert desk.deal(0) == ["Fill"]
    assert desk.order.filled == MARKET.amount(AMOUNT)
    assert desk.order.state is OrderState.FILLED


def test_a_refused_post_only_order_is_rejected_with_its_reason() -> None:
    desk = Desk()
    assert desk.reply(RequestKind.PLACE, WOULD_TAKE) == [Kind.REJECTED]
    assert desk.order.reject is WOULD_TAKE.reject
    assert desk.order.reject.retryable


def test_an_ioc_remainder_is_canceled_with_its_fills() -> None:
    desk = Desk()
    ack = desk.venue.place(take=4, ioc=True)
    assert desk.reply(RequestKind.PLACE, ack) == [Kind.ACKED, Kind.CANCELED]
    assert desk.push(0) == []
    assert (desk.order.filled_lots, desk.order.left_lots) == (4, AMOUNT - 4)


def test_partial_fills_are_told_by_push_once() -> None:
    desk = Desk().open()
    desk.venue.fill(3)
    assert desk.push(1) == [Kind.PARTIAL]
    assert desk.push(1) == []
    assert desk.deal(0) == ["Fill"]
    assert desk.deal(0) == []
    assert desk.order.filled_lots == 3


@pytest.mark.parametrize("orders", [(1, 2, "r"), (2, 1, "r"), ("r", 1, 2), (1, "r", 2), (2, "r", 1)])
def test_a_modify_takes_effect_in_any_interleaving(orders: tuple[int | str, ...]) -> None:
    desk = Desk().open().modify()
    ack = desk.venue.modify(PRICE + 5, AMOUNT)
    kinds: list[NoticeKind | str] = []
    for step in orders:
        if isinstance(step, int):
            kinds += desk.push(step)
        else:
            kinds += desk.reply(RequestKind.MODIFY, ack)
    assert sorted(kinds) == [Kind.ACKED, Kind.REPLACED]
    assert desk.order.state is OrderState.OPEN
    assert desk.order.price_ticks == PRICE + 5
    assert desk.order.venue_ids == (1_000, 1_007)
    assert desk.store.by_venue_id(1_000) is desk.store.by_venue_id(1_007) is desk.order


def test_an_order_that_fills_before_its_modify_is_filled() -> None:
    desk = Desk().open().modify()
    desk.venue.fill(AMOUNT)
    assert desk.push(1) == [Kind.FILLED]
    assert desk.reply(RequestKind.MODIFY, NOT_FOUND) == []
    assert desk.order.state is OrderState.FILLED


def test_an_order_canceled_from_outside_during_its_modify_is_canceled_by_the_refusal() -> None:
    desk = Desk().open().modify()
    desk.venue.cancel()
    assert desk.push(1) == []
    assert desk.order.state is OrderState.MODIFYING
    assert desk.reply(RequestKind.MODIFY, NOT_FOUND) == [Kind.REFUSED, Kind.CANCELED]


def test_a_modify_refused_by_the_engine_leaves_the_order_unknown() -> None:
    desk = Desk().open().modify()
    assert desk.reply(RequestKind.MODIFY, NO_FUNDS) == [Kind.REFUSED, Kind.UNKNOWN]


def test_a_throttled_modify_leaves_the_order_as_it_was() -> None:
    desk = Desk().open().modify()
    assert desk.reply(RequestKind.MODIFY, THROTTLED) == [Kind.REFUSED]
    assert desk.order.state is OrderState.OPEN
    assert desk.order.target_ticks == PRICE


def test_a_cancel_that_finds_nothing_is_not_a_cancel() -> None:
    desk = Desk().open()
    desk.venue.fill(AMOUNT)
    desk.cancel()
    assert desk.reply(RequestKind.CANCEL, NOT_FOUND) == [Kind.REFUSED, Kind.UNKNOWN]
    assert desk.push(1) == [Kind.RESOLVED, Kind.FILLED]


def test_an_old_push_does_not_resolve_a_missed_cancel() -> None:
    desk = Desk().open()
    desk.venue.fill(1)
    desk.venue.fill(AMOUNT - 1)
    desk.cancel()
    desk.reply(RequestKind.CANCEL, NOT_FOUND)
    assert desk.push(1) == [Kind.PARTIAL]
    assert desk.order.is_unknown


def test_a_throttled_cancel_leaves_the_order_open() -> None:
    desk = Desk().open().cancel()
    assert desk.reply(RequestKind.CANCEL, THROTTLED) == [Kind.REFUSED]
    assert desk.order.state is OrderState.OPEN


def test_a_throttled_cancel_of_an_unacknowledged_order_proves_nothing() -> None:
    desk = Desk().cancel()
    assert desk.reply(RequestKind.CANCEL, THROTTLED) == [Kind.REFUSED, Kind.UNKNOWN]


def test_a_cancel_behind_a_modify_cancels_the_replacement() -> None:
    desk = Desk().open().modify().cancel()
    modified = desk.venue.modify(PRICE + 5, AMOUNT)
    canceled = desk.venue.cancel()
    assert desk.push(1) == []
    assert desk.push(2) == [Kind.REPLACED]
    assert desk.push(3) == [Kind.CANCELED]
    assert desk.reply(RequestKind.MODIFY, modified) == []
    assert desk.reply(RequestKind.CANCEL, canceled) == []


@pytest.mark.parametrize("kind", [RequestKind.PLACE, RequestKind.CANCEL, RequestKind.MODIFY])
def test_a_lost_answer_makes_the_order_unknown(kind: RequestKind) -> None:
    desk = Desk()
    if kind is RequestKind.CANCEL:
        desk.open().cancel()
    if kind is RequestKind.MODIFY:
        desk.open().modify()
    assert desk.reply(kind, LOST) == [Kind.UNKNOWN]
    assert desk.store.unknown_orders() == [desk.order]


def test_a_lost_placement_is_resolved_by_its_push() -> None:
    desk = Desk()
    desk.place()
    desk.reply(RequestKind.PLACE, LOST)
    assert desk.push(0) == [Kind.OPENED, Kind.RESOLVED]
    assert desk.order.state is OrderState.OPEN


def test_a_lost_modify_is_resolved_only_by_the_replacement() -> None:
    desk = Desk().open()
    desk.venue.fill(1)
    desk.modify()
    desk.venue.modify(PRICE + 5, AMOUNT)
    assert desk.reply(RequestKind.MODIFY, LOST) == [Kind.UNKNOWN]
    assert desk.push(1) == [Kind.PARTIAL]
    assert desk.push(2) == []
    assert desk.order.is_unknown
    assert desk.push(3) == [Kind.REPLACED, Kind.RESOLVED]


def test_a_loss_after_the_effect_was_seen_is_no_loss() -> None:
    desk = Desk().open().modify()
    desk.venue.modify(PRICE + 5, AMOUNT)
    desk.push(2)
    assert desk.reply(RequestKind.MODIFY, LOST) == []
    assert desk.order.state is OrderState.OPEN


def test_a_deal_for_an_unknown_placement_proves_that_it_exists() -> None:
    desk = Desk()
    desk.place(take=2)
    desk.reply(RequestKind.PLACE, LOST)
    assert desk.deal(0) == [Kind.RESOLVED, "Fill"]
    assert desk.order.venue_id == 1_000


def test_the_second_event_1_of_a_stop_changes_nothing() -> None:
    desk = Desk().open()
    desk.venue.push(desk.venue.legs[0], 1)
    assert desk.push(1) == []
    assert desk.order.state is OrderState.OPEN


def test_dust_left_by_a_filled_order_does_not_make_it_canceled() -> None:
    desk = Desk().open()
    leg = desk.venue.legs[0]
    leg.dealt, leg.status = AMOUNT - 1, "FILLED"
    desk.venue.push(leg, 3)
    assert desk.push(1) == [Kind.FILLED]
    assert desk.order.left_lots == 1


@pytest.mark.parametrize("status", ["CANCELED", "CANCELED_STP", "AUTO_CANCELED_REDUCE_ONLY", ""])
def test_any_cancel_text_and_even_none_ends_the_order_as_canceled(status: str) -> None:
    desk = Desk().open()
    leg = desk.venue.legs[0]
    leg.status = status
    desk.venue.push(leg, 3)
    assert desk.push(1) == [Kind.CANCELED]


def test_a_contradiction_is_counted_reported_and_never_revives() -> None:
    desk = Desk()
    desk.reply(RequestKind.PLACE, WOULD_TAKE)
    desk.place()
    assert desk.push(0) == [Kind.ILLEGAL]
    assert desk.order.state is OrderState.REJECTED
    assert desk.store.illegal == 1


def test_an_unexpected_leg_makes_a_living_order_unknown_but_its_fills_count() -> None:
    desk = Desk().open()
    desk.venue.legs[0].status = "CANCELED"
    desk.venue.place(take=2)
    notices = desk.store.apply_deal(desk.venue.deals[0])
    assert desk.kinds(notices) == [Kind.ILLEGAL, Kind.UNKNOWN, "Fill"]
    assert desk.order.filled_lots == 2


def test_an_answer_about_another_order_is_a_contradiction() -> None:
    desk = Desk()
    stranger = VenueOrder(client_id="ww-2").place()
    assert desk.reply(RequestKind.PLACE, stranger) == [Kind.ILLEGAL, Kind.UNKNOWN]
    assert desk.order.venue_id == 0


def test_a_fill_carries_what_the_venue_said() -> None:
    desk = Desk().open()
    desk.venue.fill(4)
    (fill,) = desk.store.apply_deal(desk.venue.deals[0])
    assert isinstance(fill, Fill)
    assert (fill.price, fill.amount) == (MARKET.price(PRICE), MARKET.amount(4))
    assert (fill.price_ticks, fill.amount_lots) == (PRICE, 4)
    assert (fill.fee, fill.fee_asset, fill.liquidity) == (Decimal("0.001"), "USDT", "maker")
    assert (fill.market, fill.side, fill.venue_id) == (MARKET, desk.order.side, 1_000)
    assert desk.order.fee == {"USDT": Decimal("0.001")}


def test_both_sides_of_a_self_trade_are_booked() -> None:
    desk = Desk().open()
    other = new_order(desk.store, "ww-2")
    twin = VenueOrder(client_id="ww-2", next_id=5_000)
    desk.store.on_place_reply(other, twin.place(), 1)
    desk.venue.fill(2)
    twin.fill(2)
    assert desk.venue.deals[0].deal_id == twin.deals[0].deal_id
    for deal in (desk.venue.deals[0], twin.deals[0]):
        assert desk.kinds(desk.store.apply_deal(deal)) == ["Fill"]
    assert desk.order.filled_lots == other.filled_lots == 2


@pytest.mark.parametrize("text", ["NaN", "Infinity", "0.0000001"])
def test_a_number_that_does_not_fit_the_market_is_the_peers_fault(text: str) -> None:
    with pytest.raises(PeerError):
        scale(Decimal(text), 6)


@given(lots=st.integers(-(10**15), 10**15), decimals=st.integers(-6, 12))
def test_scale_is_exact(lots: int, decimals: int) -> None:
    assert scale(Decimal(lots).scaleb(-decimals), decimals) == lots


# ---- any interleaving of a true history --------------------------------------------------------


@dataclass
class Sent:
    """A request on its way: what becomes of it was decided when it was sent."""

    kind: RequestKind
    fate: str  # answered, or lost with or without effect
    target: tuple[int, int] = (PRICE, AMOUNT)
    reply: Reply | None = None
    is_executed: bool = False


@dataclass
class World:
    """The order table, the venue, and everything that is on its way between them."""

    data: st.DataObject
    store: OrderStore = field(default_factory=new_store)
    venue: VenueOrder = field(default_factory=VenueOrder)
    sent: list[Sent] = field(default_factory=list)
    told: list[Notice] = field(default_factory=list)
    pushes_left: list[int] = field(default_factory=list)
    deals_left: list[int] = field(default_factory=list)
    now_ns: int = 10

    def __post_init__(self) -> None:
        self.order: Order = new_order(self.store)
        self.heard: list[OrderUpdate | Deal] = []
        self.known = (0, 0)
        self.send(RequestKind.PLACE)

    def send(self, kind: RequestKind) -> None:
        fate = self.data.draw(st.sampled_from(["answered"] * 4 + ["lost-done", "lost-undone"]))
        self.order.in_flight += 1
        request = Sent(kind, fate)
        if kind is RequestKind.CANCEL:
            self.told += self.store.cancel_sent(self.order, self.now_ns)
        if kind is RequestKind.MODIFY:
            request.target = (PRICE + self.data.draw(st.integers(1, 9)), AMOUNT + 3)
            self.told += self.store.modify_sent(self.order, *request.target, self.now_ns)
        self.sent.append(request)

    def collect(self) -> None:
        """What the venue said meanwhile can be heard from now on."""
        pushes, deals = self.known
        self.pushes_left += range(pushes, len(self.venue.pushes))
        self.deals_left += range(deals, len(self.venue.deals))
        self.known = (len(self.venue.pushes), len(self.venue.deals))

    def execute(self, request: Sent) -> None:
        request.is_executed = True
        if request.fate == "lost-undone":
            return
        refusal = self.data.draw(st.sampled_from([None, None, None, THROTTLED, NO_FUNDS]))
        if request.kind is RequestKind.PLACE:
            take = self.data.draw(st.sampled_from([0, 0, 4, AMOUNT]))
            ioc = self.data.draw(st.booleans()) if take == 4 else False
            if refusal is None:
                request.reply = self.venue.place(take=take, ioc=ioc)
            else:
                request.reply, self.venue.was_refused = WOULD_TAKE, True
        elif request.kind is RequestKind.CANCEL:
            request.reply = self.venue.cancel() if refusal is not THROTTLED else THROTTLED
        elif refusal is None:
            take = self.data.draw(st.sampled_from([0, 0, AMOUNT + 3]))
            request.reply = self.venue.modify(*request.target, take=take)
        else:
            request.reply = refusal
            if refusal is NO_FUNDS and self.data.draw(st.booleans()):
                self.venue.cancel()  # the old order is lost although the new one was refused
        self.collect()

    def answer(self, request: Sent) -> None:
        self.sent.remove(request)
        self.order.in_flight -= 1
        if request.fate == "answered":
            assert request.reply is not None
            self.told += self.store.on_reply(request.kind, self.order, request.reply, self.now_ns)
        else:
            lost = Request(request.kind, (self.order,))
            self.told += self.store.on_lost(lost, self.now_ns)

    def hear(self, waiting: list[int], said: Sequence[OrderUpdate | Deal]) -> None:
        index = self.data.draw(st.sampled_from(waiting))
        if not self.data.draw(st.booleans()):  # otherwise it will be heard again
            waiting.remove(index)
        self.apply(said[index])

    def apply(self, event: OrderUpdate | Deal) -> None:
        if isinstance(event, Deal):
            self.told += self.store.apply_deal(event)
        else:
            self.told += self.store.apply_update(event, self.now_ns)

    def choices(self) -> dict[str, list[Sent]]:
        """What can happen next; a lost request may be executed late, and its loss seen early."""
        pending = [r for r in self.sent if not r.is_executed]
        in_order = [r for r in pending if r.fate == "answered"][:1]
        late = [r for r in pending if r.fate != "answered"]
        first = [r for r in self.sent if r.fate == "answered"][:1]
        answerable = [r for r in first if r.is_executed] + [
            r for r in self.sent if r.fate != "answered"
        ]
        # A request waits for the ones sent before it, unless their connection was lost.
        if in_order and any(r in late for r in self.sent[: self.sent.index(in_order[0])]):
            in_order = in_order if self.data.draw(st.booleans()) else []
        moves = {"execute": in_order + late, "answer": answerable}
        if self.pushes_left:
            moves["push"] = []
        if self.deals_left:
            moves["deal"] = []
        if self.venue.live is not None:
            moves["fill"] = moves["outside-cancel"] = []
        if self.order.can_cancel:
            moves["cancel"] = []
        if self.order.can_modify:
            moves["modify"] = []
        return {k: v for k, v in moves.items() if v or k not in ("execute", "answer")}

    def step(self) -> None:
        moves = self.choices()
        if not moves:
            return
        self.now_ns += 1
        move = self.data.draw(st.sampled_from(sorted(moves)))
        live = self.venue.live
        if move == "execute":
            self.execute(self.data.draw(st.sampled_from(moves[move])))
        elif move == "answer":
            self.forget(self.data.draw(st.sampled_from(moves[move])))
        elif move == "push":
            self.hear(self.pushes_left, self.venue.pushes)
        elif move == "deal":
            self.hear(self.deals_left, self.venue.deals)
        elif move == "fill" and live is not None:
            self.venue.fill(self.data.draw(st.integers(1, live.left)))
            self.collect()
        elif move == "outside-cancel":
            self.venue.cancel()
            self.collect()
        elif move in ("cancel", "modify"):
            self.send(RequestKind(move))

    def forget(self, request: Sent) -> None:
        """Deliver an answer, or the loss of one; a lost request may still be executed later."""
        if request.fate != "answered" and not request.is_executed:
            self.order.in_flight -= 1
            self.sent.remove(request)
            self.late.append(request)
            lost = Request(request.kind, (self.order,))
            self.told += self.store.on_lost(lost, self.now_ns)
            return
        self.answer(request)

    late: list[Sent] = field(default_factory=list)

    def settle(self) -> None:
        """Everything on its way arrives, in the venue's order of execution."""
        for request in [*self.late, *self.sent]:
            if not request.is_executed:
                self.execute(request)
        while self.sent:
            self.answer(self.sent[0])
        for index in self.data.draw(st.permutations(self.pushes_left)):
            self.apply(self.venue.pushes[index])
        for index in self.data.draw(st.permutations(self.deals_left)):
            self.apply(self.venue.deals[index])

    @property
    def truth(self) -> OrderState:
        if not self.venue.legs:
            return OrderState.REJECTED
        if self.venue.live is not None:
            return OrderState.OPEN
        is_filled = self.venue.legs[-1].status == "FILLED"
        return OrderState.FILLED if is_filled else OrderState.CANCELED

    def reconcile(self, *, keeps_canceled: bool) -> None:
        """Ask the venue as the gateway does, after the quarantine."""
        asked_ns = self.now_ns + 2 * rec.QUARANTINE_NS
        order_deals: dict[int, list[Deal]] = {}
        actions: list[rec.Action] = []
        for _ in range(3):
            evidence = rec.Evidence(
                self.venue.active(),
                self.venue.deals,
                order_deals,
                {k: v for k, v in self.venue.finished(keeps_canceled=keeps_canceled).items()
                 if k in order_deals},
                asked_ns,
            )  # fmt: skip
            actions = rec.reconcile(self.store.recent(), evidence, prefix=PREFIX)
            asks = [action for action in actions if isinstance(action, rec.AskDeals)]
            if not asks:
                break
            for ask in asks:
                order_deals[ask.venue_id] = [
                    deal for deal in self.venue.deals if deal.venue_id == ask.venue_id
                ]
        for action in actions:
            if isinstance(action, rec.ApplyDeal):
                self.told += self.store.apply_deal(action.deal)
            elif isinstance(action, rec.Resolve):
                self.told += self.store.resolve(
                    action.order, action.outcome, action.reply, asked_ns
                )
            else:
                pytest.fail(f"unexpected conclusion {action}")


@settings(deadline=None, max_examples=250, suppress_health_check=[HealthCheck.data_too_large])
@given(data=st.data())
def test_any_interleaving_ends_in_the_venues_own_state(data: st.DataObject) -> None:
    world = World(data)
    for _ in range(data.draw(st.integers(0, 30))):
        world.step()
    world.settle()
    order, venue = world.order, world.venue
    if order.state is not OrderState.UNKNOWN:
        assert order.state is world.truth
    world.reconcile(keeps_canceled=data.draw(st.booleans()))
    assert order.state is world.truth
    # No fill is missed, none is told twice, and what is told adds up.
    fills = [notice for notice in world.told if isinstance(notice, Fill)]
    assert len({(fill.deal_id, fill.venue_id) for fill in fills}) == len(fills)
    assert {fill.deal_id for fill in fills} == {deal.deal_id for deal in venue.deals}
    assert order.filled_lots == venue.dealt
    assert order.avg_price is None or venue.dealt > 0
    # A true history contradicts nothing, and is told consistently.
    notices = [notice for notice in world.told if isinstance(notice, OrderNotice)]
    kinds = [notice.kind for notice in notices]
    assert NoticeKind.ILLEGAL not in kinds
    assert world.store.illegal == 0
    final = [k for k in kinds if k in (Kind.FILLED, Kind.CANCELED, Kind.REJECTED)]
    assert len(final) == order.is_done
    doubts = [k for k in kinds if k in (Kind.UNKNOWN, Kind.RESOLVED)]
    assert doubts == [Kind.UNKNOWN, Kind.RESOLVED] * (len(doubts) // 2)
    assert kinds.count(Kind.REPLACED) == max(len(order.legs) - 1, 0)
    assert kinds.count(Kind.OPENED) <= 1
    if order.state is OrderState.OPEN:
        assert order.left_lots == venue.legs[-1].left
        assert order.price_ticks == venue.legs[-1].ticks


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_repeating_the_whole_history_changes_nothing(data: st.DataObject) -> None:
    world = World(data)
    for _ in range(20):
        world.step()
    world.settle()
    world.reconcile(keeps_canceled=True)
    state, filled, told = world.order.state, world.order.filled_lots, len(world.told)
    events: list[OrderUpdate | Deal] = [*world.venue.pushes, *world.venue.deals]
    for event in data.draw(st.permutations(events)):
        world.apply(event)
    assert (world.order.state, world.order.filled_lots) == (state, filled)
    assert len(world.told) == told


def test_the_local_refusal_never_reached_the_venue() -> None:
    store = new_store()
    order = new_order(store)
    reject = Reject(RejectSource.LOCAL, "price-collar", "too far from the book")
    (notice,) = store.refuse(order, reject, 5)
    assert (notice.kind, notice.reject, order.reject) == (Kind.REJECTED, reject, reject)
    assert order.is_done


def test_resolving_an_order_that_is_done_already_is_ignored() -> None:
    desk = Desk().open()
    desk.venue.cancel()
    desk.push(1)
    assert desk.store.resolve(desk.order, OrderInput.RESOLVED_OPEN, None, 99) == []
    assert isinstance(NOT_FOUND, Refused)
    assert CLIENT_ID.startswith(PREFIX)
