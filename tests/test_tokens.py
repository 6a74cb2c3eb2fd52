"""One token for all sockets of an account, and no more tokens than the venue gives."""

from __future__ import annotations

import asyncio

import pytest

from tests.gateway_rig import live
from whitewire.errors import VenueRefusal
from whitewire.protocol.tokens import TOKEN_REUSE_NS, TokenCache, is_token_refused
from whitewire.transport.token_desk import TokenDesk
from whitewire.venue.values.ws_refusals import TEXTS


def test_a_token_is_used_for_half_of_its_life() -> None:
    cache = TokenCache()
    assert cache.usable(0) is None
    cache.store("one", 5)
    assert cache.usable(5 + TOKEN_REUSE_NS) == "one"
    assert cache.usable(6 + TOKEN_REUSE_NS) is None
    assert cache.usable(5) is None  # never offered again


def test_a_late_refusal_of_an_old_token_does_not_cost_the_new_one() -> None:
    cache = TokenCache()
    cache.store("one", 0)
    cache.refused("one")
    assert cache.usable(1) is None
    cache.store("two", 1)
    cache.refused("one")
    assert cache.usable(2) == "two"


@pytest.mark.parametrize("code", sorted({1, 2, 6, 11, *TEXTS}))
def test_only_four_numbers_are_about_the_token(code: int) -> None:
    assert is_token_refused(code) is (code in (1, 2, 6, 11))


@live
async def test_sockets_that_ask_together_share_one_token() -> None:
    asked, gate = 0, asyncio.Event()

    async def fetch() -> str:
        nonlocal asked
        asked += 1
        await gate.wait()
        return f"token-{asked}"

    desk = TokenDesk(fetch, lambda: 0)
    together = asyncio.gather(*[desk.get() for _ in range(7)])
    await asyncio.sleep(0)
    gate.set()
    assert await together == ["token-1"] * 7
    desk.refused("token-1")
    assert await desk.get() == "token-2"
    assert asked == 2


@live
async def test_who_waits_asks_himself_when_the_first_one_failed() -> None:
    asked = 0

    async def fetch() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        if asked == 1:
            raise VenueRefusal("not now", status=429)
        return "token"

    desk = TokenDesk(fetch, lambda: 0)
    first, second = await asyncio.gather(desk.get(), desk.get(), return_exceptions=True)
    assert isinstance(first, VenueRefusal)
    assert second == "token"
