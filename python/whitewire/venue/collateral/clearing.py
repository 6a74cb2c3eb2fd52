"""How orders against collateral are carried: margin before, positions and profit afterwards.

Owns: the check of an order against its account's margin, the settlement of its fills, and the
limits of positions. Must not know: books, matching, groups, liquidation. Invariant: every fill
moves an asset out of one place and into another (wallet, fee pot, pool), so sums never change.

Rules:
    K1  An order that would need more margin than before is refused where the equity does not cover
        it; one that lessens the need never is.
    K2  A position with its orders is bounded by the market's bracket for the account's leverage:
        111 where the order and the position alone would be beyond it, 112 with the other orders.
    K3  The fee of both sides is in money, out of the collateral.
    K4  Legs of an OCO wait without a pending value of their own: only one of the two can fill.
    K5  A reduce-only order is no larger than the position at its activation; with none it ends.
    K6  The venue's own traders need no margin.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import count
from typing import NamedTuple

from whitewire.venue.collateral.margin import Margins, Pending
from whitewire.venue.collateral.pool import Pool
from whitewire.venue.engine.accounts import Account, FeePot
from whitewire.venue.engine.clearing import FeeOf
from whitewire.venue.engine.matching import NewOrder, Plan
from whitewire.venue.engine.positions import Position, PositionRecord
from whitewire.venue.engine.wallet import CollateralWallet
from whitewire.venue.values import collateral_refusals
from whitewire.venue.values.model import ZERO, MarketSpec, Order, PublicTrade, Role, Side, Status
from whitewire.venue.values.money import add, multiply, subtract

_NO_ORDER = 0
_Values = Mapping[Pending, Decimal]


class _Fill(NamedTuple):
    """What one position took of a match, and the profit that this realised."""

    position: Position
    part: Decimal
    profit: Decimal


class CollateralClearing:
    """Margin and futures orders.

    Attributes:
        holders: accounts that have a position, by name, the venue's own left out.
    """

    def __init__(
        self,
        specs: Mapping[str, MarketSpec],
        accounts: Mapping[str, Account],
        fees: FeePot,
        fee: FeeOf,
        margins: Margins,
        pool: Pool,
        first_position_id: int,
    ) -> None:
        self.holders: dict[str, Account] = {}
        self._specs = specs
        self._accounts = accounts
        self._fees = fees
        self._fee = fee
        self._margins = margins
        self._pool = pool
        self._position_ids = count(first_position_id)

    def check(self, new: NewOrder, plan: Plan, old: Order | None) -> None:
        """Whether the account's margin carries it (K1, K2)."""
        if new.account.spec.is_internal or new.reduce_only:
            return  # K6; a reduce-only order lessens the need
        wallet = new.account.collateral
        value = _value(new, plan)
        freed = old.frozen if old is not None else ZERO
        key = (new.spec.name, new.position_side, new.side)
        changed = {key: add(wallet.pending.get(key, ZERO), subtract(value, freed))}
        self._check_bracket(new, wallet, {key: value}, {**wallet.pending, **changed})
        needed = self._margins.required(wallet, changed)
        if needed > self._margins.required(wallet) and needed > self._margins.equity(wallet):
            raise collateral_refusals.no_margin()

    def _check_bracket(
        self, new: NewOrder, wallet: CollateralWallet, alone: _Values, together: _Values
    ) -> None:
        """Holds the position with this order alone, and with all, against the bound (K2)."""
        bound = new.spec.brackets.get(wallet.leverage)
        if bound is None:
            return
        market, side = new.spec.name, new.position_side
        before = self._margins.value(wallet, market, side, wallet.pending)
        after = self._margins.value(wallet, market, side, together)
        if after <= bound or after <= before:
            return
        if self._margins.value(wallet, market, side, alone) > bound:
            raise collateral_refusals.position_too_big()
        raise collateral_refusals.pending_too_big()

    def reserve(self, order: Order, new: NewOrder, plan: Plan) -> None:
        """Counts what the order may add to a position."""
        is_leg = order.group_id is not None and order.exits is None and order.is_waiting  # K4
        if not order.reduce_only and not is_leg:
            self._expect(order, _value(new, plan))

    def prepare(self, order: Order) -> Status | None:
        """Cuts an activated reduce-only stop to the position (K5)."""
        if not order.reduce_only:
            return None
        room = self.reducible(order)
        if not room:
            return Status.AUTO_CANCELED_REDUCE_ONLY
        if not order.left or order.left > room:
            order.amount = order.left = room
        return None

    def adjust(self, order: Order, new: NewOrder, plan: Plan) -> Status | None:
        """Counts an activated stop at what it would pay now (K1)."""
        if order.reduce_only:
            return None
        wallet = self._accounts[order.account].collateral
        self._expect(order, order.frozen.copy_negate())
        without = self._margins.required(wallet)
        self._expect(order, _value(new, plan))
        needed = self._margins.required(wallet)
        if without < needed and needed > self._margins.equity(wallet):
            return Status.AUTO_CANCELED_USER_MARGIN
        return None

    def settle(self, order: Order, role: Role, trade: PublicTrade) -> Decimal:
        """Changes the position and pays profit and fee (K3)."""
        spec = self._specs[order.market]
        account = self._accounts[order.account]
        wallet = account.collateral
        signed = trade.amount if order.side is Side.BUY else trade.amount.copy_negate()
        self._pool.move(spec.stock, signed)
        self._pool.move(spec.money, multiply(signed, trade.price).copy_negate())
        fee = self._fee(
            trade.money, order.maker_fee if role is Role.MAKER else order.taker_fee, spec
        )
        fills = self._fill(account, order, signed, trade)
        for fill in fills:
            self._pool.move(spec.money, fill.profit.copy_negate())
            wallet.credit(spec.money, fill.profit)
        wallet.credit(spec.money, fee.copy_negate())
        self._fees.collect(spec.money, fee)
        self._record(account, order.id, trade.price, fee, fills)
        if order.frozen:
            price = trade.price if order.price is None else order.price
            part = min(order.frozen, multiply(price, trade.amount))
            self._expect(order, part.copy_negate())
        return fee

    def release(self, order: Order) -> None:
        """Stops counting the order."""
        if order.frozen:
            self._expect(order, order.frozen.copy_negate())

    def reducible(self, order: Order) -> Decimal:
        """The amount of the position that the order is against."""
        held = self._accounts[order.account].collateral.held(order.market, order.position_side)
        return max(ZERO, held if order.side is Side.SELL else held.copy_negate())

    def take_over(self, account: Account, position: Position, now: float) -> None:
        """Closes a position at its mark by handing it to the venue, without a trade or a fee."""
        spec, mark = self._specs[position.market], self._margins.mark(position.market)
        amount = position.amount
        profit = position.apply(amount.copy_negate(), mark, now)
        self._pool.take_over(position.market, amount)
        self._pool.move(spec.money, profit.copy_negate())
        account.collateral.credit(spec.money, profit)
        self._drop_closed(account, position)
        fill = _Fill(position, amount.copy_negate(), profit)
        self._record(account, _NO_ORDER, mark, ZERO, [fill])

    def _expect(self, order: Order, value: Decimal) -> None:
        wallet = self._accounts[order.account].collateral
        wallet.expect(order.market, order.position_side, order.side, value)
        order.frozen = add(order.frozen, value)

    def _fill(
        self, account: Account, order: Order, signed: Decimal, trade: PublicTrade
    ) -> list[_Fill]:
        """Applies a fill to the position, and what is beyond it to the next one."""
        fills: list[_Fill] = []
        while signed:
            position = self._position(account, order, trade.time)
            part = position.takes(signed)
            fills.append(_Fill(position, part, position.apply(part, trade.price, trade.time)))
            signed = subtract(signed, part)
            self._drop_closed(account, position)
        return fills

    def _position(self, account: Account, order: Order, now: float) -> Position:
        wallet, key = account.collateral, (order.market, order.position_side)
        position = wallet.positions.get(key)
        if position is None:
            position = Position(
                next(self._position_ids), order.market, order.position_side, now, now
            )
            wallet.positions[key] = position
            if not account.spec.is_internal:
                self.holders[account.spec.name] = account
        return position

    def _record(
        self, account: Account, order_id: int, price: Decimal, fee: Decimal, fills: list[_Fill]
    ) -> None:
        """Remembers what a fill did to each position; the fee counts for the first one."""
        if account.spec.is_internal:
            return
        wallet = account.collateral
        for fill in fills:
            position = fill.position
            wallet.records.append(
                PositionRecord(
                    position_id=position.id,
                    market=position.market,
                    side=position.side,
                    opened=position.opened,
                    modified=position.modified,
                    amount=position.amount,
                    base_price=position.base_price,
                    realized_funding=position.funding,
                    liquidation_price=self._margins.liquidation_price(wallet, position),
                    liquidation_state=position.state,
                    order_id=order_id,
                    trade_amount=fill.part.copy_abs(),
                    price=price,
                    fee=fee,
                    realized=fill.profit,
                )
            )
            fee = ZERO

    def _drop_closed(self, account: Account, position: Position) -> None:
        if position.amount:
            return
        wallet = account.collateral
        del wallet.positions[position.market, position.side]
        wallet.closed.append(position)
        if not wallet.positions:
            self.holders.pop(account.spec.name, None)


def _value(new: NewOrder, plan: Plan) -> Decimal:
    """What an order may add to a position, in money."""
    if new.price is not None:
        return multiply(new.price, new.amount)
    if new.activation is not None and new.is_waiting:
        return multiply(new.activation.price, new.amount)
    return plan.money
