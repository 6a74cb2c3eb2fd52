"""Types of the compiled bridge; its manual is the docstrings of `_bridge.pyx`."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from aiofastnet.transport import Protocol as BufferedProtocol
from aiofastnet.transport import Transport
from picows import WSFrame, WSListener, WSTransport

from whitewire import _core
from whitewire.market import Market, Side
from whitewire.protocol.orders import Order

class ConnectionHandler(Protocol):
    """Who hears what happens on an `OrderConnection`."""

    def on_made(self, connection: OrderConnection) -> None:
        """The connection is usable."""

    def on_response(self, status: int, body: bytes, keep_alive: bool, now_ns: int) -> None:
        """One whole response; responses come in the order of the requests."""

    def on_written(self, now_ns: int) -> None:
        """Everything appended so far was handed to the socket."""

    def on_writable(self, writable: bool) -> None:
        """The socket's buffer filled up (False) or drained (True)."""

    def on_fault(self, error: Exception) -> None:
        """The peer broke the protocol, or a handler failed; `on_lost` follows."""

    def on_lost(self, error: Exception | None) -> None:
        """The connection is gone."""

class FeedHandler(Protocol):
    """Who hears what happens on a `FeedListener`."""

    def on_open(self, transport: WSTransport) -> None:
        """The WebSocket is open."""

    def on_close(self) -> None:
        """The WebSocket is gone."""

    def on_event(self, kind: int, market: int, event: Any) -> None:
        """A cold event (see `protocol.events`); None for a gap."""

    def on_fault(self, error: Exception) -> None:
        """The peer broke the protocol, or a handler failed; no further frame is looked at."""

class ReflexHandler(Protocol):
    """Who keeps the books of what reflexes send."""

    def on_sent(self, rows: list[tuple[int, int, bool, int, int, int, ConnectionHandler]]) -> None:
        """Requests of these (key, rule, is_move, price, amount, nonce, connection's handler) were
        handed to their sockets, in this order; nothing was told or parsed since."""

    def on_left(self, rows: list[tuple[int, int, bool, int, int, int]]) -> None:
        """The core could not send these (key, rule, is_move, price, amount, 0)."""

def now_ns() -> int:
    """Monotonic time, nanoseconds."""

def epoch_ms() -> int:
    """Wall clock, milliseconds since the epoch."""

class Path:
    """What the two ends of the hot path share: the engine, the frame's time, unsent bytes."""

    def __init__(self, engine: _core.Engine) -> None: ...
    def record(self, stage: int, nanoseconds: int) -> None:
        """Adds a duration to a stage's histogram."""

    def enter(self) -> None:
        """Begins a burst: bytes queued until the matching `leave` go out together."""

    def leave(self) -> None:
        """Ends a burst; the outermost end writes."""

class WriteHandler(Protocol):
    """Who hears what leaves on an `OrderSocket`."""

    def on_written(self, now_ns: int) -> None:
        """Everything appended so far was handed to the socket."""

class ReplyHandler(Protocol):
    """Who hears what happens on a `ReplyListener`."""

    def on_open(self, transport: WSTransport) -> None:
        """The WebSocket is open."""

    def on_close(self) -> None:
        """The WebSocket is gone."""

    def on_text(self, text: bytes, now_ns: int) -> None:
        """One whole message, and when it arrived."""

    def on_writable(self, writable: bool) -> None:
        """The socket's buffer filled up (False) or drained (True)."""

    def on_fault(self, error: Exception) -> None:
        """The peer broke the protocol, or a handler failed; no further frame is looked at."""

# Client id; time of submission; the request's length, minus the refusal's number, or 0; handler of
# the connection that took it, or None; nonce; time of the write, 0 where it waits.
Departure = tuple[str, int, int, ConnectionHandler | None, int, int]

# (time, client id, market, side, price, amount, flags) of an order before it leaves.
Announce = Callable[[int, str, Market, Side, int, int, int], None]

class SafeClock(Protocol):
    """A clock that knows whether placements may pass."""

    @property
    def is_safe(self) -> bool:
        """Whether they may."""

