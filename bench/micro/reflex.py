"""What a reflex saves: `python -m bench.micro.reflex`, from a frame to the bytes of a request.

Owns: the same reaction as a rule of the core, in a strategy's callback on a gateway, and in the
shortest callback there can be; the check of each. Must not know: what a rule means. Invariant:
every frame that is timed becomes one signed request; writing it to a socket, the same for all, is
not part of it.

The strategy reads the ticker, decides, and asks the handle of its order: state, throttle, nonce and
lane come before the bytes, where a reflex is booked after them. The shortest callback has none of
that and calls the bridge itself.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import hmac
import json
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from picows import WSMsgType, WSTransport
from picows.picows import _make_test_ws_frame

from bench.micro.measure import (
    CannotMeasureError,
    Case,
    Quiet,
    Ratio,
    Suite,
    WrongAnswerError,
    expect,
    measure,
    paired,
    tenth,
)
from bench.micro.native import Library
from bench.micro.orders import KEY, SECRET
from bench.micro.ratios import refuse_debug_build
from bench.micro.reflex_gateway import Desk
from bench.micro.stream import NO_LIMITS
from whitewire import _core
from whitewire._bridge import FeedListener, OrderConnection, Path
from whitewire.endpoints import ENDPOINTS
from whitewire.market import Side
from whitewire.protocol.order_flags import Flags

__all__ = ["CALLBACK", "GATEWAY", "LOOP", "Reaction", "main", "suite"]

GATEWAY = "FeedListener, on_ticker, order.{} on a gateway"
CALLBACK = "FeedListener, on_ticker, OrderConnection.{}"
LOOP = "Engine::on_frame, write_step, native loop"

_ROUNDS, _FRAMES, _ROOM = 101, 64, 4096
_ID, _PRICE, _LOTS, _NONCE = b"mm-0000012345", 600_000, 13, 1_785_730_136_175
_MARKET, _BID, _NEAR = "BTC_USDT", 600_100, 50
_SNAPSHOT = (
    '{"method":"depth_update","params":[true,{"timestamp":1.5,"update_id":1,"asks":[["70000","1"]],'
    '"bids":[["50000","1"]],"event_time":1.6},"BTC_USDT"],"id":null}'
)


@dataclass(frozen=True, slots=True)
class Reaction:
    """One reaction: `cancel` where the best ask is near, `modify` to two ticks behind the bid."""

    name: str

    @property
    def frames(self) -> list[bytes]:
        """Ticker frames, each of which asks for it."""
        found = []
        for at in range(_FRAMES):
            is_pull = self.name == "cancel"
            ask = _PRICE + (_NEAR + at % 7 if is_pull else 1_000)
            bid = _PRICE - 10 - at if is_pull else _BID + at
            row = f'"{bid / 10:.1f}","0.5","{ask / 10:.1f}","0.5"'
            found.append(
                f'{{"method": "bookTicker_update", "params": [[1785732678.2802551,'
                f' 1785732678.2810941, "{_MARKET}", 22217102542, {row}]], "id": null}}'.encode()
            )
        return found

    def verify(self, request: bytes, at: int) -> None:
        """Checks a request with the standard library.

        Raises:
            WrongAnswerError: it is not signed, or asks for something else.
        """
        head, _, body = request.partition(b"\r\n\r\n")
        start, *lines = head.decode("ascii").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        path = ENDPOINTS[self.name].path
        expect(start == f"POST {path} HTTP/1.1", f"the request begins with {start!r}")
        payload = headers["X-TXC-PAYLOAD"]
        expect(base64.b64decode(payload) == body, "the payload is not the body")
        signature = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha512).hexdigest()
        expect(headers["X-TXC-SIGNATURE"] == signature, "the signature is wrong")
        members = json.loads(body)
        expect(members["clientOrderId"] == _ID.decode(), f"the body is {members}")
        if self.name == "modify":
            price = f"{(_BID + at - 2) / 10:.1f}".removesuffix(".0")
            expect(members["price"] == price, f"the price is {members['price']}, not {price}")


class ReflexLoop:
    """The reaction as a rule of the core, in a native loop."""

    def __init__(self, library: Library, reaction: Reaction) -> None:
        self._library = library.handle
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        for name, result, arguments in (
            ("new", pointer, [ctypes.c_char_p, size, ctypes.c_char_p, size, ctypes.c_bool]),
            ("free", None, [pointer]),
            ("add", None, [pointer, ctypes.c_char_p, size]),
            ("show", None, [pointer, ctypes.c_char_p, size]),
            ("run", ctypes.c_uint64, [pointer, ctypes.c_uint64]),
            ("request", size, [pointer, size, pointer, size]),
        ):
            function = getattr(self._library, f"reflexes_{name}")
            function.restype, function.argtypes = result, arguments
        key, secret, is_pull = KEY.encode(), SECRET.encode(), reaction.name == "cancel"
        self._pointer = self._library.reflexes_new(key, len(key), secret, len(secret), is_pull)
        weakref.finalize(self, self._library.reflexes_free, self._pointer)
        self._library.reflexes_show(self._pointer, _SNAPSHOT.encode(), len(_SNAPSHOT))
        for frame in reaction.frames:
            self._library.reflexes_add(self._pointer, frame, len(frame))

    def request(self, at: int) -> bytes:
        """What one frame becomes."""
        out = ctypes.create_string_buffer(_ROOM)
        length = self._library.reflexes_request(self._pointer, at, out, _ROOM)
        return out.raw[:length]

    def run(self, passes: int) -> None:
        """Takes all frames `passes` times.

        Raises:
            WrongAnswerError: a frame became no request.
        """
        sent = self._library.reflexes_run(self._pointer, passes)
        expect(sent == passes * _FRAMES, f"{sent} of {passes} x {_FRAMES} frames became requests")


class _Nobody:
    """Handler of a connection and a feed that nothing happens to."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


