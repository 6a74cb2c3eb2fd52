"""A venue with nobody but the test in it, a new one for each test: positions would stay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.venue.naive import RestClient
from whitewire.venue import Venue


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(traders=False) as running:
        yield running


@pytest.fixture
def rest(venue: Venue) -> Iterator[RestClient]:
    """The first account."""
    with RestClient(venue) as client:
        yield client


@pytest.fixture
def other(venue: Venue) -> Iterator[RestClient]:
    """The second account."""
    with RestClient(venue, 1) as client:
        yield client
