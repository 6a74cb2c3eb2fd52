"""The requests of a mass cancel on the wire, and what their answers mean.

Owns: endpoint and fields of each request, the judgement of each answer. Must not know:
connections, what is asked next. Invariant: an answer that is not understood counts as lost, never
as taken.

Rules
-----
1. A cancel of an order that the venue does not find has done its work.
2. Status 429 is a limit; another 4xx a refusal; everything else is no answer.
"""

from __future__ import annotations

from typing import Any

from whitewire.errors import VenueRefusal, WhitewireError
from whitewire.protocol import control_replies as read
from whitewire.protocol.red_button import PAGE, TIMER_S, Ask, Resting, Result, Way

__all__ = ["endpoint_of", "fields_of", "judge"]

_NOT_FOUND = 2  # of order/cancel
_ENDPOINTS = {
    Way.CANCELS: "cancel",
    Way.CANCEL_ALL: "cancel_all",
    Way.TIMERS: "kill_switch",
    Way.LIST: "open_orders",
}


def endpoint_of(ask: Ask) -> str:
    """Key of `endpoints.ENDPOINTS`."""
    return _ENDPOINTS[ask.way]


def fields_of(ask: Ask) -> dict[str, Any]:
    """The request's own fields."""
    fields: dict[str, Any] = {"market": ask.market} if ask.market else {}
    if ask.way is Way.CANCELS:
        fields["orderId"] = ask.venue_id
    elif ask.way is Way.TIMERS:
        fields["timeout"] = str(TIMER_S)
    elif ask.way is Way.LIST:
        fields |= {"limit": PAGE, "offset": ask.offset}
    return fields


def judge(ask: Ask, status: int, body: bytes) -> tuple[Result, str, list[Resting]]:
    """What became of a request, why not, and the orders of a list."""
    if status == 429:
        return Result.LIMITED, "status 429", []
    try:
        if ask.way is Way.LIST:
            ids = read.read_open_order_ids(status, body)
            return Result.TAKEN, "", [Resting(*row) for row in ids]
        if ask.way is Way.TIMERS and read.read_kill_switch(status, body) is None:
            return Result.LOST, "the venue shows no timer in its answer", []
        if 400 <= status < 500:
            raise read.refusal(status, body)
    except VenueRefusal as error:
        if ask.way is Way.CANCELS and error.venue_code == _NOT_FOUND:
            return Result.TAKEN, "", []
        return Result.REFUSED, f"status {status}: {error}", []
    except WhitewireError as error:
        return Result.LOST, str(error), []
    if 200 <= status < 300:
        return Result.TAKEN, "", []
    return Result.LOST, f"status {status}", []
