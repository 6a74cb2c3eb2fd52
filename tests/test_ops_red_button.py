"""`whitewire cancel-all` against the embedded venue: any one path that is left is enough."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from tests.gateway_rig import MARKET, Truth, config_for, credentials_of, gateway, live, until
from whitewire.config import Config, RedButtonConfig, VenueConfig, parse
from whitewire.errors import ConfigError, UsageError
from whitewire.ops import red_button
from whitewire.ops.red_button import Button, cancel_all_command
from whitewire.ops.red_button import credentials_of as key_of
from whitewire.protocol.red_button import PathReport, PressState, Report, Way
from whitewire.venue import Venue

CANCEL, ALL = "/api/v4/order/cancel", "/api/v4/order/cancel/all"
SWITCH, LIST = "/api/v4/order/kill-switch", "/api/v4/orders"


def rest_some(truth: Truth, count: int = 6) -> None:
    for number in range(count):
        truth.make("buy", 59000 + number, "0.01", who=truth.me)
    truth.make("sell", 60900, "0.01", who=truth.me)
    assert len(truth.orders()) == count + 1


async def pressed(config: Config, venue: Venue, market: str | None = None) -> Report:
    button = Button(config, credentials_of(venue))
    try:
        return await button.press(market)
    finally:
        await button.close()


def of(report: Report, way: Way) -> list[PathReport]:
    return [row for row in report.paths if row.way is way]


def nobody() -> str:
    """A URL at which nothing listens."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return f"https://127.0.0.1:{own.getsockname()[1]}"


@live
async def test_all_three_paths_do_their_part(venue: Venue, truth: Truth) -> None:
    rest_some(truth, 150)
    report = await pressed(config_for(venue), venue)
    assert report.state is PressState.CLEAR
    assert truth.orders() == []
    assert truth.timers() == [MARKET]  # it runs out by itself
    for way in set(Way) - {Way.CANCELS}:  # cancel-all may have been faster than the first list
        assert sum(row.taken for row in of(report, way)) >= 1
    assert report.took_ns < 3_000_000_000


@pytest.mark.parametrize("dead", ["rest", "public_rest"])
def test_one_host_may_be_down(venue: Venue, truth: Truth, dead: str) -> None:
    urls = {"rest": venue.rest, "public_rest": venue.public_rest} | {dead: nobody()}
    where = VenueConfig(**urls, ws=venue.ws, ca=venue.ca)
    rest_some(truth)

    @live
    async def run() -> None:
        report = await pressed(config_for(venue, venue=where), venue)
        assert report.state is PressState.CLEAR
        assert truth.orders() == []
        assert report.took_ns < 3_000_000_000

    run()


FAULTS: list[tuple[str, str, dict[str, Any]]] = [
    ("storm_429", CANCEL, {"seconds": 3.0}),
    ("storm_429", ALL, {"seconds": 3.0}),
    ("http_503_html", CANCEL, {"times": 50}),
    ("http_503_html", ALL, {"times": 50}),
    ("lost_ack", CANCEL, {"times": 3}),
    ("lost_request", ALL, {"times": 2}),
    ("half_open", CANCEL, {"times": 3}),
    ("half_open", ALL, {"times": 1}),
    ("half_open", LIST, {"times": 1}),
    ("lost_request", LIST, {"times": 1}),
    ("malformed_json", LIST, {"times": 2}),
    ("drop_rest", LIST, {"times": 2}),
    ("slow_ack", LIST, {"times": 2, "ms": 700}),
    ("http_502", SWITCH, {"times": 50}),
]


@pytest.mark.parametrize(("fault", "path", "more"), FAULTS)
def test_a_fault_of_one_path_does_not_stop_the_others(
    venue: Venue, truth: Truth, fault: str, path: str, more: dict[str, Any]
) -> None:
    rest_some(truth)
    venue.fault(fault, path=path, **more)

    @live
    async def run() -> None:
        report = await pressed(config_for(venue), venue)
        assert report.state is PressState.CLEAR
        assert truth.orders() == []

    run()


