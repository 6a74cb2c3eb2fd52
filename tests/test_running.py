"""The commands that meet a venue, as a user runs them: exit codes, one sentence for a mistake."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway_rig import MARKET, Recorder, Truth, config_for
from whitewire.cli import main
from whitewire.config import Config, VenueConfig
from whitewire.errors import ConfigError, UsageError
from whitewire.running import run
from whitewire.venue import Venue

STRATEGIES = """
from whitewire import Strategy

class Quoter(Strategy):
    def on_start(self, gw):
        gw.set_quotes("BTC_USDT", [(60000, "0.01")], [(60100, "0.01")])

class OffTick(Strategy):
    def on_start(self, gw):
        gw.limit("BTC_USDT", "buy", "60000.001", "0.01")

class Unlimited(Strategy):
    markets = ("BTC_USDT", "ETH_USDT")
    def on_book(self, book):
        pass

class Misspelt(Strategy):
    def on_bok(self, book):
        pass
"""


class Folder:
    """A user's folder: a strategy module, a configuration, a key in the environment."""

    def __init__(self, path: Path, venue: Venue) -> None:
        self.path = path
        self.text = f"""
[venue]
rest = "{venue.rest}"
public_rest = "{venue.public_rest}"
ws = "{venue.ws}"
ca = "{venue.ca}"
[markets.BTC_USDT]
max_order_amount = "1"
max_order_notional = "100000"
"""
        spec = venue.accounts[0]
        self.keys = {"WHITEWIRE_KEY": spec.key, "WHITEWIRE_SECRET": spec.secret}
        (path / "mine.py").write_text(STRATEGIES)

    def write(self, *changes: tuple[str, str]) -> str:
        """The configuration with replacements; its path."""
        text = self.text
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (self.path / "gateway.toml").write_text(text)
        return str(self.path / "gateway.toml")

    def whitewire(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the command as a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "whitewire", *arguments],
            cwd=self.path,
            env=os.environ | self.keys | environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def folder(tmp_path: Path, venue: Venue, truth: Truth) -> Folder:
    return Folder(tmp_path, venue)


def one_sentence(result: subprocess.CompletedProcess[str]) -> str:
    """What a failed command says; it must be all that it says."""
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("whitewire: ")]
    assert len(lines) == 1, result.stderr
    assert result.stdout == ""
    return lines[0]


# ---- as processes ---------------------------------------------------------------------------


def test_mistakes_of_a_user_are_one_sentence_and_exit_2(folder: Folder, truth: Truth) -> None:
    folder.write()
    wrong_key = folder.whitewire(
        "run", "mine:Quoter", "--config", "gateway.toml", WHITEWIRE_KEY="0" * 32
    )
    assert wrong_key.returncode == 2
    assert re.search(r"refused the list of open orders: .*check the key", one_sentence(wrong_key))
    misspelt = folder.whitewire("run", "mine:Misspelt", "--config", "gateway.toml")
    assert misspelt.returncode == 2
    assert "Misspelt.on_bok is not a callback of whitewire; did you mean on_book?" in one_sentence(
        misspelt
    )
    folder.write(("max_order_amount", "max_amount"))
    unknown = folder.whitewire("check", "--config", "gateway.toml")
    assert unknown.returncode == 2
    assert "gateway.toml: Object contains unknown field `max_amount`" in one_sentence(unknown)
    assert truth.placed() == 0


