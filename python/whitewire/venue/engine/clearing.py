"""What an order does to its account's funds, and how a spot order does it.

Owns: the interface between the engine and the funds behind an order, and its spot side: freezing,
paying, receiving, fees. Must not know: books, matching, events. Invariant: a check changes nothing;
every unit that leaves a wallet arrives in another wallet or in the fee pot.

Rules:
    F1  A spot order freezes what it pays when it arrives: money for a buy, stock for a sell.
    F2  A buy that trades below its limit gets the difference back at once.
    F3  A replacement is checked as if the old order's frozen funds were free already.
    F4  A stop without a price of its own that buys a fixed amount of stock freezes at its
        activation price; once activated it needs what it would pay then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Protocol

from whitewire.venue.engine.accounts import Account, FeePot
from whitewire.venue.engine.matching import NewOrder, Plan, funds_needed
from whitewire.venue.values import refusals
from whitewire.venue.values.model import (
    ZERO,
    MarketSpec,
    Order,
    OrderType,
    PublicTrade,
    Role,
    Side,
    Status,
)
from whitewire.venue.values.money import add, fee_of, floor_to, multiply, subtract

FeeOf = Callable[[Decimal, Decimal, MarketSpec], Decimal]


class Clearing(Protocol):
    """The funds behind the orders of some products."""

    def check(self, new: NewOrder, plan: Plan, old: Order | None) -> None:
        """Refuses an order that its account cannot carry.

        Args:
            old: the order that it replaces.

        Raises:
            VenueError: refused; nothing has changed.
        """

    def reserve(self, order: Order, new: NewOrder, plan: Plan) -> None:
        """Sets aside what an accepted order needs."""

    def prepare(self, order: Order) -> Status | None:
        """Gives a stop that is being activated its final size.

        Returns:
            None, or what the order ends as because there is nothing for it to do.
        """

    def adjust(self, order: Order, new: NewOrder, plan: Plan) -> Status | None:
        """Brings a stop's reserve to what it needs now that it is activated.

        Returns:
            None, or what the order ends as because its account cannot carry it.
        """

    def settle(self, order: Order, role: Role, trade: PublicTrade) -> Decimal:
        """Moves one party's funds for one match; returns the fee, in the order's fee asset."""

    def release(self, order: Order) -> None:
        """Gives back what an order that is over still holds."""

    def reducible(self, order: Order) -> Decimal:
        """How much stock a reduce-only order may match at the moment."""


class SpotClearing:
    """Orders that pay with what the trade wallet holds."""

    def __init__(
        self,
        specs: Mapping[str, MarketSpec],
        accounts: Mapping[str, Account],
        fees: FeePot,
        fee: FeeOf,
    ) -> None:
        self._specs = specs
        self._accounts = accounts
        self._fees = fees
        self._fee = fee

    def check(self, new: NewOrder, plan: Plan, old: Order | None) -> None:
        """Whether the funds are there."""
        available = new.account.available(_paid_asset(new.spec, new.side))
        if old is not None:
            available = add(available, old.frozen)  # F3
        if funds_needed(new, plan) > available:
            if old is not None:
                raise refusals.no_funds_modify()
            is_limit = new.type is OrderType.LIMIT
            raise refusals.no_funds_limit() if is_limit else refusals.no_funds_market()

    def reserve(self, order: Order, new: NewOrder, plan: Plan) -> None:
        """Freezes the order's funds (F1)."""
        order.frozen = funds_needed(new, plan)
        new.account.freeze(_paid_asset(new.spec, new.side), order.frozen)

    def prepare(self, order: Order) -> Status | None:
        """A spot order keeps its size."""
        return None

    def adjust(self, order: Order, new: NewOrder, plan: Plan) -> Status | None:
        """Freezes more or less (F4)."""
        needed = funds_needed(new, plan)
        if needed == order.frozen:
            return None
        account = self._accounts[order.account]
        asset = _paid_asset(new.spec, new.side)
        if needed > add(order.frozen, account.available(asset)):
            return Status.CANCELED
        account.release(asset, order.frozen)
        account.freeze(asset, needed)
        order.frozen = needed
        return None

    def settle(self, order: Order, role: Role, trade: PublicTrade) -> Decimal:
        """Pays from the frozen funds and receives the other asset, less the fee."""
        spec = self._specs[order.market]
        account = self._accounts[order.account]
        if order.side is Side.BUY:
            limit = trade.price if order.price is None else order.price
            reserved = multiply(limit, trade.amount)
            account.pay(spec.money, trade.money)
            if reserved != trade.money:
                account.release(spec.money, subtract(reserved, trade.money))  # F2
            received = trade.amount
        else:
            reserved = trade.amount
            account.pay(spec.stock, trade.amount)
            received = trade.money
        fee = self._fee(received, order.maker_fee if role is Role.MAKER else order.taker_fee, spec)
        account.receive(order.fee_asset, subtract(received, fee))
        self._fees.collect(order.fee_asset, fee)
        order.frozen = subtract(order.frozen, reserved)
        return fee

    def release(self, order: Order) -> None:
        """Unfreezes what is left."""
        if order.frozen:
            spec = self._specs[order.market]
            account = self._accounts[order.account]
            account.release(_paid_asset(spec, order.side), order.frozen)
            order.frozen = ZERO

    def reducible(self, order: Order) -> Decimal:
        """A spot order reduces no position."""
        return order.left


def exact_fee(amount: Decimal, ratio: Decimal, _spec: MarketSpec) -> Decimal:
    """The whole product."""
    return fee_of(amount, ratio)


def truncated_fee(amount: Decimal, ratio: Decimal, spec: MarketSpec) -> Decimal:
    """The product, cut to the market's fee precision."""
    return floor_to(fee_of(amount, ratio), Decimal((0, (1,), -spec.fee_prec)))


def _paid_asset(spec: MarketSpec, side: Side) -> str:
    return spec.money if side is Side.BUY else spec.stock