class TicketOwner(Protocol):
    """Who has the books of what leaves by a ticket."""

    @property
    def outlet(self) -> Outlet:
        """Where orders leave."""

    def place(self, ticket: OrderTicket, ticks: int, lots: int, tag: object = None) -> Order:
        """Places one order, whichever way."""

    def place_many(
        self, rows: list[tuple[OrderTicket, int, int]], tag: object = None
    ) -> list[Order]:
        """Places several, whichever way."""

    def booked(
        self, ticket: OrderTicket, ticks: int, lots: int, tag: object, departure: Departure
    ) -> Order:
        """Books what left by the outlet, or did not."""

class OrderTicket:
    """Orders of one kind, prepared: what a strategy in a hurry places them by."""

    @property
    def market(self) -> Market:
        """Where they are placed."""

    @property
    def side(self) -> Side:
        """Of the orders."""

    @property
    def flags(self) -> int:
        """Which request template makes them; the gateway's own."""

    def __init__(
        self, owner: TicketOwner, market: Market, side: Side, flags: int, prefix: str
    ) -> None: ...
    def limit(self, price_ticks: int, amount_lots: int, tag: object = None) -> Order:
        """Places a limit order and returns its handle at once; the ack is an event.

        A refusal, for example off the venue's grid, is an order in state REJECTED.

        Args:
            price_ticks, amount_lots: whole ticks and lots of the market, positive int64.
            tag: the strategy's own.

        Raises:
            NumberError: one is no such number.
        """

    def ladder(self, levels: Iterable[tuple[int, int]], tag: object = None) -> list[Order]:
        """Places an order at each level, as `limit` does; first to last.

        Args:
            levels: (price_ticks, amount_lots) of each.
            tag: the strategy's own.

        Raises:
            NumberError: one is no such number; nothing was placed.
        """

class Outlet:
    """Where orders get their names, and where requests leave before Python has booked them."""

    is_quick: bool
    sequence: int

    def __init__(
        self,
        path: Path,
        cells: memoryview,
        lock: int,
        announce: Announce,
        clock: SafeClock,
        reducing: dict[str, str],
    ) -> None: ...
    def is_clear(self) -> bool:
        """Whether an order may leave by it now."""

    def announce(self, ticket: OrderTicket, price: int, amount: int) -> Departure:
        """Gives an order its name, and has it recorded; a departure of nothing."""

    def place(self, ticket: OrderTicket, price: int, amount: int) -> Departure:
        """Announces a placement and writes it. Nothing is sent where there was no room, no call of
        the throttle or no nonce."""

    def keep_warm(self, announce: Announce) -> None:
        """Goes the way of the last placement's kind, as far as nothing changes by it; `announce`
        is called as the outlet's own, and records nothing."""

class Reactor:
    """Steps of the core's reflexes: bytes first, on every connection, then the books."""

    def __init__(self, outlet: Outlet, handler: ReflexHandler) -> None: ...

class FeedListener(WSListener):
    """A WebSocket session's frames, decoded and applied in the core."""

    last_frame_ns: int

    def __init__(
        self, path: Path, handler: FeedHandler, markets: int, by_picows: bool = False
    ) -> None: ...
    def watch(
        self,
        market: int,
        on_book: Callable[[], None] | None,
        on_ticker: Callable[[], None] | None,
    ) -> None:
        """Sets what is called after a market's book or ticker changed (None: nothing)."""

    def on_ws_connected(self, transport: WSTransport) -> None: ...
    def on_ws_disconnected(self, transport: WSTransport) -> None: ...
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None: ...

class FeedReader(BufferedProtocol):
    """Takes whole messages of text out of what a session's socket brings; picows reads the rest."""

    def __init__(
        self, listener: FeedListener, transport: Transport, picows: BufferedProtocol, owed: int
    ) -> None: ...

