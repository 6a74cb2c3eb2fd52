"""The WebSocket's numbers: every cause has one, and every number has a text."""

from __future__ import annotations

from decimal import Decimal

import pytest

from whitewire.venue.values.reasons import Reason, VenueError
from whitewire.venue.values.ws_refusals import TEXTS, WsRefusal, engine_refusal, invalid


def refused(reason: Reason | None, *bounds: int) -> VenueError:
    pair = (Decimal(bounds[0]), Decimal(bounds[1])) if bounds else None
    return VenueError(422, 30, "Validation failed", {}, reason=reason, bounds=pair)


def answer(refusal: WsRefusal) -> tuple[int, str]:
    return refusal.code, refusal.message


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_documented_number(reason: Reason) -> None:
    refusal = engine_refusal(refused(reason))
    assert refusal.code in TEXTS
    assert refusal.from_engine
    expected = "order not found" if reason is Reason.NOT_FOUND else TEXTS[refusal.code]
    assert refusal.message == expected


def test_reasons_share_no_number_but_that_of_the_argument() -> None:
    codes = [engine_refusal(refused(reason)).code for reason in Reason]
    codes = [code for code in codes if code != 1]
    assert len(set(codes)) == len(codes)


def test_without_a_reason_it_is_the_argument() -> None:
    assert answer(engine_refusal(refused(None))) == (1, "invalid argument")
    assert answer(invalid()) == (1, "invalid argument")
    assert not invalid().from_engine


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (Decimal(89), "price must be >= 90"),
        (Decimal(111), "price must be <= 110"),
        (None, "price must be >= 90 and <= 110"),
    ],
)
def test_a_band_is_named_by_the_bound_that_is_broken(price: Decimal | None, text: str) -> None:
    assert answer(engine_refusal(refused(Reason.PRICE_BAND, 90, 110), price)) == (250, text)


def test_the_band_of_a_stop_is_not_named() -> None:
    refusal = engine_refusal(refused(Reason.STOP_PRICE_BAND, 90, 110), Decimal(1))
    assert answer(refusal) == (251, "activation price is out of bands")


def test_the_greatest_total_is_named() -> None:
    refusal = engine_refusal(refused(Reason.TOTAL_TOO_BIG, 5, 1000))
    assert answer(refusal) == (1, "amount * price must be <= 1000")


def test_what_is_off_the_grid_has_a_number_of_choice() -> None:
    error = refused(Reason.OFF_GRID)
    assert answer(engine_refusal(error)) == (1, "invalid argument")
    assert answer(engine_refusal(error, off_grid_code=11)) == (11, "amount too small")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (5, "service timeout"),
        (7, "too many requests"),
        (43, "client order id already exists"),
        (116, "margin order with reduce only is rejected"),
        (10010, "this market is restricted in your region"),
    ],
)
def test_numbers_have_the_venues_texts(code: int, text: str) -> None:
    assert TEXTS[code] == text
