"""A mass cancel carried out: one path that dies, hangs or is wrong does not stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.gateway_rig import live
from whitewire._bridge import now_ns
from whitewire.endpoints import Route
from whitewire.errors import PeerError
from whitewire.protocol.red_button import Ask, PressState, RedButton, Report, Way
from whitewire.transport import pressing
from whitewire.transport.pressing import press

M = "BTC_USDT"
ORDER = b'[{"orderId":5,"market":"BTC_USDT"}]'
TIMER = b'{"market":"BTC_USDT","startTime":1,"cancellationTime":6,"types":null}'


class Fake:
    """One order that rests until `killer` is called; every other path behaves as told."""

    def __init__(self, killer: Way | None, others: Callable[[], Any]) -> None:
        self.rests = True
        self.killer = killer
        self.others = others
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    async def call(self, name: str, fields: Mapping[str, Any] | None = None) -> tuple[int, bytes]:
        self.calls.append((name, fields or {}))
        if name == "open_orders":
            return 200, ORDER if self.rests else b"[]"
        way = {"cancel": Way.CANCELS, "cancel_all": Way.CANCEL_ALL, "kill_switch": Way.TIMERS}[name]
        if way is not self.killer:
            result = self.others()
            return await result if asyncio.iscoroutine(result) else result
        self.rests = False
        return 200, TIMER if way is Way.TIMERS else b"{}"


def refuse() -> tuple[int, bytes]:
    return 401, b'{"code":0,"message":"not authorized","errors":{}}'


def limit() -> tuple[int, bytes]:
    return 429, b"Too Many Requests"


def down() -> tuple[int, bytes]:
    raise PeerError("connection-lost", "gone")


def bug() -> tuple[int, bytes]:
    raise ZeroDivisionError


def hang() -> Any:
    return asyncio.sleep(60)


async def pressed(fake: Fake, deadline_ms: int = 5_000) -> Report:
    button = RedButton(("",), (M,), now_ns(), deadline_ns=deadline_ms * 1_000_000,
                       settle_ns=20_000_000)  # fmt: skip
    return await press(button, lambda _: (fake,), now_ns)


@pytest.mark.parametrize("others", [refuse, limit, down, bug, hang])
@pytest.mark.parametrize("killer", [Way.CANCELS, Way.CANCEL_ALL, Way.TIMERS])
def test_one_path_is_enough(killer: Way, others: Callable[[], Any]) -> None:
    @live
    async def run() -> None:
        report = await pressed(Fake(killer, others))
        assert report.state is PressState.CLEAR
        assert report.canceled == 1
        assert {row.way for row in report.paths} == set(Way)
        assert next(row for row in report.paths if row.way is killer).taken == 1

    run()


@live
async def test_without_any_path_it_fails_at_the_deadline_and_says_why() -> None:
    report = await pressed(Fake(None, bug), 100)
    assert report.state is PressState.FAILED
    assert [row.venue_id for row in report.resting] == [5]
    assert 100 <= report.took_ns / 1e6 < 1_000
    assert {row.trouble for row in report.paths if row.way is not Way.LIST} == {
        "ZeroDivisionError()"
    }


@live
async def test_a_request_that_hangs_is_given_up() -> None:
    fake = Fake(None, hang)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pressing, "ATTEMPT_S", 0.05)
        report = await pressed(fake, 200)
    (row,) = [row for row in report.paths if row.way is Way.CANCEL_ALL]
    assert row.trouble == "no answer within 0.05 s"


@live
async def test_callers_of_a_path_take_turns() -> None:
    first, second = Fake(Way.CANCEL_ALL, refuse), Fake(Way.CANCEL_ALL, refuse)
    seen: list[Ask] = []

    def callers(ask: Ask) -> tuple[Fake, Fake]:
        seen.append(ask)
        return first, second

    button = RedButton((M,), (M,), now_ns(), deadline_ns=200_000_000, settle_ns=20_000_000)
    await press(button, callers, now_ns)
    assert abs(len(first.calls) - len(second.calls)) <= 1
    assert {ask.route for ask in seen} == set(Route)
