"""What a run did, as data and as tables.

Owns: the summary of a gateway. Must not know: where it is printed. Invariant: every number comes
from a counter or a histogram of the run; the tables show what the data holds, no more.
"""

from __future__ import annotations

import resource
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table

from whitewire import _core
from whitewire.protocol.order_table import NoticeKind
from whitewire.protocol.order_transports import OrderTransport

if TYPE_CHECKING:
    from whitewire.fleet import Fleet
    from whitewire.gateway import Gateway

__all__ = ["fleet_summary", "live_table", "rss_bytes", "summary", "summary_tables"]

QUANTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999))
STAGE_WORDS = {
    "apply": "frame to book",
    "callback": "strategy callback",
    "encode": "gate to signature",
    "write": "socket write",
    "tick_to_trade": "tick to trade",
    "wire_to_ack": "wire to ack",
}


def rss_bytes() -> int:
    """Resident memory of this process now, bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def summary(
    gateway: Gateway, seconds: float, clean: bool, lag: _core.Histogram | None = None
) -> dict[str, Any]:
    """The run as plain data; durations in microseconds, money as decimal text.

    Args:
        gateway: what ran.
        seconds: how long.
        clean: whether it ended with nothing resting, by the venue's word.
        lag: how late its loop was, ns.
    """
    feed = gateway.engine.counters()
    counts = gateway.counts
    return {
        "seconds": round(seconds, 3),
        "clean_stop": clean,
        "transport": gateway.config.orders.transport,
        "feed": {
            **feed,
            "gaps_seen": counts["gaps"],
            "losses": counts["feed-losses"],
            "peer_faults": counts["peer-faults"],
        },
        "orders": _orders(gateway),
        "order_path": _order_path(gateway),
        "markets": {name: _market(gateway, name) for name in gateway.markets},
        "receive": gateway.config.process.receive,
        "latency_us": _latency(gateway.engine),
        "loop_lag_us": {} if lag is None else _row(lag),
        "callback_errors": gateway.callbacks.errors,
        "kill_switch_alarms": counts["kill-switch-alarms"],
        "halt_reason": gateway.halt_reason,
    }


def _orders(gateway: Gateway) -> dict[str, int]:
    counts, store = gateway.counts, gateway.store
    outcomes = {
        "created": counts["orders"],
        "sent": counts["sent"],
        "acknowledged": counts[NoticeKind.ACKED.value],
        "modified": counts[NoticeKind.REPLACED.value],
        "filled": counts[NoticeKind.FILLED.value],
        "canceled": counts[NoticeKind.CANCELED.value],
        "rejected": counts[NoticeKind.REJECTED.value],
        "unknown": counts[NoticeKind.UNKNOWN.value],
        "resolved": counts[NoticeKind.RESOLVED.value],
        "illegal_transitions": store.illegal,
        "foreign": counts["foreign"],
        "open_at_end": len(store.open_orders()),
        "lost_requests": counts["lost-requests"],
    }
    reasons = {
        key: value for key, value in sorted(counts.items()) if key.startswith(("refused", "reject"))
    }
    return outcomes | {f"reason {key}": value for key, value in reasons.items() if "-" in key}


def _order_path(gateway: Gateway) -> dict[str, Any]:
    """How orders travelled, and what decided that."""
    counts, entry = gateway.counts, getattr(gateway, "entry", None)
    path: dict[str, Any] = {
        "bursts": {name.value: counts[f"bursts-{name}"] for name in OrderTransport},
        "explored": counts["bursts-explored"],
        "why": gateway.ordering.choosing.why(),
    }
    if entry is not None:  # a start may have ended before
        path |= {"pool": entry.size._asdict(), "lanes_replaced": entry.replaced}
        if entry.measured is not None:
            path["probe"] = entry.measured._asdict() | {"model": entry.measured.model.value}
    return path


def _market(gateway: Gateway, name: str) -> dict[str, Any]:
    position, book = gateway.positions[name], gateway.book(name)
    mid = book.mid
    profit = position.profit(mid)
    return {
        "fills": position.fills,
        "bought": f"{position.bought:f}",
        "sold": f"{position.sold:f}",
        "inventory": f"{position.stock:f}",
        "fees": {asset: f"{fee:f}" for asset, fee in position.fees.items()},
        "mid": None if mid is None else f"{mid:f}",
        "profit": None if profit is None else f"{profit:f}",
        "money": position.market.money,
        "stock": position.market.stock,
    }


def _latency(engine: _core.Engine) -> dict[str, dict[str, float]]:
    rows = {}
    for index, name in enumerate(_core.STAGES):
        histogram = engine.stage(index)
        if histogram.count:
            rows[name] = _row(histogram)
    return rows


def _row(histogram: _core.Histogram) -> dict[str, float]:
    row: dict[str, float] = {"count": histogram.count}
    row |= {label: histogram.value_at(q) / 1e3 for label, q in QUANTILES}
    return row | {"max": histogram.max / 1e3}


def fleet_summary(fleet: Fleet) -> dict[str, Any]:
    """The run of several accounts: one summary for each, and why it ended early if it did."""
    accounts = {}
    for name, member in fleet.members.items():
        lag = member.shared.reception.lag.total
        data = summary(member.gateway, fleet.seconds.get(name, 0), member.is_clean, lag)
        failure = fleet.failures.get(name)
        accounts[name] = data | {"failure": "" if failure is None else str(failure)}
    return {"clean": fleet.is_clean, "accounts": accounts}


def summary_tables(data: dict[str, Any], account: str = "") -> RenderableType:
    """The summary for people; `account` names it where there are several."""
    feed, orders = data["feed"], data["orders"]
    whose = f" {account}" if account else ""
    modes = f"{data['transport']} orders, receive {data['receive']}"
    facts = Table(title=f"whitewire{whose}, {data['seconds']:.1f} s, {modes}")
    facts.add_column("what", style="bold")
    facts.add_column("value", justify="right")
    facts.add_row("frames", f"{feed['frames']:,}")
    facts.add_row("book updates", f"{feed['deltas'] + feed['snapshots']:,}")
    facts.add_row("gaps", str(feed["gaps"]))
    for key, value in orders.items():
        if value or key in ("acknowledged", "filled", "unknown", "illegal_transitions"):
            facts.add_row(f"orders {key.replace('_', ' ')}", f"{value:,}")
    for name, bursts in data["order_path"]["bursts"].items():
        if bursts and data["transport"] == "auto":
            facts.add_row(f"bursts {name}", f"{bursts:,}")
    for legs, why in data["order_path"]["why"].items():
        facts.add_row(f"auto, burst of {legs}", why)
    for name, market in data["markets"].items():
        facts.add_row(f"{name} fills", f"{market['fills']:,}")
        facts.add_row(f"{name} bought / sold", f"{market['bought']} / {market['sold']}")
        facts.add_row(f"{name} inventory", f"{market['inventory']} {market['stock']}")
        for asset, fee in market["fees"].items():
            facts.add_row(f"{name} fees in {asset}", fee)
        if market["profit"] is not None:
            profit = f"{Decimal(market['profit']):,.4f} {market['money']}"
            facts.add_row(f"{name} P&L at mid, net of fees", profit)
    if "memory" in data:
        facts.add_row("resident memory", f"{data['memory']['end_mib']:.1f} MiB")
    for key in ("failure", "halt_reason"):
        if data.get(key):
            facts.add_row(key.replace("_", " "), data[key])
    facts.add_row("clean stop", "yes" if data["clean_stop"] else "NO")
    lag = {"loop lag": data["loop_lag_us"]} if data["loop_lag_us"] else {}
    stages = {STAGE_WORDS[name]: row for name, row in data["latency_us"].items()}
    return Group(facts, _latency_table(stages | lag))


def _latency_table(rows: dict[str, dict[str, float]]) -> Table:
    table = Table(title="latency by stage, µs")
    table.add_column("stage", style="bold")
    for label in ("count", *(name for name, _ in QUANTILES), "max"):
        table.add_column(label, justify="right")
    for name, row in rows.items():
        cells = [f"{row[label]:,.1f}" for label in (*(name for name, _ in QUANTILES), "max")]
        table.add_row(name, f"{row['count']:,}", *cells)
    return table


def live_table(gateway: Gateway, left_s: float, lag: _core.Histogram) -> Table:
    """One screen of what is happening now; `lag` is the loop's since the last one, ns."""
    table = Table(title=f"whitewire {gateway.state}, {left_s:.0f} s left")
    for column in ("market", "bid", "ask", "bids / asks resting", "fills", "inventory", "P&L"):
        table.add_column(column, justify="left" if column == "market" else "right")
    for name in gateway.markets:
        book, position = gateway.book(name), gateway.positions[name]
        bid, ask, orders = book.best_bid, book.best_ask, gateway.open_orders(name)
        bids = sum(order.side == "buy" for order in orders)
        profit = position.profit(book.mid)
        table.add_row(
            name,
            f"{bid[0]}" if bid else "-",
            f"{ask[0]}" if ask else "-",
            f"{bids} / {len(orders) - bids}",
            str(position.fills),
            f"{position.stock:.6f}",
            "-" if profit is None else f"{profit:+.4f}",
        )
    counts = gateway.counts
    table.caption = (
        f"{counts['sent']} sent, {counts[NoticeKind.ACKED.value]} acked, "
        f"{counts['modifies']} modifies, {counts['cancels']} cancels, {counts['gaps']} gaps, "
        f"{counts[NoticeKind.UNKNOWN.value]} unknown\n"
        f"loop lag p50 {lag.value_at(0.5) / 1e3:,.0f} µs, p99 {lag.value_at(0.99) / 1e3:,.0f} µs, "
        f"max {lag.max / 1e3:,.0f} µs"
    )
    return table
