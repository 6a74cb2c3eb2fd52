"""WebSocket tokens: shape, lifetime, reuse."""

from __future__ import annotations

from whitewire.venue.access.tokens import TokenStore
from whitewire.venue.options import WireOptions


def test_a_token_stands_for_its_account_until_it_expires() -> None:
    store = TokenStore(WireOptions())
    token = store.issue("account-1", 100.0)
    assert store.redeem(token, 100.0) == "account-1"
    assert store.redeem(token, 159.9) == "account-1"
    assert store.redeem(token, 160.0) is None


def test_the_lifetime_of_a_token_is_an_option() -> None:
    store = TokenStore(WireOptions(token_ttl_s=5.0))
    token = store.issue("account-1", 100.0)
    assert store.redeem(token, 104.9) == "account-1"
    assert store.redeem(token, 105.0) is None


def test_tokens_are_sixty_characters_and_differ() -> None:
    store = TokenStore(WireOptions())
    tokens = {store.issue("account-1", 0.0) for _ in range(50)}
    assert len(tokens) == 50
    assert {len(token) for token in tokens} == {60}


def test_an_unknown_token_stands_for_nobody() -> None:
    assert TokenStore(WireOptions()).redeem("x" * 60, 0.0) is None


def test_single_use_tokens_work_once() -> None:
    store = TokenStore(WireOptions(token_single_use=True))
    token = store.issue("account-1", 0.0)
    assert store.redeem(token, 1.0) == "account-1"
    assert store.redeem(token, 1.0) is None