@pytest.mark.parametrize("left", [CANCEL, ALL, SWITCH])
def test_each_path_alone_is_enough(venue: Venue, truth: Truth, left: str) -> None:
    rest_some(truth)
    denied = {CANCEL, ALL, SWITCH} - {left}
    venue.restrict_key(venue.accounts[0].key, denied_paths=denied)

    @live
    async def run() -> None:
        report = await pressed(config_for(venue), venue)
        assert report.state is PressState.CLEAR
        assert truth.orders() == []
        assert any("not authorized" in row.trouble for row in report.paths)

    run()


@live
async def test_a_market_alone_leaves_the_others(venue: Venue, truth: Truth) -> None:
    eth = Truth(venue, "ETH_USDT")
    eth.make("buy", 2900, "0.1", who=eth.me)
    rest_some(truth)
    report = await pressed(config_for(venue, MARKET, "ETH_USDT"), venue, MARKET)
    assert report.state is PressState.CLEAR
    assert truth.orders() == []
    assert len(eth.orders()) == 1
    assert truth.timers() == [MARKET]


@live
async def test_without_any_word_of_the_venue_it_fails_at_its_deadline(
    venue: Venue, truth: Truth
) -> None:
    where = VenueConfig(rest=nobody(), public_rest=nobody(), ws=venue.ws)
    config = config_for(venue, venue=where, red_button=RedButtonConfig(deadline_s=1))
    report = await pressed(config, venue)
    assert (report.state, report.is_blind) == (PressState.FAILED, True)
    assert all("Connect call failed" in row.trouble for row in report.paths)


@live
async def test_a_warm_button_is_fast_and_says_what_is_not_ready(
    venue: Venue, truth: Truth, caplog: pytest.LogCaptureFixture
) -> None:
    rest_some(truth)
    where = VenueConfig(rest=venue.rest, public_rest=nobody(), ws=venue.ws, ca=venue.ca)
    cold = Button(config_for(venue, venue=where), credentials_of(venue))
    await cold.warm()
    assert "a connection is not ready" in caplog.text
    await cold.close()
    button = Button(config_for(venue), credentials_of(venue))
    await button.warm()
    began = time.monotonic()
    report = await button.press()
    assert report.state is PressState.CLEAR
    assert time.monotonic() - began < 2
    await button.close()


@live
async def test_a_gateway_that_still_quotes_is_told_to_halt(venue: Venue, truth: Truth) -> None:
    config = config_for(venue)
    async with gateway(venue, config=config, truth=truth) as rig:
        await rig.resting()
        assert red_button._ask_gateway_to_halt(config) is not None
        report = await pressed(config, venue)
        assert report.state is PressState.CLEAR
        assert rig.gw.halt_reason == "the red button was pressed"
        await until(lambda: rig.lifecycle.emergency.is_verified)
    assert red_button._ask_gateway_to_halt(config) is None


# ---- the command ----------------------------------------------------------------------------


def toml(venue: Venue, rest: str = "", more: str = "") -> str:
    return f"""
[venue]
rest = "{rest or venue.rest}"
public_rest = "{venue.public_rest}"
ws = "{venue.ws}"
ca = "{venue.ca}"
[red_button]
key_env = "BUTTON_KEY"
secret_env = "BUTTON_SECRET"
deadline_s = 1
[markets.BTC_USDT]
max_order_amount = "1"
max_order_notional = "100000"
{more}"""


