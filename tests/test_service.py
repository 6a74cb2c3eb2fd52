"""What a measurement means, and the pool that suits it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.protocol.service import (
    LEAST_CONNECTIONS,
    MOST_CONNECTIONS,
    Measurement,
    ServiceModel,
    pool_size,
)

US = 1_000
MS = 1_000_000


def measured(single: int, piped: int, spread: int, write: int = 5 * US) -> Measurement:
    return Measurement(4, single, piped, spread, write, 2 * MS)


@pytest.mark.parametrize(
    ("single", "piped", "spread", "model"),
    [
        (300 * US, 900 * US, 320 * US, ServiceModel.SERIAL),
        (300 * US, 330 * US, 320 * US, ServiceModel.CONCURRENT),
        (300 * US, 900 * US, 890 * US, ServiceModel.ENGINE),
        (300 * US, 250 * US, 320 * US, ServiceModel.CONCURRENT),  # noise
        (20 * MS, 20 * MS + 600 * US, 20 * MS, ServiceModel.CONCURRENT),  # far away, and jitter
        (20 * MS, 35 * MS, 21 * MS, ServiceModel.SERIAL),
    ],
)
def test_which_requests_wait_for_each_other(
    single: int, piped: int, spread: int, model: ServiceModel
) -> None:
    assert measured(single, piped, spread).model is model


# The figures that were measured for 20 legs: S and c in ns, and the k that is best.
@pytest.mark.parametrize(
    ("service", "legs", "connections"),
    [(200 * US, 20, 20), (30 * US, 20, 10), (200 * US, 5, 5), (200 * US, 1, 2), (1 * MS, 64, 32)],
)
def test_the_pool_follows_the_service(service: int, legs: int, connections: int) -> None:
    single = 40 * US + service
    it = measured(single, single + 3 * service, single + 10 * US, 4_600)
    assert pool_size(it, legs).connections == connections


@pytest.mark.parametrize("spread", [310 * US, 900 * US])
def test_where_connections_do_not_help_there_are_two(spread: int) -> None:
    piped = 320 * US if spread == 310 * US else 900 * US
    assert pool_size(measured(300 * US, piped, spread), 20) == (2, 20)


@given(
    single=st.integers(0, 10**9),
    waits=st.integers(0, 10**9),
    write=st.integers(0, 10**6),
    legs=st.integers(1, 100),
)
def test_no_other_pool_is_predicted_to_be_faster(
    single: int, waits: int, write: int, legs: int
) -> None:
    it = measured(single, single + waits, single, write)
    size = pool_size(it, legs)
    assert LEAST_CONNECTIONS <= size.connections <= MOST_CONNECTIONS
    assert 8 <= size.in_flight <= 64
    if it.model is ServiceModel.SERIAL:
        cost = max(write, 1)
        best = min(
            -(-legs // k) * it.further_ns + k * cost
            for k in range(2, max(min(legs, MOST_CONNECTIONS), 2) + 1)
        )
        assert -(-legs // size.connections) * it.further_ns + size.connections * cost == best
