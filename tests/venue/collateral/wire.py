"""Small words for tests of collateral trading over sockets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venue.naive import RestClient
from whitewire.venue.values.model import AccountSpec

PERP = "BTC_PERP"
LIMIT, MARKET, STOP_LIMIT, TRIGGER_MARKET, OCO, BULK = (
    f"order/collateral/{name}"
    for name in ("limit", "market", "stop-limit", "trigger-market", "oco", "bulk")
)


def account(name: str, usdt: str = "1000000", **changes: Any) -> AccountSpec:
    """An account with USDT in both wallets."""
    funds = {"USDT": Decimal(usdt)}
    return AccountSpec(
        name=name,
        key=f"key-{name}",
        secret=f"secret-{name}",
        balances={"USDT": Decimal(1_000_000), "BTC": Decimal(10)},
        collateral=funds,
        **changes,
    )


def limit(client: RestClient, side: str, price: str, amount: str = "0.5", **more: Any) -> Any:
    """A new limit order, on the perpetual unless another market is named."""
    fields = {"market": PERP, "side": side, "price": price, "amount": amount, **more}
    return client.ok(LIMIT, **fields)


def market(client: RestClient, side: str, amount: str = "0.5", **more: Any) -> Any:
    """A market order."""
    return client.ok(MARKET, **{"market": PERP, "side": side, "amount": amount, **more})


def trade(buyer: RestClient, seller: RestClient, price: str, amount: str = "0.5") -> None:
    """A trade of two accounts; nothing better may be in the book."""
    limit(buyer, "buy", price, amount)
    limit(seller, "sell", price, amount)


def refused(client: RestClient, path: str, **fields: Any) -> tuple[int, int, list[str]]:
    """HTTP status, number and keys of a refusal."""
    status, body = client.post(path, **fields)
    assert status != 200, body
    headline = "Validation failed" if status == 422 else "Inner validation failed"
    assert (set(body), body["message"]) == ({"code", "message", "errors"}, headline)
    assert all(
        texts and all(isinstance(t, str) for t in texts) for texts in body["errors"].values()
    )
    return status, body["code"], list(body["errors"])


def positions(client: RestClient) -> dict[str, str]:
    """Side of each open position to its amount; one market only."""
    return {
        position["positionSide"]: position["amount"]
        for position in client.ok("collateral-account/positions/open")
    }
