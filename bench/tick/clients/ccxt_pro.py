"""ccxt.pro: `watch_order_book`, then `create_order`.

Owns: its loop. Must not know: anything of whitewire. Invariant: ccxt is used as its manual shows;
its own rate limiter is off, since it would hold orders back.
"""

from __future__ import annotations

import ccxt.pro

from bench.tick.clients.common import AMOUNT, Told, run

__all__ = ["main"]

_SYMBOL = "BTC/USDT"
_DEPTH = 100


def _exchange(told: Told) -> ccxt.pro.whitebit:
    exchange = ccxt.pro.whitebit(
        {
            "apiKey": told.key,
            "secret": told.secret,
            "enableRateLimit": False,
            "options": {"nonceWindow": True},
            **({"cafile": told.ca} if told.ca else {}),
        }
    )
    for version in ("v1", "v2", "v4"):
        urls = exchange.urls["api"][version]
        for access, url in urls.items():
            is_order = version == "v4" and access == "private"
            host = told.rest if is_order else told.control
            urls[access] = host + url.removeprefix("https://whitebit.com")
    exchange.urls["api"]["ws"] = told.ws
    return exchange


async def _work(told: Told) -> None:
    exchange = _exchange(told)
    await exchange.load_markets()
    amount, best = float(AMOUNT), 0.0
    try:
        while True:
            book = await exchange.watch_order_book(_SYMBOL, _DEPTH)
            top = book["bids"][0][0]
            if top != best and best:
                await exchange.create_order(
                    _SYMBOL, "limit", "buy", amount, top, {"timeInForce": "IOC"}
                )
            best = top
    finally:
        await exchange.close()


def main() -> None:
    """The program."""
    run(_work)


if __name__ == "__main__":
    main()
