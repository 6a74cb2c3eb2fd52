"""The venue's dead-man timers: armed, verified, renewed, and obeyed.

Owns: carrying out what `protocol.kill_switch` decides, over REST. Must not know: why orders rest.
Invariants: a market may be quoted only while its timer is armed and will not fire before the next
renewal; a timer is deleted only when nothing of ours rests; renewals have a warm connection of
their own, so that no other call can delay them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from whitewire._bridge import now_ns
from whitewire.errors import StartupError, WhitewireError
from whitewire.protocol import control_replies as read
from whitewire.protocol.kill_switch import Alarm, Arm, Disarm, KillSwitch, SwitchState, Verify

if TYPE_CHECKING:
    from whitewire.gateway import Gateway
    from whitewire.protocol.kill_switch import Action
    from whitewire.transport.control import Control
    from whitewire.transport.lines import Lines

__all__ = ["Switches"]

log = logging.getLogger("whitewire")

ARM_TIMEOUT_S = 5.0
POLL_S = 0.01
# A renewal without an answer is given up in time for another; both fit before quoting must stop.
CALL_SHARE = 8
MAX_CALL_S = 2.0
# Well below the idle time after which a front end closes a silent connection.
WARM_NS = 20_000_000_000


class Switches:
    """See the module's documentation.

    Args:
        gateway: whose markets, and who is told whether they may be quoted.
        spawn: runs a coroutine beside the caller and minds its failure.
    """

    def __init__(
        self, gateway: Gateway, spawn: Callable[[Coroutine[Any, Any, object]], None]
    ) -> None:
        self._gateway = gateway
        self._spawn = spawn
        self._switch = KillSwitch(gateway.config.kill_switch.timeout_s)
        self._states: dict[str, SwitchState] = {}
        self._trouble = "no answer"
        self._control: Control | None = None
        self._used_ns = 0

    def open(self, lines: Lines) -> None:
        """Gets its own connection; renewals do not queue behind other calls."""
        timeout_s = self._gateway.config.kill_switch.timeout_s / CALL_SHARE
        self._control = lines.control(min(timeout_s, MAX_CALL_S))

    async def arm(self, markets: Iterable[str]) -> None:
        """Arms markets and checks that the venue shows the timers.

        Raises:
            StartupError: the venue did not, or does not show them.
        """
        await self._keep_warm()
        for name in markets:
            self._drive(self._switch.arm(name, now_ns()))
        try:
            async with asyncio.timeout(ARM_TIMEOUT_S):
                while not self._may_quote_all(markets):
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise StartupError(
                "kill-switch-refused",
                f"the venue did not arm the kill switch: {self._trouble}",
                "check that the key may call order/kill-switch",
            ) from None
        if not await self._verify() or not self._may_quote_all(markets):
            raise StartupError(
                "kill-switch-unverified",
                f"the venue does not show the kill switch as armed: {self._trouble}",
                "check that the key may call order/kill-switch/status",
            )

    def _may_quote_all(self, markets: Iterable[str]) -> bool:
        now = now_ns()
        return all(self._switch.may_quote(name, now) for name in markets)

    def check(self, now: int) -> None:
        """Renews what is due, opens and shuts markets accordingly; call ten times a second."""
        self._drive(self._switch.on_timer(now))
        self._follow()
        if self._states and now - self._used_ns >= WARM_NS:
            self._used_ns = now
            self._spawn(self._keep_warm())

    def tell_states(self) -> None:
        """Tells every market's state to a strategy that begins to listen."""
        self._states.clear()
        self._follow()

    def shorten(self) -> None:
        """Lets every timer run out as soon as it can; part of a mass cancel."""
        self._drive(self._switch.shorten(now_ns()))
        self._follow()

    async def disarm(self) -> None:
        """Disarms every market; only called when nothing rests."""
        markets = self._gateway.markets
        for name in markets:
            self._drive(self._switch.disarm(name, 0, now_ns()))
        self._follow()
        while any(self._switch.state(name) is not SwitchState.DISARMED for name in markets):
            await asyncio.sleep(POLL_S)

    def disarm_if_empty(self) -> None:
        """Disarms markets in which nothing of ours rests; after a halt."""
        for name in self._gateway.markets:
            is_set = self._switch.state(name) not in (SwitchState.DISARMED, SwitchState.DISARMING)
            if is_set and not self._gateway.store.open_orders(name):
                self._drive(self._switch.disarm(name, 0, now_ns()))
                self._follow()

    def _follow(self) -> None:
        now = now_ns()
        for name in self._gateway.markets:
            self._gateway.set_armed(name, self._switch.may_quote(name, now))
            state = self._switch.state(name)
            if self._states.get(name) is not state:
                self._states[name] = state
                self._gateway.journal.switch(name, state.value)
                self._gateway.callbacks.on_kill_switch(name, state.value)

    def _drive(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Arm):
                self._spawn(self._set_switch(action.market, str(action.timeout_s)))
            elif isinstance(action, Disarm):
                self._spawn(self._set_switch(action.market, None))
            elif isinstance(action, Verify):
                self._spawn(self._verify())
            elif isinstance(action, Alarm):
                self._gateway.counts["kill-switch-alarms"] += 1
                log.error("%s: kill switch %s: %s", action.market, action.state, action.message)

    async def _set_switch(self, market: str, timeout: str | None) -> None:
        sent = self._used_ns = now_ns()
        control = self._control or self._gateway.control
        fields = {"market": market, "timeout": timeout}
        try:
            read.read_kill_switch(*await control.call("kill_switch", fields))
        except WhitewireError as error:
            self._trouble = str(error)
            self._drive(self._switch.on_failed(market, str(error), now_ns()))
        else:
            self._drive(self._switch.on_ack(market, sent, now_ns()))
        self._follow()

    async def _keep_warm(self) -> None:
        """Between renewals of a long timer the connection must not fall asleep."""
        try:
            await (self._control or self._gateway.control).call("ping")
        except WhitewireError as error:
            log.warning("kill switch connection: %s", error)

    async def _verify(self) -> bool:
        """Hands the venue's list of timers on; False when there is none."""
        asked = now_ns()
        try:
            answer = await self._gateway.control.call("kill_switch_status")
            timers = read.read_kill_switch_status(*answer)
        except WhitewireError as error:
            self._trouble = str(error)
            log.warning("kill switch status: %s", error)
            self._drive(self._switch.on_status_failed(str(error), now_ns()))
            return False
        armed = {timer.market for timer in timers}
        self._trouble = f"it shows {', '.join(sorted(armed)) or 'none'}"
        self._drive(self._switch.on_status(armed, asked, now_ns()))
        self._follow()
        return True
