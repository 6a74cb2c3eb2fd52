"""From a request to trade against collateral to orders that the engine can take.

Owns: the validation of collateral orders, OCO pairs and exits. Must not know: margins, resting
orders beyond the best prices, or how matching works. Invariant: what comes out obeys every rule of
its market and of its account's position mode.

Rules:
    O1  Amounts are stock on both sides and for every type.
    O2  One-way mode knows the position side BOTH alone, which is also meant where none is given;
        hedge mode needs LONG or SHORT (114). A market that is no futures market knows only BOTH.
    O3  A reduce-only order needs a position on the other side (116) and is cut to its size; it has
        no exits (30), and its total may be small. In hedge mode an order against its own position
        is a close: it is reduce-only, and may not be larger than the position (115).
    O4  Exits lie on their sides of the entry's price, or of the last trade's for a market order:
        of a buy the take-profit above (105) and the stop-loss below (106), of a sell the reverse.
    O5  An OCO's limit leg must rest (150), and its stop leg's trigger lies on the other side of the
        last price (151).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from whitewire.venue.collateral.requests import CollateralRequest, OcoRequest, TpslRequest
from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.matching import NewOrder
from whitewire.venue.orders.fields import (
    Markets,
    check_amount,
    check_price,
    read_client_id,
    read_flag,
    read_market,
    read_number_field,
    read_position_side,
    read_side,
    read_stp,
)
from whitewire.venue.orders.place import (
    BestPrices,
    bbo_price,
    check_flags,
    check_total,
    read_bbo_role,
)
from whitewire.venue.orders.stops import (
    Triggers,
    check_activation_price,
    check_last_price,
    read_activation_price,
)
from whitewire.venue.values import collateral_refusals, refusals
from whitewire.venue.values.activation import Activation, Condition
from whitewire.venue.values.model import (
    ZERO,
    Exits,
    MarketSpec,
    OrderType,
    PositionSide,
    Product,
    Side,
)
from whitewire.venue.values.money import read_number
from whitewire.venue.values.refusals import Problems

_NO_EXITS = "ReduceOnly flag is not allowed with stopLoss or takeProfit."


@dataclass(frozen=True, slots=True)
class Sight:
    """What validation sees of the market."""

    markets: Markets
    best: BestPrices
    triggers: Triggers

    def last_price(self, market: str) -> Decimal | None:
        """Price of a market's last trade; None before the first one."""
        return self.triggers.last_price(market)


def product_of(spec: MarketSpec) -> Product:
    """What an order against collateral trades on a market."""
    return Product.FUTURES if spec.is_futures else Product.MARGIN


def read_order(request: CollateralRequest, account: Account, sight: Sight) -> NewOrder:
    """Validates one order; with exits it is the entry of an OTO, whose id is still 0.

    Raises:
        VenueError: 422 with 30 to 43, 105, 106 or 114 to 116.
    """
    problems = Problems()
    kind = request.type
    has_price = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    is_stop = kind in (OrderType.STOP_LIMIT, OrderType.STOP_MARKET)
    spec = read_market(request.market, sight.markets, problems)
    side = read_side(request.side, problems)
    amount = read_number_field(request.amount, "amount", refusals.AMOUNT, problems)
    role = read_bbo_role(request.bbo_role, problems)
    price = trigger = None
    if has_price and request.bbo_role is None:
        price = read_number_field(request.price, "price", refusals.PRICE, problems)
    if is_stop:
        trigger = read_activation_price(request.activation_price, problems)
    post_only = read_flag(request.post_only, "postOnly", problems)
    ioc = read_flag(request.ioc, "ioc", problems)
    rpi = read_flag(request.rpi, "rpi", problems)
    reduce_only = read_flag(request.reduce_only, "reduceOnly", problems)
    position_side = read_position_side(request.position_side, problems)
    client_order_id = read_client_id(request.client_order_id, problems)
    stp = read_stp(request.stp, problems)
    exits = _read_exits(request, reduce_only=reduce_only, spec=spec, problems=problems)
    check_flags(account, post_only=post_only, ioc=ioc, rpi=rpi, retail=False, problems=problems)
    if spec is not None:
        if amount is not None:
            check_amount(amount, spec, problems)  # O1
        if price is not None:
            check_price(price, spec, problems)
        if trigger is not None:
            check_activation_price(trigger, spec, problems)
            check_last_price(trigger, sight.last_price(spec.name), problems)
    problems.refuse()
    spec, side, amount = problems.given(spec), problems.given(side), problems.given(amount)
    if has_price and price is None and not is_stop:
        price = bbo_price(spec, side, role, sight.best)
        post_only = post_only or role == 1
    _check_position_side(position_side, account, spec)
    amount = _reduced(amount, account, spec, side, position_side, reduce_only=reduce_only)
    reduces = reduce_only or _is_close(side, position_side)
    if exits is not None and reduces:
        raise refusals.validation(refusals.REQUIRED, "reduceOnly", _NO_EXITS)  # O3
    if price is not None and not reduces:
        check_total(price, amount, spec)
    if exits is not None:
        _check_exits(exits, side, price or sight.last_price(spec.name))
    return NewOrder(
        account=account,
        spec=spec,
        side=side,
        type=kind,
        amount=amount,
        price=price,
        client_order_id=client_order_id,
        stp=stp,
        post_only=post_only,
        ioc=ioc,
        rpi=rpi,
        activation=None if trigger is None else sight.triggers.make(trigger, spec, side),
        bbo_role=role if is_stop else None,
        product=product_of(spec),
        position_side=position_side,
        reduce_only=reduces,
        exits=exits,
    )


