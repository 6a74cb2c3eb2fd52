"""The core's hot calls in native loops: `bench/native`, built on demand and called by ctypes.

Owns: building and loading the library, its signatures. Must not know: what a right answer is.
Invariant: the library that is loaded was built from the sources as they are now, optimised.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import weakref
from collections.abc import Sequence
from pathlib import Path

from bench.micro.measure import CannotMeasureError, expect

__all__ = ["BurstLoop", "FrameLoop", "GateLoop", "Library", "OrderLoop", "ResponseLoop", "build"]

_MANIFEST = Path(__file__).parents[1] / "native" / "Cargo.toml"
_ROOM = 4096


class _Order(ctypes.Structure):
    """What differs between two orders; mirrors `Order` in the library."""

    _fields_ = (
        ("sequence", ctypes.c_uint64),
        ("price_ticks", ctypes.c_int64),
        ("amount_lots", ctypes.c_int64),
        ("nonce", ctypes.c_uint64),
    )


class Library:
    """The loaded loops."""

    def __init__(self) -> None:
        """Builds the loops where sources changed (cargo decides, and talks on stderr); loads them.

        Raises:
            CannotMeasureError: cargo is missing or failed.
        """
        pointer, size, text = ctypes.c_void_p, ctypes.c_size_t, (ctypes.c_char_p, ctypes.c_size_t)
        self.handle = ctypes.CDLL(str(build("libwhitewire_bench.so")))
        self._sign("orders_new", pointer, *text, *text, *text, ctypes.c_bool)
        self._sign("orders_free", None, pointer)
        self._sign("orders_encode", size, pointer, ctypes.POINTER(_Order), pointer, size)
        self._sign("orders_run", None, pointer, ctypes.POINTER(_Order), ctypes.c_uint64)
        burst = (pointer, ctypes.POINTER(_Order), size, ctypes.c_bool)
        self._sign("bursts_new", pointer, *text, *text, *text)
        self._sign("bursts_free", None, pointer)
        self._sign("bursts_encode", size, *burst, pointer, size)
        self._sign("bursts_run", None, *burst, ctypes.c_uint64)
        self._sign("orders_cancel", size, pointer, ctypes.c_uint64, ctypes.c_uint64)
        self._sign("responses_new", pointer, *text)
        self._sign("responses_free", None, pointer)
        self._sign("responses_run", size, pointer, ctypes.c_uint64)
        self._sign("frames_new", pointer, *text, ctypes.c_char_p, pointer, size)
        self._sign("frames_free", None, pointer)
        self._sign("frames_run", ctypes.c_uint64, pointer, ctypes.c_uint64)
        self._sign("frames_levels", size, pointer, ctypes.c_bool, pointer, size)
        self._sign("frames_ticker", ctypes.c_bool, pointer, pointer)
        self._sign("gates_new", pointer)
        self._sign("gates_free", None, pointer)
        self._sign("gates_check", ctypes.c_uint64, pointer, ctypes.c_uint64)
        self._sign("gates_admit", ctypes.c_uint64, pointer, ctypes.c_uint64)
        self._sign("gates_release", None, pointer)
        self._sign("gates_tops", None, pointer, ctypes.c_uint64)

    def _sign(self, name: str, result: type | None, *arguments: type) -> None:
        function = getattr(self.handle, name)
        function.restype, function.argtypes = result, arguments


def build(name: str) -> Path:
    """Builds `bench/native` where sources changed; its artifact of this name.

    Raises:
        CannotMeasureError: cargo is missing or failed.
    """
    command = ["cargo", "build", "--release", "--manifest-path", str(_MANIFEST)]
    command.append("--message-format=json-render-diagnostics")
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    except FileNotFoundError as error:
        raise CannotMeasureError(
            "cargo is missing; install Rust with rustup (rustup.rs)"
        ) from error
    if done.returncode != 0:
        raise CannotMeasureError(f"cargo could not build {_MANIFEST.parent}; see above")
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact":
            for file in map(Path, message["filenames"]):
                if file.name == name:
                    return file
    raise CannotMeasureError(f"cargo built no {name} from {_MANIFEST}")


class OrderLoop:
    """Buy orders of `BTC_USDT`, from integers to the bytes of a signed request.

    Args:
        library: the loops.
        key, secret: the API key.
        prefix: start of every client id; ten digits follow.
        production: whether orders are post-only with STP `cn`.
    """

    def __init__(
        self, library: Library, key: str, secret: str, prefix: str, production: bool
    ) -> None:
        self._library = library.handle
        texts = [part for text in (key, secret, prefix) for part in (text.encode(), len(text))]
        self._pointer = self._library.orders_new(*texts, production)
        weakref.finalize(self, self._library.orders_free, self._pointer)

    def request(self, sequence: int, price_ticks: int, amount_lots: int, nonce: int) -> bytes:
        """One request as the loop builds it."""
        out = ctypes.create_string_buffer(_ROOM)
        order = _Order(sequence, price_ticks, amount_lots, nonce)
        length = self._library.orders_encode(self._pointer, ctypes.byref(order), out, _ROOM)
        return out.raw[:length]

    def run(self, count: int, first: tuple[int, int, int, int]) -> None:
        """Builds `count` requests from (sequence, price, amount, nonce) on."""
        self._library.orders_run(self._pointer, ctypes.byref(_Order(*first)), count)


class BurstLoop:
    """Bursts of quotes of `BTC_USDT`, in turns buys and sells.

    Args:
        library: the loops.
        key, secret: the API key.
        prefix: start of every client id; ten digits follow.
        legs: of each burst, 20 at most.
        together: whether they are signed together.
    """

    def __init__(
        self, library: Library, key: str, secret: str, prefix: str, legs: int, together: bool
    ) -> None:
        self._library, self._legs, self._together = library.handle, legs, together
        texts = [part for text in (key, secret, prefix) for part in (text.encode(), len(text))]
        self._pointer = self._library.bursts_new(*texts)
        weakref.finalize(self, self._library.bursts_free, self._pointer)

    def requests(self, first: tuple[int, int, int, int]) -> bytes:
        """One burst from (sequence, price ticks, amount lots, nonce) on."""
        out = ctypes.create_string_buffer(self._legs * _ROOM)
        order = ctypes.byref(_Order(*first))
        burst = (self._pointer, order, self._legs, self._together)
        length = self._library.bursts_encode(*burst, out, len(out))
        return out.raw[:length]

    def run(self, count: int, first: tuple[int, int, int, int]) -> None:
        """Builds `count` bursts."""
        order = ctypes.byref(_Order(*first))
        self._library.bursts_run(self._pointer, order, self._legs, self._together, count)


class GateLoop:
    """Orders through the gate, every rule at work.

    Args:
        library: the loops.
    """

    def __init__(self, library: Library) -> None:
        self._library = library.handle
        self._pointer = self._library.gates_new()
        weakref.finalize(self, self._library.gates_free, self._pointer)

    def check(self, count: int) -> None:
        """The rules of the single order, `count` times."""
        passed = self._library.gates_check(self._pointer, count)
        expect(passed == count, f"{passed} of {count} orders passed")

    def admit(self, count: int) -> None:
        """The whole gate, `count` times; `release` before the next."""
        passed = self._library.gates_admit(self._pointer, count)
        expect(passed == count, f"{passed} of {count} orders passed")

    def release(self) -> None:
        """The orders are done."""
        self._library.gates_release(self._pointer)

    def tops(self, count: int) -> None:
        """New tops of the book, `count` of them."""
        self._library.gates_tops(self._pointer, count)


class ResponseLoop:
    """A parser of HTTP responses that reads the same bytes again and again.

    Args:
        library: the loops.
        data: whole responses of status 200, one after the other.
        body_bytes: of all their bodies together.
    """

    def __init__(self, library: Library, data: bytes, body_bytes: int) -> None:
        self._library = library.handle
        self._body_bytes = body_bytes
        self._pointer = self._library.responses_new(data, len(data))
        weakref.finalize(self, self._library.responses_free, self._pointer)

    def run(self, passes: int) -> None:
        """Reads all responses `passes` times.

        Raises:
            WrongAnswerError: the bodies are not as long as they should be.
        """
        found = self._library.responses_run(self._pointer, passes)
        expect(found == passes * self._body_bytes, f"bodies of {found} bytes were read")


class FrameLoop:
    """A feed of depth 100, and the frames that it takes again and again.

    Args:
        library: the loops.
        market: its market's name, as in the frames, or several with commas between; one decimal of
            price, three of amount.
        frames: one pass, which begins as a new session.
    """

    def __init__(self, library: Library, market: str, frames: Sequence[bytes]) -> None:
        self._library = library.handle
        self._count = len(frames)
        lengths = (ctypes.c_size_t * len(frames))(*map(len, frames))
        self._pointer = self._library.frames_new(
            market.encode(), len(market), b"".join(frames), lengths, len(frames)
        )
        weakref.finalize(self, self._library.frames_free, self._pointer)

    def run(self, passes: int) -> None:
        """Takes all frames `passes` times.

        Raises:
            WrongAnswerError: a frame told nothing new.
        """
        taken = self._library.frames_run(self._pointer, passes)
        expect(taken == passes * self._count, f"{taken} of {passes} x {self._count} frames taken")

    def levels(self, asks: bool, count: int) -> list[tuple[int, int]]:
        """(ticks, lots) of at most `count` levels of a side, best first."""
        out = ((ctypes.c_int64 * 2) * count)()
        found = self._library.frames_levels(self._pointer, asks, out, count)
        return [(row[0], row[1]) for row in out[:found]]

    def ticker(self) -> tuple[int, ...] | None:
        """(bid ticks, bid lots, ask ticks, ask lots), None where no ticker is valid."""
        out = (ctypes.c_int64 * 4)()
        return tuple(out) if self._library.frames_ticker(self._pointer, out) else None
