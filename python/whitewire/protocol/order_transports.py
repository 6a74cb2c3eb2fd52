"""The three ways in which orders travel.

Owns: their names. Must not know: how any of them works. Invariant: an order's states and what its
answers mean are the same whichever way it took.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["OrderTransport"]


class OrderTransport(StrEnum):
    """How placements, and what concerns them later, reach the venue."""

    PIPELINED = "pipelined"
    BULK = "bulk"
    WEBSOCKET = "websocket"
