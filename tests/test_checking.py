"""`whitewire check` and the settings that it lists: every answer, and never a secret."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway_rig import MARKET, Truth
from whitewire.checking import PROBED, PROBED_COLLATERAL, PROBED_SPOT
from whitewire.cli import main
from whitewire.config import Config, parse
from whitewire.endpoints import ENDPOINTS
from whitewire.settings import settings
from whitewire.venue import Venue
from whitewire.venue.engine.accounts import default_accounts

KEYS = {"main": 0, "hedge": 2}


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(traders=False, accounts=default_accounts(1, 2, 1)) as running:
        yield running


@pytest.fixture
def path(venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of two accounts; one key in the environment, the other in files."""
    main_spec, hedge_spec = (venue.accounts[index] for index in KEYS.values())
    monkeypatch.setenv("WHITEWIRE_MAIN_KEY", main_spec.key)
    monkeypatch.setenv("WHITEWIRE_MAIN_SECRET", main_spec.secret)
    for half in ("key", "secret"):
        (tmp_path / half).write_text(getattr(hedge_spec, half))
        (tmp_path / half).chmod(0o600)
    file = tmp_path / "gateway.toml"
    file.write_text(
        f'[venue]\nrest="{venue.rest}"\npublic_rest="{venue.public_rest}"\nws="{venue.ws}"\n'
        f'ca="{venue.ca}"\n[markets.{MARKET}]\nmax_order_amount=1\nmax_order_notional=100000\n'
        f'[accounts.main]\n[accounts.hedge]\nkey_file="{tmp_path}/key"\n'
        f'secret_file="{tmp_path}/secret"\n[accounts.hedge.orders]\nconnections=2\n'
    )
    return file


class Asked:
    """What one run of the command said."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.code = main(["check", "--config", str(path), "--json"])
        said = capsys.readouterr()
        self.text = said.out + said.err
        data: dict[str, Any] = json.loads(said.out)
        self.ready = data["ready"]
        self.rows = {(row["account"], row["check"]): row for row in data["checks"]}
        self.settings = {row["key"]: row for row in data["settings"]}

    @property
    def failed(self) -> set[tuple[str, str]]:
        """(account, check) of each answer that was no."""
        return {name for name, row in self.rows.items() if row["state"] == "FAIL"}


def secrets_in(text: str, venue: Venue) -> list[str]:
    """Keys and secrets of the venue's accounts that are in a text."""
    return [value for spec in venue.accounts for value in (spec.key, spec.secret) if value in text]


