"""How many examples the properties of collateral trading run, always the same ones.

Set WHITEWIRE_EXAMPLES to a factor to run more of them.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_FACTOR = int(os.environ.get("WHITEWIRE_EXAMPLES", "1"))


def examples(count: int) -> settings:
    """Bounded, without a deadline."""
    return settings(
        max_examples=count * _FACTOR,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
