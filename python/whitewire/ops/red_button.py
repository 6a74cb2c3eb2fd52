"""The red button as a process of its own, and `whitewire cancel-all`.

Owns: its key, its connections, what it prints. Must not know: what is asked when (see
`protocol.red_button`). Invariants: nothing of it depends on the gateway's process, whose death,
hang or health changes nothing; exit code 0 only when the venue's own list showed nothing, twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from whitewire._bridge import now_ns
from whitewire.config import Config, load, split
from whitewire.credentials import AccountConfig, Credentials
from whitewire.endpoints import Route
from whitewire.errors import UsageError, WhitewireError
from whitewire.protocol.heartbeat import Word
from whitewire.protocol.red_button import Ask, PressState, RedButton, Report, Way
from whitewire.transport import loop
from whitewire.transport.heartbeat import HeartbeatReader, heartbeat_path, is_running
from whitewire.transport.lines import standalone
from whitewire.transport.pressing import ATTEMPT_S, press

if TYPE_CHECKING:
    from whitewire.transport.control import Control

__all__ = ["Button", "cancel_all_command", "chosen", "credentials_of", "report_as_json"]

log = logging.getLogger("whitewire")

IN_FLIGHT = 16  # cancels on each connection


def credentials_of(config: Config) -> Credentials:
    """The red button's own key, or the account's when it has none.

    Raises:
        ConfigError: a variable is unset or empty.
    """
    own = config.red_button
    if own.key_env is None or own.secret_env is None:
        return Credentials.from_environment(config.account)
    return Credentials.from_environment(
        AccountConfig(key_env=own.key_env, secret_env=own.secret_env)
    )


class Button:
    """The connections of a red button, each path with its own; can be kept warm and pressed.

    Args:
        config: where the venue is, which markets have timers.
        credentials: the key.

    Raises:
        ConfigError, UsageError: the certificate authority or the key cannot be used.
    """

    def __init__(self, config: Config, credentials: Credentials) -> None:
        self._config = config
        lines = standalone(config, credentials)
        self._lines = lines

        def each(is_public: bool) -> tuple[Control, ...]:
            return (lines.control(ATTEMPT_S, is_public=is_public),)

        cancels = [lines.control(ATTEMPT_S) for _ in range(config.red_button.connections)]
        # A path that hangs must not hold up another one, so they share no connection.
        self._controls: dict[tuple[Way, Route], Sequence[Control]] = {
            (Way.CANCELS, Route.COLOCATION): tuple(cancels),
            (Way.CANCELS, Route.PUBLIC): each(True),
            (Way.CANCEL_ALL, Route.PUBLIC): (lines.control(ATTEMPT_S),),
            **{
                (way, route): each(route is Route.PUBLIC)
                for way in (Way.TIMERS, Way.LIST)
                for route in Route
            },
        }

    def _callers(self, ask: Ask) -> Sequence[Control]:
        return self._controls[ask.way, ask.route]

    async def warm(self) -> None:
        """Opens what is closed and keeps it from falling asleep; says what cannot be reached."""

        async def ping(control: Control) -> None:
            try:
                async with asyncio.timeout(ATTEMPT_S):
                    await control.call("ping")
            except (WhitewireError, TimeoutError) as error:
                log.warning("red button: a connection is not ready: %s", error or "no answer")

        paths = (path for path in self._controls if path[0] is not Way.CANCEL_ALL)
        await asyncio.gather(*(ping(c) for path in paths for c in self._controls[path]))
        (public,) = self._controls[Way.CANCEL_ALL, Route.PUBLIC]
        try:
            await public.open()
        except WhitewireError as error:
            log.warning("red button: a connection is not ready: %s", error)

    async def _compare_clocks(self) -> None:
        """Lets nonces follow the venue's clock; where that fails this host's has to do."""
        (zone,) = self._controls[Way.LIST, Route.COLOCATION]
        try:
            async with asyncio.timeout(ATTEMPT_S):
                await zone.ask_time()
        except (WhitewireError, TimeoutError) as error:
            log.warning("the venue does not tell its time: %s", error or "no answer")

    async def press(self, market: str | None = None) -> Report:
        """Cancels every order of the account, or of one market, and waits for the proof."""
        comparing = asyncio.get_running_loop().create_task(self._compare_clocks())
        try:
            return await self._press(market)
        finally:
            comparing.cancel()
            await asyncio.gather(comparing, return_exceptions=True)

    async def _press(self, market: str | None) -> Report:
        config = self._config
        button = RedButton(
            (market or "",),
            (market,) if market else tuple(config.markets),
            now_ns(),
            deadline_ns=config.red_button.deadline_s * 1_000_000_000,
            budget=config.red_button.connections * IN_FLIGHT,
        )
        return await press(button, self._callers, now_ns)

    async def close(self) -> None:
        """Closes every connection."""
        self._lines.close()
        await asyncio.sleep(0.02)  # lets them say goodbye


# ---- the command ----------------------------------------------------------------------------


def chosen(path: str, account: str | None) -> dict[str, Config]:
    """The configuration of every account of a file, or of one of them.

    Raises:
        ConfigError: the file cannot be used.
        UsageError: it has no such account.
    """
    configs = split(load(path))
    if account is None:
        return configs
    if account not in configs:
        raise UsageError(
            "account-unknown", f"{path} has no account {account}", f"known: {', '.join(configs)}"
        )
    return {account: configs[account]}


def cancel_all_command(path: str, market: str | None, account: str | None, as_json: bool) -> int:
    """`whitewire cancel-all`: 0 only when the venue shows nothing open on any account."""
    configs = chosen(path, account)
    halted = {name: None if market else _ask_gateway_to_halt(own) for name, own in configs.items()}
    reports = loop.run(_press_all(configs, market))
    failed = {name: row for name, row in reports.items() if isinstance(row, WhitewireError)}
    for name, report in reports.items():
        if isinstance(report, WhitewireError):
            if len(reports) == 1:
                raise report
            log.error("account %s: %s", name, report)
        elif as_json:
            more = {"account": name, "halted_pid": halted[name]}
            print(json.dumps(report_as_json(report, market) | more))
        else:
            whose = "the account" if len(reports) == 1 else f"account {name}"
            where = f"{market} of {whose}" if market and len(reports) > 1 else market or whose
            _print(report, where, halted[name])
    clear = [row.state is PressState.CLEAR for row in reports.values() if isinstance(row, Report)]
    return 0 if all(clear) and not failed else 1


async def _press_all(
    configs: Mapping[str, Config], market: str | None
) -> dict[str, Report | WhitewireError]:
    """Every account at once; one whose key is missing does not stop the others."""

    async def one(config: Config) -> Report | WhitewireError:
        try:
            return await _press_once(config, credentials_of(config), market)
        except WhitewireError as error:
            return error

    reports = await asyncio.gather(*map(one, configs.values()))
    return dict(zip(configs, reports, strict=True))


def _ask_gateway_to_halt(config: Config) -> int | None:
    """A gateway that lives on this host would quote again: it is asked to halt; its pid."""
    reader = HeartbeatReader(heartbeat_path(config))
    with contextlib.closing(reader):
        try:
            beat = reader.read()
        except WhitewireError as error:
            log.warning("no gateway is told to halt: %s", error)
            return None
        if beat is None or not is_running(beat):
            return None
        reader.set(Word.HALT)
        return beat.pid


async def _press_once(config: Config, credentials: Credentials, market: str | None) -> Report:
    button = Button(config, credentials)
    try:
        return await button.press(market)
    finally:
        await button.close()


def report_as_json(report: Report, market: str | None) -> dict[str, Any]:
    """The report as it is printed and logged; times in ms."""
    return {
        "clear": report.state is PressState.CLEAR,
        "market": market,
        "took_ms": report.took_ns // 1_000_000,
        "canceled": report.canceled,
        "resting": None if report.is_blind else [row._asdict() for row in report.resting],
        "paths": [
            {
                "path": row.way.value,
                "route": row.route.value,
                "sent": row.sent,
                "taken": row.taken,
                "failed": row.failed,
                "took_ms": None if row.took_ns is None else row.took_ns // 1_000_000,
                "trouble": row.trouble,
            }
            for row in report.paths
        ],
    }


def _print(report: Report, where: str, halted: int | None) -> None:
    table = Table("path", "route", "sent", "taken", "failed", "last taken", "trouble")
    for row in report.paths:
        took = "-" if row.took_ns is None else f"{row.took_ns / 1e6:.0f} ms"
        counts = (str(row.sent), str(row.taken), str(row.failed))
        table.add_row(row.way, row.route, *counts, took, row.trouble)
    Console().print(table)
    if halted is not None:
        print(f"the gateway with pid {halted} was told to halt")
    took_ms = report.took_ns // 1_000_000
    if report.state is PressState.CLEAR:
        print(f"no order is open on {where}, verified after {took_ms} ms")
    elif report.is_blind:
        print(f"NOT VERIFIED within {took_ms} ms: the venue never showed its list of open orders")
    else:
        print(f"NOT CLEAR within {took_ms} ms: {len(report.resting)} orders open on {where}")
