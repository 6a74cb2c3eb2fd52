"""A venue that anything may happen to, and everything that must hold of it after each command.

Owns: turning drawn numbers into commands, and the checks, which are worked out from orders and
events alone wherever that is possible. Must not know: how the engine keeps its books.
Invariant: the same numbers give the same commands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from tests.venue.desk import MARKET, PERP, Desk, account
from whitewire.venue.accounts import Account
from whitewire.venue.collateral.groups import Group, GroupKind
from whitewire.venue.collateral.requests import (
    CollateralRequest,
    GroupCancelRequest,
    OcoRequest,
    TpslRequest,
)
from whitewire.venue.events import DealEvent, Event, OrderEvent, OrderEventKind
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.markets import default_markets
from whitewire.venue.model import (
    ZERO,
    Order,
    OrderType,
    PositionSide,
    Product,
    Side,
    VenueError,
)
from whitewire.venue.requests import (
    CancelAllRequest,
    KillSwitchRequest,
    LimitRequest,
    MarketRequest,
    ModifyRequest,
    StopRequest,
)

Draw = tuple[int, int, int, int, int, int]
WHALE = "whale"
NAMES = ("alice", "bob", "carol", WHALE)
COLLATERAL_MARKETS = (PERP, "ETH_PERP", MARKET)
UNITS = {PERP: Decimal("0.05"), "ETH_PERP": Decimal(1), MARKET: Decimal("0.05")}
STEPS = {PERP: Decimal(500), "ETH_PERP": Decimal(25), MARKET: Decimal(500)}
MIDDLE = {PERP: Decimal(60000), "ETH_PERP": Decimal(3000), MARKET: Decimal(60000)}
KINDS = (GroupKind.OCO, GroupKind.OTO, GroupKind.EXITS)
PAUSES_S = (1, 7, 60, 3_600 * 8)
REACH = 12


class World:
    """The venue, what it has said, and the last state of every order."""

    def __init__(self, options: ExchangeOptions | None = None) -> None:
        self.desk = Desk(
            options,
            accounts=[
                account("alice", collateral={"USDT": Decimal(2_500), "BTC": Decimal("0.02")}),
                account("bob", collateral={"USDT": Decimal(9_000)}),
                account("carol", collateral={"USDT": Decimal(40_000), "BTC": Decimal(1)}),
                account(WHALE, collateral={"USDT": Decimal(10) ** 8}),
            ],
            markets=[spec for spec in default_markets() if spec.name in COLLATERAL_MARKETS],
        )
        self.exchange = self.desk.exchange
        self.orders: dict[int, Order] = {}
        self.kinds: dict[int, list[OrderEventKind]] = defaultdict(list)
        self.dealt: dict[int, Decimal] = defaultdict(Decimal)
        self.oco_ids: set[int] = set()
        self.groups: dict[int, set[int]] = defaultdict(set)
        self.delisted: set[str] = set()
        self.exchange.listeners.append(self.note)
        self.start = self.totals()
        for name, times in (("alice", 100), ("bob", 50)):
            self.exchange.collateral.set_leverage(name, times)
        for market in COLLATERAL_MARKETS:
            self.trade(market, 0)
            for distance in range(1, REACH + 1):
                for side, sign in (("buy", -1), ("sell", 1)):
                    self.limit(WHALE, market, side, sign * distance, 3)

    # Commands

    def run(self, draw: Draw) -> str:
        """Carries out one command and checks everything; says what it was."""
        self.exchange.tick(self.desk.now)
        before, said = self.state(), len(self.desk.events)
        command = COMMANDS[draw[0] % len(COMMANDS)]
        try:
            command(self, draw)
        except VenueError as refusal:
            text = f"{command.__name__} refused {refusal.code} {refusal.errors}"
            assert self.state() == before, text
            assert len(self.desk.events) == said, text
        else:
            text = command.__name__
        self.check()
        return text

    def account(self, name: str) -> Account:
        """The engine's own."""
        return self.exchange._accounts[name]

    def price(self, market: str, steps: int) -> Decimal:
        """So many steps from the middle."""
        return MIDDLE[market] + STEPS[market] * steps

    def limit(
        self, who: str, market: str, side: str, steps: int, units: int, **fields: object
    ) -> Order:
        """A limit order against collateral."""
        request = CollateralRequest(
            OrderType.LIMIT, market, side, UNITS[market] * units, self.price(market, steps)
        )
        return self.exchange.collateral.place(who, replace(request, **fields))

    def trade(self, market: str, steps: int) -> None:
        """A small trade of the whale with itself."""
        self.limit(WHALE, market, "sell", steps, 1)
        self.limit(WHALE, market, "buy", steps, 1)

    def open_orders(self, who: str) -> list[Order]:
        """An account's open orders, oldest first."""
        return list(self.account(who).open_orders.values())

    # What was said

    def note(self, event: Event) -> None:
        """Keeps the last state of every order and checks the order of its events."""
        if isinstance(event, DealEvent):
            self.dealt[event.deal.order_id] += event.deal.amount
        if not isinstance(event, OrderEvent):
            return
        order, kinds = event.order, self.kinds[event.order.id]
        assert not kinds or kinds[-1] is not OrderEventKind.FINISHED, order
        assert kinds or event.event is not OrderEventKind.CHANGED, order
        if event.event is OrderEventKind.NEW and kinds:
            assert kinds == [OrderEventKind.NEW] or set(kinds[1:]) == {OrderEventKind.CHANGED}
            assert order.activation is not None
            assert order.activation.time is not None
        assert order.is_finished is (event.event is OrderEventKind.FINISHED)
        kinds.append(event.event)
        self.orders[order.id] = order
        if order.group_id is not None:
            self.groups[order.group_id].add(order.id)

    # What must hold

    def totals(self) -> dict[str, Decimal]:
        """Everything of each asset, wherever it is."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for owner in self.exchange._accounts.values():
            for asset in owner.assets():
                wallet = owner.wallet(asset)
                sums[asset] += wallet.available + wallet.freeze
            for asset, balance in owner.collateral.balances():
                sums[asset] += balance
        for amounts in (self.exchange.fees_collected(), self.exchange._parts.pool.amounts):
            for asset, amount in amounts.items():
                sums[asset] += amount
        return {asset: amount for asset, amount in sums.items() if amount}

    def state(self) -> object:
        """Everything that a refused command must leave alone."""
        return [
            (
                name,
                self.open_orders(name),
                [order.snapshot() for order in self.open_orders(name)],
                self.exchange.balances(name),
                dict(owner.collateral.balances()),
                dict(owner.collateral.pending),
                {key: replace(held) for key, held in owner.collateral.positions.items()},
                (owner.collateral.leverage, owner.collateral.is_hedged),
                len(owner.finished),
                [group.id for group in self.open_groups(name)],
            )
            for name, owner in self.exchange._accounts.items()
        ]

    def open_groups(self, name: str) -> list[Group]:
        """Every open group of an account."""
        return self.exchange.collateral._parts.groups.of(name, KINDS)

    def check(self) -> None:
        """Everything that holds at the end of a cycle."""
        assert self.totals() == self.start
        self.check_pool()
        for name in NAMES:
            self.check_wallet(name)
            self.check_pending(name)
            self.check_positions(name)
            self.check_groups(name)
        self.check_books()

    def check_pool(self) -> None:
        """The pool holds what positions are made of; futures are nobody's stock."""
        pool = self.exchange._parts.pool
        stock: dict[str, Decimal] = defaultdict(Decimal)
        cost: dict[str, Decimal] = defaultdict(Decimal)
        held = dict(pool.taken)
        for owner in self.exchange._accounts.values():
            for position in owner.collateral.positions.values():
                held[position.market] = held.get(position.market, ZERO) + position.amount
                cost["USDT"] += position.cost
        for market, amount in held.items():
            if market in (PERP, "ETH_PERP"):
                assert not amount, (market, amount)
            else:
                stock["BTC"] += amount
        assert pool.amounts.get("BTC", ZERO) == stock["BTC"]
        assert not pool.amounts.get("ETH", ZERO)
        if not pool.taken and not self.desk.exchange._parts.funding.next_due() > FIRST_FUNDING:
            losses = pool.losses.get("USDT", ZERO)
            assert pool.amounts.get("USDT", ZERO) == -cost["USDT"] - losses

    def check_wallet(self, name: str) -> None:
        """Nothing is negative, and what is frozen is frozen for an open order."""
        frozen: dict[str, Decimal] = defaultdict(Decimal)
        for order in self.open_orders(name):
            if order.product is Product.SPOT:
                frozen["USDT" if order.side is Side.BUY else "BTC"] += order.frozen
                if order.side is Side.SELL:
                    assert order.frozen == order.left
                elif order.price is not None:
                    assert order.frozen == order.price * order.left
        for asset, wallet in self.exchange.balances(name).items():
            assert wallet.available >= 0
            assert wallet.freeze == frozen[asset], (name, asset)

    def check_pending(self, name: str) -> None:
        """L: pending values are those of the open orders that may add to a position."""
        wallet = self.account(name).collateral
        pending: dict[tuple[str, PositionSide, Side], Decimal] = defaultdict(Decimal)
        for order in self.open_orders(name):
            if order.product is Product.SPOT or order.reduce_only:
                continue
            if order.group_id in self.oco_ids and order.is_waiting:
                continue
            trigger = order.activation.price if order.activation else None
            price = trigger if order.price is None else order.price
            assert price is not None
            pending[order.market, order.position_side, order.side] += price * order.left
        assert wallet.pending == pending, name

    def check_positions(self, name: str) -> None:
        """Sides, reduce-only orders, margins."""
        wallet, margins = self.account(name).collateral, self.exchange._parts.margins
        for (market, side), position in wallet.positions.items():
            assert (position.market, position.side) == (market, side)
            assert position.amount
            assert side is not PositionSide.LONG or position.amount > 0
            assert side is not PositionSide.SHORT or position.amount < 0
            assert (side is not PositionSide.BOTH) is (wallet.is_hedged and market != MARKET)
        if wallet.positions:
            assert margins.equity(wallet) >= margins.maintenance(wallet), name
        for order in self.open_orders(name):
            if order.reduce_only:
                held = wallet.held(order.market, order.position_side)
                room = held if order.side is Side.SELL else -held
                assert order.left <= room, order
                assert room > 0, order

    def check_groups(self, name: str) -> None:
        """A group is open as long as all its legs are, and only one leg fills."""
        listed = {group.id: group for group in self.open_groups(name)}
        for group in listed.values():
            assert not any(leg.is_finished for leg in group.legs)
            if group.kind is not GroupKind.OTO:
                assert all(leg.activation is None or leg.is_waiting for leg in group.legs)
                assert not any(leg.deal_stock for leg in group.legs)
        for order in self.open_orders(name):
            if order.group_id is not None and order.is_waiting:
                assert order.group_id in listed, order
        for legs in self.groups.values():
            assert sum(bool(self.orders[leg].deal_stock) for leg in legs) <= 1, legs

    def check_books(self) -> None:
        """Open orders are where they belong, and books are not crossed."""
        for market in COLLATERAL_MARKETS:
            book = self.exchange._books[market]
            bid, ask = book.best(Side.BUY), book.best(Side.SELL)
            assert bid is None or ask is None or bid.price < ask.price
            resting = {
                order.id for side in Side for _, order in book.makers(side, sees_rpi=True)
            }
            expected = {
                order.id
                for name in NAMES
                for order in self.open_orders(name)
                if order.market == market and not order.is_waiting
            }
            assert resting == expected
            assert market not in self.delisted or not resting
        for name in NAMES:
            for order in self.open_orders(name):
                assert order.market not in self.delisted
                assert order.left > 0 or order.is_waiting
        for order in self.orders.values():
            assert order.deal_stock == self.dealt[order.id]
            is_money = order.type in (OrderType.MARKET, OrderType.STOP_MARKET) and (
                order.side is Side.BUY and order.product is Product.SPOT
            )
            assert order.amount == order.left + (order.deal_money if is_money else order.deal_stock)

    def check_end(self) -> None:
        """What can be said of a whole story."""
        for order_id, kinds in self.kinds.items():
            is_finished = kinds[-1] is OrderEventKind.FINISHED
            assert self.orders[order_id].is_finished is is_finished
            is_open = any(order_id in self.account(name).open_orders for name in NAMES)
            assert is_open is not is_finished