def read_oco(request: OcoRequest, account: Account, sight: Sight) -> tuple[NewOrder, NewOrder]:
    """Validates an OCO: the stop leg and the limit leg, still without their group's id.

    Raises:
        VenueError: 422 with 30 to 36, 114 to 116, 150 or 151.
    """
    limit = read_order(
        CollateralRequest(
            type=OrderType.LIMIT,
            market=request.market,
            side=request.side,
            amount=request.amount,
            price=request.price,
            client_order_id=request.client_order_id,
            position_side=request.position_side,
            reduce_only=request.reduce_only,
            stp=request.stp,
        ),
        account,
        sight,
    )
    problems = Problems()
    if request.stop_limit_price is None:
        text = "Stop limit price field is required."
        problems.add(refusals.REQUIRED, "stop_limit_price", text)
    problems.refuse()
    stop = read_order(
        CollateralRequest(
            type=OrderType.STOP_LIMIT,
            market=request.market,
            side=request.side,
            amount=request.amount,
            price=request.stop_limit_price,
            activation_price=request.activation_price,
            client_order_id=request.stop_client_order_id,
            position_side=request.position_side,
            reduce_only=request.reduce_only,
            stp=request.stp,
        ),
        account,
        sight,
    )
    _check_pair(limit, stop, sight)
    return stop, limit


def read_tpsl(request: TpslRequest, account: Account, sight: Sight) -> list[NewOrder]:
    """Validates the exits of a whole position: the stop-loss, then the take-profit, if given.

    Raises:
        VenueError: 422 with 30, 31, 104 to 106 or 114.
    """
    problems = Problems()
    spec = read_market(request.market, sight.markets, problems)
    position_side = read_position_side(request.position_side, problems)
    stp = read_stp(request.stp, problems)
    exits = Exits(
        0,
        _read_exit(request.stop_loss, "stopLoss", spec, problems),
        _read_exit(request.take_profit, "takeProfit", spec, problems),
    )
    if request.stop_loss is None and request.take_profit is None:
        text = "One of activation prices should be set."
        problems.add(refusals.REQUIRED, "activation_price", text)
    problems.refuse()
    spec = problems.given(spec)
    _check_position_side(position_side, account, spec)
    held = account.collateral.held(spec.name, position_side)
    if not held:
        raise collateral_refusals.no_position()
    entry_side = Side.BUY if held > 0 else Side.SELL
    _check_exits(exits, entry_side, sight.last_price(spec.name))
    return [
        exit_order(account, spec, entry_side, ZERO, price, condition, position_side, stp=stp)
        for price, condition in exit_triggers(exits, entry_side)
    ]


def exit_triggers(exits: Exits, entry_side: Side) -> list[tuple[Decimal, Condition]]:
    """Trigger price and condition of each exit: the stop-loss first."""
    is_long = entry_side is Side.BUY
    falls, rises = Condition.LTE, Condition.GTE
    both = (
        (exits.stop_loss, falls if is_long else rises),
        (exits.take_profit, rises if is_long else falls),
    )
    return [(price, condition) for price, condition in both if price is not None]


