"""One venue that every row has asked, and the specification to hold the answers against."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.venue.fidelity.exercise import Table, exercise, route_table
from tests.venue.fidelity.overrides import overridden, read_overrides
from tests.venue.fidelity.prober import UNLIMITED
from tests.venue.fidelity.recording import Record
from tests.venue.fidelity.specification import FOLDER, Specification, find_folder, read_documents
from whitewire.venue import Venue, WireOptions
from whitewire.venue.engine.accounts import default_accounts

# Balances and last prices leave often enough for a test to wait for them.
_WIRE = WireOptions(
    balance_interval_ms=20,
    lastprice_interval_ms=20,
    market_interval_ms=20,
    candles_interval_ms=20,
    depth_interval_ms=20,
)


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    """A venue that counts no requests, with enough accounts for many nonces."""
    with Venue(traders=False, wire=UNLIMITED, accounts=default_accounts(1, 8)) as running:
        yield running


@pytest.fixture(scope="session")
def table() -> Table:
    """Every route and method that the venue has."""
    return route_table()


@pytest.fixture(scope="session")
def record(table: Table) -> Record:
    """Every message that all rows together have sent and got."""
    with Venue(traders=False, wire=_WIRE) as venue:
        return exercise(venue, table)


@pytest.fixture(scope="session")
def documents() -> dict[str, object]:
    """The exchange's specification as it was published."""
    folder = find_folder()
    if folder is None:
        pytest.skip(f"no {FOLDER} beside the repository: the exchange's specification is not ours")
    return dict(read_documents(folder))


@pytest.fixture(scope="session")
def specification(documents: dict[str, object]) -> Specification:
    """The specification with its overrides."""
    return Specification(overridden(documents, read_overrides()))
