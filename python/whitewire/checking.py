"""`whitewire check`: is this configuration ready? Asked of the file, this host and the venue.

Owns: the questions, their order, and how answers are shown. Must not know: how a gateway works.
Invariants: nothing is placed and nothing canceled; a question that fails does not keep the others
from being asked, unless they depend on it; no secret is shown.

An order endpoint is asked with an empty request, which can be neither an order nor a cancel: the
venue refuses the key if it lacks the permission, otherwise the request. Cancel-all takes an empty
request for an order to cancel everything, so it is never asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from rich.console import Console
from rich.table import Table

from whitewire import _core
from whitewire._bridge import Path, now_ns
from whitewire.checking_host import FAIL, OK, WARN, host_answers
from whitewire.config import Config, Credentials, load, split
from whitewire.credentials import describe
from whitewire.errors import PeerError, StartupError, VenueRefusal, WhitewireError
from whitewire.market import Market
from whitewire.markets import engine_limits, read_markets
from whitewire.protocol import control_replies as read
from whitewire.protocol.clock import ClockState, VenueClock
from whitewire.protocol.nonce import NonceAllocator
from whitewire.settings import Setting, settings
from whitewire.sharing import Shared
from whitewire.transport import loop
from whitewire.transport.control import Control
from whitewire.transport.probe import describe_endpoint

__all__ = ["Row", "check_command"]

PINGS = 5
CLOCK_QUESTIONS = 4
# Public data needs no key.
NOBODY = Credentials(key="nobody", secret="nobody")
PROBED = ("modify", "cancel", "kill_switch")
PROBED_SPOT = ("place", "bulk")
PROBED_COLLATERAL = ("collateral_limit", "collateral_bulk")
PAGE = 100


class Row(NamedTuple):
    """One answer; `account` is empty where it holds for all."""

    account: str
    check: str
    state: str
    detail: str


class Report:
    """The answers so far."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, check: str, state: str, detail: str, account: str = "") -> None:
        """Notes an answer."""
        self.rows.append(Row(account, check, state, detail))

    async def ask(
        self, check: str, question: Callable[[], Awaitable[str]], account: str = ""
    ) -> bool:
        """Asks; whether the answer is yes."""
        try:
            self.add(check, OK, await question(), account)
        except WhitewireError as error:
            self.add(check, FAIL, str(error), account)
        return self.rows[-1].state == OK

    @property
    def is_ready(self) -> bool:
        """Whether nothing failed."""
        return all(row.state != FAIL for row in self.rows)


def check_command(path: str, as_json: bool = False) -> int:
    """A row for each question; 1 when any answer is no.

    Raises:
        ConfigError: the file cannot be used.
    """
    config = load(path)
    report = Report()
    for answer in host_answers(config):
        report.add(*answer)
    loop.run(_ask_venue(config, report))
    effective = settings(config)
    if as_json:
        _print_json(report, effective)
    else:
        _print_tables(path, report, effective)
    return 0 if report.is_ready else 1


def _print_json(report: Report, effective: list[Setting]) -> None:
    data = {
        "ready": report.is_ready,
        "checks": [row._asdict() for row in report.rows],
        "settings": [row._asdict() for row in effective],
    }
    print(json.dumps(data, indent=2))


def _print_tables(path: str, report: Report, effective: list[Setting]) -> None:
    several = len({row.account for row in report.rows} - {""}) > 1
    table = Table(title=f"whitewire check {path}")
    for column in (*(["account"] if several else []), "check", "state", "detail"):
        table.add_column(column, overflow="fold")
    for row in report.rows:
        table.add_row(*row if several else row[1:])
    values = Table(title="settings in effect")
    for column in ("key", "value", "from"):
        values.add_column(column, overflow="fold")
    for setting in effective:
        values.add_row(setting.key, setting.value, "default" if setting.is_default else "file")
    console = Console()
    console.print(table)
    console.print(values)


