"""Runs of a second against the real referee over TLS: the floor, the gateway, and a wrong key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench.micro.measure import WrongAnswerError
from bench.tick.stage import Client, Plan, Stage, native_client, python_client

# Gaps that a busy machine's scheduler does not fold into one.
_PLAN = Plan(ticks=60, warm_up=5, gap_us=(4_000, 8_000))


def _count(pairs: Sequence[Sequence[int]]) -> int:
    return sum(count for _, count in pairs)


@pytest.mark.parametrize(
    "client", [native_client("floor"), python_client("whitewire", "gateway")], ids=lambda c: c.name
)
def test_every_tick_is_charged(stage: Stage, client: Client) -> None:
    report = stage.play(client, _PLAN, 1).report
    assert report["ticks"] == _PLAN.ticks
    assert _count(report["tick_to_order"]) == _PLAN.ticks - report["missed"]
    assert report["folded"] + report["missed"] < _PLAN.ticks
    assert all(ns > 0 for ns, _ in report["tick_to_order"])


def test_a_wrong_signature_is_counted_and_fails_the_run(stage: Stage) -> None:
    floor = native_client("floor")
    forger = Client(
        "forger",
        lambda told, programs: floor.command(replace(told, secret="another"), programs),
        ends_itself=True,
    )
    with pytest.raises(WrongAnswerError, match=r"\d orders not signed by the account"):
        stage.play(forger, _PLAN, 1)


def test_a_client_that_dies_fails_the_run_with_its_last_words(stage: Stage) -> None:
    with pytest.raises(WrongAnswerError, match="Invalid URL"):
        stage.play(python_client("broken", "guide", rest=None), _PLAN, 1)


@pytest.mark.parametrize(
    "client",
    [
        native_client("floor", connections=3),
        python_client("whitewire", "gateway", connections=3),
    ],
    ids=lambda c: c.name,
)
def test_a_ladder_takes_at_least_the_front_s_time(stage: Stage, client: Client) -> None:
    service_us = 500
    plan = Plan(ticks=20, warm_up=20, gap_us=(20_000, 22_000), legs=6, service_us=service_us)
    found = stage.play(client, plan, 1)
    # six legs on three connections: two of them one after the other
    assert min(ns for ns, _ in found.report["tick_to_answer"]) >= 2_000 * service_us
    # the client leaves its first ladders out, however few of the warm-up's ticks it folded
    assert 0 < _count(found.last_answer) <= plan.ticks + 5
    assert min(ns for ns, _ in found.last_answer) >= 1_990 * service_us
