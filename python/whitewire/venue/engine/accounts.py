"""Accounts: their wallets, their open orders and their memory of finished ones.

Owns: available and frozen funds, the collected fees, and who has which open order under which
client id. Must not know: books, matching, or how an order got its state. Invariant: over all
wallets and the collected fees, each asset's sum never changes; no wallet part is ever negative.

Rules:
    A1  A buy freezes money, a sell freezes stock; the fee is not frozen on top.
    A2  A buy pays its fee out of the stock it receives, a sell out of the money it receives.
    A3  A client id is taken while its order is open, on its own market only.
    A4  A business account has no record of orders that were cancelled untouched.
    A5  A sub-account is an account like any other: own keys, funds, orders, client ids.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from whitewire.venue.engine.wallet import CollateralWallet
from whitewire.venue.values.model import ZERO, AccountSpec, Deal, Order, Wallet
from whitewire.venue.values.money import add, subtract


class Funds:
    """One asset of one account, changing."""

    __slots__ = ("available", "freeze")

    def __init__(self, available: Decimal) -> None:
        self.available = available
        self.freeze = ZERO


class Account:
    """The venue's state of one account.

    Attributes:
        spec: name, key pair and permissions.
        open_orders: id to open order, oldest first.
        finished: finished orders, oldest first; empty for internal accounts.
        deals: own deals, oldest first; empty for internal accounts.
        collateral: the collateral wallet and what is held against it.
        touched: assets of the trade wallet whose funds changed since the last `take_touched`, in
            order of change.
    """

    __slots__ = (
        "_by_client_id",
        "_funds",
        "_ids_span_markets",
        "collateral",
        "deals",
        "finished",
        "open_orders",
        "spec",
        "touched",
    )

    def __init__(
        self, spec: AccountSpec, *, history_limit: int, ids_span_markets: bool = False
    ) -> None:
        self.spec = spec
        self.open_orders: dict[int, Order] = {}
        self.finished: deque[Order] = deque(maxlen=history_limit)
        self.deals: deque[Deal] = deque(maxlen=history_limit)
        self.collateral = CollateralWallet(spec.collateral, history_limit)
        self.touched: dict[str, None] = {}
        self._funds = {asset: Funds(amount) for asset, amount in spec.balances.items()}
        self._by_client_id: dict[tuple[str, str], Order] = {}
        self._ids_span_markets = ids_span_markets

    def available(self, asset: str) -> Decimal:
        """What may be frozen or spent."""
        funds = self._funds.get(asset)
        return funds.available if funds else ZERO

    def wallet(self, asset: str) -> Wallet:
        """A copy of an asset's funds."""
        funds = self._funds.get(asset)
        return Wallet(funds.available, funds.freeze) if funds else Wallet()

    def assets(self) -> Iterable[str]:
        """Assets that the account has ever held."""
        return self._funds.keys()

    def freeze(self, asset: str, amount: Decimal) -> None:
        """Moves available funds into the frozen part (A1); the caller has checked that they are."""
        funds = self._touch(asset)
        funds.available = subtract(funds.available, amount)
        funds.freeze = add(funds.freeze, amount)

    def release(self, asset: str, amount: Decimal) -> None:
        """Moves frozen funds back."""
        funds = self._touch(asset)
        funds.freeze = subtract(funds.freeze, amount)
        funds.available = add(funds.available, amount)

    def pay(self, asset: str, amount: Decimal) -> None:
        """Takes frozen funds out of the wallet."""
        funds = self._touch(asset)
        funds.freeze = subtract(funds.freeze, amount)

    def receive(self, asset: str, amount: Decimal) -> None:
        """Puts funds into the available part."""
        funds = self._touch(asset)
        funds.available = add(funds.available, amount)

    def take_touched(self) -> tuple[str, ...]:
        """Assets whose funds changed since the last call."""
        assets = tuple(self.touched)
        self.touched.clear()
        return assets

    def open(self, order: Order) -> None:
        """Registers an open order under its ids."""
        self.open_orders[order.id] = order
        if order.client_order_id:
            self._by_client_id[self._client_key(order.market, order.client_order_id)] = order

    def close(self, order: Order) -> None:
        """Forgets an order that is no longer open; its client id is free again (A3)."""
        del self.open_orders[order.id]
        if order.client_order_id:
            del self._by_client_id[self._client_key(order.market, order.client_order_id)]

    def remember(self, order: Order) -> None:
        """Keeps a finished order for the history."""
        is_record = not self.spec.is_b2b or bool(order.deal_stock)  # A4
        if is_record and not self.spec.is_internal:
            self.finished.append(order)

    def find(self, market: str, order_id: int | None, client_order_id: str | None) -> Order | None:
        """The open order of `market` with the given id; the numeric one is used if both are."""
        if order_id is not None:
            order = self.open_orders.get(order_id)
        else:
            order = self.by_client_id(market, client_order_id or "")
        return order if order is not None and order.market == market else None

    def by_client_id(self, market: str, client_order_id: str) -> Order | None:
        """The open order that holds a client id (A3)."""
        return self._by_client_id.get(self._client_key(market, client_order_id))

    def _client_key(self, market: str, client_order_id: str) -> tuple[str, str]:
        return ("" if self._ids_span_markets else market, client_order_id)

    def _touch(self, asset: str) -> Funds:
        self.touched[asset] = None
        funds = self._funds.get(asset)
        if funds is None:
            funds = self._funds[asset] = Funds(ZERO)
        return funds


class FeePot:
    """What the venue earned, by asset (A2)."""

    __slots__ = ("amounts",)

    def __init__(self) -> None:
        self.amounts: dict[str, Decimal] = {}

    def collect(self, asset: str, fee: Decimal) -> None:
        """Books a fee."""
        self.amounts[asset] = add(self.amounts.get(asset, ZERO), fee)


_STARTING_COLLATERAL = {"USDT": Decimal(1_000_000), "BTC": Decimal(5)}
_STARTING_BALANCES = {
    "USDT": Decimal(1_000_000),
    "BTC": Decimal(20),
    "ETH": Decimal(400),
    "DUSDT": Decimal(1_000_000),
    "DBTC": Decimal(20),
    "SHIB": Decimal(50_000_000_000),
    "PEPE": Decimal(50_000_000_000),
}


def default_accounts(seed: int, count: int = 2, sub_accounts: int = 0) -> tuple[AccountSpec, ...]:
    """Accounts of a venue that was told nothing else; the same seed gives the same keys.

    Args:
        sub_accounts: sub-accounts of each account; keys and funds of their own (A5).
    """
    random_source = random.Random(f"{seed}:accounts")

    def account(name: str, parent: str | None) -> AccountSpec:
        return AccountSpec(
            name=name,
            key=f"{random_source.getrandbits(128):032x}",
            secret=f"{random_source.getrandbits(128):032x}",
            balances=dict(_STARTING_BALANCES),
            collateral=dict(_STARTING_COLLATERAL),
            parent=parent,
        )

    mains = [account(f"account-{number}", None) for number in range(1, count + 1)]
    subs = [
        account(f"{main.name}-sub-{number}", main.name)
        for main in mains
        for number in range(1, sub_accounts + 1)
    ]
    return (*mains, *subs)
