"""The configuration file: what it may hold, and one clear sentence when it is wrong.

Owns: the schema, its defaults and its checks. Must not know: how the values are used. Invariant:
a `Config` that exists is coherent; secrets are never in the file, only the names of the
environment variables that hold them. Risk limits have no default.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from whitewire.errors import ConfigError

__all__ = [
    "AccountConfig",
    "Config",
    "Credentials",
    "FeedConfig",
    "KillSwitchConfig",
    "LimitsConfig",
    "MarketConfig",
    "OrdersConfig",
    "ProcessConfig",
    "ThrottleConfig",
    "VenueConfig",
    "load",
    "parse",
]

# The depths that the venue's depth channel serves.
DEPTHS = (1, 5, 10, 20, 30, 50, 100)


class _Section(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A table of the file; unknown keys are errors."""


class VenueConfig(_Section, frozen=True):
    """Where the venue is.

    Attributes:
        rest: base URL of the colocation REST host.
        public_rest: base URL of the public REST host.
        ws: WebSocket URL.
        ca: PEM file of a private certificate authority; None uses the system's.
        route_overrides: endpoint name to "colocation" or "public".
    """

    rest: str
    public_rest: str
    ws: str
    ca: str | None = None
    route_overrides: dict[str, Literal["colocation", "public"]] = {}


class AccountConfig(_Section, frozen=True):
    """Which environment variables hold the key."""

    key_env: str = "WHITEWIRE_KEY"
    secret_env: str = "WHITEWIRE_SECRET"


class OrdersConfig(_Section, frozen=True):
    """How orders travel.

    Attributes:
        transport: `pipelined` individual orders, or `bulk` requests for ladders.
        connections: warm TLS connections (k).
        in_flight: unanswered requests on each (d).
        cancel_reserve: further ones that only cancels may use.
        ack_timeout_ms: an answer later than this ends its connection and leaves Unknowns.
        stp: self-trade prevention of orders that do not say: cb, cn or co; `no` allows trades
            with oneself.
        id_prefix: starts every client order id; marks which orders are ours across restarts.
    """

    transport: Literal["pipelined", "bulk"] = "pipelined"
    connections: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    in_flight: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    cancel_reserve: Annotated[int, msgspec.Meta(ge=0, le=64)] = 8
    ack_timeout_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 5_000
    stp: Literal["no", "cb", "cn", "co"] = "cn"
    id_prefix: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9]{1,8}$")] = "ww"


class FeedConfig(_Section, frozen=True):
    """Market data session.

    Attributes:
        depth: levels per side, one of 1, 5, 10, 20, 30, 50, 100.
        ping_interval_ms: JSON ping period; the venue closes after 60 s of silence.
        pong_timeout_ms: a pong later than this ends the session.
    """

    depth: int = 100
    ping_interval_ms: Annotated[int, msgspec.Meta(ge=100, le=50_000)] = 15_000
    pong_timeout_ms: Annotated[int, msgspec.Meta(ge=100, le=10_000)] = 10_000


class KillSwitchConfig(_Section, frozen=True):
    """The venue's dead-man timer: seconds without renewal until it cancels our orders."""

    timeout_s: Annotated[int, msgspec.Meta(ge=5, le=600)] = 30


class ThrottleConfig(_Section, frozen=True):
    """Our own rate limits, which count for this host's address.

    Attributes:
        shared: count together with the other gateways of this user on this host. A venue on this
            host is counted by each process for itself, unless there is a directory.
        directory: where the shared file is; None is the user's run-time directory
            ($XDG_RUNTIME_DIR), or the system's temporary one.
    """

    shared: bool = True
    directory: str | None = None


class ProcessConfig(_Section, frozen=True):
    """The process: the CPU to pin the hot thread to (None: not pinned)."""

    cpu: Annotated[int, msgspec.Meta(ge=0)] | None = None


Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Window = Annotated[int, msgspec.Meta(ge=1, le=86_400_000)]


