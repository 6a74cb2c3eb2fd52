"""Positions: rules P1 to P4, and an exact twin in fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.venue.collateral.profile import examples
from whitewire.venue.engine.positions import Position
from whitewire.venue.values.model import PositionSide

CUT = Fraction(1, 10**12)


def opened() -> Position:
    return Position(1, "BTC_PERP", PositionSide.BOTH, 1.0, 1.0)


def apply(position: Position, amount: str, price: str, now: float = 2.0) -> Decimal:
    return position.apply(Decimal(amount), Decimal(price), now)


def test_p1_a_short_position_is_negative_and_so_is_its_cost() -> None:
    position = opened()
    assert apply(position, "-2", "100") == 0
    assert (position.amount, position.cost, position.base_price) == (-2, -200, 100)
    assert position.unrealized(Decimal(90)) == 20
    assert position.unrealized(Decimal(110)) == -20
    assert (position.opened, position.modified) == (1.0, 2.0)


def test_p2_adding_averages_and_closing_realises_against_the_average() -> None:
    position = opened()
    apply(position, "1", "100")
    apply(position, "1", "110")
    assert (position.amount, position.cost, position.base_price) == (2, 210, 105)
    assert apply(position, "-1", "120") == 15
    assert (position.amount, position.cost, position.realized) == (1, 105, 15)
    assert apply(position, "-1", "100") == -5
    assert (position.amount, position.cost, position.realized) == (0, 0, 10)
    assert position.base_price == 0


def test_p2_of_a_short_position_profits_from_falling_prices() -> None:
    position = opened()
    apply(position, "-4", "100")
    assert apply(position, "1", "90") == 10
    assert (position.amount, position.cost) == (-3, -300)


def test_p3_takes_no_more_than_closes_it() -> None:
    position = opened()
    assert position.takes(Decimal(-5)) == -5
    apply(position, "2", "100")
    assert position.takes(Decimal(3)) == 3
    assert position.takes(Decimal(-1)) == -1
    assert position.takes(Decimal(-5)) == -2
    short = opened()
    apply(short, "-2", "100")
    assert short.takes(Decimal(5)) == 2
    assert short.takes(Decimal(1)) == 1
    assert short.takes(Decimal(-1)) == -1


def test_p4_what_the_cut_leaves_stays_in_the_position() -> None:
    position = opened()
    apply(position, "3", "100")
    apply(position, "4", "101")  # 704 / 7 has no end
    profit = apply(position, "-1", "100")
    assert profit == Decimal(100) - Decimal("100.571428571428")
    assert position.cost == Decimal(704) - Decimal("100.571428571428")
    assert profit + apply(position, "-6", "100") == -4


def test_p4_a_closed_position_keeps_nothing_however_small_its_units() -> None:
    position = opened()
    apply(position, "0.000003", "0.000000001")
    assert apply(position, "-0.000003", "0.000000002") == Decimal("3e-15")
    assert (position.amount, position.cost) == (0, 0)


fills = st.lists(
    st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 10**7)), min_size=1, max_size=30
)


@given(fills)
@examples(150)
def test_an_exact_twin_agrees_up_to_the_cut(fills: list[tuple[int, int]]) -> None:
    position, realized = opened(), Decimal(0)
    amount, cost, twin_realized, paid = Fraction(0), Fraction(0), Fraction(0), Fraction(0)
    cuts = 0
    for number, price_cents in fills:
        signed, price = Decimal(number) / 1000, Decimal(price_cents) / 100
        part = position.takes(signed)
        closes = bool(amount) and (amount > 0) is not (part > 0)
        assert abs(part) <= abs(signed)
        realized += position.apply(part, price, 0.0)
        taken, at = Fraction(part), Fraction(price)
        if closes:
            share = cost * taken / amount  # negative of what the part had cost
            twin_realized += -taken * at + share
            cost += share
            cuts += 1
        else:
            cost += taken * at
        amount += taken
        paid += taken * at
        assert Fraction(position.amount) == amount
        assert abs(Fraction(position.cost) - cost) <= cuts * CUT
        assert abs(Fraction(realized) - twin_realized) <= cuts * CUT
        assert position.realized == realized
        assert Fraction(position.cost) - Fraction(realized) == paid, "nothing is lost"
        if not amount:
            assert position.cost == 0
            position.realized = realized