FIRST_FUNDING = Desk().exchange._parts.funding.next_due()


def _side(draw: Draw) -> str:
    return "buy" if draw[2] else "sell"


def _who(draw: Draw) -> str:
    return NAMES[draw[1] % len(NAMES)]


def _market(draw: Draw) -> str:
    return COLLATERAL_MARKETS[(0, 0, 0, 1, 2)[(draw[5] >> 5) % 5]]


def _steps(draw: Draw) -> int:
    return draw[3] - REACH


def _position_side(world: World, draw: Draw, *, is_close: bool = False) -> str | None:
    """Mostly what the account's mode needs."""
    if not world.account(_who(draw)).collateral.is_hedged or _market(draw) == MARKET:
        return None
    opens = "LONG" if draw[2] else "SHORT"
    closes = "SHORT" if draw[2] else "LONG"
    return closes if is_close else opens


def collateral_limit(world: World, draw: Draw) -> None:
    flags = draw[5]
    world.limit(
        _who(draw),
        _market(draw),
        _side(draw),
        _steps(draw),
        draw[4],
        post_only=flags & 7 == 1 or None,
        ioc=flags & 7 == 2 or None,
        rpi=flags & 7 == 3 or None,
        stp=(None, "cb", "cn", "co")[flags >> 3 & 3],
        position_side=_position_side(world, draw),
    )


