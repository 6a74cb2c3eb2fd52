"""The table of faults: counting, matching and refusing nonsense."""

from __future__ import annotations

import pytest

from whitewire.venue.faults import FAULTS, FaultTable


def test_nothing_is_armed_at_first() -> None:
    table = FaultTable()
    assert all(table.take(name) is None for name in FAULTS)


def test_a_fault_fires_as_often_as_it_was_armed_for() -> None:
    table = FaultTable()
    table.arm("chunked", 2)
    assert [table.take("chunked") is not None for _ in range(3)] == [True, True, False]


def test_arguments_have_defaults_and_can_be_given() -> None:
    table = FaultTable()
    table.arm("slow_ack")
    table.arm("slow_ack", ms=7)
    taken = [table.take("slow_ack"), table.take("slow_ack")]
    assert [fault.values["ms"] for fault in taken if fault] == [100, 7]


def test_facts_narrow_a_fault_to_matching_occasions() -> None:
    table = FaultTable()
    table.arm("lost_ack", path="/api/v4/order/new")
    assert table.take("lost_ack", path="/api/v4/orders") is None
    assert table.take("lost_ack") is None
    assert table.take("lost_ack", path="/api/v4/order/new", market="BTC_USDT") is not None
    assert table.take("lost_ack", path="/api/v4/order/new") is None


def test_faults_of_one_name_fire_oldest_first() -> None:
    table = FaultTable()
    table.arm("slow_ack", ms=1, path="/a")
    table.arm("slow_ack", ms=2)
    first = table.take("slow_ack", path="/b")
    second = table.take("slow_ack", path="/a")
    assert first is not None
    assert second is not None
    assert (first.values["ms"], second.values["ms"]) == (2, 1)


@pytest.mark.parametrize(
    ("name", "times", "args"),
    [("no_such", 1, {}), ("gap", 0, {}), ("gap", 1, {"ms": 5}), ("slow_ack", 1, {"when": "x"})],
)
def test_nonsense_is_refused(name: str, times: int, args: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        FaultTable().arm(name, times, **args)
