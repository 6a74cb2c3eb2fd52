"""The configuration file: what it may hold, and one clear sentence when it is wrong.

Owns: the schema, its defaults and its checks. Must not know: how the values are used. Invariant:
a `Config` that exists is coherent; secrets are never in the file, only where they come from (see
`credentials`). Risk limits have no default.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from whitewire.accounts import demand_own_files, merged
from whitewire.config_limits import (
    LimitsConfig,
    MarketConfig,
    Section,
    demand_positive,
    missing,
)
from whitewire.config_process import ProcessConfig, check_process
from whitewire.credentials import AccountConfig, Credentials
from whitewire.errors import ConfigError
from whitewire.guards import RedButtonConfig, WatchdogConfig, check_guards

__all__ = [
    "DEFAULT_POOL",
    "AccountConfig",
    "Config",
    "Credentials",
    "FeedConfig",
    "JournalConfig",
    "KillSwitchConfig",
    "LimitsConfig",
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
# Connections, and requests in flight on each.
DEFAULT_POOL = (4, 8)


class VenueConfig(Section, frozen=True):
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
    route_overrides: dict[str, Literal["colocation", "public"]] = msgspec.field(
        default_factory=dict
    )


class OrdersConfig(Section, frozen=True):
    """How orders travel.

    Attributes:
        transport: `pipelined` individual orders, `bulk` requests for ladders, or calls on a
            `websocket` of their own; `auto` takes for each burst what is measured to be quickest.
        connections: warm TLS connections (k); `auto` asks a probe at start, which places nothing.
        in_flight: unanswered requests on each (d); `auto` as for `connections`.
        burst_legs: orders that leave together at most; what `auto` sizes the pool for.
        cancel_reserve: further ones that only cancels may use.
        ack_timeout_ms: an answer later than this ends its connection and leaves Unknowns.
        stp: self-trade prevention of orders that do not say: cb, cn or co; `no` allows trades
            with oneself.
        id_prefix: starts every client order id; marks which orders are ours across restarts.
        presign_cancels: the cancel of an order that rests is signed before it is wanted.
        pad_requests: a member `pad` of zeros makes every single request cost two compressions, and
            client ids short. That the venue ignores a member that it does not know is untested,
            and no document says so: try it with one far-away order first.
    """

    transport: Literal["pipelined", "bulk", "websocket", "auto"] = "pipelined"
    connections: Annotated[int, msgspec.Meta(ge=1, le=64)] | Literal["auto"] = DEFAULT_POOL[0]
    in_flight: Annotated[int, msgspec.Meta(ge=1, le=64)] | Literal["auto"] = DEFAULT_POOL[1]
    burst_legs: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    cancel_reserve: Annotated[int, msgspec.Meta(ge=0, le=64)] = 8
    ack_timeout_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 5_000
    stp: Literal["no", "cb", "cn", "co"] = "cn"
    id_prefix: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9]{1,8}$")] = "ww"
    presign_cancels: bool = True
    pad_requests: bool = False

    @property
    def needs_probe(self) -> bool:
        """Whether anything is to be decided by measuring."""
        return "auto" in (self.transport, self.connections, self.in_flight)

    @property
    def needs_socket(self) -> bool:
        """Whether orders may travel over a WebSocket."""
        return self.transport in ("websocket", "auto")


class FeedConfig(Section, frozen=True):
    """Market data session.

    Attributes:
        depth: levels per side, one of 1, 5, 10, 20, 30, 50, 100.
        ping_interval_ms: JSON ping period; the venue closes after 60 s of silence.
        pong_timeout_ms: a pong later than this ends the session.
    """

    depth: int = 100
    ping_interval_ms: Annotated[int, msgspec.Meta(ge=100, le=50_000)] = 15_000
    pong_timeout_ms: Annotated[int, msgspec.Meta(ge=100, le=10_000)] = 10_000


class KillSwitchConfig(Section, frozen=True):
    """The venue's dead-man timer: seconds without renewal until it cancels our orders."""

    timeout_s: Annotated[int, msgspec.Meta(ge=5, le=600)] = 30


class RecoveryConfig(Section, frozen=True):
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


class ThrottleConfig(Section, frozen=True):
    """Our own rate limits, which count for this host's address.

    Attributes:
        shared: count together with the other gateways of this user on this host. A venue on this
            host is counted by each process for itself, unless there is a directory.
        directory: where the shared file is; None is the user's run-time directory
            ($XDG_RUNTIME_DIR), or the system's temporary one.
    """

    shared: bool = True
    directory: str | None = None


class JournalConfig(Section, frozen=True):
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


class StartConfig(Section, frozen=True):
    """The start: whether orders of an earlier session that still rest are canceled or kept."""

    leftovers: Literal["cancel", "keep"] = "cancel"


class Config(Section, frozen=True):
    """A whole configuration; see the sections.

    Attributes:
        accounts: several accounts by name, each with what it has of its own (see `accounts`);
            `split` makes a configuration of each.
    """

    venue: VenueConfig
    markets: dict[str, MarketConfig] = msgspec.field(default_factory=dict)
    limits: LimitsConfig = LimitsConfig()
    account: AccountConfig = AccountConfig()
    accounts: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
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
    def missing_limits(self) -> list[str]:
        """Names of the limits that a live start needs and that were not given."""
        names = missing(self.limits, self.markets)
        return names if self.latch_file is not None else [*names, "limits.state_file"]

    @property
    def latch_file(self) -> Path | None:
        """Where it is remembered that the account was killed; None where nothing is.

        By the account's name and the venue, not by its key: a new key is no way around it.
        """
        if self.limits.state_file is not None:
            return Path(self.limits.state_file)
        if self.journal.path in (None, "none"):
            return None
        venue = hashlib.sha256(self.venue.rest.encode()).hexdigest()[:8]
        return Path(self.journal.path or "") / f"latch-{self.account.name}-{venue}.json"

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
    return _located(parse(text, str(path)), Path(path).absolute().parent)


def _located(config: Config, folder: Path) -> Config:
    """With whole paths: the journal is beside the file unless it says otherwise."""
    path = config.journal.path
    if path != "none":
        path = str(folder / (path or "state"))
    journal = msgspec.structs.replace(config.journal, path=path)
    limits = config.limits
    if limits.state_file is not None:
        limits = msgspec.structs.replace(limits, state_file=str(folder / limits.state_file))
    accounts = {name: _with_latch(own, folder) for name, own in config.accounts.items()}
    return msgspec.structs.replace(config, journal=journal, limits=limits, accounts=accounts)


def _with_latch(own: dict[str, Any], folder: Path) -> dict[str, Any]:
    limits = own.get("limits", {})
    if "state_file" not in limits:
        return own
    return {**own, "limits": {**limits, "state_file": str(folder / limits["state_file"])}}


def parse(text: bytes | str, source: str = "configuration") -> Config:
    """Checks the text of a configuration; `source` names it in errors."""
    try:
        config = msgspec.toml.decode(text, type=Config)
    except msgspec.DecodeError as error:
        raise ConfigError("config-invalid", f"{source}: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError("config-invalid", f"{source}: not UTF-8 text ({error.reason})") from None
    _check_urls(config.venue, source)
    check_process(config.process, source)
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
    demand_positive(config.limits, config.markets, source)
