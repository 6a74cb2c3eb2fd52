"""The venue's own word on what a gateway did: every order request that it saw, and what is true.

Owns: the record of the requests of one account and the comparison of a gateway with the venue.
Must not know: faults, phases. Invariant: nothing here passes through the gateway; what it claims
is held against the engine that its orders went to.

    I1  A client order id reaches the engine at most once, and belongs to an order that was sent.
    I2  No placement or modification that exceeds a limit reaches the engine.
    I3  When nothing is under way, open orders are the venue's: id, side, price, what is left.
    I4  ... and fills, position and fees are those of the venue's deals since the start.
    I5  ... and balances are those of the venue's wallets.
    I6  A clean stop leaves no order of ours and no timer; otherwise nothing of ours rests when the
        kill switch's time is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from whitewire.config import MarketConfig
from whitewire.gateway import Gateway
from whitewire.venue import Venue
from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.values.events import DealEvent
from whitewire.venue.values.requests import LimitRequest, ModifyRequest

__all__ = ["Audit", "Books", "Facts"]

_T = TypeVar("_T")
Row = tuple[str, str, Decimal, Decimal]
# The venue's mid and the gateway's differ by what is under way between them.
COLLAR_SLACK_PERCENT = Decimal("0.5")


@dataclass(slots=True)
class Books:
    """Sums over the deals of one account since `Audit.begin`."""

    deals: int = 0
    bought: Decimal = Decimal(0)
    sold: Decimal = Decimal(0)
    stock: Decimal = Decimal(0)
    money: Decimal = Decimal(0)

    def add(self, deal: Any, stock: str) -> None:
        """Adds one deal; fees in the asset that the venue says."""
        self.deals += 1
        if deal.side.value == "buy":
            self.bought += deal.amount
            self.stock += deal.amount
            self.money -= deal.money
        else:
            self.sold += deal.amount
            self.stock -= deal.amount
            self.money += deal.money
        if deal.fee_asset == stock:
            self.stock -= deal.fee
        else:
            self.money -= deal.fee


@dataclass(frozen=True, slots=True)
class Facts:
    """What the venue says at one moment."""

    orders: frozenset[Row]
    books: tuple[int, Decimal, Decimal, Decimal, Decimal]
    wallets: dict[str, tuple[Decimal, Decimal]]
    timers: tuple[str, ...]


class _Seen:
    """Which sequence numbers of each session were placed: a byte each, for long soaks."""

    def __init__(self) -> None:
        self._sessions: dict[str, bytearray] = {}
        self.total = 0

    def add(self, client_id: str) -> bool:
        """Notes an id; False where it was there already."""
        session, number = client_id[:-10], int(client_id[-10:])
        seen = self._sessions.setdefault(session, bytearray())
        if number >= len(seen):
            seen.extend(bytes(number + 1024 - len(seen)))
        self.total += 1
        if seen[number]:
            return False
        seen[number] = 1
        return True


class Audit:
    """See the module's documentation.

    Args:
        venue: running.
        market: the one that is traded.
        limits: what the gateway was told.
        prefix: what ids of the gateway begin with.
        account: index of its account.

    Attributes:
        breaches: what was against I1 and I2, as soon as it happened.
    """

    def __init__(
        self, venue: Venue, market: str, limits: MarketConfig, prefix: str = "ww-", account: int = 0
    ) -> None:
        self.venue = venue
        self.market = market
        self.me = venue.accounts[account].name
        self.breaches: list[str] = []
        self._limits = limits
        self._prefix = prefix
        self._stock, self._money = market.split("_")
        self._seen = _Seen()
        self._books = Books()
        venue.call(self._tap)

    def _tap(self, exchange: Exchange) -> None:
        place, place_bulk, modify = exchange.place, exchange.place_bulk, exchange.modify

        def on_place(account: str, request: Any) -> Any:
            if account == self.me and isinstance(request, LimitRequest):
                self._saw(exchange, str(request.client_order_id), request.price, request.amount)
            return place(account, request)

        def on_bulk(account: str, items: object, stop_on_fail: object = None) -> Any:
            if account == self.me and isinstance(items, list):
                for item in items:
                    leg = LimitRequest.from_body(item)
                    self._saw(exchange, str(leg.client_order_id), leg.price, leg.amount)
            return place_bulk(account, items, stop_on_fail)

        def on_modify(account: str, request: ModifyRequest) -> Any:
            if account == self.me:
                name = str(request.client_order_id)
                self._check_limits(exchange, f"modify of {name}", request.price, request.amount)
            return modify(account, request)

        def on_event(event: object) -> None:
            if isinstance(event, DealEvent) and event.account == self.me:
                self._books.add(event.deal, self._stock)

        replaced: dict[str, Callable[..., Any]] = {
            "place": on_place, "place_bulk": on_bulk, "modify": on_modify,
        }  # fmt: skip
        for name, function in replaced.items():
            setattr(exchange, name, function)
        exchange.listeners.append(on_event)

    def _saw(self, exchange: Exchange, client_id: str, price: object, amount: object) -> None:
        if not client_id.startswith(self._prefix) or not self._seen.add(client_id):
            self.breaches.append(f"I1: {client_id} reached the engine again, or is no id of ours")
        self._check_limits(exchange, client_id, price, amount)

    def _check_limits(self, exchange: Exchange, name: str, price: object, amount: object) -> None:
        limits, top = self._limits, exchange.top(self.market)
        size = None if amount is None else Decimal(str(amount))
        level = None if price is None else Decimal(str(price))
        if size is not None and size > limits.max_order_amount:
            self.breaches.append(f"I2: {name}: amount {size}")
        if size is not None and level is not None and size * level > limits.max_order_notional:
            self.breaches.append(f"I2: {name}: notional {size * level}")
        if level is not None and top.bid is not None and top.ask is not None:
            mid = (top.bid.price + top.ask.price) / 2
            away = abs(level - mid) / mid * 100
            if away > limits.collar_percent + COLLAR_SLACK_PERCENT:
                self.breaches.append(f"I2: {name}: price {level} is {away:.2f} % from {mid}")

    def ask(self, question: Callable[[Exchange], _T]) -> _T:
        """Asks the engine on the venue's thread."""
        return self.venue.call(question)

    def begin(self) -> None:
        """A new gateway starts: its fills and its position count from here."""

        def reset(_: Exchange) -> None:
            self._books = Books()

        self.venue.call(reset)

    @property
    def placed(self) -> int:
        """Placements that reached the engine, refused ones included."""
        return self._seen.total

    def facts(self) -> Facts:
        """What is true at the venue now."""

        def look(exchange: Exchange) -> Facts:
            rows = [
                (order.client_order_id, order.side.value, order.price or Decimal(0), order.left)
                for order in exchange.open_orders_of(self.me, self.market)
                if order.client_order_id.startswith(self._prefix)
            ]
            b = self._books
            wallets = {}
            for asset in (self._stock, self._money):
                wallet = exchange.balance(self.me, asset)
                wallets[asset] = (wallet.available, wallet.freeze)
            timers = tuple(timer.market for timer in exchange.kill_switch_status(self.me))
            books = (b.deals, b.bought, b.sold, b.stock, b.money)
            return Facts(frozenset(rows), books, wallets, timers)

        return self.venue.call(look)

    def differences(self, gateway: Gateway, facts: Facts) -> list[str]:
        """I1 to I5: what the gateway says that the venue does not, empty where they agree."""
        found = list(self.breaches[:3])
        orders = gateway.open_orders()
        busy = [o for o in orders if o.in_flight or o.is_unknown]
        if busy:
            found.append(f"I3: {busy[0]} with {busy[0].in_flight} in flight")
        ours = {(o.client_id, o.side.value, o.price, o.left) for o in orders}
        for row in sorted(facts.orders - ours)[:2]:
            found.append(f"I3: rests at the venue only: {_text(row)}")
        for row in sorted(ours - facts.orders)[:2]:
            found.append(f"I3: rests here only: {_text(row)}")
        position = gateway.inventory(self.market)
        mine = (
            position.fills, position.bought, position.sold, position.stock, position.money,
        )  # fmt: skip
        if mine != facts.books:
            found.append(f"I4: fills, bought, sold, stock, money {_text(mine)} here, "
                         f"{_text(facts.books)} there")  # fmt: skip
        for asset, wallet in facts.wallets.items():
            known = gateway.balances.get(asset)
            if (known.available, known.freeze) != wallet:
                found.append(
                    f"I5: {asset} {known.available:f} + {known.freeze:f} frozen here, "
                    f"{wallet[0]:f} + {wallet[1]:f} there"
                )
        return found

    def count_differences(self, gateway: Gateway, placed_before: int, swallows: bool) -> list[str]:
        """I1: placements that the venue saw since `placed_before`, against those that were sent."""
        sent, seen = gateway.counts["sent"], self.placed - placed_before
        if seen > sent or (seen < sent and not swallows):
            return [f"I1: {sent} placements were sent, {seen} reached the engine"]
        return []


def _text(values: tuple[Any, ...]) -> str:
    return " ".join(f"{v:f}" if isinstance(v, Decimal) else str(v) for v in values)
