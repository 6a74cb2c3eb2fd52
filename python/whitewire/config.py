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
    "JournalConfig",
    "KillSwitchConfig",
    "MarketConfig",
    "OrdersConfig",
    "ProcessConfig",
    "RedButtonConfig",
    "StartConfig",
    "ThrottleConfig",
    "VenueConfig",
    "WatchdogConfig",
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


class RedButtonConfig(_Section, frozen=True):
    """Canceling everything from outside: `whitewire cancel-all` and the watchdog.

    Attributes:
        key_env, secret_env: environment variables of a key of its own for the same account; None
            uses the account's.
        connections: connections for cancels in the zone.
        deadline_s: how long it tries until the venue shows nothing open.
    """

    key_env: str | None = None
    secret_env: str | None = None
    connections: Annotated[int, msgspec.Meta(ge=1, le=16)] = 3
    deadline_s: Annotated[int, msgspec.Meta(ge=1, le=600)] = 20


class WatchdogConfig(_Section, frozen=True):
    """The process beside the gateway that presses the red button when its heart stops.

    Attributes:
        heartbeat: file in which the gateway beats; None for one in the runtime directory.
        warn_ms: silence that is reported.
        act_ms: silence after which it acts.
        kill: whether the hung process is killed afterwards.
        incidents: file to which each act adds a line of JSON; None for one in the state directory.
    """

    heartbeat: str | None = None
    warn_ms: Annotated[int, msgspec.Meta(ge=150, le=60_000)] = 250
    act_ms: Annotated[int, msgspec.Meta(ge=200, le=60_000)] = 1_000
    kill: bool = True
    incidents: str | None = None


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


class JournalConfig(_Section, frozen=True):
    """The book of record.

    Attributes:
        path: folder of the journals, one for each account; relative to the configuration file.
            `none` keeps none, which only a venue on this machine allows.
        durable_ms: how long a record waits at most until it is being made durable.
        segment_mib: size of a file of the journal.
        queue_limit: more records than these waiting for the disk halt the gateway.
    """

    path: str | None = None
    durable_ms: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10
    segment_mib: Annotated[int, msgspec.Meta(ge=1, le=4_096)] = 64
    queue_limit: Annotated[int, msgspec.Meta(ge=100, le=10_000_000)] = 100_000


class StartConfig(_Section, frozen=True):
    """The start: whether orders of an earlier session that still rest are canceled or kept."""

    leftovers: Literal["cancel", "keep"] = "cancel"


class MarketConfig(_Section, frozen=True):
    """Product and risk limits of one market; the first two limits have no default.

    Attributes:
        max_order_amount: largest amount of one order, stock.
        max_order_notional: largest price times amount of one order, money.
        collar_percent: farthest a price may be from the book's mid.
        max_book_age_ms: no order is sent when the book heard nothing for longer; the venue
            repeats a silent book every 10 s.
        product: None is what the venue's list says, spot or futures; "margin" trades a spot market
            against collateral.
        leverage: set and verified at start, futures and margin only; None leaves the account's.
            The venue has one leverage for the whole account, so every market must agree.
    """

    max_order_amount: Decimal
    max_order_notional: Decimal
    collar_percent: Decimal = Decimal(2)
    max_book_age_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 11_000
    product: Literal["spot", "margin", "futures"] | None = None
    leverage: Literal[1, 2, 3, 5, 10, 20, 50, 100] | None = None


class Config(_Section, frozen=True):
    """A whole configuration; see the sections."""

    venue: VenueConfig
    markets: dict[str, MarketConfig]
    account: AccountConfig = AccountConfig()
    orders: OrdersConfig = OrdersConfig()
    feed: FeedConfig = FeedConfig()
    kill_switch: KillSwitchConfig = KillSwitchConfig()
    throttle: ThrottleConfig = ThrottleConfig()
    process: ProcessConfig = ProcessConfig()
    red_button: RedButtonConfig = RedButtonConfig()
    watchdog: WatchdogConfig = WatchdogConfig()
    journal: JournalConfig = JournalConfig()
    start: StartConfig = StartConfig()

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
    return _with_journal(parse(text, str(path)), Path(path))


def _with_journal(config: Config, source: Path) -> Config:
    """The journal's folder, which is beside the file unless it says otherwise."""
    path = config.journal.path
    if path != "none":
        path = str(source.absolute().parent / (path or "state"))
    journal = msgspec.structs.replace(config.journal, path=path)
    return msgspec.structs.replace(config, journal=journal)


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
    _check_guards(config, source)
    return config


def _check_guards(config: Config, source: str) -> None:
    if (config.red_button.key_env is None) != (config.red_button.secret_env is None):
        raise ConfigError(
            "config-red-button",
            f"{source}: red_button names only one of key_env and secret_env",
            "name both, or neither to use the account's key",
        )
    if config.watchdog.act_ms <= config.watchdog.warn_ms:
        raise ConfigError(
            "config-watchdog",
            f"{source}: watchdog.act_ms was {config.watchdog.act_ms}, and warn_ms "
            f"{config.watchdog.warn_ms}",
            "act later than you warn",
        )


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
    leverages = {market.leverage for market in config.markets.values() if market.leverage}
    if len(leverages) > 1:
        raise ConfigError(
            "config-leverage",
            f"{source}: markets have leverages of {', '.join(map(str, sorted(leverages)))}",
            "the venue has one leverage for the whole account; give the same to each",
        )
    for name, market in config.markets.items():
        for field in ("max_order_amount", "max_order_notional", "collar_percent"):
            value = getattr(market, field)
            if not value.is_finite() or value <= 0:
                raise ConfigError(
                    "config-limit",
                    f"{source}: markets.{name}.{field} was {value}",
                    "give a positive number",
                )
