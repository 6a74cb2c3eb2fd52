"""A venue with nobody but the test in it, once for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.venue.naive import RestClient
from whitewire.venue import Venue


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue(traders=False) as running:
        yield running


@pytest.fixture
def rest(venue: Venue) -> Iterator[RestClient]:
    """The first account; its orders are gone afterwards."""
    with RestClient(venue) as client:
        yield client
        client.ok("order/cancel/all")


@pytest.fixture
def other(venue: Venue) -> Iterator[RestClient]:
    """The second account; its orders are gone afterwards."""
    with RestClient(venue, 1) as client:
        yield client
        client.ok("order/cancel/all")
