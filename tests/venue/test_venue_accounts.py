"""How many accounts a venue has, whose sub-accounts they are, and traders on a perpetual."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import cast

from tests import source_tree as source
from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue, VenueConfig
from whitewire.venue.server import VenueServer


def test_the_command_opens_accounts_with_sub_accounts() -> None:
    arguments = ("--accounts", "2", "--sub-accounts", "2", "--scenario", "empty", "--no-tls")
    process = subprocess.Popen(
        [sys.executable, "-m", "whitewire", "venue", *arguments, "--market", "BTC_PERP"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=source.ROOT,
    )
    with process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        assert line["markets"] == ["BTC_PERP"]
        assert [(spec["name"], spec["parent"]) for spec in line["accounts"]] == [
            ("account-1", None),
            ("account-2", None),
            ("account-1-sub-1", "account-1"),
            ("account-1-sub-2", "account-1"),
            ("account-2-sub-1", "account-2"),
            ("account-2-sub-2", "account-2"),
        ]
        specs = [SimpleNamespace(**spec) for spec in line["accounts"]]
        running = cast("Venue", SimpleNamespace(**{**line, "accounts": specs}))
        with RestClient(running) as main, RestClient(running, 2) as sub:
            main.ok("collateral-account/leverage", leverage=2)
            assert sub.ok("collateral-account/summary")["leverage"] == 10
            sub.limit("buy", "100")
            assert main.ok("orders") == []
        process.terminate()
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "", "")


def test_two_accounts_and_no_sub_accounts_by_default() -> None:
    server = VenueServer(VenueConfig(scenario="empty"))
    assert [(spec.name, spec.parent) for spec in server.exchange.accounts.values()] == [
        ("account-1", None),
        ("account-2", None),
    ]


def test_traders_make_a_market_of_a_perpetual() -> None:
    with Venue(markets=("BTC_PERP",)) as venue, RestClient(venue) as rest, WsClient(venue) as ws:
        ws.authorize(rest)
        ws.call("trades_subscribe", "BTC_PERP")
        ws.push("trades_update")
        market, trades = ws.push("trades_update")  # the first one is a replay
        assert (market, len(trades) >= 1) == ("BTC_PERP", True)
        order = rest.ok("order/collateral/market", market="BTC_PERP", side="buy", amount="0.01")
        assert order["status"] == "FILLED"
        assert rest.ok("collateral-account/positions/open")[0]["amount"] == "0.01"
        (btc, _) = rest.get("futures")[1]["result"]
        assert btc["bid"] != "0"
        assert btc["stock_volume"] != "0"
