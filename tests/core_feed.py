"""Frames into the core the way they come in production: listener, C table, event.

Owns: an engine with its listener and a record of what they say. Must not know: what frames mean.
Invariant: nothing is decoded here; a frame is handed to the listener as picows hands it over.
"""

from __future__ import annotations

from typing import Any, cast

from picows import WSMsgType, WSTransport
from picows.picows import _make_test_ws_frame

from whitewire import _core
from whitewire._bridge import FeedListener, Path

# Limits that refuse nothing of what they are about.
NO_LIMITS = {
    "min_order_lots": 1,
    "max_order_lots": 2**63 - 1,
    "min_notional": 0,
    "max_notional": 2**127 - 1,
    "collar_ppm": 2**32 - 1,
    "max_book_age_ns": 2**63 - 1,
    "price_step": 1,
    "amount_step": 1,
}
# No frame of these tests is answered, so the listener needs no socket.
NOBODY = cast(WSTransport, None)


def new_engine(**options: str) -> _core.Engine:
    """An engine without a key, unless one is given."""
    paths = ("/api/v4/order/new", "/api/v4/order/cancel", "/api/v4/order/modify",
             "/api/v4/order/bulk")  # fmt: skip
    return _core.Engine(host="venue.test", paths=paths, id_base="ww-test-", **options)


class CoreFeed:
    """One session's engine and listener.

    Args:
        markets: (name, price decimals, amount decimals, depth) of each.
        limits: of the gate, for all of them.
        by_picows: as of the listener.
        options: `key` and `secret`, where requests are to be signed.

    Attributes:
        path: shared with order connections.
        said: what the listener told its handler, in order: ("event", kind, market, event),
            ("fault", text), ("book", market) or ("ticker", market).
    """

    def __init__(
        self,
        *markets: tuple[str, int, int, int],
        limits: dict[str, int] = NO_LIMITS,
        by_picows: bool = False,
        **options: str,
    ) -> None:
        self.engine = new_engine(**options)
        self.said: list[tuple[Any, ...]] = []
        for name, price_decimals, amount_decimals, depth in markets:
            self.engine.add_market(name, price_decimals, amount_decimals, depth, limits)
        self.path = Path(self.engine)
        self.listener = FeedListener(self.path, self, len(markets), by_picows)
        for index in range(len(markets)):
            self._watch(index)

    def _watch(self, index: int) -> None:
        self.listener.watch(
            index,
            lambda: self.said.append(("book", index)),
            lambda: self.said.append(("ticker", index)),
        )

    def feed(self, frame: str | bytes) -> list[tuple[Any, ...]]:
        """Takes one text frame, the last of its read; what was said because of it."""
        before = len(self.said)
        payload = frame.encode() if isinstance(frame, str) else frame
        self.listener.on_ws_frame(NOBODY, _make_test_ws_frame(WSMsgType.TEXT, payload, True, False))
        return self.said[before:]

    # ---- what the listener calls ------------------------------------------------------------

    def on_open(self, transport: WSTransport) -> None:
        """Never called here."""
        raise AssertionError("no socket was opened")

    def on_close(self) -> None:
        """Never called here."""
        raise AssertionError("no socket was opened")

    def on_event(self, kind: int, market: int, event: Any) -> None:
        """A cold event, or a gap."""
        self.said.append(("event", kind, market, event))

    def on_fault(self, error: Exception) -> None:
        """A frame that breaks the protocol."""
        self.said.append(("fault", str(error)))
