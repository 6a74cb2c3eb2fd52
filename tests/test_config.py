"""The configuration file: what it may hold, and one sentence when it is wrong."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from whitewire.config import AccountConfig, Config, Credentials, OrdersConfig, load, parse
from whitewire.errors import ConfigError

GOOD = """
[venue]
rest = "https://colo.example"
public_rest = "https://whitebit.com"
ws = "wss://wss.whitebit.com/ws"
[markets.BTC_USDT]
max_order_amount = "0.1"
max_order_notional = 5000
"""


def test_the_least_that_works_and_its_defaults() -> None:
    config = parse(GOOD)
    assert list(config.markets) == ["BTC_USDT"]
    limits = config.markets["BTC_USDT"]
    assert limits.max_order_amount == Decimal("0.1")
    assert limits.max_order_notional == 5000
    assert limits.collar_percent == 2
    assert (config.orders.connections, config.orders.in_flight, config.orders.stp) == (4, 8, "cn")
    assert config.kill_switch.timeout_s == 30
    assert config.feed.depth == 100
    assert not config.is_loopback


def test_what_is_measured_and_what_is_opened() -> None:
    def orders(*lines: str) -> OrdersConfig:
        return parse("\n".join([GOOD, "[orders]", *lines])).orders

    assert (orders().needs_probe, orders().needs_socket) == (False, False)
    for line in ('connections = "auto"', 'in_flight = "auto"', 'transport = "auto"'):
        assert orders(line).needs_probe, line
    assert orders('transport = "auto"').needs_socket
    socket = orders('transport = "websocket"', "connections = 2")
    assert (socket.needs_probe, socket.needs_socket, socket.connections) == (False, True, 2)


def test_numbers_in_toml_keep_their_text() -> None:
    config = parse(GOOD.replace('"0.1"', "0.1"))
    assert config.markets["BTC_USDT"].max_order_amount == Decimal("0.1")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("[venue]", "[venue"), "Expected"),
        (("= 5000", "= 5000\nproduct = 'options'"), "Invalid enum value 'options'"),
        (("= 5000", "= 5000\nleverage = 7"), "Invalid enum value 7"),
        (
            (
                "= 5000",
                "= 5000\nleverage = 5\n[markets.B]\nmax_order_amount = 1\n"
                "max_order_notional = 1\nleverage = 10",
            ),
            "leverages of 5, 10; the venue has one leverage for the whole account",
        ),
        (("[venue]", "[venu]"), "unknown field `venu`|missing required field `venue`"),
        (("max_order_amount", "max_amount"), "unknown field `max_amount`"),
        (('max_order_amount = "0.1"\n', ""), "missing required field `max_order_amount`"),
        (('"0.1"', '"a lot"'), r"Invalid decimal string.*\$\.markets"),
        (('"0.1"', "0"), "markets.BTC_USDT.max_order_amount was 0; give a positive number"),
        (('"0.1"', '"NaN"'), "max_order_amount was NaN"),
        (("5000", "-1"), "max_order_notional was -1"),
        (("5000", "true"), "Expected"),
        (('"https://colo.example"', '"colo.example"'), "venue.rest was 'colo.example'; give a URL"),
        (('"https://colo.example"', '"ftp://h"'), "that starts with https://"),
        (('"https://colo.example"', '"https://h:99999"'), "venue.rest was"),
        (('"https://colo.example"', '"https://"'), "venue.rest was"),
        (('"wss://wss.whitebit.com/ws"', '"https://h"'), "venue.ws was 'https://h'; .*wss://"),
        (("[markets.BTC_USDT]", "[orders]\nconnections = 0\n[markets.B]"), ">= 1.*orders.connect"),
        (("[markets.BTC_USDT]", "[orders]\nstp = 'yes'\n[markets.B]"), "Invalid enum value 'yes'"),
        (("[markets.BTC_USDT]", "[orders]\ntransport = 'fax'\n[markets.B]"), "orders.transport"),
        (("[markets.BTC_USDT]", "[orders]\nin_flight = 'many'\n[markets.B]"), "orders.in_flight"),
        (("[markets.BTC_USDT]", "[orders]\nid_prefix = 'a-b'\n[markets.B]"), "id_prefix"),
        (("[markets.BTC_USDT]", "[feed]\ndepth = 7\n[markets.B]"), "depth was 7; the venue serves"),
        (("[markets.BTC_USDT]", "[kill_switch]\ntimeout_s = 4\n[markets.B]"), ">= 5"),
        (("[markets.BTC_USDT]", "[process]\ncpu = -1\n[markets.B]"), ">= 0"),
    ],
)
def test_a_mistake_names_its_place(change: tuple[str, str], text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        parse(GOOD.replace(*change), "gateway.toml")
    assert str(caught.value).startswith("gateway.toml: ")


def test_no_market_at_all() -> None:
    head = GOOD.split("[markets")[0]
    with pytest.raises(ConfigError, match=r"no market; add a \[markets\.NAME\] section"):
        parse(head + "[markets]\n")


def test_a_ca_that_is_not_there(tmp_path: Path) -> None:
    text = GOOD.replace("[markets", 'ca = "{}"\n[markets', 1)
    with pytest.raises(ConfigError, match=r"venue\.ca was .*nowhere\.pem'; give the path of a PEM"):
        parse(text.format(tmp_path / "nowhere.pem"))


def test_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: No such file .*; give the path of a TOML"):
        load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'[venue]\nrest = "\xff"')
    with pytest.raises(ConfigError, match=r"latin\.toml: not UTF-8 text"):
        load(tmp_path / "latin.toml")
    (tmp_path / "good.toml").write_text(GOOD)
    assert isinstance(load(str(tmp_path / "good.toml")), Config)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("127.0.0.1.evil.example", False)],
)
def test_loopback_is_every_host_or_none(host: str, expected: bool) -> None:
    text = GOOD.replace("colo.example", host).replace("wss.whitebit.com", host)
    assert not parse(text).is_loopback
    assert parse(text.replace("https://whitebit.com", f"https://{host}")).is_loopback is expected


def test_secrets_come_from_the_environment_and_are_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = AccountConfig(key_env="MY_KEY", secret_env="MY_SECRET")
    monkeypatch.setenv("MY_KEY", "public")
    monkeypatch.setenv("MY_SECRET", " \n")
    with pytest.raises(ConfigError, match="MY_SECRET is not set; export MY_SECRET with the acc"):
        Credentials.from_environment(account)
    monkeypatch.setenv("MY_SECRET", "hush\n")
    credentials = Credentials.from_environment(account)
    assert (credentials.key, credentials.secret) == ("public", "hush")
    assert "hush" not in repr(credentials)
    assert "hush" not in str([credentials])