def test_a_strategy_that_fails_makes_the_run_fail(folder: Folder, truth: Truth) -> None:
    folder.write()
    process = subprocess.Popen(
        [sys.executable, "-m", "whitewire", "run", "mine:OffTick", "--config", "gateway.toml"],
        cwd=folder.path,
        env=os.environ | folder.keys,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    seen = ""
    while "halted: " not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    process.terminate()
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "on_start raised NumberError: BTC_USDT: price 60000.001 is not a multiple of" in seen
    assert "clean stop" in output
    assert (truth.placed(), truth.timers()) == (0, [])


# ---- in this process ------------------------------------------------------------------------


@pytest.fixture
def environment(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in folder.keys.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder.path)
    monkeypatch.syspath_prepend(str(folder.path))


CONFIG_MISTAKES = [
    (('rest = "https://127.0.0.1', 'rest = "https://no-such-host.invalid'), "--live"),
    (("[markets.BTC_USDT]", "[markets.BTC_USD]"), "the venue does not list .*did you mean BTC_USD"),
    (('"100000"', '"1"'), "limits 1 and 1 are below the venue's minimum"),
    (("[venue]", "[venue"), "Expected"),
    (('ca = "', 'ca = "/nowhere'), "venue.ca was"),
]


@pytest.mark.parametrize(("change", "text"), CONFIG_MISTAKES)
@pytest.mark.usefixtures("environment")
def test_a_bad_configuration_exits_2(
    folder: Folder,
    truth: Truth,
    change: tuple[str, str],
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = folder.write(change)
    assert main(["run", "mine:Quoter", "--config", path]) == 2
    told = capsys.readouterr().err
    assert re.search(text, told)
    assert told.count("\n") == 1
    assert truth.placed() == 0


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        ("mine:Unlimited", r"trades ETH_USDT, which has no limits; add \[markets.ETH_USDT\]"),
        ("mine:Nothing", "mine has no class 'Nothing'"),
        ("yours:Quoter", "there is no module 'yours'"),
        ("mine", "the strategy was 'mine'; write MODULE:CLASS"),
        ("mine:Strategy", "Strategy has no callback"),
    ],
)
@pytest.mark.usefixtures("environment")
def test_a_strategy_that_cannot_run_exits_2(
    folder: Folder, strategy: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", strategy, "--config", folder.write()]) == 2
    assert re.search(text, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("WHITEWIRE_SECRET", "f" * 32, "refused the list of open orders: Unauthorized request"),
        ("WHITEWIRE_KEY", "", "the environment variable WHITEWIRE_KEY is not set"),
    ],
)
@pytest.mark.usefixtures("environment")
def test_a_bad_key_exits_2(
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["run", "mine:Quoter", "--config", folder.write()]) == 2
    assert text in capsys.readouterr().err


def test_https_to_a_plain_port_exits_2(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.path)
    monkeypatch.syspath_prepend(str(folder.path))
    for name, value in folder.keys.items():
        monkeypatch.setenv(name, value)
    with Venue(traders=False, tls=False) as plain:
        port = plain.rest.rsplit(":", 1)[1]
        path = folder.write((folder.text.split('rest = "')[1].split('"')[0].split(":")[2], port))
        assert main(["run", "mine:Quoter", "--config", path]) == 2
    assert re.search("TLS failed|reset by peer|closed", capsys.readouterr().err)


LIVE_LIMITS = [
    (
        "[markets.BTC_USDT]\n",
        """[limits]
max_open_orders = 20
max_open_notional = "200000"
max_loss = "500"
max_drawdown = 800
state_file = "state.json"
[markets.BTC_USDT]
max_open_orders = 10
max_open_notional = "100000"
max_position = "1"
""",
    )
]


