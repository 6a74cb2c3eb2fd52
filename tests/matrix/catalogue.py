"""The rows of the matrix: every fault of the venue, in each form that a gateway can meet.

Owns: how a fault is armed in a cell and what a cell may expect of it; which faults concern no
gateway, and why. Must not know: how a cell runs. Invariant: every fault of the venue's catalogue
has a row or a reason (a test holds it), so that none is left out in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["NOT_APPLICABLE", "PHASES", "ROWS", "SOCKET_ROWS", "Row", "row_named"]

PHASES = ("quoting", "idle", "starting", "stopping")

PLACE, BULK = "/api/v4/order/new", "/api/v4/order/bulk"
CANCEL, MODIFY = "/api/v4/order/cancel", "/api/v4/order/modify"
SWITCH, TOKEN = "/api/v4/order/kill-switch", "/api/v4/profile/websocket_token"
STATUS, BALANCE = "/api/v4/order/kill-switch/status", "/api/v4/trade-account/balance"
LIST, HISTORY = "/api/v4/orders", "/api/v4/trade-account/executed-history"


@dataclass(frozen=True, slots=True)
class Row:
    """One form of one fault.

    Attributes:
        name: of the row; the fault's own name and what is special.
        fault: its name in the venue's catalogue.
        args: how it is armed.
        lasts_s: until when it may go on striking; 0 for one that strikes occasions.
        swallows: whether an order request may vanish before the venue executes it.
        is_final: nothing can be traded afterwards, so no second start is tried.
        quiet_in: phases in which it may find no occasion; that is not counted against the cell.
    """

    name: str
    fault: str
    args: dict[str, Any] = field(default_factory=dict)
    lasts_s: float = 0.0
    swallows: bool = False
    is_final: bool = False
    quiet_in: frozenset[str] = frozenset()


def _row(
    fault: str,
    label: str = "",
    *,
    lasts_s: float = 0.0,
    swallows: bool = False,
    is_final: bool = False,
    quiet_in: tuple[str, ...] = (),
    **args: Any,
) -> Row:
    if lasts_s:
        args["seconds"] = lasts_s
    name = f"{fault} {label}".strip()
    return Row(name, fault, args, lasts_s, swallows, is_final, frozenset(quiet_in))


def _on_orders(fault: str, **more: Any) -> list[Row]:
    """The fault on the next requests whatever they are, and on each kind of order request."""
    rows = [_row(fault, times=3, **more)]
    for label, path in (("cancel", CANCEL), ("modify", MODIFY), ("kill-switch", SWITCH)):
        # a start sends no modify; the leftover of an earlier session makes it send a cancel
        quiet = {"modify": ("starting", "stopping"), "kill-switch": ("quoting", "idle")}
        rows.append(_row(fault, label, times=1, path=path, quiet_in=quiet.get(label, ()), **more))
    return rows


ROWS: tuple[Row, ...] = (
    # the front refuses
    *_on_orders("http_429", swallows=True),
    *_on_orders("http_500", swallows=True),
    _row("http_502", times=3, swallows=True),
    _row("http_503_html", times=3, swallows=True),
    _row("storm_429", lasts_s=0.5, swallows=True),
    # one request or its answer
    *_on_orders("lost_request", swallows=True),
    *_on_orders("drop_rest", when="before", swallows=True),
    _row("drop_rest", "after", times=3, when="after", swallows=True),
    _row("drop_rest", "after cancel", times=1, when="after", path=CANCEL, swallows=True),
    _row("truncated_response", times=2, swallows=True),
    _row("malformed_json", times=3),
    _row("malformed_json", "list", times=2, path=LIST),
    _row("close_mid_pipeline", times=2, swallows=True),
    _row("chunked", times=5),
    *_on_orders("lost_ack", side="rest", swallows=True),
    _row("slow_ack", times=5, side="rest", ms=150),
    _row("slow_ack", "overdue", times=2, side="rest", ms=900, swallows=True),
    _row("half_open", times=2, side="rest", swallows=True),
    _row("half_open", "feed", times=1, side="ws"),
    _row("unknown_json", times=5, side="rest"),
    _row("unknown_json", "feed", times=5, side="ws"),
    # what recovery asks, while it has something to ask
    _row("http_500", "history", times=2, path=HISTORY, quiet_in=PHASES),
    _row("http_500", "list", times=2, path=LIST, quiet_in=("quoting", "idle")),
    _row("http_500", "balance", times=2, path=BALANCE, quiet_in=("quoting", "idle", "stopping")),
    _row("http_500", "status", times=2, path=STATUS, quiet_in=("quoting", "idle", "stopping")),
    _row("lost_ack", "status", times=1, path=STATUS, quiet_in=("quoting", "idle", "stopping")),
    _row("lost_request", "token", times=1, path=TOKEN, quiet_in=("quoting", "idle", "stopping")),
    # the feed
    _row("drop_ws", "before", times=1, when="before"),
    _row("drop_ws", "after", times=1, when="after"),
    _row("drop_ws", "thrice", times=3, when="before"),
    _row("stall_ws", lasts_s=0.6),
    _row("malformed_frame", times=1),
    _row("oversized_frame", times=1),
    # the book
    _row("gap", times=2, quiet_in=("stopping",)),
    _row("duplicate_delta", times=2, quiet_in=("stopping",)),
    _row("reordered_delta", times=2, quiet_in=("stopping",)),
    _row("stale_delta", times=2, quiet_in=("stopping",)),
    _row("crossed_book", times=1, quiet_in=("stopping",)),
    _row("keepalive_snapshot", times=2, quiet_in=("stopping",)),
    _row("stale_snapshot", times=1, s=0.5, quiet_in=("quoting", "idle", "stopping")),
    # private pushes and the session
    _row("private_late", times=5, ms=300),
    _row("private_duplicated", times=5),
    _row("private_missing", times=5, quiet_in=("starting",)),
    _row(
        "private_missing", "deals", times=2, method="deals_update",
        quiet_in=("starting", "stopping"),
    ),
    _row(
        "private_missing", "orders", times=3, method="ordersPending_update",
        quiet_in=("starting",),
    ),
    _row(
        "private_missing", "balances", times=1, method="balanceSpot_update",
        quiet_in=("starting", "stopping"),
    ),
    _row("private_before_ack", times=5),
    # a token is asked for at the start and when a feed comes back
    _row("expired_token", times=1, quiet_in=("quoting", "idle", "stopping")),
    _row("authorize_failed", times=1, quiet_in=("quoting", "idle", "stopping")),
    _row("kill_switch_refused", times=2, quiet_in=("quoting", "idle")),
    # the venue itself
    _row("clock_skew", "ahead", lasts_s=0.7, by_s=6.0, swallows=True),
    _row("clock_skew", "behind", lasts_s=0.7, by_s=-6.0, swallows=True),
    _row("maintenance", lasts_s=0.7, swallows=True),
    _row("maintenance", "grace", lasts_s=0.7, ws_grace_s=0.3, swallows=True),
    _row("market_delisted", market="BTC_USDT", is_final=True, swallows=True),
)  # fmt: skip

CALL, CALL_CANCEL, CALL_MODIFY = "order_limit_place", "order_cancel", "order_modify"
# While it stops nothing is placed; the order that a start cancels goes by REST.
PLACES, CANCELS = ("stopping",), ("starting",)

# Faults of the order socket, met by orders that travel there.
SOCKET_ROWS: tuple[Row, ...] = (
    _row("ws_refused", "unknown", times=3, method=CALL, swallows=True, quiet_in=PLACES),
    _row("ws_refused", "session", times=1, method=CALL, error=6, swallows=True, quiet_in=PLACES),
    _row("ws_refused", "limit", times=1, method=CALL, error=7, swallows=True, quiet_in=PLACES),
    _row("ws_refused", "cancel", times=2, method=CALL_CANCEL, error=7, swallows=True),
    _row("ws_timeout", "before", times=2, method=CALL, when="before", swallows=True,
         quiet_in=PLACES),
    _row("ws_timeout", "after", times=2, method=CALL, when="after", quiet_in=PLACES),
    _row("ws_timeout", "modify", times=1, method=CALL_MODIFY, when="after",
         quiet_in=("starting", "stopping")),
    _row("late_order", times=2, method=CALL, ms=100, quiet_in=PLACES),
    _row("drop_ws", "call", times=1, method=CALL, when="before", swallows=True, quiet_in=PLACES),
    _row("drop_ws", "call done", times=1, method=CALL, when="after", swallows=True,
         quiet_in=PLACES),
    _row("lost_ack", "call", times=1, side="ws", method=CALL_CANCEL, swallows=True,
         quiet_in=CANCELS),
    _row("half_open", "call", times=1, side="ws", method=CALL, swallows=True, quiet_in=PLACES),
)  # fmt: skip

# Faults that no cell can show, each with its reason.
NOT_APPLICABLE: dict[str, str] = {}


def row_named(name: str) -> Row:
    """The row of that name."""
    return next(row for row in ROWS if row.name == name)
