"""Figures of a run: those of known answers, and what is left out, counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.bench_data import data, found, request
from whitewire.bench.burst import Leg, Outcome
from whitewire.bench.desk import ANSWER_S, Found
from whitewire.bench.options import Request
from whitewire.bench.summary import summarize


def cell_of(figures: dict[str, Any], transport: str, legs: int) -> dict[str, Any]:
    """The figures of one cell."""
    found: list[dict[str, Any]] = figures["cells"]
    (cell,) = [c for c in found if (c["transport"], c["legs"]) == (transport, legs)]
    return cell


def exact(asked: Request, acks_us: list[int], event_us: int = 10) -> Found:
    """Every burst answered at the same moments, whatever carried it."""
    run = Found(is_clean=True, is_whole=True)
    for due in asked.plan():
        legs = tuple(Leg(us * 1000, event_us * 1000) for us in acks_us[: due.cell.legs])
        run.outcomes.append(Outcome(due, 0, legs, False))
    return run


def test_known_answers_give_known_figures() -> None:
    asked = request(legs=(3,), rounds=4)
    figures = summarize(asked, exact(asked, [300, 100, 200]))
    for cell in figures["cells"]:
        assert (cell["bursts"], cell["whole"]) == (4, 4)
        assert [cell[name]["p50"] for name in ("first_us", "median_us", "last_us")] == [
            100,
            200,
            300,
        ]
        # by leg of the ladder, not by order of arrival
        assert [leg["p50"] for leg in cell["leg_us"]] == [300, 100, 200]
        assert cell["event_us"]["p50"] == 10
        assert cell["any_us"]["count"] == 12
        assert abs(cell["any_us"]["max"] - 300) <= 300 * 0.008
        assert cell["rounds"]["0"] == {"first_us": 100, "last_us": 300}
    assert not any(row["is_clear"] for row in figures["comparisons"])


def test_the_histogram_agrees_with_the_samples() -> None:
    for cell in data()["cells"]:
        most = max(row["last_us"] for row in cell["rounds"].values())
        assert abs(cell["any_us"]["max"] - most) <= most * 0.008 + 1
        assert cell["any_us"]["count"] == cell["legs"] * cell["whole"]


def test_warming_up_is_in_no_figure() -> None:
    asked = request(legs=(1,), rounds=2)
    run = exact(asked, [100])
    for number, outcome in enumerate(run.outcomes):
        if outcome.due.round < 0:
            run.outcomes[number] = replace(outcome, legs=(Leg(9_000_000, None),))
    assert all(cell["last_us"]["max"] == 100 for cell in summarize(asked, run)["cells"])


def test_a_burst_with_a_refused_leg_is_left_out_and_counted() -> None:
    asked = request(legs=(2,), rounds=3)
    run = exact(asked, [100, 200])
    (index,) = [
        i for i, o in enumerate(run.outcomes) if (o.due.cell.way.name, o.due.round) == ("bulk", 1)
    ]
    refused = Leg(5_000, None, refusal="venue-no-funds")
    run.outcomes[index] = replace(run.outcomes[index], legs=(refused, Leg(900_000, None)))
    figures = summarize(asked, run)
    bulk = cell_of(figures, "bulk", 2)
    assert (bulk["bursts"], bulk["whole"], bulk["refused"]) == (3, 2, {"venue-no-funds": 1})
    assert (bulk["first_us"]["p50"], bulk["last_us"]["max"]) == (100, 200)
    assert set(bulk["rounds"]) == {"0", "2"}
    # the comparison pairs the rounds that both have
    assert {row["samples"] for row in figures["comparisons"] if "bulk" in row.values()} == {2}
    assert "1 of 15 bursts had a refused leg" in figures["verdicts"][-1]


def test_a_leg_without_an_answer_counts_as_the_patience_with_it() -> None:
    asked = request(legs=(2,), rounds=1)
    run = exact(asked, [100, 200])
    run.outcomes[-1] = replace(run.outcomes[-1], legs=(Leg(100_000, None), Leg(None, None)))
    way = run.outcomes[-1].due.cell.way.name
    cell = cell_of(summarize(asked, run), way, 2)
    assert cell["unanswered"] == 1
    assert cell["last_us"]["max"] == ANSWER_S * 1e6


def test_a_run_that_was_stopped_at_once_has_no_figures_and_no_verdict() -> None:
    asked = request()
    figures = summarize(asked, Found())
    assert figures["comparisons"] == []
    assert figures["verdicts"] == []
    assert all(cell["last_us"] is None for cell in figures["cells"])
    assert not figures["orders"]["clean_stop"]


def test_the_soonest_way_leads_each_comparison() -> None:
    figures = summarize(request(), found(request()))
    for row in figures["comparisons"]:
        assert row["ratio"] >= 1
        fast, slow = (cell_of(figures, row[name], row["legs"]) for name in ("fast", "slow"))
        assert fast[row["which"]]["p50"] <= slow[row["which"]]["p50"]
