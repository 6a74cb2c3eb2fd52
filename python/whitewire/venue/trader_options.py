"""How the simulated traders of a scenario behave.

Owns: one named number for everything about them that a scenario may set. Must not know: markets,
the traders themselves. Invariant: plain values, checked; the defaults are the calm market.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["TraderOptions"]

_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class TraderOptions:
    """Rates, sizes and moods; whole numbers where a price or an amount follows from them.

    Attributes:
        maker_pause_min_s: shortest pause between two actions of the makers.
        maker_pause_max_s: longest one; each action renews two quotes.
        takers_per_s: mean number of takers a second.
        maker_size_percent: size of the makers' quotes, of the calm ones.
        taker_size_percent: size of the takers' orders, of the calm ones.
        taker_reach_levels: how many levels' distance from the fair price a taker pays.
        buyers_percent: share of the takers who buy.
        volatility_percent: size of the fair price's steps, of the calm ones (0.25 basis points).
        drift_percent: what each step adds in one direction, in percent of a calm step.
        drift_change_odds: a passing drift changes once in so many steps of the makers.
        jump_odds: the fair price jumps once in so many steps of the makers.
        jump_levels: the farthest that it jumps.
        cascades_per_min: mean number of runs of large takers on one side; zero for none.
        cascade_takers: how many of them make a run.
        cascade_pause_s: time between two of them.
        cascade_size_percent: their size, of the calm takers' largest.
        cascade_levels: how far each of them moves the fair price and reaches beyond it.
        cascade_sells_percent: share of the runs that sell.
    """

    maker_pause_min_s: float = 0.02
    maker_pause_max_s: float = 0.06
    takers_per_s: float = 4.0
    maker_size_percent: int = 100
    taker_size_percent: int = 100
    taker_reach_levels: int = 12
    buyers_percent: int = 50
    volatility_percent: int = 100
    drift_percent: int = 0
    drift_change_odds: int = 150
    jump_odds: int = 700
    jump_levels: int = 20
    cascades_per_min: float = 0.0
    cascade_takers: int = 40
    cascade_pause_s: float = 0.05
    cascade_size_percent: int = 300
    cascade_levels: int = 6
    cascade_sells_percent: int = 100

    def __post_init__(self) -> None:
        """Refuses what traders cannot do.

        Raises:
            ValueError: says which number was what.
        """
        for option in fields(self):
            value = getattr(self, option.name)
            self._check_number(option.name, value, isinstance(option.default, int))
        for name in ("buyers_percent", "cascade_sells_percent"):
            if getattr(self, name) > 100:
                raise ValueError(f"{name} was {getattr(self, name)}, and is at most 100")
        for name in ("maker_pause_min_s", "cascade_pause_s"):
            if getattr(self, name) < 0.001:
                raise ValueError(f"{name} was {getattr(self, name)}, and is at least 0.001")
        if self.maker_pause_max_s < self.maker_pause_min_s:
            raise ValueError("maker_pause_max_s is less than maker_pause_min_s")

    @staticmethod
    def _check_number(name: str, value: object, is_whole: bool) -> None:
        least: float = -_MOST if name == "drift_percent" else 0
        if name.endswith(("_odds", "_takers")):
            least = 1
        elif name == "takers_per_s":
            least = 1e-6
        kinds = int if is_whole else int | float
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise ValueError(f"{name} was {value!r}, not a {'whole ' if is_whole else ''}number")
        if not least <= value <= _MOST:
            raise ValueError(f"{name} was {value!r}, and is from {least} to {_MOST}")
