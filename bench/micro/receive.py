"""`python -m bench.micro.receive`: frames in a burst, from the socket to the book.

Owns: a server that sends as fast as it can, and clients, each a process of its own. Must not know:
how a frame is decoded. Invariant: a client is timed only when it saw every frame, and ours only
when its book is the last frame's.

What is compared is CPU time per frame, the kernel's reads included, from the open connection to its
end. The rivals only count what their loops hand over: they neither decode JSON nor keep a book,
ours does both. All clients run on uvloop, without compression.

Exit codes: 0 measured, met or not; 1 a client failed or saw too little.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median

from bench.micro.measure import Ratio
from bench.micro.stream import AMOUNT_DECIMALS, MARKET, NO_LIMITS, PRICE_DECIMALS

__all__ = ["CLIENTS", "RATIOS", "frame", "main", "snapshot"]

OURS = "FeedListener, core book"
AIOHTTP = "aiohttp, frames counted"
WEBSOCKETS = "websockets, frames counted"
RATIOS = (Ratio(AIOHTTP, OURS, at_least=15), Ratio(WEBSOCKETS, OURS, at_least=50))

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FIRST_ID = 22_216_665_449
_BATCH = 1000


def snapshot() -> bytes:
    """A book of one level a side."""
    return (
        '{"method": "depth_update", "params": [true, {"timestamp": 1785730136.175524, '
        f'"update_id": {_FIRST_ID}, "asks": [["62957.3", "0.017"]], '
        '"bids": [["62957.2", "0.5"]], "event_time": 1785730136.235201}, '
        f'"{MARKET}"], "id": null}}'
    ).encode()


def frame(number: int) -> bytes:
    """A delta that sets the amount of the best ask, about 220 bytes; numbers count from 1."""
    past = _FIRST_ID + number - 1
    return (
        '{"method": "depth_update", "params": [false, {"timestamp": 1785730136.175524, '
        f'"update_id": {past + 1}, "past_update_id": {past}, "asks": [["62957.3", '
        f'"{1 + number % 9}.{1 + number % 7}"]], "event_time": 1785730136.235201}}, '
        f'"{MARKET}"], "id": null}}'
    ).encode()


def _framed(payload: bytes) -> bytes:
    return b"\x81\x7e" + struct.pack(">H", len(payload)) + payload


def _serve(count: int) -> None:
    """Serves one client after the other until the process is ended; the port goes to stdout."""
    listener = socket.create_server(("127.0.0.1", 0))
    frames = [snapshot(), *map(frame, range(1, count))]
    chunks = [b"".join(map(_framed, frames[at : at + _BATCH])) for at in range(0, count, _BATCH)]
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        with client:
            request = b""
            while b"\r\n\r\n" not in request:
                request += client.recv(4096)
            lines = request.split(b"\r\n")
            (key,) = (
                line.partition(b": ")[2]
                for line in lines
                if line.lower().startswith(b"sec-websocket-key:")
            )
            accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
            client.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            try:
                for chunk in chunks:
                    client.sendall(chunk)
                client.sendall(b"\x88\x02\x03\xe8")
                client.settimeout(3)
                client.recv(100)
            except OSError:
                continue


class _Handler:
    """Who hears of the feed's session: the book is looked at, at the end."""

    def on_open(self, transport: object) -> None:
        self.began = time.process_time()

    def on_close(self) -> None:
        pass

    def on_event(self, kind: int, market: int, event: object) -> None:
        raise AssertionError(f"an event of kind {kind}")

    def on_fault(self, error: object) -> None:
        raise AssertionError(f"a fault: {error}")


async def _ours(url: str, count: int) -> tuple[int, float]:
    from picows import ws_connect

    from whitewire import _core
    from whitewire._bridge import FeedListener
    from whitewire._bridge import Path as HotPath

    engine = _core.Engine(host="localhost", paths=("/", "/", "/", "/"), id_base="mm-")
    engine.add_market(MARKET, PRICE_DECIMALS, AMOUNT_DECIMALS, 100, NO_LIMITS)
    handler = _Handler()
    listener = FeedListener(HotPath(engine), handler, 1)
    calls = 0

    def on_book() -> None:
        nonlocal calls
        calls += 1

    listener.watch(0, on_book, None)
    transport, _ = await ws_connect(lambda: listener, url, use_aiofastnet=True)
    await transport.wait_disconnected()
    spent = time.process_time() - handler.began
    book, counters = engine.book(0, MARKET), engine.counters()
    last = json.loads(frame(count - 1))["params"][1]
    best = book.best_ask
    is_right = best is not None and [str(number) for number in best] == last["asks"][0]
    if not is_right or book.update_id != last["update_id"] or not calls:
        raise AssertionError(f"the book is {book} with {best}, called {calls} times")
    return counters["deltas"] + counters["snapshots"], spent


async def _aiohttp(url: str, count: int) -> tuple[int, float]:
    import aiohttp

    seen = 0
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as client:
        began = time.process_time()
        async for _ in client:
            seen += 1
        return seen, time.process_time() - began


async def _websockets(url: str, count: int) -> tuple[int, float]:
    import websockets

    seen = 0
    client = await websockets.connect(url, compression=None)
    began = time.process_time()
    async for _ in client:
        seen += 1
    return seen, time.process_time() - began


CLIENTS: dict[str, Callable[[str, int], Awaitable[tuple[int, float]]]] = {
    WEBSOCKETS: _websockets,
    AIOHTTP: _aiohttp,
    OURS: _ours,
}


def _client(name: str, port: int, count: int) -> int:
    import uvloop

    async def measured() -> tuple[int, float]:
        return await CLIENTS[name](f"ws://127.0.0.1:{port}/", count)

    seen, spent = uvloop.run(measured())
    print(json.dumps([seen, spent]))
    return 0 if seen == count else 1


def _measure(rounds: int, count: int) -> dict[str, list[float]]:
    """Nanoseconds per frame of every client and round; an empty list where a client failed."""
    command = [sys.executable, "-m", "bench.micro.receive", "--frames", str(count)]
    samples: dict[str, list[float]] = {name: [] for name in CLIENTS}
    with subprocess.Popen([*command, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            port = server.stdout.readline().strip() if server.stdout else ""
            for _ in range(rounds):
                for name in CLIENTS:
                    call = [*command, "--client", name, "--port", port]
                    done = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True)
                    samples[name].append(json.loads(done.stdout)[1] / count * 1e9)
        finally:
            server.kill()
    return samples


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.micro.receive", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=200_000, help="of a burst")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there as well")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.serve:
        _serve(options.frames)
    if options.client is not None:
        return _client(options.client, options.port, options.frames)
    try:
        samples = _measure(options.rounds, options.frames)
    except subprocess.CalledProcessError as error:
        print(f"bench: a client failed: {error}", file=sys.stderr)
        return 1
    for name, values in samples.items():
        print(f"{name:<28} {median(values):>8,.0f} ns of CPU a frame")
    rows = []
    for ratio in RATIOS:
        pairs = zip(samples[ratio.over], samples[ratio.under], strict=True)
        value = median(over / under for over, under in pairs)
        verdict = "yes" if ratio.met(value) else "NO"
        print(f"{ratio.over} / ours: {value:.1f}, target {ratio.target}, met: {verdict}")
        rows.append({"over": ratio.over, "ratio": value, "target": ratio.target})
    if options.json is not None:
        document = {"frames": options.frames, "samples_ns": samples, "ratios": rows}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
