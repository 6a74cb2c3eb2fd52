"""What the core may spend by itself, kept topped up: nonces, and calls of the throttle.

Owns: the nonces set aside for the core, and the outlet that spends them. Must not know: what is
sent. Invariant: what lies aside is fresh by the venue's clock as it is known now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whitewire._bridge import Outlet
from whitewire.errors import NonceExhausted

if TYPE_CHECKING:
    from whitewire.gateway import Gateway

__all__ = ["NONCES", "Allowance"]

# As many nonces as a burst takes; renewed long before the venue's window closes, and at once when
# the clock that they were made from turned out to be off.
NONCES = 64
RENEW_NS = 1_500_000_000
FRESH_NS = 3_000_000_000
OFF_MS = 100


class Allowance:
    """See the module's documentation.

    Args:
        gateway: whose core, nonces, clock and throttle.

    Attributes:
        outlet: where requests leave at once.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._core = gateway.engine.allowance
        row = gateway.throttle.row
        self._core.set_quotas(row("cancel"), row("modify"), row("place"), row("collateral_limit"))
        cells, lock = gateway.throttle.native()
        self.outlet = Outlet(
            gateway.path, cells, lock, gateway.journal.placed, gateway.clock, gateway.reducing
        )
        self._renew_ns = 0

    def spent(self, now: int) -> None:
        """Something was sent: tops up what runs low; nothing of what is left is lost."""
        if self._core.nonces_left(now) < NONCES // 2:
            first = self._reserve(self._gateway.clock.epoch_ms(now))
            if first is not None:
                self._core.add_nonces(first, NONCES, now + FRESH_NS)

    def check(self, now: int) -> None:
        """Housekeeping; call about ten times a second: what is old is replaced."""
        epoch_ms = self._gateway.clock.epoch_ms(now)
        is_off = abs(self._core.epoch_ms(now) - epoch_ms) > OFF_MS
        if not is_off and now < self._renew_ns:
            return
        self._core.set_clock(epoch_ms, now)
        first = self._reserve(epoch_ms)
        if first is not None:
            self._renew_ns = now + RENEW_NS
            self._core.set_nonces(first, NONCES, now + FRESH_NS)

    def _reserve(self, epoch_ms: int) -> int | None:
        """The first of a row; None where there is none, and those that are left stay."""
        try:
            return self._gateway.nonces.reserve(NONCES, epoch_ms)
        except NonceExhausted:
            return None
