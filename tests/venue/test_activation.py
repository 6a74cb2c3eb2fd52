"""Triggers: which trades meet them and how they are spelled."""

from __future__ import annotations

from decimal import Decimal

import pytest

from whitewire.venue.values.activation import Activation, Condition

GTE, LTE = Condition.GTE, Condition.LTE


@pytest.mark.parametrize(
    ("condition", "lowest", "highest", "is_met"),
    [
        (GTE, 98, 99, False),
        (GTE, 100, 100, True),
        (GTE, 90, 101, True),
        (LTE, 101, 102, False),
        (LTE, 100, 100, True),
        (LTE, 99, 110, True),
    ],
)
def test_an_activation_price_is_met_by_reaching_it(
    condition: Condition, lowest: int, highest: int, is_met: bool
) -> None:
    activation = Activation(Decimal(100), condition)
    assert activation.is_met(Decimal(lowest), Decimal(highest)) is is_met


def test_conditions_have_a_sign_in_the_history() -> None:
    assert [(condition.value, condition.sign) for condition in (GTE, LTE)] == [
        ("gte", ">="),
        ("lte", "<="),
    ]
