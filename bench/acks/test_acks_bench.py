"""The bench of acknowledgements: the front serves as it says, the verdict says what was found."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bench.acks import targets
from bench.acks.front import Front
from tests.bench_data import acks_us
from whitewire.bench.burst import Leg, Outcome
from whitewire.bench.desk import Found
from whitewire.bench.options import Request
from whitewire.bench.summary import summarize

SERVICE_US = 5_000


@pytest.fixture
def front() -> Iterator[Front]:
    with Front(SERVICE_US, os.sched_getaffinity(0)) as running:
        yield running


def order(name: str) -> dict[str, str]:
    """An order as clients send it."""
    return {
        "market": "BTC_USDT", "side": "buy", "amount": "1", "price": "2", "clientOrderId": name
    }  # fmt: skip


def call(port: int, path: str, body: Any) -> tuple[int, Any, float]:
    """Status, answer and how long it took, µs, of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.connect()
    begun = time.monotonic()
    connection.request("POST", path, json.dumps(body))
    answer = connection.getresponse()
    found = json.loads(answer.read())
    took_us = (time.monotonic() - begun) * 1e6
    connection.close()
    return answer.status, found, took_us


def test_the_front_takes_its_time_for_each_order(front: Front) -> None:
    status, answer, took_us = call(front.port, "/api/v4/order/new", order("a"))
    assert (status, answer["clientOrderId"], answer["left"]) == (200, "a", "1")
    assert took_us >= SERVICE_US
    legs = [order(f"b{number}") for number in range(4)]
    status, answer, took_us = call(front.port, "/api/v4/order/bulk", {"orders": legs})
    assert [item["result"]["clientOrderId"] for item in answer] == ["b0", "b1", "b2", "b3"]
    assert took_us >= 4 * SERVICE_US
    assert call(front.port, "/api/v4/public/ping", {})[1] == ["pong"]


def test_the_front_says_at_its_end_what_rests() -> None:
    with Front(0, os.sched_getaffinity(0)) as front:
        for name in ("a", "b"):
            call(front.port, "/api/v4/order/new", order(name))
        for expected in (200, 422):
            status, _, _ = call(front.port, "/api/v4/order/cancel", {"clientOrderId": "a"})
            assert status == expected
        assert call(front.port, "/api/v4/balance", {})[0] == 404
    assert front.counts == {"placed": 2, "canceled": 1, "resting": 1}


def test_the_targets_compare_the_best_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "INTERVAL_MS", 1.0)
    asked: Request = targets.request_of(12)
    run = Found()
    for due in asked.plan():
        trip_us = {"aiohttp": 250, "bulk": 100}.get(due.cell.way.name, 40)
        acks = acks_us(due, 200, trip_us)
        run.outcomes.append(Outcome(due, 0, tuple(Leg(ack * 1000, None) for ack in acks), False))
    rows = targets.targets(summarize(asked, run))
    assert [(row["fast"], row["slow"], row["is_met"]) for row in rows] == [
        ("pipelined-20", "aiohttp", True),
        ("pipelined-20", "bulk", True),
    ]
    assert [round(row["ratio"], 1) for row in rows] == [37.5, 17.1]
