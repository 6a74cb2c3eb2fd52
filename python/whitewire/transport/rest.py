"""`gw.rest`: every endpoint of the table as one awaited, typed method.

Owns: nothing but bringing the parts together. Must not know: what the parts do. Invariant: each
name of `endpoints.ENDPOINTS` is a method (a test compares both).
"""

from __future__ import annotations

from whitewire.transport.rest_collateral import RestCollateral
from whitewire.transport.rest_public import RestPublic
from whitewire.transport.rest_spot import RestSpot

__all__ = ["Rest"]


class Rest(RestSpot, RestCollateral, RestPublic):
    """Every endpoint, off the hot path; `call` takes a name and returns what came."""
