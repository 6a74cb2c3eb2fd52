"""What a venue can be told to do differently: its address, its markets and the wire's knobs.

Owns: `VenueConfig` and `ReplayOptions` (what a user chooses on the command line) and `WireOptions`
(where the real venue's behaviour is unknown or is about to change, each alternative is a named
field with the conservative default). Must not know: sockets, the matching engine. Invariant: plain
values, no behaviour; every default is what a client should be built against.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = [
    "PayloadCheck",
    "PushOrder",
    "RateLimit",
    "ReplayOptions",
    "ServiceModel",
    "VenueConfig",
    "WireOptions",
]


class PayloadCheck(StrEnum):
    """How the decoded `X-TXC-PAYLOAD` is held against the request body."""

    BYTES = "bytes"  # the same bytes
    CANONICAL = "canonical"  # the body, parsed and written again without white space
    LENIENT = "lenient"  # the same JSON value, white space and key order aside


class ServiceModel(StrEnum):
    """Which requests wait for each other while they are served."""

    SERIAL = "serial"  # those of one connection; connections side by side
    CONCURRENT = "concurrent"  # none
    ENGINE = "engine"  # all: one engine serves every connection of both listeners


class PushOrder(StrEnum):
    """Whether the private pushes that a request causes leave before or after its reply."""

    BEFORE = "before"
    AFTER = "after"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` requests in a fixed window of `per_s` seconds."""

    limit: int
    per_s: int


@dataclass(frozen=True, slots=True)
class WireOptions:
    """Knobs of HTTP, authentication, rate limits and WebSocket; engine knobs are elsewhere."""

    payload_check: PayloadCheck = PayloadCheck.CANONICAL
    # HTTP status by the name of an `access.auth.AuthRefusal`, where it is to differ from its own.
    auth_status: Mapping[str, int] = field(default_factory=dict)
    nonce_window_ms: int = 5_000
    nonce_memory_ms: int = 10_000

    token_ttl_s: float = 60.0
    token_single_use: bool = False
    authorize_failure_code: int = 11

    # A client address that meets 429 in this many windows in a row is shut out for a while.
    rate_block_after_windows: int = 10
    rate_block_s: float = 60.0
    # Multiplies every REST limit, for tests that want to meet one quickly; at least one request
    # always passes.
    rate_scale: float = 1.0

    http_idle_s: float = 60.0
    max_head_bytes: int = 16 * 1024
    max_body_bytes: int = 1024 * 1024
    service_us: int = 0  # modelled time per order; a bulk request costs it for every leg
    service_model: ServiceModel = ServiceModel.SERIAL
    push_order: PushOrder = PushOrder.RANDOM

    ws_idle_s: float = 60.0
    # Two budgets of each connection: calls that make orders, and all others.
    ws_place_requests: RateLimit = RateLimit(10_000, 10)
    ws_requests: RateLimit = RateLimit(12_000, 10)
    # Limits of each account over all its connections, for order methods: every call, and those
    # that make orders. Their figures are not published.
    ws_user_requests: RateLimit | None = None
    ws_user_orders: RateLimit | None = None
    ws_connects: RateLimit = RateLimit(1_000, 60)
    ws_max_frame_bytes: int = 64 * 1024
    ws_max_queue_bytes: int = 4 * 1024 * 1024

    # Replies to order methods leave so much after the execution, and after its pushes, each with up
    # to the jitter on top, which lets replies swap; what is refused before the engine may leave at
    # once instead.
    ws_reply_delay_us: int = 0
    ws_reply_jitter_us: int = 0
    ws_early_refusals: bool = False
    # A modify over the WebSocket keeps the prevention mode; REST's falls back to no.
    ws_modify_keeps_stp: bool = True
    # What an order method answers to a price or amount off its market's grid: 1 or 11.
    ws_off_grid_code: int = 1
    # Whether order methods take JSON numbers for decimal texts.
    ws_takes_numbers: bool = False
    # Whether the reply of an order method has the members that only pushes are known to have.
    ws_reply_flags: bool = False

    # Order objects of REST name the order's fee ratios, as they did until 2023.
    order_fee_rates: bool = False
    # Numbers below a millionth are printed with an exponent, as the venue's ancestor did.
    exponent_text: bool = False
    # Endpoints that the colocation listener serves besides the 33; the newest guide adds
    # cancel-all and cancel-bulk.
    colocation_extra: frozenset[str] = frozenset()

    # Lists and histories call collateral types "margin limit" and so on; otherwise "limit".
    margin_type_names: bool = True
    # The collateral balance is JSON numbers, as the specification says; text was captured.
    collateral_balance_numbers: bool = False
    margin_balance_interval_ms: int = 1_500
    positions_interval_ms: int = 1_000

    depth_interval_ms: int = 100
    depth_keepalive_s: float = 10.0
    depth_silent_eviction: bool = False
    balance_interval_ms: int = 1_000
    lastprice_interval_ms: int = 1_000
    market_interval_ms: int = 1_000
    candles_interval_ms: int = 500


_SLOWEST, _FASTEST = 0.001, 1_000.0


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """A recorded feed that drives the markets it holds; `drivers.recording` has its format.

    Attributes:
        file: path of the recording; gzipped if it ends in .gz. It is read through once before
            the venue starts, and then message by message.
        loop: whether it begins anew at its end; otherwise the markets then stand still.
        speed: how much faster than it was recorded.
    """

    file: str
    loop: bool = False
    speed: float = 1.0

    def __post_init__(self) -> None:
        """Refuses what cannot be played.

        Raises:
            ValueError: says what was what.
        """
        if not isinstance(self.file, str) or not self.file:
            raise ValueError(f"the file of a replay was {self.file!r}")
        if not isinstance(self.loop, bool):
            raise ValueError(f"loop of a replay was {self.loop!r}, and is true or false")
        speed = self.speed
        is_number = isinstance(speed, int | float) and not isinstance(speed, bool)
        if not is_number or not _SLOWEST <= speed <= _FASTEST:
            raise ValueError(
                f"speed of a replay was {speed!r}, and is from {_SLOWEST} to {_FASTEST}"
            )


@dataclass(frozen=True, slots=True)
class VenueConfig:
    """What `whitewire venue` starts.

    Attributes:
        host: address to listen on.
        port: colocation REST port; public REST is `port + 1`, WebSocket `port + 2`. 0 takes any
            free port for all three.
        tls: whether to serve TLS with a certificate of our own making.
        seed: seed of the market; the same seed gives the same market.
        scenario: how the market behaves and what goes wrong when: the name of a packaged
            scenario (`scenario.scenario_names`) or the path of a TOML file.
        markets: names of the markets to open.
        accounts: how many accounts there are.
        sub_accounts: how many sub-accounts each of them has.
        control: path of a Unix socket that arms faults, see `control`; none if not given.
        replay: a recorded feed that drives those of the markets that it holds, in place of the
            scenario's traders and of the scenario's own replay.
        service_us: modelled time per order, in microseconds (`WireOptions.service_us`).
        service_model: which orders wait for each other (`WireOptions.service_model`).
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: bool = True
    seed: int = 1
    scenario: str = "calm"
    markets: tuple[str, ...] = ("BTC_USDT",)
    accounts: int = 2
    sub_accounts: int = 0
    control: str | None = None
    replay: ReplayOptions | None = None
    service_us: int = 0
    service_model: ServiceModel = ServiceModel.SERIAL
