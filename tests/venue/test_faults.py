"""The table of faults: counting, chance, schedules, matching and refusing nonsense."""

from __future__ import annotations

import pytest

from whitewire.venue.faults.armed import FAULTS, FaultTable, FaultValue


class Clock:
    """A venue's time that stands until it is set."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


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
    assert table.take("lost_ack", path="/api/v4/order/new", more="than asked") is not None
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


def strikes(table: FaultTable, name: str, occasions: int) -> list[bool]:
    return [table.take(name) is not None for _ in range(occasions)]


def test_chance_strikes_about_as_often_as_it_should_and_never_ends() -> None:
    table = FaultTable(seed=7)
    table.arm("gap", probability=0.25)
    struck = strikes(table, "gap", 2_000)
    assert 400 < sum(struck) < 600
    assert any(struck[-50:])


def test_chance_is_drawn_from_the_seed() -> None:
    def run(seed: int) -> list[bool]:
        table = FaultTable(seed=seed)
        table.arm("gap", probability=0.5)
        return strikes(table, "gap", 200)

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_chance_can_be_bounded_by_a_count() -> None:
    table = FaultTable()
    table.arm("gap", 3, probability=0.5)
    struck = strikes(table, "gap", 200)
    assert sum(struck) == 3
    assert False in struck[: struck.index(True) + 10]


def test_a_schedule_counts_from_the_start_and_ends_in_time() -> None:
    clock = Clock()
    table = FaultTable(clock)
    clock.now += 2
    table.arm("http_500", at=5, seconds=10)
    assert table.next_change() == 1_005
    assert strikes(table, "http_500", 1) == [False]
    clock.now = 1_005.0
    assert table.next_change() is None
    assert strikes(table, "http_500", 100) == [True] * 100
    clock.now = 1_014.999
    assert strikes(table, "http_500", 1) == [True]
    clock.now = 1_015.0
    assert strikes(table, "http_500", 1) == [False]


def test_a_count_and_a_duration_end_with_whichever_is_first() -> None:
    clock = Clock()
    table = FaultTable(clock)
    for _ in range(2):
        table.arm("http_500", 2, seconds=1)
        assert strikes(table, "http_500", 1) == [True]
        clock.now += 1
        assert strikes(table, "http_500", 1) == [False]
    table.arm("http_500", 2, seconds=1)
    assert strikes(table, "http_500", 3) == [True, True, False]


def test_a_storm_has_a_duration_of_its_own() -> None:
    clock = Clock()
    table = FaultTable(clock)
    table.arm("storm_429")
    assert strikes(table, "storm_429", 50) == [True] * 50
    clock.now += 5
    assert strikes(table, "storm_429", 1) == [False]
    table.arm("storm_429", 1)
    assert strikes(table, "storm_429", 2) == [True, False]


def test_a_state_holds_until_it_is_over_and_the_newest_counts() -> None:
    clock = Clock()
    table = FaultTable(clock)
    table.arm("clock_skew", by_s=6)
    table.arm("clock_skew", by_s=-6, seconds=3)
    seen = []
    for _ in range(2):
        fault = table.holds("clock_skew")
        seen.append(fault.values["by_s"] if fault else None)
        clock.now += 3
    assert seen == [-6, 6]


@pytest.mark.parametrize(
    ("name", "triggers"),
    [
        ("no_such", {}),
        ("gap", {"times": 0}),
        ("gap", {"times": 1.5}),
        ("gap", {"times": True}),
        ("gap", {"times": "2"}),
        ("gap", {"ms": 5}),
        ("gap", {"probability": 0}),
        ("gap", {"probability": 1.5}),
        ("gap", {"probability": "often"}),
        ("gap", {"at": -1}),
        ("gap", {"seconds": 0}),
        ("gap", {"seconds": float("inf")}),
        ("gap", {"seconds": float("nan")}),
        ("slow_ack", {"when": "x"}),
        ("maintenance", {"times": 1}),
        ("clock_skew", {"probability": 0.5}),
        ("market_delisted", {"market": "BTC_USDT", "times": 1}),
        ("market_delisted", {"market": "BTC_USDT", "seconds": 1}),
    ],
)
def test_nonsense_is_refused(name: str, triggers: dict[str, FaultValue]) -> None:
    table = FaultTable()
    with pytest.raises(ValueError):
        table.arm(name, **triggers)  # type: ignore[arg-type]
    assert table.take(name) is None


def test_a_table_knows_whether_anything_is_armed() -> None:
    table = FaultTable()
    assert not table.are_armed
    table.arm("gap")
    assert table.are_armed
    assert table.take("gap", market="BTC_USDT")
    assert not table.are_armed