def reduce_only(world: World, draw: Draw) -> None:
    world.limit(
        _who(draw),
        _market(draw),
        _side(draw),
        _steps(draw),
        draw[4],
        reduce_only=True,
        position_side=_position_side(world, draw, is_close=True),
    )


def collateral_market(world: World, draw: Draw) -> None:
    market, is_close = _market(draw), draw[5] & 1 == 1
    request = CollateralRequest(
        OrderType.MARKET,
        market,
        _side(draw),
        UNITS[market] * draw[4],
        reduce_only=is_close and draw[5] & 2 == 0 or None,
        position_side=_position_side(world, draw, is_close=is_close),
        stop_loss=world.price(market, _steps(draw)) if draw[5] & 12 == 12 else None,
    )
    world.exchange.collateral.place(_who(draw), request)


def collateral_stop(world: World, draw: Draw) -> None:
    market, flags = _market(draw), draw[5]
    has_price, is_close = flags & 1 == 1, flags & 6 == 6
    request = CollateralRequest(
        OrderType.STOP_LIMIT if has_price else OrderType.STOP_MARKET,
        market,
        _side(draw),
        UNITS[market] * draw[4],
        world.price(market, _steps(draw) + (flags >> 3 & 3) - 1) if has_price else None,
        world.price(market, _steps(draw)),
        reduce_only=is_close or None,
        position_side=_position_side(world, draw, is_close=is_close),
        bbo_role=(None, None, 1, 2)[flags >> 3 & 3] if has_price else None,
        stop_loss=world.price(market, _steps(draw) - 3) if flags & 7 == 2 else None,
    )
    world.exchange.collateral.place(_who(draw), request)


