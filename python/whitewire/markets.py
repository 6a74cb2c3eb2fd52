"""Markets as the venue lists them, and the limits that the core's gate enforces.

Owns: reading the public market list (a large document, parsed with pysimdjson) and turning
decimal limits into ticks and lots. Must not know: sockets, orders. Invariant: a limit is never
widened by rounding.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import simdjson

from whitewire.config import MarketConfig
from whitewire.errors import PeerError, StartupError
from whitewire.market import Market, Product

__all__ = ["engine_limits", "read_markets"]

_INT64_MAX = 2**63 - 1
_INT128_MAX = 2**127 - 1


def read_markets(
    body: bytes, names: Iterable[str], configured: Mapping[str, MarketConfig] | None = None
) -> list[Market]:
    """Markets of `names`, in that order, indexed from 0.

    Args:
        body: the venue's list.
        names: which of it.
        configured: whose product counts, where it names one.

    Raises:
        PeerError: the body is not a market list.
        StartupError: a name is not listed, or its market has not the product that is asked for.
    """
    wanted = configured or {}
    try:
        rows = {str(row["name"]): row for row in simdjson.loads(body)}
        markets = []
        for index, name in enumerate(names):
            if name not in rows:
                near = difflib.get_close_matches(name, rows, 1)
                hint = f"did you mean {near[0]}?" if near else "check its spelling"
                raise StartupError(
                    "market-unlisted", f"the venue does not list the market {name!r}", hint
                )
            asked = wanted[name].product if name in wanted else None
            markets.append(_market(rows[name], index, asked))
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise PeerError("markets-malformed", f"the market list is malformed: {error}") from error
    return markets


def _product(row: dict[str, Any], asked: str | None) -> Product:
    """What trading in a listed market means.

    Raises:
        StartupError: the venue does not offer what was asked for.
    """
    listed = Product.SPOT if str(row.get("type", "spot")) == "spot" else Product.FUTURES
    product = listed if asked is None else Product(asked)
    is_offered = product is listed or (
        product is Product.MARGIN and listed is Product.SPOT and row.get("isCollateral") is True
    )
    if not is_offered:
        raise StartupError(
            "market-product",
            f"{row['name']}: product was {product}, which the venue does not offer there",
            f"leave markets.{row['name']}.product out for {listed}",
        )
    return product


def _market(row: dict[str, Any], index: int, asked: str | None = None) -> Market:
    price_decimals, amount_decimals = int(row["moneyPrec"]), int(row["stockPrec"])
    return Market(
        name=str(row["name"]),
        stock=str(row["stock"]),
        money=str(row["money"]),
        price_decimals=price_decimals,
        amount_decimals=amount_decimals,
        tick_size=_grid(row.get("tickSize"), price_decimals),
        step_size=_grid(row.get("stepSize"), amount_decimals),
        min_amount_lots=max(1, _units(Decimal(row["minAmount"]), amount_decimals, ROUND_CEILING)),
        min_total=Decimal(row["minTotal"]),
        max_total=Decimal(row["maxTotal"]),
        index=index,
        product=_product(row, asked),
    )


def _grid(size: str | None, decimals: int) -> int:
    """A grid of the venue in units of the scale; venues that list none use the scale itself."""
    if not size or not Decimal(size):
        return 1
    return max(1, _units(Decimal(size), decimals, ROUND_CEILING))


def _units(value: Decimal, decimals: int, rounding: str) -> int:
    return int(value.scaleb(decimals).to_integral_value(rounding))


def engine_limits(market: Market, config: MarketConfig) -> dict[str, int]:
    """The gate's limits in ticks, lots and their product.

    Raises:
        StartupError: the configured limits allow no order of this market.
    """
    scale = market.price_decimals + market.amount_decimals
    most_lots = _units(config.max_order_amount, market.amount_decimals, ROUND_FLOOR)
    most_notional = _units(config.max_order_notional, scale, ROUND_FLOOR)
    if market.max_total:
        most_notional = min(most_notional, _units(market.max_total, scale, ROUND_FLOOR))
    least_notional = _units(market.min_total, scale, ROUND_CEILING)
    if most_lots < market.min_amount_lots or most_notional < least_notional:
        raise StartupError(
            "limits-too-small",
            f"{market.name}: the limits {config.max_order_amount} and "
            f"{config.max_order_notional} are below the venue's minimum of "
            f"{market.amount(market.min_amount_lots):f} and {market.min_total:f}",
            "raise max_order_amount or max_order_notional",
        )
    return {
        "min_order_lots": market.min_amount_lots,
        "max_order_lots": min(most_lots, _INT64_MAX),
        "min_notional": least_notional,
        "max_notional": min(most_notional, _INT128_MAX),
        "collar_ppm": min(int(config.collar_percent * 10_000), 2**32 - 1),
        "max_book_age_ns": config.max_book_age_ms * 1_000_000,
        "price_step": market.tick_size,
        "amount_step": market.step_size,
    }