class OrderConnection(BufferedProtocol):
    """One warm HTTP/1.1 connection: requests appended, written per burst, answers parsed."""

    rank: int

    @property
    def transport(self) -> Transport | None:
        """What it writes to; None before the connection and after its loss."""

    def __init__(
        self, path: Path, handler: ConnectionHandler, parser: _core.HttpParser
    ) -> None: ...
    @property
    def in_flight(self) -> int:
        """Requests appended and not answered yet."""

    @property
    def is_open(self) -> bool:
        """Whether requests can be appended."""

    @property
    def is_paused(self) -> bool:
        """Whether the socket is full."""

    def limit(self, depth: int, cancel_reserve: int) -> None:
        """Lets the core use the connection: requests in flight at most, and further cancels."""

    def abort(self, error: Exception | None = None) -> None:
        """Drops the connection at once: `on_fault` if there is an error, and soon `on_lost`."""

    def place(
        self, market: int, flags: int, price: int, amount: int, sequence: int, nonce: int
    ) -> int:
        """Appends a placement; the request's length, or minus the refusal's number."""

    def modify(
        self, market: int, flags: int, price: int, amount: int, client_id: bytes, nonce: int
    ) -> int:
        """Appends a modification; the request's length, or minus the refusal's number."""

    def cancel(self, market: int, client_id: bytes, nonce: int) -> int:
        """Appends a cancel; never gated."""

    def cancel_ready(self, market: int, client_id: bytes, now_ms: int) -> int:
        """Appends the cancel that was signed in advance; its nonce, or 0 where none is ready."""

    def bulk(self, legs: list[tuple[int, int, int, int, int]], nonce: int) -> tuple[int, list[int]]:
        """Appends a bulk request of at most 20 (market, flags, price, amount, sequence)."""

    def append(self, request: bytes) -> bool:
        """Appends a complete request; False when it is too large or the connection is closing."""

class Spinner:
    """Keeps a loop from sleeping, and between its turns reads the feeds' sockets itself."""

    @property
    def turns(self) -> int:
        """How many turns of the loop it began."""

    @property
    def direct_reads(self) -> int:
        """How many times a feed was read past the loop, whether there was something or not."""

    def __init__(self, loop: AbstractEventLoop, looks: int, warm_ns: int = 0) -> None: ...
    def start(self) -> None:
        """Spins from the loop's next turn on."""

    def stop(self) -> None:
        """Lets the loop sleep again."""

    def watch(self, transport: Transport, read: Callable[[], object]) -> None:
        """Calls `read` of a transport again and again."""

    def forget(self, transport: Transport) -> None:
        """Reads it no longer; harmless for one that is not watched."""

    def keep_warm(self, warm: Callable[[], object]) -> None:
        """Calls it every `warm_ns`; one that raises is called no more."""

    def let_cool(self, warm: Callable[[], object]) -> None:
        """Calls it no longer; harmless for one that is not called."""

    def __call__(self) -> None:
        """One turn; the loop calls it."""

class OrderSocket(OrderConnection):
    """Order calls appended as frames to an open WebSocket; `nonce` is the id of the call."""

    def __init__(self, path: Path, handler: WriteHandler, transport: Transport) -> None: ...
    def cancel_ready(self, market: int, client_id: bytes, now_ms: int) -> int:
        """Never: what is signed in advance are requests, and a call needs no signature.

        Raises:
            NotImplementedError: always.
        """

    def bulk(self, legs: list[tuple[int, int, int, int, int]], nonce: int) -> tuple[int, list[int]]:
        """Never: the WebSocket has no such method.

        Raises:
            NotImplementedError: always.
        """

    def release(self) -> None:
        """The WebSocket is gone: nothing is written any more, and what was queued is dropped."""

class ReplyListener(FeedListener):
    """A WebSocket session's texts, handed on whole."""

    def __init__(self, path: Path, handler: ReplyHandler, markets: int) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...

class Burst:
    """Up to 20 placements at a time by an outlet: signed together, then each on its connection."""

    def __init__(self, outlet: Outlet) -> None: ...
    def send(self, legs: list[tuple[OrderTicket, int, int]], at_once: bool) -> list[Departure]:
        """Announces (ticket, price, amount) of each leg and writes those that pass."""

class Guarded:
    """A callback of the strategy, whose exceptions do not leave it."""

    def __init__(
        self,
        callback: Callable[..., None],
        name: str,
        raised: Callable[[str, Exception], None],
    ) -> None: ...
    def __call__(self, *values: object) -> None:
        """Calls it."""
