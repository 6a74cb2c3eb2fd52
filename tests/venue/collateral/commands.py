"""Drawn numbers become commands of every kind, most of them sensible.

Owns: what can be commanded. Must not know: what must hold afterwards. Invariant: the same numbers
give the same commands.
"""

from __future__ import annotations

import random
from decimal import Decimal

from tests.venue.collateral.world import (
    COLLATERAL_MARKETS,
    NAMES,
    REACH,
    UNITS,
    WHALE,
    Command,
    Draw,
    World,
)
from tests.venue.desk import MARKET
from whitewire.venue.collateral.requests import (
    CollateralRequest,
    GroupCancelRequest,
    OcoRequest,
    TpslRequest,
)
from whitewire.venue.values.model import OrderType
from whitewire.venue.values.requests import (
    CancelAllRequest,
    KillSwitchRequest,
    LimitRequest,
    MarketRequest,
    ModifyRequest,
    StopRequest,
)

PAUSES_S = (1, 7, 60, 3_600 * 8)


def run(world: World, draw: Draw) -> str:
    """Carries out one command; says what it was."""
    return world.run(COMMANDS[draw[0] % len(COMMANDS)], draw)


def drawn(source: random.Random) -> Draw:
    """A command."""
    return (
        source.randrange(len(COMMANDS)),
        source.randrange(4),
        source.randrange(2),
        source.randrange(25),
        source.randrange(1, 13),
        source.randrange(256),
    )


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
        reduce_only=(is_close and draw[5] & 2 == 0) or None,
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
    if draw[5] & 7 == 7 and market != MARKET:
        world.exchange.delist(market)
        world.delisted.add(market)


def sweep(world: World, draw: Draw) -> None:
    """The whale moves the price."""
    market = _market(draw)
    world.limit(WHALE, market, _side(draw), _steps(draw), draw[4] * 6, ioc=True)


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
