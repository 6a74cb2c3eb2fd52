"""The limits of the configuration in the core's integers.

Owns: the turning of decimal limits of account and markets into ticks, lots and units of the
account. Must not know: sockets, orders, the core's rules. Invariant: a limit is never widened by
rounding, and what has no limit is left out, so that the core's own default (none) holds.

A unit of the account is 10 ** -scale of its money, fine enough for every market: one tick times
one lot of each is a whole number of units, its weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from whitewire.errors import StartupError

if TYPE_CHECKING:
    from whitewire.config import Config, LimitsConfig, MarketConfig
    from whitewire.market import Market

__all__ = ["account_limits", "account_scale", "market_limits"]

_INT32_MAX = 2**32 - 1
_INT64_MAX = 2**63 - 1
# Above it the core's sums would have to be watched; nobody trades as much.
_MOST = 2**110


def _floor(value: Decimal, decimals: int, most: int = _MOST) -> int:
    return min(int(value.scaleb(decimals).to_integral_value(ROUND_FLOOR)), most)


def _rates(markets: Sequence[Market], config: Config) -> list[Decimal]:
    """Money of the account for one of each market's.

    Raises:
        StartupError: markets differ in their money and one has no rate.
    """
    moneys = sorted({market.money for market in markets})
    rates = [config.markets[market.name].money_rate for market in markets]
    for market, rate in zip(markets, rates, strict=True):
        if rate is None and len(moneys) > 1:
            raise StartupError(
                "limits-money",
                f"{market.name} has no money_rate, and the markets trade in {', '.join(moneys)}",
                f"add money_rate to [markets.{market.name}]: what one {market.money} is worth",
            )
    return [rate or Decimal(1) for rate in rates]


def _weights(markets: Sequence[Market], config: Config) -> tuple[int, list[int]]:
    """Decimals of the account's unit, and units per tick times lot of each market."""
    rates = _rates(markets, config)
    scales = [market.price_decimals + market.amount_decimals for market in markets]
    fine = [
        scale + max(0, -int(rate.normalize().as_tuple().exponent))
        for scale, rate in zip(scales, rates, strict=True)
    ]
    scale = max(fine, default=0)
    weights = [int(r.scaleb(scale - s)) for r, s in zip(rates, scales, strict=True)]
    for market, weight in zip(markets, weights, strict=True):
        if weight > _INT64_MAX:
            raise StartupError(
                "limits-scale",
                f"{market.name}: its smallest value differs too much from the other markets'",
                "trade it in a gateway of its own",
            )
    return scale, weights


def account_scale(markets: Sequence[Market], config: Config) -> int:
    """Decimals of the account's unit.

    Raises:
        StartupError: the markets' money cannot be added up.
    """
    return _weights(markets, config)[0]


def account_limits(markets: Sequence[Market], config: Config) -> dict[str, int]:
    """What `_core.Guard.limit_account` takes.

    Raises:
        StartupError: the markets' money cannot be added up.
    """
    limits, (scale, _) = config.limits, _weights(markets, config)
    found: dict[str, int] = {}
    if limits.max_open_orders is not None:
        found["max_open_orders"] = limits.max_open_orders
    for name in ("max_open_notional", "max_loss", "max_drawdown"):
        value = getattr(limits, name)
        if value is not None:
            found[name] = _floor(value, scale)
    found |= _rate("order", limits.orders_per_s, limits.order_burst)
    found |= _rate("cancel", limits.cancels_per_s, limits.cancel_burst)
    return found | _rejects(limits)


def _rate(name: str, per_s: int | None, burst: int) -> dict[str, int]:
    if per_s is None:
        return {}
    return {f"{name}_interval_ns": -(-1_000_000_000 // per_s), f"{name}_burst": burst}


def _rejects(limits: LimitsConfig) -> dict[str, int]:
    if limits.max_rejects == 0:
        return {}
    window_ns = limits.reject_window_s * 1_000_000_000
    return {"max_rejects": limits.max_rejects, "reject_window_ns": window_ns}


def market_limits(markets: Sequence[Market], config: Config) -> list[dict[str, int]]:
    """What `_core.Guard.limit_market` takes, market by market."""
    _, weights = _weights(markets, config)
    return [
        _of_market(market, config.markets[market.name]) | {"weight": weight}
        for market, weight in zip(markets, weights, strict=True)
    ]


def _of_market(market: Market, limits: MarketConfig) -> dict[str, int]:
    scale = market.price_decimals + market.amount_decimals
    found = {
        "may_cross_own": limits.allow_self_cross,
        "duplicate_ns": limits.duplicate_ms * 1_000_000,
        "max_mark_age_ns": limits.max_book_age_ms * 1_000_000,
    }
    for name in ("max_open_orders", "max_side_orders"):
        if getattr(limits, name) is not None:
            found[name] = getattr(limits, name)
    for name in ("max_open_notional", "max_side_notional"):
        if getattr(limits, name) is not None:
            found[name] = _floor(getattr(limits, name), scale)
    if limits.max_position is not None:
        found["max_position"] = _floor(limits.max_position, market.amount_decimals)
    if limits.max_move_percent is not None:
        found["max_move_ppm"] = _floor(limits.max_move_percent, 4, _INT32_MAX)
        found["move_window_ns"] = limits.move_window_s * 1_000_000_000
    found |= _burst(market, limits)
    if limits.max_repeats is not None:
        found["max_repeats"] = limits.max_repeats
        found["repeat_window_ns"] = limits.repeat_window_s * 1_000_000_000
    return found


def _burst(market: Market, limits: MarketConfig) -> dict[str, int]:
    if limits.max_fills is None and limits.max_fill_amount is None:
        return {}
    found = {"fill_window_ns": limits.fill_window_ms * 1_000_000}
    found["frozen_ns"] = limits.frozen_s * 1_000_000_000
    if limits.max_fills is not None:
        found["max_fills"] = limits.max_fills
    if limits.max_fill_amount is not None:
        lots = _floor(limits.max_fill_amount, market.amount_decimals, _INT64_MAX)
        found["max_fill_lots"] = max(lots, 1)
    return found
