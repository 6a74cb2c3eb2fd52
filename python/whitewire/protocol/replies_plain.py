"""The usual answer to an order request, read in short: it rests, or is gone; nothing was dealt.

Owns: what the core's short reading means (native/src/decode/answer.rs). Must not know: statuses,
refusals, order states. Invariant: a short answer says what the general reader (`replies`) makes of
the same text, in the units of the order that was asked about; any other text has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from whitewire._core import usual_answer
from whitewire.protocol.order_states import Finish

if TYPE_CHECKING:
    from whitewire.protocol.orders import Order

__all__ = ["PlainAck", "plain_ack"]

_CANCELED = Finish.CANCELED  # slow to look up


class PlainAck(msgspec.Struct, frozen=True, gc=False):
    """The venue accepted; price in ticks, amount in lots, nothing dealt.

    Whatever else the general reader would find has been compared with the order.
    """

    venue_id: int
    price_ticks: int
    amount_lots: int
    finish: Finish | None


def plain_ack(order: Order, text: bytes, is_call: bool = False) -> PlainAck | None:
    """The usual order object about `order`; None for any other.

    Args:
        order: which was asked about.
        text: JSON.
        is_call: with the names of the WebSocket's order methods.
    """
    market = order.market
    found = usual_answer(
        text,
        market.name,
        order.client_id,
        market.price_decimals,
        market.amount_decimals,
        is_call,
    )
    if found is None:
        return None
    venue_id, ticks, lots, is_canceled = found
    return PlainAck(venue_id, ticks, lots, _CANCELED if is_canceled else None)
