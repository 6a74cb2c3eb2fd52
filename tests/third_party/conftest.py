"""A venue with traders, once for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from whitewire.venue import Venue


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue(markets=("BTC_USDT",), seed=7) as running:
        yield running
