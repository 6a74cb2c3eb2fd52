"""Scenarios: the packaged ones, files, what is refused, and a venue that lives one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue, VenueConfig
from whitewire.venue.scenario import Scenario, load, parse, scenario_names
from whitewire.venue.server import VenueServer
from whitewire.venue.trader_options import TraderOptions


def test_the_packaged_ones_are_these_and_each_says_what_it_is() -> None:
    assert scenario_names() == tuple("calm cascade empty fast gap jump one_sided storm".split())
    loaded = {name: load(name) for name in scenario_names()}
    assert all(scenario.description.endswith(".") for scenario in loaded.values())
    assert len({scenario.traders for scenario in loaded.values()}) == 6
    assert [name for name, scenario in loaded.items() if not scenario.is_traded] == ["empty"]


def test_a_file_may_leave_out_everything(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("", encoding="utf-8")
    assert load(str(path)) == Scenario("", True, TraderOptions(), ())


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
