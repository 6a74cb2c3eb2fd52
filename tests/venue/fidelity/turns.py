"""Nonces of an account that several clients in one test share.

Two clients that each count for themselves would sooner or later use one nonce twice.
"""

from __future__ import annotations

from collections import defaultdict

from tests.venue.naive import Nonces, RestClient
from whitewire.venue import Venue
from whitewire.venue.values.model import AccountSpec

_BY_KEY: defaultdict[str, Nonces] = defaultdict(Nonces)


def nonces_of(account: AccountSpec) -> Nonces:
    """The one supply of an account's nonces."""
    return _BY_KEY[account.key]


def client_of(venue: Venue, account: int = 0) -> RestClient:
    """A client of an account beside others."""
    return RestClient(venue, account, nonces=nonces_of(venue.accounts[account]))
