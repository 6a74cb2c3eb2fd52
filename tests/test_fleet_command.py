"""`whitewire run` with several accounts, as a user runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet_rig import INDEX, NAMES, key_of, truths_of, venue_of_two
from tests.gateway_rig import MARKET, Truth, until
from whitewire.venue import Venue


@pytest.fixture
def venue() -> Iterator[Venue]:
    with venue_of_two() as running:
        yield running


@pytest.fixture
def truths(venue: Venue) -> dict[str, Truth]:
    return truths_of(venue)


STRATEGIES = """
from whitewire import Strategy

class Quoter(Strategy):
    def on_start(self, gw):
        gw.set_quotes("BTC_USDT", [(60000, "0.01")], [(60100, "0.01")])
"""


@pytest.mark.parametrize(
    ("arguments", "is_refused", "code"),
    [
        (["main=mine:Quoter", "hedge=mine:Quoter"], False, 0),
        (["mine:Quoter"], False, 0),
        (["main=mine:Quoter", "hedge=mine:Quoter"], True, 1),
    ],
)
def test_the_command_runs_them_all(
    venue: Venue,
    truths: dict[str, Truth],
    tmp_path: Path,
    arguments: list[str],
    is_refused: bool,
    code: int,
) -> None:
    (tmp_path / "mine.py").write_text(STRATEGIES)
    (tmp_path / "gateway.toml").write_text(
        f'[venue]\nrest="{venue.rest}"\npublic_rest="{venue.public_rest}"\nws="{venue.ws}"\n'
        f'ca="{venue.ca}"\n[markets.{MARKET}]\nmax_order_amount=1\nmax_order_notional=100000\n'
        "[accounts.main]\n[accounts.hedge]\n"
    )
    keys = {}
    for name, index in INDEX.items():
        keys[f"WHITEWIRE_{name.upper()}_KEY"] = venue.accounts[index].key
        keys[f"WHITEWIRE_{name.upper()}_SECRET"] = venue.accounts[index].secret
    if is_refused:
        venue.restrict_key(key_of(venue, "hedge"), enabled=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "whitewire", "run", *arguments, "--config", "gateway.toml"],
        cwd=tmp_path,
        env=os.environ | keys | {"COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    is_quoting = {"main": True, "hedge": not is_refused and len(arguments) == 2}
    wanted = {name: 2 if is_quoting[name] else 0 for name in NAMES}
    asyncio.run(until(lambda: {name: len(truths[name].orders()) for name in NAMES} == wanted, 25))
    process.send_signal(signal.SIGTERM)
    out, told = process.communicate(timeout=20)
    assert process.returncode == code, told
    start = next(line for line in told.splitlines() if "rehearsal at" in line)
    assert "account main runs Quoter (BTC_USDT)" in start
    assert "account hedge has no strategy" in start or len(arguments) == 2
    assert "whitewire main, " in out
    assert "whitewire hedge, " in out
    assert ("account hedge: the venue refused" in told) is is_refused
    assert not [value for value in keys.values() if value in out + told]
    journals = [file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file()]
    assert journals
    assert not [value for value in keys.values() if value.encode() in b"".join(journals)]
    assert [truth.orders() for truth in truths.values()] == [[], []]
