"""What `whitewire check` says of a host: the configuration's wishes against the facts."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from tests.test_receive import facts
from whitewire import checking_host
from whitewire.checking_host import host_answers
from whitewire.config import Config, MarketConfig, ProcessConfig, VenueConfig
from whitewire.protocol.pinning import PinFacts
from whitewire.transport import topology

LOOPBACK = VenueConfig(rest="https://127.0.0.1", public_rest="https://127.0.0.1", ws="wss://[::1]")
CPUS = sorted(os.sched_getaffinity(0))


@pytest.fixture(autouse=True)
def plain_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cores without siblings: what speaks against a CPU of the real host is not of this test."""
    monkeypatch.setattr(topology, "pin_facts", lambda: PinFacts(frozenset(CPUS), {}))


def answers(venue: VenueConfig = LOOPBACK, **process: Any) -> dict[str, tuple[str, str]]:
    """(state, detail) of each answer."""
    limits = MarketConfig(max_order_amount=1, max_order_notional=1)  # type: ignore[arg-type]
    config = Config(venue=venue, markets={"BTC": limits}, process=ProcessConfig(**process))
    return {row.check: (row.state, row.detail) for row in host_answers(config)}


def test_a_host_is_asked_everything_and_answers_for_itself() -> None:
    found = answers(cpu=CPUS[-1])
    assert found.keys() == {
        *("core", "python", "TLS path", "CPUs", "pinning"),
        *("receive block", "receive busy_poll", "receive spin", "numa local"),
    }
    assert found["pinning"] == (
        "ok", f"the hot thread on CPU {CPUS[-1]}, all others on the other CPUs",
    )  # fmt: skip
    assert found["receive block"][0] == "ok"
    assert found["receive block"][1].endswith("; chosen")
    assert "chosen" not in found["receive spin"][1]


def test_what_the_host_lacks_fails_only_where_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poor = facts(epoll_errno=errno.ENOTTY, kernel="5.10.0", nodes={})
    monkeypatch.setattr(checking_host, "host_facts", lambda _: poor)
    told = answers()["receive busy_poll"]
    assert told == ("warn", "needs Linux 6.9 or later, this is 5.10.0")
    failed = answers(receive="busy_poll")
    assert failed["receive busy_poll"] == ("FAIL", f"{told[1]}; chosen")
    # memory that cannot be chosen is taken as it comes
    assert answers(cpu=CPUS[0], numa="local")["numa local"][0] == "warn"


def test_threads_that_cannot_go_where_they_should_are_a_failure() -> None:
    assert answers(cpu=9999)["pinning"][0] == "FAIL"
    assert "names CPU 9999" in answers(cpu=9999)["pinning"][1]
    assert "set process.cpu" in answers(receive="spin")["pinning"][1]
    rest = answers(cpu=CPUS[-1], housekeeping_cpus=(CPUS[0],)) if len(CPUS) > 1 else {}
    assert not rest or rest["pinning"][1].endswith(f"all others on CPU {CPUS[0]}")


def test_a_pinning_that_costs_is_told_and_one_that_hurts_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = PinFacts(frozenset(range(4)), {1: frozenset({3}), 3: frozenset({1})})
    monkeypatch.setattr(topology, "pin_facts", lambda: pair)
    state, detail = answers(cpu=1)["pinning"]
    assert state == "warn"
    assert "shares its core with CPU 3" in detail
    assert answers(cpu=1, receive="spin")["pinning"][0] == "FAIL"


def test_a_venue_without_tls_is_told_and_refused_outside_of_this_machine() -> None:
    plain = VenueConfig(rest="http://127.0.0.1", public_rest="https://[::1]", ws="wss://[::1]")
    assert answers(plain)["TLS"][0] == "warn"
    far = VenueConfig(rest="http://h", public_rest="https://h", ws="wss://h")
    assert answers(far)["TLS"][0] == "FAIL"
