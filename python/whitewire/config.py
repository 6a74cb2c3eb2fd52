"""The configuration file: what it may hold, and one clear sentence when it is wrong.

Owns: the schema, its defaults and its checks. Must not know: how the values are used. Invariant:
a `Config` that exists is coherent; secrets are never in the file, only where they come from (see
`credentials`). Risk limits have no default.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from whitewire.accounts import demand_own_files, merged
from whitewire.credentials import AccountConfig, Credentials
from whitewire.errors import ConfigError
from whitewire.guards import RedButtonConfig, WatchdogConfig, check_guards

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
    "RecoveryConfig",
    "RedButtonConfig",
    "StartConfig",
    "ThrottleConfig",
    "VenueConfig",
    "WatchdogConfig",
    "load",
    "parse",
    "split",
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


class RecoveryConfig(_Section, frozen=True):
    """How the gateway keeps its state the venue's.

    Attributes:
        every_s: the venue is asked for orders, deals and balances this often when all is well.
        fees_every_s: the account's fees are read this often.
        foreign: active orders in our markets that are not ours are left alone, or canceled.
        drift_lag_ms: a balance that our deals do not explain for longer is alarmed; the venue's
            own lag is up to 1.5 s.
        drift_tolerance: differences up to this are rounding, units of the asset.
    """

    every_s: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 30
    fees_every_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 600
    foreign: Literal["leave", "cancel"] = "leave"
    drift_lag_ms: Annotated[int, msgspec.Meta(ge=1_500, le=60_000)] = 3_000
    drift_tolerance: Decimal = Decimal("0.00000001")


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
    """A whole configuration; see the sections.

    Attributes:
        accounts: several accounts by name, each with what it has of its own (see `accounts`);
            `split` makes a configuration of each.
    """

    venue: VenueConfig
    markets: dict[str, MarketConfig] = {}
    account: AccountConfig = AccountConfig()
    accounts: dict[str, dict[str, Any]] = {}
    orders: OrdersConfig = OrdersConfig()
    feed: FeedConfig = FeedConfig()
    kill_switch: KillSwitchConfig = KillSwitchConfig()
    recovery: RecoveryConfig = RecoveryConfig()
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
    accounts = split(config, source)
    check_guards({name: (own.red_button, own.watchdog) for name, own in accounts.items()}, source)
    for name, own in accounts.items():
        _check_markets(own, f"{source}: accounts.{name}" if config.accounts else source)
    tolerance = config.recovery.drift_tolerance
    if not tolerance.is_finite() or tolerance < 0:
        raise ConfigError(
            "config-tolerance",
            f"{source}: recovery.drift_tolerance was {tolerance}",
            "give zero or a positive number",
        )
    return config


def split(config: Config, source: str = "configuration") -> dict[str, Config]:
    """A configuration for each account, by name; `account` of each says where its key is.

    Raises:
        ConfigError: an account's table is wrong; `source` and the account are named.
    """
    if not config.accounts:
        return {config.account.name: config}
    if config.account != AccountConfig():
        raise ConfigError(
            "config-account",
            f"{source}: there are [account] and [accounts.NAME]",
            "make the one an [accounts.NAME], too",
        )
    common, trees, found = msgspec.to_builtins(config), {}, {}
    for name, own in config.accounts.items():
        try:
            trees[name] = merged(common, name, own)
            found[name] = msgspec.convert(trees[name], Config)
        except (msgspec.ValidationError, ConfigError) as error:
            text = f"{source}: accounts.{name}: {error}"
            raise ConfigError("config-account", text) from None
    try:
        demand_own_files(trees)
    except ConfigError as error:
        raise ConfigError(error.code, f"{source}: accounts: {error}") from None
    return found


def _check_urls(venue: VenueConfig, source: str) -> None:
    for name, url, schemes in (
        ("rest", venue.rest, ("https", "http")),
        ("public_rest", venue.public_rest, ("https", "http")),
        ("ws", venue.ws, ("wss", "ws")),
    ):
        if "@" in url:
            raise ConfigError(
                "config-url",
                f"{source}: venue.{name} holds a user name or password",
                "leave out what is before the @",
            )
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
