"""Kill switches: arming, refreshing, deleting and firing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venue.desk import MARKET, START, Desk
from whitewire.venue.orders.kill_switch import KillSwitches, KillSwitchTimer
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import VenueError
from whitewire.venue.values.requests import KillSwitchRequest

MARKETS = {spec.name: spec for spec in default_markets()}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def arm(desk: Desk, timeout: object, **body: object) -> KillSwitchTimer | None:
    body = {"market": MARKET, "timeout": timeout, **body}
    return desk.exchange.kill_switch("alice", KillSwitchRequest.from_body(body))


def test_a_timer_is_printed_in_whole_seconds(desk: Desk) -> None:
    desk.now = START + 0.9
    start = int(START)
    assert arm(desk, "5") == KillSwitchTimer(MARKET, start, start + 5, None)
    assert desk.exchange.kill_switch_status("alice") == [arm(desk, "5")]
    assert desk.exchange.kill_switch_status("bob") == []
    assert desk.exchange.kill_switch_status("alice", "ETH_USDT") == []


def test_firing_cancels_that_markets_orders_of_that_account_as_ordinary_cancels(
    desk: Desk,
) -> None:
    desk.limit("alice", "buy", "60000", "1")
    desk.limit("alice", "buy", "60000", "1")
    desk.limit("alice", "buy", "3000", "1", market="ETH_USDT")
    desk.limit("bob", "buy", "60000", "1")
    arm(desk, "5", types=["spot"])
    desk.said()
    desk.exchange.tick(START + 4.999)
    assert desk.said() == []
    desk.exchange.tick(START + 5)
    assert desk.said("alice") == ["3 CANCELED 1", "balance USDT", "3 CANCELED 2", "balance USDT"]
    assert [desk.number(order.id) for order in desk.exchange.open_orders_of("alice")] == [3]
    assert len(desk.exchange.open_orders_of("bob")) == 1
    assert desk.exchange.kill_switch_status("alice") == []
    assert desk.exchange.next_due() > START + 3_600


def test_a_command_meets_the_market_after_the_switch_has_fired(desk: Desk) -> None:
    resting = desk.limit("alice", "buy", "60000", "1")
    arm(desk, "5")
    desk.now = START + 10
    with pytest.raises(VenueError, match="Unexecuted order"):
        desk.cancel("alice", resting)


def test_a_refresh_replaces_time_and_types(desk: Desk) -> None:
    desk.limit("alice", "buy", "60000", "1")
    arm(desk, "5", types=["spot"])
    desk.now = START + 4
    refreshed = arm(desk, "5", types=["margin", "futures"])
    assert refreshed is not None
    assert refreshed.types == ("margin", "futures")
    desk.exchange.tick(START + 5)
    assert len(desk.exchange.kill_switch_status("alice")) == 1
    desk.exchange.tick(START + 9)
    assert desk.exchange.kill_switch_status("alice") == []
    assert len(desk.exchange.open_orders_of("alice")) == 1


def test_null_deletes_whether_or_not_there_is_a_timer(desk: Desk) -> None:
    arm(desk, "5")
    assert arm(desk, None) is None
    assert arm(desk, None) is None
    assert desk.exchange.kill_switch_status("alice") == []


@pytest.mark.parametrize(
    ("body", "code", "errors"),
    [
        (
            {},
            30,
            {"market": ["Market field is required."], "timeout": ["Timeout field is required."]},
        ),
        (
            {"market": MARKET, "timeout": 60},
            30,
            {"timeout": ["Timeout field should be a string."]},
        ),
        (
            {"market": MARKET, "timeout": "1m"},
            30,
            {"timeout": ["Timeout field should be numeric string."]},
        ),
        ({"market": MARKET, "timeout": "4"}, 30, {"timeout": ["Timeout should be at least 5."]}),
        (
            {"market": MARKET, "timeout": "601"},
            30,
            {"timeout": ["Timeout should be at most 600."]},
        ),
        ({"market": "X_Y", "timeout": "5"}, 31, {"market": ["Market is not available."]}),
        (
            {"market": MARKET, "timeout": "5", "types": "spot"},
            30,
            {"types": ["Types field should be an array."]},
        ),
        (
            {"market": MARKET, "timeout": "5", "types": []},
            30,
            {"types": ["Types field should contain only 'spot', 'margin' or 'futures' values."]},
        ),
    ],
)
def test_refusals(desk: Desk, body: dict[str, object], code: int, errors: object) -> None:
    with pytest.raises(VenueError) as caught:
        desk.exchange.kill_switch("alice", KillSwitchRequest.from_body(body))
    error = caught.value
    assert (error.http_status, error.code, error.errors) == (422, code, errors)


def test_status_of_an_unknown_market_is_refused(desk: Desk) -> None:
    with pytest.raises(VenueError, match=r"Market is not available\."):
        desk.exchange.kill_switch_status("alice", "X_Y")


@given(st.floats(1.7e9, 1.8e9), st.integers(5, 600))
def test_a_timer_fires_on_a_whole_second_never_early_and_less_than_one_late(
    now: float, timeout_s: int
) -> None:
    switches = KillSwitches()
    switches.apply("a", KillSwitchRequest(MARKET, str(timeout_s)), MARKETS, now)
    due = switches.next_due()
    assert due is not None
    assert due == int(due)
    assert now + timeout_s <= due < now + timeout_s + 1
    assert switches.pop_due(due - 0.001) == []
    assert [account for account, _ in switches.pop_due(due)] == ["a"]
    assert switches.next_due() is None
