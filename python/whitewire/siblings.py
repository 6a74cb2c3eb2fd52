"""The gateways of one process, by account: what `gw.account` is.

Owns: finding one by name. Must not know: what a gateway does. Invariant: a gateway that never
started is not handed out, so nobody hedges on an account that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from whitewire.errors import UsageError

if TYPE_CHECKING:
    from whitewire.gateway import Gateway

__all__ = ["Siblings"]


class Siblings:
    """Call it with a name; what happens on that account is told to its own strategy.

    Args:
        gateways: by name.
    """

    def __init__(self, gateways: Mapping[str, Gateway]) -> None:
        self._gateways = gateways

    @property
    def names(self) -> tuple[str, ...]:
        """Every account of the process."""
        return tuple(self._gateways)

    def has_started(self, name: str) -> bool:
        """Whether an account can be called; one that was halted can, and refuses orders."""
        found = self._gateways.get(name)
        return found is not None and found.has_started

    def __call__(self, name: str) -> Gateway:
        """The gateway of an account.

        Raises:
            UsageError: it is not in the configuration, or it could not start.
        """
        found, known = self._gateways.get(name), ", ".join(self._gateways)
        if found is None:
            raise UsageError("account-unknown", f"there is no account {name}", f"known: {known}")
        if not found.has_started:
            hint = f"ask gw.account.has_started({name!r}) if you can do without it"
            raise UsageError("account-down", f"the account {name} has not started", hint)
        return found
