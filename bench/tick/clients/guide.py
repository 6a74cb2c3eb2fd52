"""The market-maker guide's way: `json`, `base64`, `hmac`, `requests`, on a `websockets` feed.

Owns: its loop. Must not know: anything of whitewire. Invariant: requests are signed and sent step
by step as the guide's Python does it, but for a session: without one every order is a new
connection.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import requests
from websockets.asyncio.client import connect

from bench.tick.clients.common import AMOUNT, MARKET, SUBSCRIBE, Told, run

__all__ = ["main"]

_PLACE = "/api/v4/order/new"


class _Account:
    """Signs and sends."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._session = requests.Session()

    def send(self, endpoint: str, fields: dict[str, Any]) -> requests.Response:
        fields["request"] = endpoint
        fields["nonce"] = int(time.time() * 1000)
        body = json.dumps(fields)
        payload = base64.b64encode(body.encode()).decode()
        signature = hmac.new(self._told.secret.encode(), payload.encode(), hashlib.sha512)
        headers = {
            "Content-Type": "application/json",
            "X-TXC-APIKEY": self._told.key,
            "X-TXC-PAYLOAD": payload,
            "X-TXC-SIGNATURE": signature.hexdigest(),
        }
        url = f"{self._told.rest}{endpoint}"
        # the session's own setting would give way to the environment's
        return self._session.post(url, headers=headers, data=body, verify=self._told.ca)


async def _work(told: Told) -> None:
    account = _Account(told)
    bids: dict[str, str] = {}
    best = ""
    async with connect(told.ws, ssl=told.tls()) as feed:
        await feed.send(SUBSCRIBE)
        async for text in feed:
            message = json.loads(text)
            if message.get("method") != "depth_update":
                continue
            is_full, update, _ = message["params"]
            if is_full:
                bids.clear()
            for price, amount in update.get("bids", []):
                bids[price] = amount
                if amount == "0":
                    del bids[price]
            top = max(bids, key=float)
            if top != best and best:
                order = {
                    "market": MARKET, "side": "buy", "amount": AMOUNT, "price": top, "ioc": True,
                }  # fmt: skip
                account.send(_PLACE, order).raise_for_status()
            best = top


def main() -> None:
    """The program."""
    run(_work)


if __name__ == "__main__":
    main()
