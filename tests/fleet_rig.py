"""Two accounts of the embedded venue in one process: an account and its sub-account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.gateway_rig import MARKET, Recorder, Truth, config_for, credentials_of, until
from whitewire.config import Config, Credentials
from whitewire.fleet import Fleet
from whitewire.gateway import Gateway
from whitewire.strategy import Strategy
from whitewire.venue import Venue, WireOptions
from whitewire.venue.engine.accounts import default_accounts

NAMES = ("main", "hedge")
# Of the venue's accounts the first one, and its sub-account; the second one makes the market.
INDEX = {"main": 0, "hedge": 2}


def venue_of_two() -> Venue:
    """A quiet venue: two accounts with a sub-account each."""
    wire = WireOptions(depth_keepalive_s=1.0)
    return Venue(traders=False, wire=wire, accounts=default_accounts(1, 2, 1))


def truths_of(venue: Venue) -> dict[str, Truth]:
    """The venue's own view of each of our accounts; another one has made a market."""
    found = {}
    for name, index in INDEX.items():
        found[name] = Truth(venue)
        found[name].me = venue.accounts[index].name
    found["main"].make_market()
    return found


class Quoter(Recorder):
    """Quotes both sides as soon as it may."""

    def on_start(self, gw: Gateway) -> None:
        super().on_start(gw)
        gw.set_quotes(MARKET, [(60000, "0.01")], [(60100, "0.01")])


def config_of(venue: Venue, **sections: Any) -> Config:
    """Both accounts with the same limits."""
    return config_for(venue, accounts={"main": {}, "hedge": {}}, **sections)


def keys_of(venue: Venue) -> dict[str, Credentials]:
    return {name: credentials_of(venue, index) for name, index in INDEX.items()}


def key_of(venue: Venue, name: str) -> str:
    return venue.accounts[INDEX[name]].key


@asynccontextmanager
async def fleet_of(
    venue: Venue, strategies: dict[str, Strategy], config: Config | None = None
) -> AsyncIterator[Fleet]:
    """Runs a fleet from the moment when every account that can is active to its end."""
    fleet = Fleet(strategies, config or config_of(venue), keys_of(venue))
    running = asyncio.get_running_loop().create_task(fleet.run())

    def is_decided() -> bool:
        members = fleet.members.items()
        return all(m.gateway.callbacks.is_open or n in fleet.failures for n, m in members)

    try:
        await until(lambda: is_decided() or running.done(), 20)
        yield fleet
    finally:
        fleet.stop("the test is over")
        await running


def ids(truth: Truth) -> list[int]:
    return [order.id for order in truth.orders()]
