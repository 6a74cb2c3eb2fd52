"""A careful asyncio client: `websockets`, `orjson`, `aiohttp`, uvloop, a sorted book, a kept key.

Owns: its loop. Must not know: anything of whitewire. Invariant: what pure Python with good
libraries can do is done; nothing is done twice that can be done once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from bisect import bisect_left

import aiohttp
import orjson
from websockets.asyncio.client import connect

from bench.tick.clients.common import AMOUNT, MARKET, SUBSCRIBE, Told, run

__all__ = ["main"]

_PLACE = "/api/v4/order/new"


class _Bids:
    """Prices ascending, so that the best is the last, and their texts."""

    def __init__(self) -> None:
        self.prices: list[float] = []
        self.texts: dict[float, str] = {}

    def apply(self, is_full: bool, levels: list[list[str]]) -> None:
        if is_full:
            self.prices.clear()
            self.texts.clear()
        for text, amount in levels:
            price = float(text)
            if amount == "0":
                if self.texts.pop(price, None) is not None:
                    del self.prices[bisect_left(self.prices, price)]
            elif price not in self.texts:
                self.texts[price] = text
                self.prices.insert(bisect_left(self.prices, price), price)

    def best(self) -> str:
        return self.texts[self.prices[-1]]


class _Account:
    """Signs with a key that was absorbed once, and sends on a warm connection."""

    def __init__(self, told: Told, session: aiohttp.ClientSession) -> None:
        self._keyed = hmac.new(told.secret.encode(), digestmod=hashlib.sha512)
        self._key = told.key
        self._url = told.rest + _PLACE
        self._session = session
        self._tls = told.tls() or True

    async def buy(self, price: str) -> None:
        body = (
            b'{"market":"%b","side":"buy","amount":"%b","price":"%b","ioc":true,"request":"%b",'
            b'"nonceWindow":true,"nonce":%d}'
            % (MARKET.encode(), AMOUNT.encode(), price.encode(), _PLACE.encode(), _now_ms())
        )
        payload = base64.b64encode(body)
        keyed = self._keyed.copy()
        keyed.update(payload)
        headers = {
            "Content-Type": "application/json",
            "X-TXC-APIKEY": self._key,
            "X-TXC-PAYLOAD": payload.decode(),
            "X-TXC-SIGNATURE": keyed.hexdigest(),
        }
        async with self._session.post(
            self._url, data=body, headers=headers, ssl=self._tls
        ) as answer:
            await answer.read()
            answer.raise_for_status()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _work(told: Told) -> None:
    bids, best = _Bids(), ""
    async with (
        aiohttp.ClientSession() as session,
        connect(told.ws, ssl=told.tls(), compression=None) as feed,
    ):
        account = _Account(told, session)
        await feed.send(SUBSCRIBE)
        async for text in feed:
            message = orjson.loads(text)
            if message.get("method") != "depth_update":
                continue
            is_full, update, _ = message["params"]
            bids.apply(is_full, update.get("bids", []))
            top = bids.best()
            if top != best and best:
                await account.buy(top)
            best = top


def main() -> None:
    """The program."""
    run(_work)


if __name__ == "__main__":
    main()