def oco(world: World, draw: Draw) -> None:
    market, flags = _market(draw), draw[5]
    request = OcoRequest(
        market,
        _side(draw),
        UNITS[market] * draw[4],
        world.price(market, _steps(draw)),
        world.price(market, (flags & 31) - 16),
        world.price(market, (flags & 31) - 15),
        client_order_id="twin" if flags & 28 == 28 else None,
        stop_client_order_id="twin" if flags & 24 == 24 else None,
        reduce_only=flags & 7 == 7 or None,
        position_side=_position_side(world, draw, is_close=flags & 7 == 7),
    )
    world.oco_ids.add(world.exchange.collateral.place_oco(_who(draw), request).id)


def oto(world: World, draw: Draw) -> None:
    market, sign = _market(draw), 1 if draw[2] else -1
    world.limit(
        _who(draw),
        market,
        _side(draw),
        _steps(draw),
        draw[4],
        take_profit=world.price(market, _steps(draw) + sign * (1 + (draw[5] & 3))),
        stop_loss=world.price(market, _steps(draw) - sign * (draw[5] >> 2 & 3)),
        position_side=_position_side(world, draw, is_close=draw[5] & 31 == 31),
    )


def tpsl(world: World, draw: Draw) -> None:
    market = _market(draw)
    side = None
    if world.account(_who(draw)).collateral.is_hedged and market != MARKET:
        side = "LONG" if draw[2] else "SHORT"
    request = TpslRequest(
        market,
        world.price(market, _steps(draw)),
        world.price(market, (draw[5] & 31) - 16) if draw[5] & 64 else None,
        side,
    )
    world.exchange.collateral.place_tpsl(_who(draw), request)


def spot_limit(world: World, draw: Draw) -> None:
    request = LimitRequest(
        MARKET,
        _side(draw),
        UNITS[MARKET] * draw[4],
        world.price(MARKET, _steps(draw)),
        ioc=draw[5] & 7 == 1 or None,
        rpi=draw[5] & 7 == 2 or None,
        retail=draw[5] & 7 == 3 or None,
        stp=(None, "cb", "cn", "co")[draw[5] >> 3 & 3],
    )
    world.exchange.place(_who(draw), request)


