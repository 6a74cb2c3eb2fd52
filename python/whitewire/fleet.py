"""Several accounts in one process, each with a gateway of its own.

Owns: their life together: start, what one hears of another, stop, and what became of each. Must
not know: what a gateway does. Invariant: whatever happens to one account (a start that is refused,
a revoked key, a halt, an error of ours), the others go on; it is reported, and the run counts as
failed.

Each account has its own keys, nonces, connections, feed, gate, kill switches and recovery. They
share one thread, the throttle, the TLS context and the market list (see `sharing`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from whitewire._bridge import now_ns
from whitewire.config import split
from whitewire.errors import ConfigError, UsageError, WhitewireError
from whitewire.gateway import Gateway, GatewayState
from whitewire.lifecycle import Lifecycle
from whitewire.sharing import Shared
from whitewire.siblings import Siblings
from whitewire.strategy import Strategy

if TYPE_CHECKING:
    from whitewire.config import Config, Credentials

__all__ = ["Bystander", "Fleet"]

log = logging.getLogger("whitewire")

LOOK_S = 0.05


class Bystander(Strategy):
    """Runs on an account that has no strategy, and is reached through `gw.account` only."""

    def on_stop(self, gw: Gateway, reason: str) -> None:
        """Nothing to do: the gateway pulls what rests."""


class Fleet:
    """Runs one strategy for each account, or none.

    Args:
        strategies: by the name of the account.
        config: checked configuration.
        credentials: each account's key, by name.

    Attributes:
        members: by name, in the order of the configuration.
        failures: what ended an account before it was told to stop.
        seconds: how long each account ran.

    Raises:
        UsageError: a strategy cannot be run, or names no account.
        ConfigError: two accounts have the same key.
    """

    def __init__(
        self,
        strategies: Mapping[str, Strategy],
        config: Config,
        credentials: Mapping[str, Credentials],
    ) -> None:
        configs = split(config)
        for name in strategies:
            if name not in configs:
                raise UsageError(
                    "account-unknown",
                    f"there is no account {name} to run a strategy on",
                    f"known: {', '.join(configs)}",
                )
        _demand_different_keys(credentials)
        self._shared = Shared(config, configs)
        self.members: dict[str, Lifecycle] = {}
        for name, own in configs.items():
            strategy = strategies.get(name) or Bystander()
            self.members[name] = Lifecycle(strategy, own, credentials[name], self._shared)
        self.failures: dict[str, Exception] = {}
        self.seconds: dict[str, float] = {}
        siblings = Siblings({name: member.gateway for name, member in self.members.items()})
        for member in self.members.values():
            member.gateway.account = siblings
        self._told: dict[tuple[str, str], bool] = {}

    async def run(self) -> None:
        """Starts every account, and returns when all of them have ended."""
        loop = asyncio.get_running_loop()
        running = [loop.create_task(self._run(name)) for name in self.members]
        looking = loop.create_task(self._look())
        try:
            await asyncio.wait(running)
        finally:
            for task in (*running, looking):
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            with contextlib.suppress(asyncio.CancelledError):
                await looking

    def stop(self, reason: str) -> None:
        """Asks every account for a clean stop."""
        for member in self.members.values():
            member.stop(reason)

    @property
    def is_clean(self) -> bool:
        """Whether every account did what it should to the end."""
        return all(self.is_account_clean(name) for name in self.members)

    def is_account_clean(self, name: str) -> bool:
        """Whether one account ended as it was told, without errors, and nothing of it rests."""
        member = self.members[name]
        gateway = member.gateway
        has_erred = gateway.callbacks.errors or gateway.counts["internal-errors"]
        return member.is_clean and name not in self.failures and not has_erred

    async def _run(self, name: str) -> None:
        """One account to its end; this is the border that its errors do not pass."""
        began = now_ns()
        try:
            await self.members[name].run()
        except Exception as error:
            self.failures[name] = error
            is_ours = not isinstance(error, WhitewireError)
            log.error("account %s: %s", name, error, exc_info=error if is_ours else None)
        finally:
            self.seconds[name] = (now_ns() - began) / 1e9
            self._shared.arrived(name)

    async def _look(self) -> None:
        """Tells each strategy when another account can or cannot trade any longer."""
        while True:
            for hearer in self.members:
                if self.members[hearer].gateway.callbacks.is_open:
                    self._tell(hearer)
            await asyncio.sleep(LOOK_S)

    def _tell(self, hearer: str) -> None:
        gateway = self.members[hearer].gateway
        for name, member in self.members.items():
            state = member.gateway.state
            is_up = state is GatewayState.ACTIVE
            is_news = self._told.get((hearer, name)) is not is_up
            if name == hearer or state is GatewayState.STARTING or not is_news:
                continue
            self._told[hearer, name] = is_up
            gateway.path.enter()
            try:
                gateway.callbacks.on_connection(f"account {name}", "up" if is_up else "down")
            finally:
                gateway.path.leave()


def _demand_different_keys(credentials: Mapping[str, Credentials]) -> None:
    seen: dict[str, str] = {}
    for name, pair in credentials.items():
        other = seen.setdefault(pair.key, name)
        if other != name:
            raise ConfigError(
                "config-same-key",
                f"the accounts {other} and {name} have the same key",
                "give each account a key of its own; one account is traded by one gateway",
            )
