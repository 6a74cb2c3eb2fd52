"""The summary: tables show what the data holds."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from whitewire import _core
from whitewire.report import STAGE_WORDS, rss_bytes, summary_tables


def _data(**changes: Any) -> dict[str, Any]:
    latency = {"count": 3, "p50": 1.0, "p90": 2.0, "p99": 3.0, "p99.9": 3.0, "max": 1234.5}
    return {
        "seconds": 12.34,
        "clean_stop": True,
        "transport": "pipelined",
        "feed": {"frames": 1234, "deltas": 10, "snapshots": 2, "gaps": 0},
        "orders": {"sent": 5, "acknowledged": 5, "filled": 0, "unknown": 0, "rejected": 0},
        "order_path": {"bursts": {"pipelined": 4, "bulk": 0}, "why": {}},
        "markets": {
            "BTC_USDT": {
                "fills": 2,
                "bought": "0.1",
                "sold": "0.2",
                "inventory": "-0.1",
                "fees": {"USDT": "0.5"},
                "profit": "-1.5",
                "money": "USDT",
                "stock": "BTC",
            }
        },
        "receive": "spin",
        "latency_us": {"apply": latency},
        "loop_lag_us": latency | {"max": 98765.4},
    } | changes


def _text(data: dict[str, Any]) -> str:
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(summary_tables(data))
    return console.export_text()


def test_every_stage_of_the_core_has_a_word() -> None:
    assert set(STAGE_WORDS) == set(_core.STAGES)


def test_the_tables_show_the_figures() -> None:
    text = _text(_data())
    for figure in (
        "1,234",
        "12",
        "-0.1 BTC",
        "0.5",
        "-1.5000 USDT",
        "1,234.5",
        "frame to book",
        "receive spin",
        "loop lag",
        "98,765.4",
    ):
        assert figure in text, figure


def test_what_matters_is_shown_even_at_zero_and_the_rest_only_when_it_happened() -> None:
    text = _text(_data())
    assert "orders unknown" in text
    assert "orders rejected" not in text


def test_auto_says_what_it_took_and_why() -> None:
    path = {"bursts": {"pipelined": 4, "bulk": 0}, "why": {20: "bulk: expected sooner"}}
    text = _text(_data(transport="auto", order_path=path))
    assert "bursts pipelined" in text
    assert "bursts bulk" not in text
    assert "bulk: expected sooner" in text
    assert "bursts pipelined" not in _text(_data())


def test_a_dirty_stop_stands_out() -> None:
    assert "NO" in _text(_data(clean_stop=False))


def test_resident_memory_is_of_this_process() -> None:
    assert 10 * 2**20 < rss_bytes() < 8 * 2**30
