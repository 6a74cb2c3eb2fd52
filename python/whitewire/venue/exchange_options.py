"""How the engine settles what the venue's documents leave open.

Owns: one named field for every open question that has a known alternative, with the conservative
choice as its default, and the sizes of the engine's memories. Must not know: the engine. Invariant:
plain values; a default venue is the one that a client should be built against.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from whitewire.venue.trader_options import TraderOptions
from whitewire.venue.values.model import Status


@dataclass(frozen=True, slots=True)
class ExchangeOptions:
    """What the venue's documents leave open, each with the choice that is made by default.

    Attributes:
        traded_markets: markets that get simulated traders.
        traders: how those behave.
        resting_status: status of an untouched resting order (OPEN; some pages say NEW).
        partial_ioc_status: status of an ioc order with something left after a fill.
        stp_status: status of an order ended by self-trade prevention.
        stop_on_fail_reports_failure: a stopped bulk answer ends with the failed item.
        bulk_leg_gap_us: engine time between the legs of a bulk; zero runs them back to back.
        modify_refusal_loses_order: a refused modify has already cancelled the old order.
        deals_before_orders: a fill's deal event precedes its order event.
        history_lag_ms: how long a deal stays invisible in the executed history.
        truncate_fees: cut fees to the market's fee precision instead of keeping the product.
        client_id_unique_per_account: the older rule, unique over all markets of an account.
        activation_by_last_price: the newer rule, by which a stop's trigger above the last trade is
            met at or above it and one below at or below; by default buys are the former.
        taker_band_percent: how far from its first price a taker may walk; None means freely.
        price_band_percent: how far from the last trade a limit may be; None means freely.
        maintenance_percent: least equity of an account, of the value of its positions.
        margin_call_multiple: below so many times that there is a margin call.
        funding_interval_min: minutes between settlements of funding.
        history_limit: finished orders and deals remembered for each account.
        trade_limit: public trades remembered for each market.
        catch_up_limit_s: a longer pause of `tick` is skipped by the traders, not replayed.
        first_order_id: id of the first order.
        first_deal_id: id of the first deal.
        first_update_id: counter of every book at the start.
    """

    traded_markets: tuple[str, ...] = ()
    traders: TraderOptions = field(default_factory=TraderOptions)
    resting_status: Status = Status.OPEN
    partial_ioc_status: Status = Status.CANCELED
    stp_status: Status = Status.CANCELED_STP
    stop_on_fail_reports_failure: bool = True
    bulk_leg_gap_us: int = 0
    modify_refusal_loses_order: bool = False
    deals_before_orders: bool = True
    history_lag_ms: int = 0
    truncate_fees: bool = False
    client_id_unique_per_account: bool = False
    activation_by_last_price: bool = False
    taker_band_percent: Decimal | None = None
    price_band_percent: Decimal | None = None
    maintenance_percent: Decimal = Decimal("0.5")
    margin_call_multiple: Decimal = Decimal(2)
    funding_interval_min: int = 480
    history_limit: int = 20_000
    trade_limit: int = 1_000
    catch_up_limit_s: int = 30
    first_order_id: int = 2_423_735_868_673
    first_deal_id: int = 22_676_096_353
    first_update_id: int = 22_216_665_449