def test_everything_is_asked_of_every_account_and_nothing_changes(
    path: Path, venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = Truth(venue)
    truth.make_market()
    mine = truth.make("buy", 58000, "0.01", who=truth.me)
    asked = Asked(path, capsys)
    assert (asked.code, asked.ready, asked.failed) == (0, True, set())
    for check in ("colocation route", "public route", "WebSocket host", "clock", "market list"):
        assert asked.rows["", check]["state"] == "ok", check
    assert asked.rows["", "receive block"]["detail"].endswith("; chosen")
    for account in KEYS:
        for check in (f"market {MARKET}", "key", "account", "open orders", "websocket token"):
            assert asked.rows[account, check]["state"] == "ok"
        assert {check for name, check in asked.rows if name == account} >= {
            f"may {name}" for name in (*PROBED, *PROBED_SPOT)
        }
    assert asked.rows["main", "open orders"]["detail"] == "1 orders open"
    assert "tick 0.01, step 0.000001" in asked.rows["main", f"market {MARKET}"]["detail"]
    endpoint = asked.rows["main", "order endpoint"]["detail"]
    assert "round trip" in endpoint
    assert "for 20 legs: connections = " in endpoint
    # the probes neither placed nor canceled, nor armed anything
    assert [order.id for order in truth.orders()] == [mine.id]
    assert (truth.finished(), truth.timers()) == ([], [])
    assert secrets_in(asked.text, venue) == []


def test_the_tables_say_the_same(
    path: Path, venue: Venue, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["check", "--config", str(path)]) == 0
    said = capsys.readouterr()
    for text in ("clock", "hedge", "may kill_switch", "set from environment variable WHITEWIRE_MA"):
        assert text in said.out, text
    assert secrets_in(said.out + said.err, venue) == []


@pytest.mark.parametrize("name", [*PROBED, *PROBED_SPOT])
def test_a_permission_that_is_missing_is_named(
    name: str, path: Path, venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    key = venue.accounts[KEYS["hedge"]].key
    venue.restrict_key(key, denied_paths=[ENDPOINTS[name].path])
    asked = Asked(path, capsys)
    assert (asked.code, asked.failed) == (1, {("hedge", f"may {name}")})
    assert "not authorized" in asked.rows["hedge", f"may {name}"]["detail"]


def test_an_account_that_trades_against_collateral_is_asked_for_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Venue(traders=False, markets=("BTC_USDT", "BTC_PERP")) as running:
        spec = running.accounts[0]
        monkeypatch.setenv("WHITEWIRE_KEY", spec.key)
        monkeypatch.setenv("WHITEWIRE_SECRET", spec.secret)
        file = tmp_path / "gateway.toml"
        file.write_text(
            f'[venue]\nrest="{running.rest}"\npublic_rest="{running.public_rest}"\n'
            f'ws="{running.ws}"\nca="{running.ca}"\n'
            "[markets.BTC_PERP]\nmax_order_amount=1\nmax_order_notional=100000\n"
        )
        asked = Asked(file, capsys)
        assert (asked.code, asked.failed) == (0, set())
        assert asked.rows["main", "positions"]["detail"] == "no position open"
        probed = {check for _, check in asked.rows if check.startswith("may ")}
        assert probed == {f"may {name}" for name in (*PROBED, *PROBED_COLLATERAL)}
        denied = ENDPOINTS["collateral_bulk"].path
        running.restrict_key(spec.key, denied_paths=[denied])
        assert Asked(file, capsys).failed == {("main", "may collateral_bulk")}
        orders = running.call(lambda exchange: exchange.open_orders_of(spec.name, "BTC_PERP"))
        assert orders == []


def test_a_key_that_does_not_work_is_the_trouble_of_its_account(
    path: Path, venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    venue.restrict_key(venue.accounts[0].key, enabled=False)
    (path.parent / "secret").chmod(0o644)
    asked = Asked(path, capsys)
    assert (asked.code, asked.failed) == (1, {("main", "account"), ("hedge", "key")})
    assert "chmod 600" in asked.rows["hedge", "key"]["detail"]
    assert asked.settings["accounts.hedge.secret"]["value"].startswith("NOT SET: ")
    assert secrets_in(asked.text, venue) == []


def test_a_host_that_is_gone_keeps_nothing_else_from_being_asked(
    path: Path, venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    text = path.read_text()
    for url in (venue.public_rest, venue.ws):
        port = url.split(":")[2].split("/")[0]
        path.write_text(text.replace(url, url.replace(port, "1")))
        asked = Asked(path, capsys)
        check = "public route" if url == venue.public_rest else "WebSocket host"
        assert (asked.code, asked.failed) == (1, {("", check)})
        assert asked.rows["hedge", "may place"]["state"] == "ok"


@pytest.mark.parametrize(("by_s", "is_ready"), [(0.5, True), (6.0, False), (-6.0, False)])
def test_the_clock_is_held_against_the_venues(
    by_s: float, is_ready: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The venue's clock is off, and the host's is not: the bounds hold the difference."""
    with Venue(traders=False, clock=lambda: time.time() + by_s) as running:
        file = tmp_path / "gateway.toml"
        file.write_text(
            f'[venue]\nrest="{running.rest}"\npublic_rest="{running.public_rest}"\n'
            f'ws="{running.ws}"\nca="{running.ca}"\n'
            f"[markets.{MARKET}]\nmax_order_amount=1\nmax_order_notional=100000\n"
        )
        asked = Asked(file, capsys)
    row = asked.rows["", "clock"]
    assert (row["state"] == "ok") is is_ready
    low, high = (
        float(word) for word in row["detail"].split(" is ")[1].split(" s ")[0].split(" to ")
    )
    assert low <= by_s <= high
    assert high - low < 0.75


def test_limits_that_allow_nothing_are_named(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(
        f'{path.read_text()}[accounts.hedge.markets.{MARKET}]\nmax_order_notional="1"\n'
        "[accounts.main.markets.NOPE_USDT]\nmax_order_amount=1\nmax_order_notional=1\n"
    )
    asked = Asked(path, capsys)
    assert asked.code == 1
    assert asked.failed == {("hedge", f"market {MARKET}"), ("main", "market NOPE_USDT")}
    assert "below the venue's minimum" in asked.rows["hedge", f"market {MARKET}"]["detail"]


def test_limits_that_a_live_start_needs_are_named(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(
        path.read_text().replace(
            "max_order_notional=100000\n",
            "max_order_notional=100000\nmax_open_orders=9\nmax_open_notional=1000\nmax_position=1\n"
            "[limits]\nmax_open_orders=9\nmax_open_notional=1000\nmax_loss=10\nmax_drawdown=10\n",
        )
        + "[accounts.hedge.limits]\nmax_loss=5\n"
    )
    rows = Asked(path, capsys).rows
    assert rows["main", "limits"] == {
        **rows["main", "limits"],
        "state": "ok",
        "detail": "all are given",
    }
    path.write_text(path.read_text().replace("max_position=1\n", ""))
    row = Asked(path, capsys).rows["hedge", "limits"]
    assert (row["state"], row["detail"]) == (
        "warn",
        f"a live start needs markets.{MARKET}.max_position",
    )


def test_a_file_that_cannot_be_used_is_exit_code_2(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(path.read_text().replace("connections", "conections"))
    assert main(["check", "--config", str(path), "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "accounts.hedge: Object contains unknown field `conections`" in said.err


# ---- settings -------------------------------------------------------------------------------


def test_every_setting_is_there_with_where_it_is_from(
    path: Path, venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = Asked(path, capsys).settings
    assert rows["venue.rest"] == {"key": "venue.rest", "value": venue.rest, "is_default": False}
    assert rows["process.cpu"]["value"] == "none"
    assert rows["accounts.main.orders.connections"]["is_default"]
    assert rows["accounts.hedge.orders.connections"]["value"] == "2"
    assert not rows["accounts.hedge.orders.connections"]["is_default"]
    assert rows["accounts.hedge.key"]["value"] == f"set from file {path.parent}/key"
    assert not [key for key in rows if key.startswith(("orders.", "markets.", "account."))]


def test_a_single_account_lists_the_file_as_it_is() -> None:
    from tests.test_config import GOOD

    found = {row.key: row for row in settings(parse(GOOD))}
    sections = {key.split(".")[0] for key in found}
    assert sections == set(Config.__struct_fields__) - {"accounts"}
    assert found["account.key"].value.startswith("NOT SET: the environment variable WHITEWIRE_KEY")
    assert found["account.key"].is_default
    assert found["markets.BTC_USDT.max_order_notional"].value == "5000"
    assert len({row.key for row in settings(parse(GOOD))}) == len(settings(parse(GOOD)))
