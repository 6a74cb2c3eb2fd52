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
        """Something was sent: tops up what runs low."""
        if self._core.nonces_left(now) < NONCES // 2:
            self._renew(now)

    def check(self, now: int) -> None:
        """Housekeeping; call about ten times a second: what is old or low is replaced."""
        is_off = abs(self._core.epoch_ms(now) - self._gateway.clock.epoch_ms(now)) > OFF_MS
        if is_off or now >= self._renew_ns or self._core.nonces_left(now) < NONCES // 2:
            self._renew(now)

    def _renew(self, now: int) -> None:
        epoch_ms = self._gateway.clock.epoch_ms(now)
        self._core.set_clock(epoch_ms, now)
        try:
            first = self._gateway.nonces.reserve(NONCES, epoch_ms)
        except NonceExhausted:
            return  # those that are left stay; without any the core leaves everything to us
        self._renew_ns = now + RENEW_NS
        self._core.set_nonces(first, NONCES, now + FRESH_NS)
