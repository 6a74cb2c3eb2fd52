"""What is refused here the venue refuses with the same number, and nothing else."""

from __future__ import annotations

import itertools

import pytest

from tests.gateway_rig import MARKET, Truth, gateway, live, until
from whitewire.errors import UsageError
from whitewire.protocol.order_flags import STP_MODES, conflicts
from whitewire.venue import Venue
from whitewire.venue.values.refusals import VenueError
from whitewire.venue.values.requests import LimitRequest

FLAGS = list(itertools.product([False, True], repeat=4))
MODES = [*STP_MODES, "", "cancel", "CN"]


def venues_word(truth: Truth, request: LimitRequest) -> int | None:
    """The number of the venue's refusal, or None where it takes the order."""
    try:
        truth.venue.call(lambda exchange: exchange.place(truth.me, request))
    except VenueError as error:
        return error.code
    return None


@pytest.mark.parametrize("stp", MODES)
def test_every_combination_of_options_gets_the_venues_answer(
    venue: Venue, truth: Truth, stp: str
) -> None:
    for post_only, ioc, rpi, retail in FLAGS:
        found = conflicts(post_only=post_only, ioc=ioc, rpi=rpi, retail=retail, stp=stp)
        request = LimitRequest(
            market=MARKET, side="buy", price="59500", amount="0.01", stp=stp,
            post_only=post_only, ioc=ioc, rpi=rpi, retail=retail,
        )  # fmt: skip
        expected = min(found).number if found else None
        assert venues_word(truth, request) == expected, request


def test_the_documented_numbers() -> None:
    def numbers(**options: bool) -> list[int]:
        chosen = {"post_only": False, "ioc": False, "rpi": False} | options
        return [conflict.number for conflict in conflicts(**chosen)]

    assert numbers(ioc=True, post_only=True) == [37]
    assert numbers(ioc=True, rpi=True) == [40]
    assert numbers(rpi=True, retail=True) == [41]
    assert numbers(rpi=True, post_only=True) == [30]
    assert numbers(rpi=True, post_only=True, ioc=True) == [37, 40, 30]
    assert numbers(retail=True, ioc=True) == []


@live
async def test_the_gateway_sends_what_passes_and_nothing_else(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        sent, refused = [], 0
        choices = itertools.product([None, False, True], [False, True], [False, True], MODES)
        for post_only, ioc, rpi, stp in choices:
            explicit = (not (ioc or rpi)) if post_only is None else post_only
            bad = conflicts(post_only=explicit, ioc=ioc, rpi=rpi, stp=stp or "cn")
            options = {"post_only": post_only, "ioc": ioc, "rpi": rpi, "stp": stp}
            if bad:
                refused += 1
                with pytest.raises(UsageError, match=f"the venue's error {min(bad).number}"):
                    rig.place("buy", 59500, **options)
            else:
                order = rig.place("buy", 59500, **options)
                await until(lambda order=order: order.is_open or order.is_done)
                sent.append(order)
        assert refused
        assert not any(order.reject for order in sent)
        assert truth.placed() == len(sent)
        mine = {o.client_order_id: o for o in [*truth.orders(), *truth.finished()]}
        for order in sent:
            assert order.client_id in mine
        assert any(order.rpi for order in mine.values())
        assert {order.stp.value for order in mine.values()} == set(STP_MODES)