def spot_market(world: World, draw: Draw) -> None:
    kind = OrderType.STOCK_MARKET if draw[5] & 1 else OrderType.MARKET
    is_money = kind is OrderType.MARKET and draw[2]
    amount = Decimal(1_000) * draw[4] if is_money else UNITS[MARKET] * draw[4]
    world.exchange.place(_who(draw), MarketRequest(kind, MARKET, _side(draw), amount))


def spot_stop(world: World, draw: Draw) -> None:
    flags = draw[5] & 3
    kind = (
        OrderType.STOP_LIMIT,
        OrderType.STOP_MARKET,
        OrderType.STOP_STOCK_MARKET,
        OrderType.STOP_LIMIT,
    )[flags]
    is_money = kind is OrderType.STOP_MARKET and draw[2]
    request = StopRequest(
        kind,
        MARKET,
        _side(draw),
        Decimal(1_000) * draw[4] if is_money else UNITS[MARKET] * draw[4],
        world.price(MARKET, _steps(draw) + (draw[5] >> 2 & 3) - 1) if flags == 0 else None,
        world.price(MARKET, _steps(draw)),
        bbo_role=1 + (draw[5] >> 2 & 1) if flags == 3 else None,
        bbo_at_activation=flags == 3,
    )
    world.exchange.place(_who(draw), request)


def modify(world: World, draw: Draw) -> None:
    orders = world.open_orders(_who(draw))
    if not orders:
        return
    order, flags = orders[draw[4] % len(orders)], draw[5]
    request = ModifyRequest(
        market=order.market,
        order_id=order.id,
        amount=UNITS[order.market] * draw[4] if flags & 1 else None,
        price=world.price(order.market, _steps(draw)) if flags & 2 else None,
        activation_price=world.price(order.market, _steps(draw) + 1) if flags & 12 == 12 else None,
    )
    world.exchange.modify(_who(draw), request)


def cancel(world: World, draw: Draw) -> None:
    orders = world.open_orders(_who(draw))
    if orders:
        world.desk.cancel(_who(draw), orders[draw[4] % len(orders)])


def cancel_all(world: World, draw: Draw) -> None:
    kinds = (None, ["spot"], ["margin"], ["futures"])[draw[5] & 3]
    side = (None, None, "both", "long")[draw[5] >> 2 & 3]
    world.exchange.cancel_all(_who(draw), CancelAllRequest(None, kinds, side))


def cancel_group(world: World, draw: Draw) -> None:
    groups = world.open_groups(_who(draw))
    if groups:
        group = groups[draw[4] % len(groups)]
        request = GroupCancelRequest("orderId", group.market, group.id)
        world.exchange.collateral.cancel_group(_who(draw), request)


def kill_switch(world: World, draw: Draw) -> None:
    types = (None, ["spot"], ["margin", "futures"], ["futures"])[draw[5] & 3]
    world.exchange.kill_switch(_who(draw), KillSwitchRequest(_market(draw), "5", types))


def leverage(world: World, draw: Draw) -> None:
    world.exchange.collateral.set_leverage(_who(draw), (1, 5, 20, 100)[draw[5] & 3])


def hedge_mode(world: World, draw: Draw) -> None:
    world.exchange.collateral.set_hedge_mode(_who(draw), bool(draw[5] & 1))


def wait(world: World, draw: Draw) -> None:
    world.desk.now += PAUSES_S[draw[5] & 3]
    world.exchange.tick(world.desk.now)


def delist(world: World, draw: Draw) -> None:
    market = _market(draw)
    if draw[5] & 31 == 31 and market != MARKET:
        world.exchange.delist(market)
        world.delisted.add(market)


def sweep(world: World, draw: Draw) -> None:
    """The whale moves the price."""
    market = _market(draw)
    world.limit(WHALE, market, _side(draw), _steps(draw), draw[4] * 6, ioc=True)


Command = Callable[[World, Draw], None]
COMMANDS: tuple[Command, ...] = (
    *([collateral_limit] * 6),
    *([reduce_only] * 3),
    *([collateral_market] * 4),
    *([collateral_stop] * 4),
    *([oco] * 4),
    *([oto] * 3),
    *([tpsl] * 2),
    *([spot_limit] * 3),
    spot_market,
    *([spot_stop] * 2),
    *([modify] * 3),
    *([cancel] * 2),
    cancel_all,
    cancel_group,
    kill_switch,
    leverage,
    *([hedge_mode] * 2),
    *([wait] * 3),
    delist,
    *([sweep] * 8),
)
