"""A quiet venue, once for each test of the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.gateway_rig import Truth
from tests.past_rig import Past
from whitewire import recovery
from whitewire.protocol.backoff import Backoff
from whitewire.protocol.reconcile import reconcile
from whitewire.transport import feed, order_entry
from whitewire.venue import Venue, WireOptions


@pytest.fixture(scope="session", autouse=True)
def _runtime_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Heartbeats of gateways that are killed stay among the tests' own files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RUNTIME_DIRECTORY", raising=False)
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        yield


@pytest.fixture
def venue() -> Iterator[Venue]:
    """A venue with nobody but the test in it; a silent book is repeated every second."""
    with Venue(traders=False, wire=WireOptions(depth_keepalive_s=1.0)) as running:
        yield running


@pytest.fixture
def truth(venue: Venue) -> Truth:
    """The venue's own view; the second account has made a market of 59000 to 61000."""
    seen = Truth(venue)
    seen.make_market()
    return seen


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnections and conclusions without the waits that a real venue needs."""
    for module in (feed, order_entry):
        monkeypatch.setattr(module, "Backoff", partial(Backoff, first_ns=20_000_000))
    monkeypatch.setattr(recovery, "RETRY_NS", 50_000_000)
    monkeypatch.setattr(recovery, "reconcile", partial(reconcile, quarantine_ns=300_000_000))


@pytest.fixture
def past(venue: Venue, truth: Truth, tmp_path: Path) -> Past:
    """An earlier session of the first account."""
    return Past(venue, truth, tmp_path / "state")