@contextlib.asynccontextmanager
async def _connection(
    shared: Shared, config: Config, credentials: Credentials, clock: VenueClock | None = None
) -> AsyncIterator[Control]:
    """Connections to both routes, opened when they are used."""
    path = Path(_core.Engine(host="", paths=("", "", "", ""), id_base=""))
    signer = _core.Signer(credentials.key, credentials.secret)
    control = Control(
        *(config, shared.context(), path, signer, NonceAllocator(), shared.throttle, now_ns, clock)
    )
    try:
        yield control
    finally:
        control.close()
        await asyncio.sleep(0.05)  # lets closed connections say goodbye


# ---- the venue ------------------------------------------------------------------------------


async def _ask_venue(config: Config, report: Report) -> None:
    shared, venue = Shared(config), config.venue
    outside = msgspec.structs.replace(
        venue, route_overrides={"ping": "public", "time": "public", "markets": "public"}
    )
    inside = msgspec.structs.replace(venue, route_overrides={})
    async with (
        _connection(shared, msgspec.structs.replace(config, venue=inside), NOBODY) as inner,
        _connection(shared, msgspec.structs.replace(config, venue=outside), NOBODY) as outer,
    ):
        is_there = await report.ask("colocation route", lambda: _ping(inner, venue.rest))
        is_public_there = await report.ask("public route", lambda: _ping(outer, venue.public_rest))
        await report.ask("WebSocket host", lambda: _connect(shared, config))
        if is_there:
            await report.ask("clock", lambda: _compare_clocks(inner))
        listing = await _list_markets(outer, report) if is_public_there else None
    for name, own in split(config).items():
        _ask_limits(own, report, name)
        listed = [] if listing is None else _ask_markets(own, listing, report, name)
        await _ask_account(shared, own, report, name, inner.clock, listed)


def _ask_limits(config: Config, report: Report, account: str) -> None:
    """Whether every limit that a live start demands is given."""
    missing = config.missing_limits
    state = OK if not missing else WARN if config.is_loopback else FAIL
    detail = f"a live start needs {', '.join(missing)}" if missing else "all are given"
    report.add("limits", state, detail, account)


async def _ping(control: Control, url: str) -> str:
    """Connects, and takes the time of several answers on the warm connection."""
    spans = []
    for _ in range(PINGS + 1):
        began = now_ns()
        status, _body = await control.call("ping")
        if status != 200:
            raise PeerError("venue-unavailable", f"{url} answered a ping with HTTP {status}")
        spans.append((now_ns() - began) / 1e6)
    first, warm = spans[0], sorted(spans[1:])
    return (
        f"{url}: first answer after {first:.1f} ms with connecting, then {warm[len(warm) // 2]:.2f}"
        f" ms ({warm[0]:.2f} to {warm[-1]:.2f})"
    )


async def _connect(shared: Shared, config: Config) -> str:
    """TCP and TLS to the WebSocket's host; nothing is sent."""
    parts = urlsplit(config.venue.ws)
    url = f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"
    venue = msgspec.structs.replace(config.venue, rest=url, public_rest=url, route_overrides={})
    began = now_ns()
    config = msgspec.structs.replace(config, venue=venue)
    async with _connection(shared, config, NOBODY) as control:
        await control.open()
        return f"{url}: connected in {(now_ns() - began) / 2e6:.1f} ms"


async def _compare_clocks(control: Control) -> str:
    """How far the venue's clock is ahead of this host's; each question halves the bounds."""
    clock = control.clock
    for _ in range(CLOCK_QUESTIONS):
        await asyncio.sleep(max(clock.best_moment_ns(now_ns()) - now_ns(), 0) / 1e9)
        await control.ask_time()
    text = clock.describe(now_ns())
    if not clock.is_safe:
        raise StartupError("clock-off", text, "synchronize this host's clock (chronyc tracking)")
    return text if clock.state is ClockState.GOOD else f"{text}; synchronize this host's clock"


async def _list_markets(control: Control, report: Report) -> bytes | None:
    found: list[bytes] = []

    async def question() -> str:
        status, body = await control.call("markets")
        if status != 200:
            raise StartupError("markets-unavailable", f"the market list came with HTTP {status}")
        found.append(body)
        return f"{len(body):,} bytes"

    return found[0] if await report.ask("market list", question) else None