def exit_order(
    account: Account,
    spec: MarketSpec,
    entry_side: Side,
    amount: Decimal,
    price: Decimal,
    condition: Condition,
    position_side: PositionSide,
    **more: object,
) -> NewOrder:
    """A market order that ends a position once its trigger is met; amount zero means all of it."""
    return NewOrder(
        account=account,
        spec=spec,
        side=entry_side.opposite,
        type=OrderType.STOP_MARKET,
        amount=amount,
        activation=Activation(price, condition),
        product=product_of(spec),
        position_side=position_side,
        reduce_only=True,
        **more,  # type: ignore[arg-type]
    )


def _read_exits(
    request: CollateralRequest, *, reduce_only: bool, spec: MarketSpec | None, problems: Problems
) -> Exits | None:
    if request.stop_loss is None and request.take_profit is None:
        return None
    if reduce_only:  # O3
        problems.add(refusals.REQUIRED, "reduceOnly", _NO_EXITS)
    stop_loss = _read_exit(request.stop_loss, "stopLoss", spec, problems)
    take_profit = _read_exit(request.take_profit, "takeProfit", spec, problems)
    return Exits(0, stop_loss, take_profit)


def _read_exit(
    value: object, key: str, spec: MarketSpec | None, problems: Problems
) -> Decimal | None:
    if value is None:
        return None
    price = read_number(value)
    if price is None:
        name = f"{key[0].upper()}{key[1:]}"
        problems.add(refusals.REQUIRED, key, f"{name} field should be numeric string.")
    elif spec is not None:
        check_activation_price(price, spec, problems)
    return price


def _check_exits(exits: Exits, side: Side, price: Decimal | None) -> None:
    """Whether the exits lie on their sides (O4)."""
    if price is None:
        return
    is_long = side is Side.BUY
    gain, loss = exits.take_profit, exits.stop_loss
    if gain is not None and not (gain > price if is_long else gain < price):
        raise collateral_refusals.wrong_take_profit()
    if loss is not None and not (loss < price if is_long else loss > price):
        raise collateral_refusals.wrong_stop_loss()


def _check_pair(limit: NewOrder, stop: NewOrder, sight: Sight) -> None:
    """Whether the legs of an OCO lie on their sides (O5)."""
    price, trigger = limit.price, stop.activation
    last = sight.last_price(limit.spec.name)
    if price is None or trigger is None or last is None:
        raise ValueError("an OCO has a limit leg and a stop leg, and the market a last price")
    best = sight.best(limit.spec.name, limit.side.opposite)
    is_buy = limit.side is Side.BUY
    if best is not None and (price >= best.price if is_buy else price <= best.price):
        raise collateral_refusals.take_profit_would_take()
    if (trigger.price > last) is not is_buy:
        raise collateral_refusals.wrong_oco_stop()


def _check_position_side(side: PositionSide, account: Account, spec: MarketSpec) -> None:
    """Whether the account's mode has this side (O2)."""
    is_hedged = account.collateral.is_hedged and spec.is_futures
    if is_hedged is (side is PositionSide.BOTH):
        raise collateral_refusals.wrong_position_side()


def _is_close(side: Side, position_side: PositionSide) -> bool:
    """Whether an order in hedge mode is against its own position (O3)."""
    if position_side is PositionSide.LONG:
        return side is Side.SELL
    return position_side is PositionSide.SHORT and side is Side.BUY


def _reduced(
    amount: Decimal,
    account: Account,
    spec: MarketSpec,
    side: Side,
    position_side: PositionSide,
    *,
    reduce_only: bool,
) -> Decimal:
    """The size that an order may have (O3)."""
    is_close = _is_close(side, position_side)
    if not reduce_only and not is_close:
        return amount
    held = account.collateral.held(spec.name, position_side)
    room = held if side is Side.SELL else held.copy_negate()
    if reduce_only and room <= 0:
        raise collateral_refusals.nothing_to_reduce()
    if is_close and not reduce_only and amount > room:
        raise collateral_refusals.would_flip()
    return min(amount, room)