@pytest.mark.usefixtures("environment")
def test_live_trading_without_a_limit_names_each_that_is_missing(
    folder: Folder, venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    away = (venue.rest, venue.rest.replace("127.0.0.1", "no-such-host.invalid"))
    assert main(["run", "mine:Quoter", "--config", folder.write(away), "--live"]) == 2
    told = capsys.readouterr().err
    for name in ("max_open_orders", "max_open_notional", "max_loss", "max_drawdown"):
        assert f"limits.{name}" in told
    for name in ("max_open_orders", "max_open_notional", "max_position"):
        assert f"markets.BTC_USDT.{name}" in told
    one = [(old, new.replace("max_loss", "# max_loss")) for old, new in LIVE_LIMITS]
    assert main(["run", "mine:Quoter", "--config", folder.write(away, *one), "--live"]) == 2
    assert "no default for limits.max_loss; decide each" in capsys.readouterr().err


@pytest.mark.usefixtures("environment")
def test_a_host_that_does_not_exist_exits_2(
    folder: Folder, venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    for url in (venue.rest, venue.public_rest, venue.ws):
        path = folder.write((url, url.replace("127.0.0.1", "no-such-host.invalid")), *LIVE_LIMITS)
        assert main(["run", "mine:Quoter", "--config", path, "--live"]) == 2
        told = capsys.readouterr().err
        assert "no-such-host.invalid" in told
        assert "the host name does not resolve; check its spelling" in told


@pytest.mark.usefixtures("environment")
def test_a_receive_mode_that_cannot_be_exits_2(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder.write()
    assert main(["run", "mine:Quoter", "--config", path, "--receive", "spin"]) == 2
    assert "receive = spin needs a pinned thread; set process.cpu" in capsys.readouterr().err
    nowhere = folder.write(("[markets.", "[process]\ncpu = 9999\n[markets."))
    assert main(["run", "mine:Quoter", "--config", nowhere]) == 2
    assert "process.cpu names CPU 9999" in capsys.readouterr().err


@pytest.mark.usefixtures("environment")
def test_another_authority_exits_2(
    folder: Folder, venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    with Venue(traders=False) as stranger:
        path = folder.write((str(venue.ca), str(stranger.ca)))
        assert main(["check", "--config", path]) == 1
        assert "FAIL" in capsys.readouterr().out
        assert main(["run", "mine:Quoter", "--config", path]) == 2
    assert "certificate is not trusted" in capsys.readouterr().err


def test_a_venue_elsewhere_needs_live(venue: Venue) -> None:
    where = VenueConfig(rest="https://whitebit.com", public_rest="https://h", ws="wss://h")
    config = Config(venue=where, markets=config_for(venue).markets)
    with pytest.raises(ConfigError, match="not on this machine, and --live was not given"):
        run(Recorder(), config)
    with pytest.raises(UsageError, match="derive from"):
        run(object(), config)  # type: ignore[arg-type]


# ---- check and cancel-all -------------------------------------------------------------------


@pytest.mark.usefixtures("environment")
def test_check_asks_everything_and_places_nothing(
    folder: Folder, venue: Venue, truth: Truth, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder.write()
    assert main(["check", "--config", path]) == 0
    told = capsys.readouterr().out
    for row in ("colocation route", "public route", "clock", "market BTC_USDT", "websocket token"):
        assert row in told
    assert "FAIL" not in told
    key = venue.accounts[0].key
    venue.restrict_key(key, denied_paths=["/api/v4/profile/websocket_token"])
    assert main(["check", "--config", path]) == 1
    assert "FAIL" in capsys.readouterr().out
    venue.restrict_key(key, enabled=False)
    assert main(["check", "--config", path]) == 1
    assert truth.placed() == 0


@pytest.mark.usefixtures("environment")
def test_cancel_all_is_verified(
    folder: Folder, truth: Truth, capsys: pytest.CaptureFixture[str]
) -> None:
    eth = Truth(truth.venue, "ETH_USDT")
    for price in (59500, 59501):
        truth.make("buy", price, "0.01", who=truth.me)
    eth.make("buy", 2900, "0.1", who=truth.me)
    path = folder.write()
    assert main(["cancel-all", "--config", path, "--market", MARKET]) == 0
    assert f"no order is open on {MARKET}, verified after" in capsys.readouterr().out
    assert (truth.orders(), len(eth.orders())) == ([], 1)
    assert main(["cancel-all", "--config", path]) == 0
    assert "no order is open on the account, verified after" in capsys.readouterr().out
    assert eth.orders() == []