def _ask_markets(config: Config, listing: bytes, report: Report, account: str) -> list[Market]:
    """Whether each market is listed, and its limits allow an order there; those that are."""
    listed = []
    for name, limits in config.markets.items():
        check = f"market {name}"
        try:
            (market,) = read_markets(listing, (name,), config.markets)
            listed.append(market)
            engine_limits(market, limits)
        except WhitewireError as error:
            report.add(check, FAIL, str(error), account)
            continue
        ours = f"orders up to {limits.max_order_amount:f} and {limits.max_order_notional:f}"
        report.add(check, OK, f"{ours}; {_describe(market)}", account)
    return listed


def _describe(market: Market) -> str:
    least = market.amount(market.min_amount_lots)
    most = f" to {market.max_total:f}" if market.max_total else ""
    return (
        f"venue: tick {market.price(market.tick_size):f}, "
        f"step {market.amount(market.step_size):f}, amount from {least:f}, "
        f"total from {market.min_total:f}{most} {market.money}"
    )


# ---- accounts -------------------------------------------------------------------------------


async def _ask_account(
    shared: Shared,
    config: Config,
    report: Report,
    account: str,
    clock: VenueClock,
    listed: Sequence[Market],
) -> None:
    try:
        credentials = Credentials.from_environment(config.account)
    except WhitewireError as error:
        report.add("key", FAIL, str(error), account)
        return
    where = {half: describe(config.account, half) for half in ("key", "secret")}
    report.add("key", OK, "; ".join(f"{half} {text}" for half, text in where.items()), account)
    async with _connection(shared, config, credentials, clock) as control:
        for check, question in _questions(control).items():
            is_yes = await report.ask(check, question, account)
            if check == "account" and not is_yes:
                return
        has_collateral = any(market.is_collateral for market in listed)
        has_spot = not listed or any(not market.is_collateral for market in listed)
        if has_collateral:
            await report.ask("positions", partial(_count_positions, control), account)
        for name in (
            *(PROBED_SPOT if has_spot else ()),
            *(PROBED_COLLATERAL if has_collateral else ()),
            *PROBED,
        ):
            await report.ask(f"may {name}", partial(_probe, control, name), account)
        asked = partial(describe_endpoint, control, config, shared.context())
        await report.ask("order endpoint", asked, account)


def _questions(control: Control) -> Mapping[str, Callable[[], Awaitable[str]]]:
    """What is asked of the account with its key, by the name of the check."""

    async def balance() -> str:
        rows = read.read_balances(*await control.call("balance"))
        held = [row.asset for row in rows if Decimal(row.available) or Decimal(row.freeze)]
        return f"the key works; it holds {', '.join(held) or 'nothing'}"

    async def orders() -> str:
        rows = read.read_open_orders(*await control.call("open_orders", {"limit": PAGE}))
        more = " or more" if len(rows) >= PAGE else ""
        return f"{len(rows)}{more} orders open" if rows else "no order open"

    async def token() -> str:
        read.read_websocket_token(*await control.call("websocket_token"))
        return "private channels can be authorized"

    async def timers() -> str:
        rows = read.read_kill_switch_status(*await control.call("kill_switch_status"))
        return f"armed: {', '.join(row.market for row in rows) or 'none'}"

    return {
        "account": balance,
        "open orders": orders,
        "websocket token": token,
        "kill switch status": timers,
    }


async def _count_positions(control: Control) -> str:
    status, body = await control.call("positions")
    if status != 200:
        raise read.refusal(status, body)
    try:
        rows = msgspec.json.decode(body, type=list[object])
    except msgspec.DecodeError as error:
        raise PeerError("venue-answer", f"the positions cannot be read: {error}") from error
    return f"{len(rows)} positions open" if rows else "no position open"


async def _probe(control: Control, name: str) -> str:
    """Whether the key may call an order endpoint, by a request that cannot do anything."""
    status, body = await control.call(name, {})
    refused = read.refusal(status, body)
    if status in (401, 403):
        raise refused
    if status not in (400, 422):
        raise _unexpected(name, status, refused)
    return "permitted (an empty request was refused for being empty)"


def _unexpected(name: str, status: int, refused: VenueRefusal) -> WhitewireError:
    return PeerError(
        "venue-answer",
        f"an empty request to {name} was answered with HTTP {status}: {refused}",
        "ask again later; whether the key may call it is not known",
    )
