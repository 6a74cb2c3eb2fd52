"""The red button from within: what `gw.halt` sets going.

Owns: pressing it on a gateway that halts, and whether that was verified. Must not know: why it
halts, how requests travel. Invariants: the gate was shut before; timers are disarmed only after
the venue's lists showed nothing twice; it goes on until they do. Nothing of it runs on the hot
path: the order lanes' own cancels left before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from whitewire._bridge import now_ns
from whitewire.endpoints import Route
from whitewire.protocol.red_button import PressState, RedButton
from whitewire.transport.pressing import press

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whitewire.gateway import Gateway
    from whitewire.protocol.red_button import Ask
    from whitewire.switches import Switches
    from whitewire.transport.control import Control
    from whitewire.transport.lines import Lines

__all__ = ["Emergency"]

log = logging.getLogger("whitewire")

AGAIN_S = 1.0


class Emergency:
    """See the module's documentation.

    Args:
        gateway: which one halts.
        switches: its timers.
        spawn: runs a coroutine beside the caller and minds its failure.

    Attributes:
        is_verified: since it was pressed the venue showed twice that nothing rests.
    """

    def __init__(
        self,
        gateway: Gateway,
        switches: Switches,
        spawn: Callable[[Coroutine[Any, Any, object]], None],
    ) -> None:
        self._gateway = gateway
        self._switches = switches
        self._spawn = spawn
        self._public: Control | None = None
        self._is_pressed = False
        self.is_verified = False
        gateway.on_halt = self.press

    def open(self, lines: Lines) -> None:
        """Gets its own connections; what was pressed before begins now."""
        self._public = lines.control(is_public=True)
        if self._is_pressed:
            self._spawn(self._run(self._public))

    def press(self) -> None:
        """Cancels everything in the gateway's markets, on every path at once."""
        if self._is_pressed:
            return
        self._is_pressed = True
        if self._public is not None:
            self._spawn(self._run(self._public))

    async def _run(self, public: Control) -> None:
        gateway = self._gateway
        self._switches.shorten()
        controls = {Route.COLOCATION: (gateway.control,), Route.PUBLIC: (public,)}

        def callers(ask: Ask) -> Sequence[Control]:
            return controls[ask.route]

        deadline_ns = gateway.config.red_button.deadline_s * 1_000_000_000
        while not self.is_verified:
            markets = tuple(gateway.markets or gateway.config.markets)
            button = RedButton(markets, (), now_ns(), deadline_ns=deadline_ns)
            report = await press(button, callers, now_ns)
            if report.state is PressState.CLEAR:
                self.is_verified = True
                log.warning("halted: nothing rests, verified in %.0f ms", report.took_ns / 1e6)
                return
            gateway.counts["halt-unverified"] += 1
            log.error(
                "halted, and after %d s it is not verified that nothing rests: %s",
                gateway.config.red_button.deadline_s,
                "no list came" if report.is_blind else f"{len(report.resting)} orders are shown",
            )
            await asyncio.sleep(AGAIN_S)
