"""`python -m bench.acks.rival URL`: sequential orders by aiohttp, as a careful user writes them.

Owns: the rival. Must not know: who times it. Invariant: one session and its warm connection for all
orders; the next order leaves when the last was acknowledged; every order is canceled.

It runs on uvloop and signs with whitewire's own signer, which is faster than the guide's Python.
Each line on stdin is JSON: `due_ns` (monotonic) and `bids`, pairs of price and amount. Each line
on stdout: `sent_ns`, and `acks_ns` of each leg. It runs until its input ends.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Sequence

import aiohttp
import uvloop

from whitewire import Signer

__all__ = ["Rival", "main"]

_PLACE, _CANCEL = "/api/v4/order/new", "/api/v4/order/cancel"
_SPIN_NS = 2_000_000
_numbers = itertools.count(1)


class Rival:
    """A client of one endpoint.

    Args:
        session: kept for every call.
        url: of the endpoint.
        market: where it places.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, market: str) -> None:
        self._session = session
        self._url = url
        self._market = market
        self._signer = Signer("rival-key", "rival-secret")

    async def burst(self, due_ns: int, bids: Sequence[tuple[str, str]]) -> dict[str, object]:
        """Places a ladder at its moment, leg by leg, then cancels it."""
        await asyncio.sleep(max(0, due_ns - _SPIN_NS - time.monotonic_ns()) / 1e9)
        while time.monotonic_ns() < due_ns:
            await asyncio.sleep(0)
        sent_ns = time.monotonic_ns()
        ids, acks = [], []
        for price, amount in bids:
            client_id = f"rival-{next(_numbers)}"
            order = {"side": "buy", "amount": amount, "price": price, "postOnly": True}
            answer = await self._call(_PLACE, {**order, "clientOrderId": client_id})
            acks.append(time.monotonic_ns())
            if answer.get("clientOrderId") != client_id:
                raise RuntimeError(f"the answer to {client_id} was {answer}")
            ids.append(client_id)
        await asyncio.gather(*(self._call(_CANCEL, {"clientOrderId": name}) for name in ids))
        return {"sent_ns": sent_ns, "acks_ns": acks}

    async def _call(self, path: str, fields: dict[str, object]) -> dict[str, object]:
        nonce = {"request": path, "nonce": time.time_ns() // 1_000_000, "nonceWindow": True}
        body = json.dumps({"market": self._market, **fields, **nonce}).encode()
        headers = self._signer.headers(body)
        async with self._session.post(self._url + path, data=body, headers=headers) as response:
            answer: dict[str, object] = await response.json()
            return answer


async def _serve(url: str, market: str) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with aiohttp.ClientSession() as session:
        rival = Rival(session, url, market)
        while line := await reader.readline():
            asked = json.loads(line)
            print(json.dumps(await rival.burst(asked["due_ns"], asked["bids"])), flush=True)


def main() -> int:
    """Serves until its input ends."""
    url, market = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(url, market))
    return 0


if __name__ == "__main__":
    sys.exit(main())
