"""`python -m bench.venue.subscriber`: one WebSocket that follows the depth of many markets.

Owns: subscribing, counting deltas, and holding their chain together. Must not know: the load
beside it. Invariant: a delta is counted only if it continues its market's chain; a snapshot after
the first, or a gap, is reported.

Prints one line of JSON once it has every market's snapshot. A line on its input starts the counting
(again); when its input ends it prints another one: `seconds`, `updates` by market, `breaks` and
`late_ms` (p50 and p99 of a delta's way here).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import sys
import time
from array import array
from collections.abc import Sequence

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

__all__ = ["main"]

_LIMIT = 100
_PING_S = 20.0


class _Follower(WSListener):
    def __init__(self, markets: list[str], following: asyncio.Event) -> None:
        self.markets = markets
        self.following = following
        self.breaks = 0
        self._last: dict[str, int] = {}
        self.start()

    def start(self) -> None:
        self.updates = dict.fromkeys(self.markets, 0)
        self.late_ms = array("d")
        self.since = time.monotonic()

    def on_ws_connected(self, transport: WSTransport) -> None:
        for number, market in enumerate(self.markets):
            call = {
                "id": number,
                "method": "depth_subscribe",
                "params": [market, _LIMIT, "0", True],
            }
            transport.send(WSMsgType.TEXT, json.dumps(call).encode())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is not WSMsgType.TEXT:
            return
        message = json.loads(frame.get_payload_as_bytes())
        if message.get("method") != "depth_update":
            self.breaks += message.get("error") is not None
            return
        is_snapshot, state, market = message["params"]
        if is_snapshot:
            self.breaks += market in self._last
        else:
            self.breaks += state["past_update_id"] != self._last.get(market)
            self.updates[market] += 1
            self.late_ms.append((time.time() - state["event_time"]) * 1_000)
        self._last[market] = state["update_id"]
        if len(self._last) == len(self.markets):
            self.following.set()

    def report(self) -> dict[str, object]:
        ordered = sorted(self.late_ms)
        late = [ordered[int(len(ordered) * part)] for part in (0.5, 0.99)] if ordered else []
        seconds = time.monotonic() - self.since
        return {
            "seconds": seconds, "updates": self.updates, "breaks": self.breaks, "late_ms": late
        }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Follows until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m bench.venue.subscriber", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--cpu", type=int, metavar="N")
    parser.add_argument("markets", nargs="+")
    options = parser.parse_args(arguments)
    if options.cpu is not None:
        os.sched_setaffinity(0, {options.cpu})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_follow(options))
    return 0


async def _follow(options: argparse.Namespace) -> None:
    following, ended = asyncio.Event(), asyncio.Event()
    context = ssl.create_default_context(cafile=options.ca)
    follower = _Follower(options.markets, following)
    transport, _ = await ws_connect(lambda: follower, options.url, ssl_context=context)
    await following.wait()
    print(json.dumps({"markets": len(options.markets)}), flush=True)
    loop = asyncio.get_running_loop()

    def on_input() -> None:
        if os.read(sys.stdin.fileno(), 1_024):
            follower.start()
        else:
            ended.set()

    loop.add_reader(sys.stdin.fileno(), on_input)
    while not ended.is_set():
        try:
            await asyncio.wait_for(ended.wait(), _PING_S)
        except TimeoutError:
            transport.send_ping()
    loop.remove_reader(sys.stdin.fileno())
    print(json.dumps(follower.report()), flush=True)
    transport.disconnect()


if __name__ == "__main__":
    sys.exit(main())