class LimitsConfig(_Section, frozen=True):
    """Limits of the account, in the money of its markets (see `MarketConfig.money_rate`).

    Attributes:
        max_open_orders: most open orders, Unknown ones included. Live: must be given.
        max_open_notional: most price times amount of all open orders. Live: must be given.
        max_loss: most that may be lost from midnight UTC (or the start) on, open positions
            valued at the book's mid; beyond it the account is KILLED. Live: must be given.
        max_drawdown: the same from the highest equity since the start. Live: must be given.
        state_file: where KILLED is remembered across restarts. Live: must be given.
        orders_per_s, order_burst: rate of placements and changes, and how many at once.
        cancels_per_s, cancel_burst: rate of cancels above which placements wait, never cancels.
        max_rejects, reject_window_s: more refusals of the venue within the window (those of
            post-only orders that would take do not count) make the account REDUCING for as long;
            more than twice as many halt it. 0 for any.
    """

    max_open_orders: Count | None = None
    max_open_notional: Decimal | None = None
    max_loss: Decimal | None = None
    max_drawdown: Decimal | None = None
    state_file: str | None = None
    orders_per_s: Count | None = None
    order_burst: Count = 20
    cancels_per_s: Count | None = None
    cancel_burst: Count = 100
    max_rejects: Annotated[int, msgspec.Meta(ge=0, le=500)] = 20
    reject_window_s: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 5


class MarketConfig(_Section, frozen=True):
    """Risk limits of one market; the first two have no default.

    Attributes:
        max_order_amount: largest amount of one order, stock.
        max_order_notional: largest price times amount of one order, money.
        max_open_orders, max_open_notional: of the market's open orders. Live: must be given.
        max_side_orders, max_side_notional: of one side's open orders; None for no further limit.
        max_position: largest position either way, with every open order of that side filled,
            stock; counted from the start, or from the venue's word where it has one. Live: must
            be given.
        collar_percent: farthest a price may be from the book's mid.
        max_move_percent, move_window_s: a mid that moved farther within the window makes the
            market REDUCING for as long; None for any.
        max_book_age_ms: no order is sent when the book heard nothing for longer; the venue
            repeats a silent book every 10 s.
        duplicate_ms: the same side, price and amount again within this time is refused; 0 never.
        allow_self_cross: whether an order may be sent that would meet one of our own.
        max_fills, max_fill_amount, fill_window_ms: more fills, or more stock filled, within the
            window halt the market; None for any.
        frozen_s: for how long; 0 until `gw.resume`.
        max_repeats, repeat_window_s: as many filled orders of one side and price within the
            window halt the account until `whitewire arm`; None for any.
        money_rate: units of the account's money for one of this market's; needed where markets
            differ in their money.
    """

    max_order_amount: Decimal
    max_order_notional: Decimal
    max_open_orders: Count | None = None
    max_open_notional: Decimal | None = None
    max_side_orders: Count | None = None
    max_side_notional: Decimal | None = None
    max_position: Decimal | None = None
    collar_percent: Decimal = Decimal(2)
    max_move_percent: Decimal | None = None
    move_window_s: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 5
    max_book_age_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 11_000
    duplicate_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] = 0
    allow_self_cross: bool = False
    max_fills: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = None
    max_fill_amount: Decimal | None = None
    fill_window_ms: Window = 1_000
    frozen_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0
    max_repeats: Annotated[int, msgspec.Meta(ge=2, le=1_000)] | None = None
    repeat_window_s: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 60
    money_rate: Decimal | None = None


# What a live start demands of a person: by name, none has a default.
DEMANDED = ("max_open_orders", "max_open_notional", "max_loss", "max_drawdown", "state_file")
DEMANDED_OF_MARKETS = ("max_open_orders", "max_open_notional", "max_position")


