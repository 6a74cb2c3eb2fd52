"""What a gateway's feed subscribes to.

Owns: the choice of channels. Must not know: how they are asked for (see `protocol.session`).
Invariant: orders, deals and balances of every market are watched, and positions wherever there can
be one; public streams beyond the book only where a callback wants them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whitewire.protocol.session import SessionPlan

if TYPE_CHECKING:
    from whitewire.gateway import Gateway

__all__ = ["session_plan"]


def session_plan(gateway: Gateway) -> SessionPlan:
    """The channels of a gateway whose markets and collateral are known."""
    names = tuple(gateway.markets)
    assets = {m.stock: None for m in gateway.markets.values()}
    assets |= {m.money: None for m in gateway.markets.values()}
    wants = gateway.callbacks.wants
    return SessionPlan(
        depth=dict.fromkeys(names, gateway.config.feed.depth),
        tickers=names if wants("on_ticker") else (),
        trades=names if wants("on_trade") else (),
        assets=tuple(assets),
        order_markets=names,
        deal_markets=names,
        margin_assets=gateway.collateral.assets(),
        positions=gateway.collateral.is_used,
    )
