"""How an order endpoint serves: what a probe measured, and the pool of connections that suits it.

Owns: the reading of a measurement, and the choice of k and d. Must not know: sockets, clocks, how
it was measured (see `transport.probe`). Invariant: the connections chosen are those for which the
last of a burst's legs is predicted to be answered soonest; nothing is a float.

Model: with a service of S per order that one connection waits for, and a cost of c until a further
connection's write has left, the last of N legs on k connections is answered after about
(N / k) S + k c. Where requests of one connection are served side by side, or all connections wait
for one engine, more connections only add their cost.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Measurement", "PoolSize", "ServiceModel", "describe_service", "pool_size"]

# One connection may be lost, and another has to be there.
LEAST_CONNECTIONS, MOST_CONNECTIONS = 2, 32
LEAST_IN_FLIGHT, MOST_IN_FLIGHT = 8, 64
# Below it, per request, a wait is noise of this host.
NOISE_NS = 20_000


class ServiceModel(StrEnum):
    """Which requests wait for each other."""

    SERIAL = "serial"  # those of one connection; connections side by side
    CONCURRENT = "concurrent"  # none
    ENGINE = "engine"  # all, whatever connection they take


class Measurement(NamedTuple):
    """Medians of what a probe saw, ns.

    Attributes:
        requests: how many went out together.
        single_ns: write to answer of a request that is alone.
        piped_ns: the same to the last answer of `requests` in one write on one connection.
        spread_ns: the same with one of them on each of as many connections.
        write_ns: until one further connection's write has left: c.
        connect_ns: TCP and TLS of a new connection.
    """

    requests: int
    single_ns: int
    piped_ns: int
    spread_ns: int
    write_ns: int
    connect_ns: int

    @property
    def further_ns(self) -> int:
        """How much later each further request on one connection is answered: S."""
        return max(self.piped_ns - self.single_ns, 0) // max(self.requests - 1, 1)

    @property
    def model(self) -> ServiceModel:
        """Which requests wait for each other."""
        waits_ns = self.piped_ns - self.single_ns
        if waits_ns <= (self.requests - 1) * max(NOISE_NS, self.single_ns // 8):
            return ServiceModel.CONCURRENT
        helps = 2 * (self.spread_ns - self.single_ns) < waits_ns
        return ServiceModel.SERIAL if helps else ServiceModel.ENGINE


class PoolSize(NamedTuple):
    """Connections, and requests in flight on each."""

    connections: int
    in_flight: int


def pool_size(measured: Measurement, legs: int) -> PoolSize:
    """The pool for bursts of `legs` orders (see the model above)."""
    further_ns = measured.further_ns if measured.model is ServiceModel.SERIAL else 0
    cost_ns = max(measured.write_ns, 1)

    def last_ns(connections: int) -> int:
        return -(-legs // connections) * further_ns + connections * cost_ns

    most = max(min(legs, MOST_CONNECTIONS), LEAST_CONNECTIONS)
    best = min(range(LEAST_CONNECTIONS, most + 1), key=last_ns)
    in_flight = 2 * -(-legs // best)  # a burst may follow on one that is not answered yet
    return PoolSize(best, min(max(in_flight, LEAST_IN_FLIGHT), MOST_IN_FLIGHT))


_MODELS = {
    ServiceModel.SERIAL: "one by one on each connection",
    ServiceModel.CONCURRENT: "side by side",
    ServiceModel.ENGINE: "one by one, whatever connection they take",
}


def describe_service(measured: Measurement, legs: int) -> str:
    """One sentence for people: what was measured, and the pool for bursts of `legs` orders."""
    size = pool_size(measured, legs)
    return (
        f"round trip {measured.single_ns / 1e3:.0f} µs, requests are served "
        f"{_MODELS[measured.model]} ({measured.further_ns / 1e3:.0f} µs for a further one), "
        f"a further connection costs {measured.write_ns / 1e3:.1f} µs a burst and "
        f"{measured.connect_ns / 1e6:.1f} ms to make; for {legs} legs: connections = "
        f"{size.connections}, in_flight = {size.in_flight}"
    )