@pytest.fixture
def config_file(venue: Venue, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("BUTTON_KEY", venue.accounts[0].key)
    monkeypatch.setenv("BUTTON_SECRET", venue.accounts[0].secret)
    (tmp_path / "gateway.toml").write_text(toml(venue))
    return str(tmp_path / "gateway.toml")


def test_the_report_as_a_table_and_as_json(
    truth: Truth, config_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rest_some(truth)
    assert cancel_all_command(config_file, None, None, False) == 0
    told = capsys.readouterr().out
    for word in ("cancel-all", "timers", "list", "colocation", "public"):
        assert word in told
    assert "no order is open on the account, verified after" in told
    assert cancel_all_command(config_file, MARKET, None, True) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["clear"], report["market"], report["resting"]) == (True, MARKET, [])
    assert {row["path"] for row in report["paths"]} >= {"cancel-all", "timers", "list"}


def test_what_rests_at_the_end_is_exit_1(
    venue: Venue, truth: Truth, config_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rest_some(truth)
    key = venue.accounts[0].key
    venue.restrict_key(key, denied_paths=(CANCEL, ALL, SWITCH))
    assert cancel_all_command(config_file, None, None, False) == 1
    assert "7 orders open on the account" in capsys.readouterr().out
    venue.restrict_key(key, denied_paths=(LIST,))
    assert cancel_all_command(config_file, None, None, True) == 1
    assert json.loads(capsys.readouterr().out)["resting"] is None
    assert cancel_all_command(config_file, None, None, False) == 1
    assert "never showed its list" in capsys.readouterr().out
    assert truth.orders() == []


def test_the_key_is_its_own_or_the_accounts(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    config = parse(toml(venue))
    with pytest.raises(ConfigError, match="BUTTON_KEY is not set"):
        key_of(config)
    monkeypatch.setenv("BUTTON_KEY", "own")
    monkeypatch.setenv("BUTTON_SECRET", "secret")
    monkeypatch.setenv("WHITEWIRE_KEY", "account")
    monkeypatch.setenv("WHITEWIRE_SECRET", "secret")
    assert key_of(config).key == "own"
    assert key_of(config_for(venue)).key == "account"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('secret_env = "BUTTON_SECRET"\n', "", "names only one of key_env and secret_env"),
        ("deadline_s = 1", "deadline_s = 0", "deadline_s"),
        ("deadline_s = 1", "[watchdog]\nwarn_ms = 900\nact_ms = 900", "act later than you warn"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(
    venue: Venue, old: str, new: str, text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        parse(toml(venue).replace(old, new))


def test_every_account_is_pressed_or_one_of_them(
    venue: Venue, truth: Truth, tmp_path: Any, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    second = Truth(venue, account=1)
    text = toml(venue).replace('key_env = "BUTTON_KEY"\nsecret_env = "BUTTON_SECRET"\n', "")
    path = tmp_path / "two.toml"
    path.write_text(text + "[accounts.one]\n[accounts.two]\n")
    for name, spec in zip(("ONE", "TWO"), venue.accounts, strict=False):
        monkeypatch.setenv(f"WHITEWIRE_{name}_KEY", spec.key)
        monkeypatch.setenv(f"WHITEWIRE_{name}_SECRET", spec.secret)
    rest_some(truth)
    assert cancel_all_command(str(path), None, "one", True) == 0
    assert json.loads(capsys.readouterr().out)["account"] == "one"
    assert (truth.orders(), len(second.orders())) == ([], 2)
    rest_some(truth)
    monkeypatch.delenv("WHITEWIRE_TWO_KEY")
    assert cancel_all_command(str(path), None, None, False) == 1  # but the first one was pressed
    assert "no order is open on account one" in capsys.readouterr().out
    assert (truth.orders(), len(second.orders())) == ([], 2)
    with pytest.raises(UsageError, match="has no account three; known: one, two"):
        cancel_all_command(str(path), None, "three", False)
    monkeypatch.setenv("WHITEWIRE_TWO_KEY", venue.accounts[1].key)
    assert cancel_all_command(str(path), None, None, False) == 0
    assert second.orders() == []


def test_two_accounts_do_not_share_a_red_buttons_key(venue: Venue) -> None:
    with pytest.raises(ConfigError, match=r"one and two have the same red_button\.key_env"):
        parse(toml(venue) + "[accounts.one]\n[accounts.two]\n")
