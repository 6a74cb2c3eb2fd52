"""A venue that anything may happen to, and everything that must hold of it after each command.

Owns: the checks, which are worked out from orders and events alone wherever that is possible. Must
not know: which commands there are, or how the engine keeps its books. Invariant: a check changes
nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from tests.venue.desk import MARKET, PERP, Desk, account
from whitewire.venue.collateral.groups import Group, GroupKind
from whitewire.venue.collateral.requests import (
    CollateralRequest,
)
from whitewire.venue.engine.accounts import Account
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.events import DealEvent, Event, OrderEvent, OrderEventKind
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import (
    ZERO,
    Order,
    OrderType,
    PositionSide,
    Product,
    Side,
    VenueError,
)

Draw = tuple[int, int, int, int, int, int]
Command = Callable[["World", Draw], None]
WHALE = "whale"
NAMES = ("alice", "bob", "carol", WHALE)
COLLATERAL_MARKETS = (PERP, "ETH_PERP", MARKET)
UNITS = {PERP: Decimal("0.05"), "ETH_PERP": Decimal(1), MARKET: Decimal("0.05")}
STEPS = {PERP: 500, "ETH_PERP": 25, MARKET: 500}
MIDDLE = {PERP: 60_000, "ETH_PERP": 3_000, MARKET: 60_000}
KINDS = (GroupKind.OCO, GroupKind.OTO, GroupKind.EXITS)
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
        self.has_traders = bool(options and options.traded_markets)
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

    def run(self, command: Command, draw: Draw) -> str:
        """Carries out one command and checks everything; says what it was."""
        self.exchange.tick(self.desk.now)
        before, said = self.state(), len(self.desk.events)
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
        return Decimal(MIDDLE[market] + STEPS[market] * steps)

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
        held, funded = dict(pool.taken), ZERO
        for owner in self.exchange._accounts.values():
            for position in owner.collateral.positions.values():
                held[position.market] = held.get(position.market, ZERO) + position.amount
                cost["USDT"] += position.cost
            funded += sum((record.amount for record in owner.collateral.fundings), ZERO)
        for market, amount in held.items():
            if market in (PERP, "ETH_PERP"):
                assert not amount, (market, amount)
            else:
                stock["BTC"] += amount
        assert pool.amounts.get("BTC", ZERO) == stock["BTC"]
        assert not pool.amounts.get("ETH", ZERO)
        if not pool.taken and not self.has_traders:  # their funding is not recorded
            losses = pool.losses.get("USDT", ZERO)
            assert pool.amounts.get("USDT", ZERO) == -cost["USDT"] - losses - funded

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
        has_orders = any(order.product is not Product.SPOT for order in self.open_orders(name))
        assert wallet.is_busy is (has_orders or bool(wallet.positions))

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
            resting = {order.id for side in Side for _, order in book.makers(side, sees_rpi=True)}
            expected = {
                order.id
                for name in self.exchange._accounts
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
