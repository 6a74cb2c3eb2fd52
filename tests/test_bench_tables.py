"""The table of a run fits a terminal, and its end says whether anything rests."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tests.bench_data import data
from whitewire.bench.tables import end_sentence, tables


def test_the_table_fits_eighty_columns_and_shows_every_cell() -> None:
    run, out = data(), io.StringIO()
    Console(file=out, width=80).print(tables(run))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    names = {cell["transport"] for cell in run["cells"]}
    shown = [line for line in lines if names & set(line.split()) and "s  " in line]
    assert len(shown) == len(run["cells"])
    assert "…" not in out.getvalue()
    assert "choose pipelined on 4 connections." in " ".join(out.getvalue().split())


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "has none."),
        ({"skipped_bursts": 3}, "3 bursts were skipped"),
        ({"whole_schedule": False, "resting_at_end": None}, "Stopped early; "),
        ({"clean_stop": False}, "NOT CLEAN: of "),
        ({"resting_at_end": 2}, "still listed 2 at the end; the stop verified"),
        (
            {"clean_stop": False, "resting_at_end": None},
            "was not asked at the end; the stop could ",
        ),
    ],
)
def test_the_end_says_whether_anything_rests(changes: dict[str, object], text: str) -> None:
    assert text in end_sentence({**data()["orders"], **changes})
