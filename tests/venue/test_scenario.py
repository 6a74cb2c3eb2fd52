"""Scenarios: the packaged ones, files, what is refused, and a venue that lives one."""

from __future__ import annotations

import http.client
from collections import Counter
from pathlib import Path

import pytest

from tests.naive_book import NaiveBook
from tests.venue.naive import Nonces, RestClient, WsClient
from whitewire.venue import ReplayOptions, Venue, VenueConfig, VirtualClock
from whitewire.venue.scenario import Scenario, load, parse, scenario_names
from whitewire.venue.server import VenueServer
from whitewire.venue.trader_options import TraderOptions


def test_the_packaged_ones_are_these_and_each_says_what_it_is() -> None:
    names = "calm, cascade, empty, fast, gap, jump, one_sided, storm"
    assert ", ".join(scenario_names()) == names
    loaded = {name: load(name) for name in scenario_names()}
    assert all(scenario.description.endswith(".") for scenario in loaded.values())
    assert len({scenario.traders for scenario in loaded.values()}) == 6
    assert [name for name, scenario in loaded.items() if not scenario.is_traded] == ["empty"]


def test_a_file_may_leave_out_everything(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("", encoding="utf-8")
    assert load(str(path)) == Scenario("", True, TraderOptions(), ())


def test_a_recording_lies_beside_its_scenario_unless_it_says_where(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    for file, found in (("feed.jsonl", tmp_path / "feed.jsonl"), ("/feed", Path("/feed"))):
        path.write_text(f'[replay]\nfile = "{file}"\nspeed = 3\n', encoding="utf-8")
        assert load(str(path)).replay == ReplayOptions(str(found), speed=3)


def test_all_that_a_file_says_is_read() -> None:
    scenario = parse(
        'description = "Mine."\nis_traded = true\n[traders]\ntakers_per_s = 2.5\njump_levels = 3\n'
        '[[faults]]\nname = "gap"\nat = 1\n[[faults]]\nname = "maintenance"\nseconds = 2.5\n',
        "mine",
    )
    assert scenario.traders == TraderOptions(takers_per_s=2.5, jump_levels=3)
    assert scenario.faults == (
        {"name": "gap", "at": 1},
        {"name": "maintenance", "seconds": 2.5},
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("traders = ", "scenario 'mine': "),
        ("is_trade = true", "a scenario does not have 'is_trade'; did you mean 'is_traded'"),
        ("is_traded = 1", "is_traded was 1"),
        ("traders = 1", "traders was 1"),
        ("replay = 1", "replay was 1"),
        ('replay = ""', "the file of a replay was ''"),
        ("[replay]\nloop = true", "the file of a replay was ''"),
        ('[replay]\nfile = "x"\nloops = true', "did you mean 'loop'"),
        ('[replay]\nfile = "x"\nspeed = -1', "speed of a replay was -1"),
        ("faults = {}", "faults was {}"),
        ("[traders]\ntaker_per_s = 1", "did you mean 'takers_per_s'"),
        ("[traders]\ntakers_per_s = -1", "takers_per_s was -1"),
        ('[[faults]]\nname = "gaps"', "did you mean 'gap'"),
        ('[[faults]]\nname = "gap"\nms = 1', "does not take 'ms'"),
        ('[[faults]]\nname = "gap"\nself = 1', "does not take 'self'"),
        ("[[faults]]\nat = 1", "a fault needs a name"),
        ("faults = [1]", "a fault needs a name: 1"),
    ],
)
def test_what_is_not_a_scenario_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(text, "mine")
    assert str(caught.value).startswith("scenario 'mine': ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("clam", "no scenario is named 'clam'; did you mean 'calm'?"),
        ("monsoon", "no scenario is named 'monsoon'; there are calm, cascade"),
        ("", "no scenario is named ''"),
        ("missing.toml", "cannot read the scenario 'missing.toml'"),
    ],
)
def test_what_is_not_there_is_refused(name: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        load(name)
    assert said in str(caught.value)


def test_a_scenarios_fault_must_be_of_a_listed_market(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[faults]]\nname = "gap"\nmarket = "BTC_USD"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="did you mean 'BTC_USDT'"):
        VenueServer(VenueConfig(scenario=str(path)))


def test_a_venue_lives_its_scenario(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[traders]\ntakers_per_s = 50.0\n[[faults]]\nname = "http_502"\ntimes = 2\n'
        '[[faults]]\nname = "maintenance"\nat = 2.0\nseconds = 60.0\n',
        encoding="utf-8",
    )
    with Venue(scenario=str(path)) as venue, RestClient(venue) as rest, WsClient(venue) as ws:
        assert [rest.get("ping")[0] for _ in range(3)] == [502, 502, 200]
        assert ws.call("ping") == "pong"
        assert ws.frame()[0] == 8
        assert rest.get("ping")[0] == 503


def test_the_gap_scenario_has_gaps_soon_and_mends_them() -> None:
    clock = VirtualClock()
    with Venue(scenario="gap", clock=clock, tls=False) as venue, WsClient(venue) as ws:
        ws.call("depth_subscribe", "BTC_USDT", 100, "0", False)
        clock.advance(120.0)
        ws.call("ping")
        twin = NaiveBook("BTC_USDT", 2, 6, 100)
        outcomes = [twin.apply(text) for text in ws.texts]
    assert "GAP" in outcomes[:40]
    count = Counter(outcomes)
    assert count["GAP"] > 3
    assert count["SNAPSHOT"] > 3
    assert count["IGNORED"] > 10
    assert count["DELTA"] > 300


def test_a_client_gets_through_the_storm() -> None:
    clock = VirtualClock()
    nonces = Nonces(clock)
    outcomes: Counter[str] = Counter()
    with Venue(scenario="storm", clock=clock, seed=11, tls=False) as venue:
        client = RestClient(venue, nonces=nonces)
        for step in range(300):
            clock.advance(0.25)
            client.connection.timeout = 0.2
            try:
                status, answer = client.post(
                    "order/new", market="BTC_USDT", side="buy", price="30000", amount="0.001"
                )
                outcomes[str(status)] += 1
                if status == 200 and step % 10 == 0:
                    client.post("order/cancel", market="BTC_USDT", orderId=answer["orderId"])
            except (OSError, http.client.HTTPException, ValueError) as error:
                outcomes[type(error).__name__] += 1
                client.connection.close()
                client = RestClient(venue, nonces=nonces)
        client.connection.close()
        resting = venue.call(lambda exchange: len(exchange.open_orders_of("account-1")))
    assert outcomes["200"] > 240
    assert outcomes["429"] >= 5
    assert outcomes["503"] >= 8
    assert outcomes["TimeoutError"] >= 1
    assert resting > 200
