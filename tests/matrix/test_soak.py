"""The soak in short: seconds under the faults of one seed; `make soak` takes longer."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.matrix.catalogue import ROWS
from tests.matrix.schedule import draw, fingerprint
from tests.matrix.soak import memory_verdict, soak, tables
from whitewire.venue.faults.armed import FaultTable

SEED = 4


@pytest.mark.slow
def test_a_short_soak_breaks_nothing() -> None:
    said = io.StringIO()
    console = Console(file=said, width=100)
    data = soak(SEED, 12.0, ("pipelined", "bulk"), console, segment_s=4.0)
    assert data["reasons"] == []
    for lane in data["lanes"]:
        assert lane["segments"] == 3
        assert lane["counts"]["fills"] > 50
        assert sum(lane["struck"].values()) > 5
    assert sum(lane["restarts"] for lane in data["lanes"]) >= 1
    for table in tables(data):
        console.print(table)
    assert f"of seed {SEED}" in said.getvalue()
    assert "intact" in said.getvalue()


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_a_seed_gives_one_schedule_that_can_be_armed(seed: int) -> None:
    segments = draw(f"{seed}:x", 60.0)
    assert fingerprint(segments) == fingerprint(draw(f"{seed}:x", 60.0))
    assert fingerprint(segments) != fingerprint(draw(f"{seed}:y", 60.0))
    assert sum(segment.seconds for segment in segments) >= 60.0
    final = {row.name for row in ROWS if row.is_final}
    table = FaultTable()
    for segment in segments:
        times = [strike.at for strike in segment.strikes]
        assert times == sorted(times)
        assert all(at < segment.seconds for at in times)
        for strike in (*segment.strikes, segment.at_restart):
            if strike is not None:
                assert strike.row not in final
                table.arm(strike.fault, **strike.args)


def test_an_hour_meets_every_row() -> None:
    segments = draw("1:pipelined", 3_600.0)
    met = {strike.row for segment in segments for strike in segment.strikes}
    assert met == {row.name for row in ROWS if not row.is_final}


@pytest.mark.parametrize(
    ("end_mib", "seconds", "is_wrong"), [(100, 300, False), (140, 300, True), (140, 60, False)]
)
def test_memory_that_grows_is_told(end_mib: int, seconds: int, is_wrong: bool) -> None:
    readings = [
        (float(at), 100.0 if at < 0.8 * seconds else float(end_mib)) for at in range(seconds)
    ]
    assert bool(memory_verdict(readings)[2]) is is_wrong
