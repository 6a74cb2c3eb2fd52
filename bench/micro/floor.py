"""A hand-written C floor beside the core, where somebody has one.

Owns: building and loading the C programs, which are no part of this project. Must not know: what a
right answer is. Invariant: nothing is written into the folder that they are built from.

`WHITEWIRE_FLOOR` names a folder with `01_sign/sign.c` and `02_book/book.c` in it.
"""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.micro.measure import CannotMeasureError

__all__ = ["Floor"]

_COMPILE = ("gcc", "-O3", "-march=native", "-w", "-shared", "-fPIC")
_LINK_CRYPTO = ("-Wl,-Bstatic", "-lcrypto", "-Wl,-Bdynamic", "-ldl", "-lpthread", "-Wl,-Bsymbolic")
_ROOM = 2048
# `sample` number of the constant prefix with OpenSSL's block function, what `c_ossl_min` runs.
_FASTEST = 2
_LEVELS = 100
# Where the C book's answer keeps its errors and gaps, above the number of levels.
_FAULTS = 1000


class Floor:
    """The loaded C programs. Prices and amounts are integers of 10**-8."""

    DECIMALS = 8

    def __init__(self, folder: Path) -> None:
        """Builds both programs in a temporary directory.

        Raises:
            CannotMeasureError: they do not compile here, for instance without AVX-512.
        """
        with tempfile.TemporaryDirectory() as scratch:
            self._sign = _load(folder / "01_sign" / "sign.c", Path(scratch), _LINK_CRYPTO)
            self._book = _load(folder / "02_book" / "book.c", Path(scratch))
        for function in (self._sign.c_ossl_min, self._book.c_v3, self._book.c_tick3):
            function.restype, function.argtypes = ctypes.c_uint64, (ctypes.c_uint64,)

    @classmethod
    def from_environment(cls) -> Floor | None:
        """The floor that `WHITEWIRE_FLOOR` names, None where it names none."""
        folder = os.environ.get("WHITEWIRE_FLOOR")
        return cls(Path(folder)) if folder else None

    def order(self) -> bytes:
        """One request as the C loop builds it."""
        out = ctypes.create_string_buffer(_ROOM)
        length = self._sign.sample(out, _FASTEST)
        return out.raw[:length]

    def run_orders(self, count: int) -> None:
        """Builds `count` requests; price, client id and nonce change with each."""
        self._sign.c_ossl_min(count)

    def take_depth(self, frames: Sequence[bytes]) -> None:
        """Loads a snapshot and its deltas."""
        with tempfile.NamedTemporaryFile(suffix=".bin") as file:
            file.write(struct.pack("<I", len(frames)))
            for frame in frames:
                file.write(struct.pack("<I", len(frame)) + frame)
            file.flush()
            if self._book.load(file.name.encode()) != len(frames):
                raise CannotMeasureError("the C floor could not load the frames")
        self._deltas = len(frames) - 1

    def depth_levels(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]] | None:
        """(price, amount) of a hundred asks and bids after one pass; None after a fault or gap."""
        out = (ctypes.c_int64 * (4 * _LEVELS))()
        if self._book.replay3(self._deltas + 1, out) >= _FAULTS:
            return None
        rows = list(zip(out[::2], out[1::2], strict=True))
        return rows[:_LEVELS], rows[_LEVELS:]

    def run_depth(self, passes: int) -> None:
        """Takes snapshot and deltas `passes` times."""
        # The C loop begins with a snapshot and adds one after every last delta; without the very
        # last delta there are as many snapshots as passes.
        self._book.c_v3(passes * self._deltas - 1)

    def take_ticker(self, frame: bytes) -> tuple[int, ...] | None:
        """Loads a ticker; (bid, bid amount, ask, ask amount), None where it is not understood."""
        self._book.set_one(1, frame, len(frame))
        out = (ctypes.c_int64 * 5)()
        return None if self._book.tick_check3(out) else tuple(out[1:])

    def run_ticker(self, count: int) -> None:
        """Reads the ticker `count` times."""
        self._book.c_tick3(count)


def _load(source: Path, scratch: Path, link: Sequence[str] = ()) -> ctypes.CDLL:
    library = scratch / f"{source.stem}.so"
    command = [*_COMPILE, "-o", str(library), str(source), *link]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CannotMeasureError("gcc is missing, which builds the C floor") from error
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise CannotMeasureError(f"the C floor {source} does not compile: {reason}")
    return ctypes.CDLL(str(library))
