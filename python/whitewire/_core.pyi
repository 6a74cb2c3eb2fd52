"""The native core. This stub is its manual; stubtest compares it with the compiled module.

Errors raised here are those of `whitewire.errors`: `UsageError` for what the caller got wrong,
`NumberError` for a price or amount, `PeerError` for bytes that break the venue's protocol.
"""

from decimal import Decimal
from typing import Any, ClassVar, Final, final

from whitewire._core_gate import Allowance as Allowance
from whitewire._core_gate import Guard as Guard
from whitewire._core_gate import Reflexes as Reflexes

__version__: Final[str]
build_profile: Final[str]
"""`release` or `debug`; a debug build is no basis for a measurement."""
STATES: Final[list[str]]
"""States of the gate, by number (native/src/gate/state.rs has the table)."""
REASONS: Final[list[str]]
"""Why a state is not active, by number."""
STAGES: Final[list[str]]
"""Names of the latency stages, in the order of `Engine.stage`."""
_api: Any

def refusals() -> list[tuple[int, str, str]]:
    """(number, code, reason) of everything that can keep an order from the wire."""

def scaled(text: str, decimals: int, /) -> int | None:
    """The integer of a decimal text at a scale; None where it would be rounded, or is beyond int64.

    Args:
        text: `-?digits[.digits][(e|E)[+-]digits]`.
        decimals: of the scale, -12 to 12.
    """

def usual_answer(
    answer: bytes,
    market: str,
    client_id: str,
    price_decimals: int,
    amount_decimals: int,
    is_call: bool,
    /,
) -> tuple[int, int, int, bool] | None:
    """Reads the usual answer to an order request: the order object, nothing of it dealt.

    Args:
        answer: JSON text.
        market: the venue's name of the order's market.
        client_id: our id of the order; the answer may leave it out.
        price_decimals: of the market's ticks.
        amount_decimals: of the market's lots.
        is_call: the object has the names of the WebSocket's order methods.

    Returns:
        Venue id, price in ticks, amount in lots, whether the order was canceled (it rests
        otherwise); None for any other answer, an error too.
    """

@final
class BookEvent:
    """What a frame did to a book.

    SNAPSHOT replaced it, DELTA changed it, GAP broke the `past_update_id` chain (or the book
    came out crossed) and a new subscription is needed, STALE waits for a snapshot, IGNORED was
    held already (duplicate or older), OTHER is not a depth frame of this market.
    """

    SNAPSHOT: ClassVar[BookEvent]
    DELTA: ClassVar[BookEvent]
    GAP: ClassVar[BookEvent]
    STALE: ClassVar[BookEvent]
    OTHER: ClassVar[BookEvent]
    IGNORED: ClassVar[BookEvent]

    def __int__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class Book:
    """An order book kept from `depth_update` frames, truncated to the subscribed depth.

    Args:
        market: the venue's name.
        price_decimals: decimals of prices; a frame with more is malformed, never rounded.
        amount_decimals: decimals of amounts; negative for multiples of a power of ten.
        depth: levels per side of the subscription.
    """

    def __new__(
        cls, market: str, price_decimals: int, amount_decimals: int, depth: int = 100
    ) -> Book: ...
    def apply(self, frame: bytes | bytearray | memoryview | str, recv_ns: int = 0) -> BookEvent:
        """Decodes one frame and applies it.

        Raises:
            PeerError: the frame is malformed; if it was depth of this market, the book is stale.
        """

    def bids(self, n: int | None = None) -> list[tuple[Decimal, Decimal]]:
        """(price, amount) of at most `n` levels, best first."""

    def asks(self, n: int | None = None) -> list[tuple[Decimal, Decimal]]:
        """(price, amount) of at most `n` levels, best first."""

    @property
    def best_bid(self) -> tuple[Decimal, Decimal] | None:
        """(price, amount), or None when there is none."""

    @property
    def best_ask(self) -> tuple[Decimal, Decimal] | None:
        """(price, amount), or None when there is none."""

    @property
    def mid(self) -> Decimal | None:
        """Mean of the best prices, None when a side is empty."""

    @property
    def best_bid_ticks(self) -> int | None:
        """Best bid in ticks of 10**-price_decimals."""

    @property
    def best_ask_ticks(self) -> int | None:
        """Best ask in ticks of 10**-price_decimals."""

    @property
    def update_id(self) -> int:
        """The venue's counter of the last message applied; 0 before the first."""

    @property
    def is_stale(self) -> bool:
        """Whether the levels must not be traded on."""

    @property
    def ts_exch_ns(self) -> int:
        """When the venue sent the last message, epoch ns."""

    @property
    def ts_book_ns(self) -> int:
        """The matching engine's time of the book's state, epoch ns."""

    @property
    def ts_recv_ns(self) -> int:
        """When the last frame was in hand here, monotonic ns."""

    @property
    def market(self) -> str:
        """The venue's name of the market."""

    @property
    def depth(self) -> int:
        """Levels kept per side."""

@final
class Signer:
    """An API key with its HMAC-SHA512 state precomputed; the secret itself is not kept."""

    def __new__(cls, api_key: str, api_secret: str) -> Signer: ...
    def headers(self, body: bytes) -> dict[str, str]:
        """The four headers of the venue's authentication for these very body bytes."""

