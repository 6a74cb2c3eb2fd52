"""The diagonal of the fault matrix: each fault once; `make matrix` runs every combination."""

from __future__ import annotations

import pytest

from tests.matrix.catalogue import NOT_APPLICABLE, PHASES, ROWS, SOCKET_ROWS
from tests.matrix.runner import TRANSPORTS, Outcome, diagonal, run_cells
from whitewire.venue.faults.kinds import FAULTS, check

EVERY_ROW = (*ROWS, *SOCKET_ROWS)
CELLS = {cell.name: cell for cell in diagonal()}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """All of them, run side by side."""
    return {outcome.cell.name: outcome for outcome in run_cells(list(CELLS.values()))}


@pytest.mark.parametrize("name", CELLS)
def test_the_gateway_survives(name: str, outcomes: dict[str, Outcome]) -> None:
    verdict = outcomes[name].verdict
    assert not verdict.reason, f"{verdict.reason} [{verdict.note}]"


def test_every_fault_has_a_row_or_a_reason() -> None:
    rows = {row.fault for row in EVERY_ROW}
    assert rows | set(NOT_APPLICABLE) == set(FAULTS)
    assert not rows & set(NOT_APPLICABLE)
    assert all(NOT_APPLICABLE.values())


def test_every_row_can_be_armed_and_is_named_once() -> None:
    triggers = {"times", "seconds", "probability", "at"}
    for row in EVERY_ROW:
        check(row.fault, {k: v for k, v in row.args.items() if k not in triggers})
    assert len({row.name for row in EVERY_ROW}) == len(EVERY_ROW)


def test_the_diagonal_meets_every_phase_and_transport() -> None:
    met = {(cell.phase, cell.transport) for cell in CELLS.values()}
    assert met == {(phase, transport) for phase in PHASES for transport in TRANSPORTS}
    assert {cell.row.name for cell in CELLS.values()} == {row.name for row in EVERY_ROW}
