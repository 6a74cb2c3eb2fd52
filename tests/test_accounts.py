"""Several accounts in one file: what each gets, and one sentence when a table is wrong."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_config import GOOD
from whitewire.accounts import SHARED_SECTIONS, demand_own_files, merged
from whitewire.config import Config, parse, split
from whitewire.errors import ConfigError

TWO = (
    GOOD
    + """
[orders]
connections = 3
[accounts.main]
[accounts.hedge]
key_file = "/run/hedge.key"
trades = ["ETH_USDT", "BTC_USDT"]
[accounts.hedge.orders]
in_flight = 2
[accounts.hedge.markets.BTC_USDT]
max_order_amount = "0.01"
[accounts.hedge.markets.ETH_USDT]
max_order_amount = 1
max_order_notional = 5000.5
"""
)


def test_the_single_form_is_one_account() -> None:
    config = parse(GOOD + '[account]\nname = "desk"\nkey_env = "MY_KEY"\n')
    assert split(config) == {"desk": config}
    assert list(split(parse(GOOD))) == ["main"]


def test_each_account_gets_what_is_common_and_what_is_its_own() -> None:
    found = split(parse(TWO))
    assert list(found) == ["main", "hedge"]
    main, hedge = found.values()
    assert (main.account.name, main.account.key_env) == ("main", "WHITEWIRE_MAIN_KEY")
    assert (hedge.account.key_file, hedge.account.secret_env) == (
        "/run/hedge.key",
        "WHITEWIRE_HEDGE_SECRET",
    )
    assert (main.orders.connections, main.orders.in_flight) == (3, 8)
    assert (hedge.orders.connections, hedge.orders.in_flight) == (3, 2)
    assert list(main.markets) == ["BTC_USDT"]
    assert list(hedge.markets) == ["ETH_USDT", "BTC_USDT"]
    assert main.markets["BTC_USDT"].max_order_amount == Decimal("0.1")
    assert hedge.markets["BTC_USDT"].max_order_amount == Decimal("0.01")
    assert hedge.markets["BTC_USDT"].max_order_notional == 5000
    assert hedge.markets["ETH_USDT"].max_order_notional == Decimal("5000.5")
    for own in found.values():
        assert (own.venue, own.accounts) == (parse(GOOD).venue, {})
        assert split(own) == {own.account.name: own}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("[accounts.main]", "[account]\nkey_env='A'"), r"there are \[account\] and \[accounts"),
        (("[accounts.main]", "[accounts.'a b']"), r"accounts.a b: .*regex.*account.name"),
        (("[accounts.main]", "[accounts]\nmain = 3\n[accounts.x]"), "Expected `object`, got `int`"),
        (("key_file", "key_fiel"), "accounts.hedge: .*unknown field `key_fiel`"),
        (("[accounts.hedge.orders]", "[accounts.hedge.ordres]"), "hedge: .*field `ordres`"),
        (("in_flight = 2", "in_fligth = 2"), "hedge: .*unknown field `in_fligth`.*orders"),
        (("in_flight = 2", "in_flight = 0"), "hedge: .*>= 1.*orders.in_flight"),
        (("[accounts.hedge.orders]\nin_flight = 2", "orders = 3"), "hedge: Expected `object`"),
        (("accounts.hedge.orders]\nin_flight = 2", "accounts.hedge.venue]\nrest = 'https://x'"),
         r"hedge: venue is shared by all accounts; write \[venue\] once"),
        (("accounts.hedge.orders]\nin_flight = 2", "accounts.hedge.process]\ncpu = 1"),
         "hedge: process is shared"),
        (('"0.01"', "0"), "accounts.hedge: markets.BTC_USDT.max_order_amount was 0; give a pos"),
        (('"0.01"', "'NaN'"), "max_order_amount was NaN"),
        (("max_order_notional = 5000.5\n", ""), "missing required field `max_order_notional`"),
        (('["ETH_USDT", "BTC_USDT"]', '["ETH_USD", "BTC_USDT"]'), "ETH_USD, .* mean ETH_USDT?"),
        (('["ETH_USDT", "BTC_USDT"]', '["FAR"]'), r"has no limits; add a \[markets.FAR\] section"),
        (('["ETH_USDT", "BTC_USDT"]', '["ETH_USDT"]'), "markets.BTC_USDT is limited but not amo"),
        (('["ETH_USDT", "BTC_USDT"]', "'ETH_USDT'"), "trades was 'ETH_USDT'; give a list"),
        (('["ETH_USDT", "BTC_USDT"]', "[1]"), r"trades was \[1\]; give a list"),
        (('"/run/hedge.key"', '"/k"\nkey_credential = "k"'), "exclude each other"),
    ],
)  # fmt: skip
def test_a_mistake_names_the_account_and_the_place(change: tuple[str, str], text: str) -> None:
    assert change[0] in TWO
    with pytest.raises(ConfigError, match=text) as caught:
        parse(TWO.replace(*change), "gateway.toml")
    assert str(caught.value).startswith("gateway.toml: ")
    assert str(caught.value).count("\n") == 0


def test_an_account_without_a_market() -> None:
    head = GOOD.split("[markets")[0]
    with pytest.raises(ConfigError, match=r"accounts.lone: no market; add a \[markets"):
        parse(head + "[accounts.lone]\n")


keys = st.sampled_from("abcd")
leaves = st.integers(0, 3)
tables = st.dictionaries(keys, leaves | st.dictionaries(keys, leaves))
sections = st.dictionaries(st.sampled_from(["orders", "feed"]), tables)


@given(sections, sections)
def test_own_values_beat_common_ones_and_nothing_else_changes(
    common: dict[str, dict[str, object]], own: dict[str, dict[str, object]]
) -> None:
    """Against a flat model: paths to leaves, the account's over the common ones."""
    before = repr((common, own))
    tree = merged(common, "x", own)
    assert repr((common, own)) == before
    for section in {*common, *own}:
        left, right = common.get(section, {}), own.get(section, {})
        for key in {*left, *right}:
            value = tree[section][key]
            inner, outer = right.get(key), left.get(key)
            if isinstance(inner, dict) and isinstance(outer, dict):
                assert value == outer | inner
            else:
                assert value == (inner if key in right else outer)
    assert set(tree) == {*common, *own, "account"}


def test_shared_sections_are_sections() -> None:
    known = set(Config.__struct_fields__)
    assert {"venue", "process", "account", "accounts"} <= SHARED_SECTIONS & known


def test_files_of_one_account_are_named_by_one() -> None:
    tables = {"a": {"limits": {"state_file": "/s"}}, "b": {"limits": {"state_file": None}}, "c": {}}
    demand_own_files(tables)
    tables["b"] = {"limits": {"state_file": "/t"}, "watchdog": {"heartbeat": "/s"}}
    demand_own_files(tables)
    tables["c"] = {"limits": {"state_file": "/t"}}
    with pytest.raises(ConfigError, match=r"b and c have the same limits.state_file; write \[acc"):
        demand_own_files(tables)