@final
class OrderTemplate:
    """A limit order's request with holes: constants serialized and hashed once.

    Args:
        signer: the key.
        market, side: as `BTC_USDT`, `Side.BUY`.
        host: value of the Host header. path: endpoint, signed as `request`.
        post_only, stp, ioc, rpi, reduce_only: the venue's flags; `stp` is no, cb, cn, co or None.
        client_id_prefix: constant start of client order ids.
    """

    def __new__(
        cls, signer: Signer, *, market: str, side: str, host: str,
        path: str = "/api/v4/order/new", post_only: bool = True, stp: str | None = "cn",
        ioc: bool = False, rpi: bool = False, reduce_only: bool = False,
        client_id_prefix: str = "",
    ) -> OrderTemplate: ...  # fmt: skip
    def encode(
        self,
        *,
        price: str | int | Decimal,
        amount: str | int | Decimal,
        client_order_id: str,
        nonce: int,
    ) -> bytes:
        """A whole signed HTTP/1.1 request.

        Args:
            price, amount: positive plain decimals; a float is refused.
            client_order_id: what follows the prefix.
            nonce: unique Unix milliseconds; `nonceWindow` is always true.

        Raises:
            NumberError: a field cannot be written.
        """

@final
class RequestTemplate:
    """Signed requests of any private endpoint, for the cold path."""

    def __new__(cls, signer: Signer, host: str, path: str) -> RequestTemplate: ...
    def encode(self, fields: bytes, nonce: int) -> bytes:
        """A whole request; `fields` is the inside of a compact JSON object, may be empty."""

@final
class Histogram:
    """A log-linear histogram of durations, ns; relative error below 0.8 %."""

    def __new__(cls) -> Histogram: ...
    def record(self, nanoseconds: int) -> None:
        """Counts one duration."""

    def merge(self, other: Histogram) -> None:
        """Adds another histogram's counts."""

    def value_at(self, quantile: float) -> int:
        """The duration below which this share of all lies, ns; 0 when empty."""

    @property
    def count(self) -> int:
        """Durations counted."""

    @property
    def min(self) -> int:
        """Smallest, ns."""

    @property
    def max(self) -> int:
        """Largest, ns."""

    @property
    def mean(self) -> float:
        """Mean, ns."""

@final
class HttpParser:
    """The HTTP/1.1 response parser of one connection; any split of the bytes.

    Args:
        max_body: largest body accepted, bytes; heads are bounded at 16 KiB.
    """

    def __new__(cls, max_body: int = 4194304) -> HttpParser: ...
    def feed(self, data: bytes) -> list[tuple[int, bytes, bool]]:
        """(status, body, keep alive) of every response that these bytes complete.

        Raises:
            PeerError: malformed; terminal until `reset`.
        """

    def reset(self) -> None:
        """Forgets everything; for a new connection."""

    @property
    def _pointer(self) -> int: ...

@final
class Engine:
    """The native side of one gateway: feed, gate, templates, histograms.

    Args:
        key, secret: None for a feed only. host: Host header of the order route.
        paths: of place, cancel, modify and bulk. id_base: start of every client order id.
        pad_requests: whether a member `pad` fills single requests up to whole SHA-512 blocks; that
            the venue ignores it is untested.
    """

    def __new__(
        cls, *, key: str | None = None, secret: str | None = None, host: str,
        paths: tuple[str, str, str, str], id_base: str, pad_requests: bool = False,
    ) -> Engine: ...  # fmt: skip
    def add_market(
        self, name: str, price_decimals: int, amount_decimals: int, depth: int,
        limits: dict[str, int],
    ) -> int:  # fmt: skip
        """Adds a market with the gate's limits; its index."""

    def route_orders(self, market: int, place: str, bulk: str) -> None:
        """Sends a market's placements to these paths; modify and cancel are the same for all."""

    def client_id_prefix(self, market: int, flags: int) -> str:
        """Text before the ten sequence digits of client ids of orders with these flags."""

    def prepare(self, market: int, flags: int) -> None:
        """Builds the templates of an order, signed request and call, before the first one."""

    def presign(self, market: int, client_id: bytes, nonce: int) -> bool:
        """Signs the cancel of an order in advance, in place of an earlier one; False where there is
        no room, or the id is not one of ours."""

    def forget_presigned(self, client_id: bytes) -> None:
        """Frees the place of the cancel of an order that is done."""

    @property
    def presigned(self) -> int:
        """How many cancels lie ready."""

    def halt(self, halted: bool) -> None:
        """Stops or allows placements; cancels always pass. A new engine is halted."""

    def halt_market(self, market: int, halted: bool) -> None:
        """Stops or allows placements of one market."""

    @property
    def guard(self) -> Guard:
        """The limits, sums and states of the account."""

    @property
    def allowance(self) -> Allowance:
        """What it may spend without asking."""

    @property
    def reflexes(self) -> Reflexes:
        """Rules that act on a frame itself."""

    def on_frame(self, frame: bytes, recv_ns: int) -> int:
        """Takes one frame as the feed does, received at this time; the kind of event."""

    def take_ticker(self, frame: bytes, recv_ns: int = 0) -> tuple[int, int, int, int] | None:
        """Takes one frame; (bid, bid amount, ask, ask amount) if it was a new ticker."""

    def reset_feed(self) -> None:
        """A new session: every book is stale, every ticker invalid."""

    def fault(self) -> str:
        """Why the last frame was malformed."""

    def book(self, market: int, name: str) -> Book:
        """A live view of a market's book."""

    def ticker(self, market: int) -> tuple[int, int, int, int, int, int, int] | None:
        """(bid, bid amount, ask, ask amount, update id, time ns, received ns) or None."""

    def counters(self) -> dict[str, int]:
        """How many frames came to which end."""

    def stage(self, stage: int) -> Histogram:
        """A copy of one stage's histogram."""

    def reset_stages(self) -> None:
        """Empties every stage's histogram."""

    def take_event(self, kind: int) -> Any:
        """The cold event of the last frame, as plain tuples (see `protocol.events`)."""

    @property
    def _pointer(self) -> int: ...