class CallbackLoop:
    """The same reaction in a callback that does nothing else."""

    def __init__(self, reaction: Reaction) -> None:
        paths = tuple(ENDPOINTS[name].path for name in ("place", "cancel", "modify", "bulk"))
        self.engine = _core.Engine(
            key=KEY,
            secret=SECRET,
            host="whitebit.com",
            paths=(paths[0], paths[1], paths[2], paths[3]),
            id_base="mm-",
        )
        self.engine.add_market(_MARKET, 1, 3, 100, NO_LIMITS)
        self.engine.halt(False)
        self.engine.on_frame(_SNAPSHOT.encode(), 2**62)
        nobody = cast(Any, _Nobody())
        path = Path(self.engine)
        self.listener = FeedListener(path, nobody, 1)
        self.connection = OrderConnection(path, nobody, _core.HttpParser())
        self.listener.watch(0, None, self.target(reaction))
        self.frames = [
            _make_test_ws_frame(WSMsgType.TEXT, frame, True, False) for frame in reaction.frames
        ]
        self._flags = Flags.of(Side.BUY, True, False, False, "cn")
        self._nonce = _NONCE

    def target(self, reaction: Reaction) -> Callable[[], None]:
        """What is called with each ticker."""
        return self._cancel if reaction.name == "cancel" else self._modify

    def _cancel(self) -> None:
        ticker = self.engine.ticker(0)
        if ticker is not None and ticker[2] - _PRICE <= 100:
            self._nonce += 1
            self.connection.cancel(0, _ID, self._nonce)

    def _modify(self) -> None:
        ticker = self.engine.ticker(0)
        if ticker is not None and (price := ticker[0] - 2) != _PRICE:
            self._nonce += 1
            flags, nonce = self._flags, self._nonce
            self.connection.modify(0, flags, price, _LOTS, _ID, nonce)

    def take(self, at: int) -> None:
        """Takes one frame."""
        self.listener.on_ws_frame(cast(WSTransport, None), self.frames[at])

    def run(self, passes: int) -> None:
        """Takes all frames `passes` times; what was appended is thrown away now and then.

        Raises:
            WrongAnswerError: a frame became no request.
        """
        take, nowhere = self.listener.on_ws_frame, cast(WSTransport, None)
        before = self.connection.in_flight
        for _ in range(passes):
            for frame in self.frames:
                take(nowhere, frame)
            self.forget()
        sent = self.connection.in_flight - before
        expect(sent == passes * _FRAMES, f"{sent} of {passes} x {_FRAMES} frames became requests")

    def forget(self) -> None:
        """Throws away what was appended."""
        self.connection.connection_lost(None)


class GatewayLoop(CallbackLoop):
    """The same reaction through the handle of a gateway's order, which is ready each time."""

    def target(self, reaction: Reaction) -> Callable[[], None]:
        """A strategy's `on_ticker`."""
        self.desk = Desk(self.engine, _MARKET, self.connection, _ID, _PRICE, _LOTS)
        if reaction.name == "cancel":
            return self.desk.cancel(lambda row: row[2] - _PRICE <= 100)
        return self.desk.modify(lambda row: row[0] - 2)

    def forget(self) -> None:
        """As above, and the calls and nonces."""
        super().forget()
        self.desk.forget()


def suite(name: str, library: Library) -> Suite:
    """One reaction, `cancel` or `modify`, both ways."""
    reaction = Reaction(name)
    loop = ReflexLoop(library, reaction)

    def check_loop() -> None:
        for at in range(_FRAMES):
            reaction.verify(loop.request(at), at)

    def through(title: str, callback: CallbackLoop) -> Case:
        def check() -> None:
            for at in range(_FRAMES):
                before = callback.connection.in_flight
                callback.take(at)
                expect(callback.connection.in_flight == before + 1, f"frame {at}: no request")
                if name == "modify":
                    best = callback.engine.guard.sums(0)[0][3]
                    expect(best >= _BID + at - 2, f"frame {at}: the gate counts a bid at {best}")
            callback.forget()

        return Case(title.format(name), callback.run, check, items=_FRAMES)

    cases = [
        through(GATEWAY, GatewayLoop(reaction)),
        through(CALLBACK, CallbackLoop(reaction)),
        Case(LOOP, loop.run, check_loop, items=_FRAMES),
    ]
    ratios = [Ratio(case.name, LOOP) for case in cases[:-1]]
    return Suite(f"ticker frame to signed {name}", "frame", cases, ratios)


def main() -> int:
    """Prints medians and first deciles, nanoseconds, and their ratio."""
    try:
        refuse_debug_build()
        library = Library()
        for name in ("cancel", "modify"):
            found = suite(name, library)
            found.check()
            samples = measure(found.cases, _ROUNDS, Quiet(5.0))
            print(f"{found.title}:")
            for case, values in samples.items():
                median = sorted(values)[len(values) // 2]
                print(f"  {median:9.1f} ns, undisturbed {tenth(values):9.1f} ns  {case}")
            for ratio in found.ratios:
                over, under = samples[ratio.over], samples[ratio.under]
                undisturbed = tenth(over) / tenth(under)
                print(
                    f"  {paired(over, under):.1f} times as long (undisturbed {undisturbed:.1f}) as"
                    f" the native loop: {ratio.over}"
                )
    except WrongAnswerError as error:
        print(error, file=sys.stderr)
        return 1
    except CannotMeasureError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