class Config(_Section, frozen=True):
    """A whole configuration; see the sections."""

    venue: VenueConfig
    markets: dict[str, MarketConfig]
    limits: LimitsConfig = LimitsConfig()
    account: AccountConfig = AccountConfig()
    orders: OrdersConfig = OrdersConfig()
    feed: FeedConfig = FeedConfig()
    kill_switch: KillSwitchConfig = KillSwitchConfig()
    throttle: ThrottleConfig = ThrottleConfig()
    process: ProcessConfig = ProcessConfig()

    @property
    def missing_limits(self) -> list[str]:
        """Names of the limits that a live start needs and that were not given."""
        names = [f"limits.{n}" for n in DEMANDED if getattr(self.limits, n) is None]
        for market, limits in self.markets.items():
            missing = [n for n in DEMANDED_OF_MARKETS if getattr(limits, n) is None]
            names += [f"markets.{market}.{n}" for n in missing]
        return names

    @property
    def is_loopback(self) -> bool:
        """Whether every host of the venue is this machine: a rehearsal, not live trading."""
        urls = (self.venue.rest, self.venue.public_rest, self.venue.ws)
        return all(urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"} for url in urls)


class Credentials(_Section, frozen=True):
    """The account's key; read from the environment, never printed."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "<Credentials>"

    @classmethod
    def from_environment(cls, account: AccountConfig) -> Credentials:
        """Reads the variables that `account` names.

        Raises:
            ConfigError: one of them is unset or empty.
        """
        values = {}
        for field, name in (("key", account.key_env), ("secret", account.secret_env)):
            values[field] = os.environ.get(name, "").strip()
            if not values[field]:
                raise ConfigError(
                    "config-no-key",
                    f"the environment variable {name} is not set",
                    f"export {name} with the account's API {field}",
                )
        return cls(**values)


def load(path: str | Path) -> Config:
    """Reads and checks a TOML file.

    Raises:
        ConfigError: missing, unreadable, malformed or incoherent; the text names the place.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            "config-unreadable", f"{path}: {error.strerror}", "give the path of a TOML file"
        ) from None
    return parse(text, str(path))


def parse(text: bytes | str, source: str = "configuration") -> Config:
    """Checks the text of a configuration; `source` names it in errors."""
    try:
        config = msgspec.toml.decode(text, type=Config)
    except msgspec.DecodeError as error:
        raise ConfigError("config-invalid", f"{source}: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError("config-invalid", f"{source}: not UTF-8 text ({error.reason})") from None
    _check_urls(config.venue, source)
    _check_markets(config, source)
    return config


def _check_urls(venue: VenueConfig, source: str) -> None:
    for name, url, schemes in (
        ("rest", venue.rest, ("https", "http")),
        ("public_rest", venue.public_rest, ("https", "http")),
        ("ws", venue.ws, ("wss", "ws")),
    ):
        try:
            parts = urlsplit(url)
            valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise ConfigError(
                "config-url",
                f"{source}: venue.{name} was {url!r}",
                f"give a URL that starts with {schemes[0]}://",
            )
    if venue.ca is not None and not Path(venue.ca).is_file():
        raise ConfigError(
            "config-ca", f"{source}: venue.ca was {venue.ca!r}", "give the path of a PEM file"
        )


def _check_markets(config: Config, source: str) -> None:
    if config.feed.depth not in DEPTHS:
        raise ConfigError(
            "config-depth",
            f"{source}: feed.depth was {config.feed.depth}",
            f"the venue serves {', '.join(map(str, DEPTHS))}",
        )
    if not config.markets:
        raise ConfigError(
            "config-no-market", f"{source}: no market", "add a [markets.NAME] section"
        )
    sections = {f"markets.{name}": market for name, market in config.markets.items()}
    for name, section in {"limits": config.limits, **sections}.items():
        for field in section.__struct_fields__:
            value = getattr(section, field)
            if isinstance(value, Decimal) and (not value.is_finite() or value <= 0):
                raise ConfigError(
                    "config-limit",
                    f"{source}: {name}.{field} was {value}",
                    "give a positive number",
                )
