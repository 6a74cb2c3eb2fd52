"""The account's fees: what the venue says, what a fill should cost, what it did cost.

Owns: the answer of `market/fee`, the effective fee of a market, the comparison with fills. Must not
know: connections, clocks, who is told. Invariant: all rates here are ratios (0.001 is 0.1 %); the
venue's percent texts (venue trap 42) end in `read_market_fees`.

Rules
-----
1. The venue ignores the market that is asked for (venue trap 61): custom fees of our markets are
   picked out here.
2. The effective fee is the lower of the market's fee and the account's custom fee.
3. The RPI premium is added to the maker's fee of an RPI order; null means none.
4. A fill is explained by the present fee, and until the fees are read again by the one before,
   since news of a change and fills may cross. An unexplained one is told once per market, role and
   rate until the fees change.
5. Fees are rounded to the venue's precision: a fee that is off by less than a unit of the eighth
   decimal, or by a millionth of itself, is as expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from whitewire.protocol.replies import Figures
from whitewire.protocol.replies_reading import read

__all__ = ["FeeSurprise", "FeeTable", "MarketFees", "read_market_fees"]

_PERCENT = Decimal("0.01")
_ZERO = Decimal(0)
_UNIT = Decimal("0.00000001")
_SHARE = Decimal("0.000001")


class _Pair(Figures, frozen=True):
    taker: Decimal
    maker: Decimal


class _Answer(Figures, frozen=True):
    taker: Decimal
    maker: Decimal
    futures_taker: Decimal
    futures_maker: Decimal
    rpi_maker_fee_premium: Decimal | None = None
    futures_rpi_maker_fee_premium: Decimal | None = None
    # an empty map may come as an empty array (venue trap 45)
    custom_fee: dict[str, _Pair] | list[Any] | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


class MarketFees(NamedTuple):
    """The account's effective fees in one market, as ratios; a negative one is a rebate.

    Attributes:
        market: its name.
        maker, taker: of price times amount.
        rpi_premium: added to the maker's fee of RPI orders; None where RPI is not enabled.
        is_custom: the account has a custom fee in this market.
    """

    market: str
    maker: Decimal
    taker: Decimal
    rpi_premium: Decimal | None = None
    is_custom: bool = False

    def rate(self, *, is_maker: bool, is_rpi: bool = False) -> Decimal:
        """What a fill in this role costs (rule 3)."""
        if not is_maker:
            return self.taker
        return self.maker + ((self.rpi_premium or _ZERO) if is_rpi else _ZERO)


class FeeSurprise(NamedTuple):
    """A fill cost something else than the account's fees say.

    Attributes:
        market, deal_id: which fill.
        role: `maker`, `taker` or `RPI maker`.
        expected, actual: ratios.
    """

    market: str
    deal_id: int
    role: str
    expected: Decimal
    actual: Decimal


def read_market_fees(status: int, body: bytes, markets: Iterable[str]) -> dict[str, MarketFees]:
    """The effective fees of `markets` (rules 1 to 3).

    Raises:
        VenueRefusal: status 4xx.
        PeerError: any other failure.
    """
    answer = read(status, body, _ANSWER)
    custom: Mapping[str, _Pair] = answer.custom_fee if isinstance(answer.custom_fee, dict) else {}
    fees = {}
    for name in markets:
        is_futures = name.endswith("_PERP")
        maker, taker = answer.maker, answer.taker
        premium = answer.rpi_maker_fee_premium
        if is_futures:
            maker, taker = answer.futures_maker, answer.futures_taker
            premium = answer.futures_rpi_maker_fee_premium
        own = custom.get(name)
        if own is not None:
            maker, taker = min(maker, own.maker), min(taker, own.taker)
        fees[name] = MarketFees(
            name,
            maker * _PERCENT,
            taker * _PERCENT,
            None if premium is None else premium * _PERCENT,
            own is not None,
        )
    return fees


class FeeTable:
    """The fees of our markets, now and before the last change."""

    def __init__(self) -> None:
        self._now: dict[str, MarketFees] = {}
        self._before: dict[str, MarketFees] = {}
        self._told: set[tuple[str, str, Decimal]] = set()

    def of(self, market: str) -> MarketFees | None:
        """The effective fees of a market, None before the venue told them."""
        return self._now.get(market)

    def update(self, fees: Mapping[str, MarketFees]) -> list[tuple[MarketFees, MarketFees]]:
        """Takes the venue's word and returns (old, new) of each market whose fees changed."""
        changes = []
        for name, new in fees.items():
            old = self._now.get(name)
            self._now[name] = new
            self._before.pop(name, None)
            if old is not None and old != new:
                self._before[name] = old
                self._told = {told for told in self._told if told[0] != name}
                changes.append((old, new))
        return changes

    def check(
        self,
        market: str,
        deal_id: int,
        fee: Decimal,
        base: Decimal,
        *,
        is_maker: bool,
        is_rpi: bool = False,
    ) -> FeeSurprise | None:
        """Compares a fill with the fees (rules 4 and 5); None when it is explained or was told.

        Args:
            market, deal_id: which fill.
            fee: what the venue took, units of the fee's asset.
            base: the same asset's amount that the fee is a share of.
            is_maker, is_rpi: our role, and whether the order was an RPI order.
        """
        known = [fees for fees in (self._now.get(market), self._before.get(market)) if fees]
        rates = [fees.rate(is_maker=is_maker, is_rpi=is_rpi) for fees in known]
        if not rates or any(abs(rate * base - fee) <= _UNIT + abs(fee) * _SHARE for rate in rates):
            return None
        actual = fee / base if base else fee
        role = ("RPI maker" if is_rpi else "maker") if is_maker else "taker"
        key = (market, role, round(actual, 6))
        if key in self._told:
            return None
        self._told.add(key)
        return FeeSurprise(market, deal_id, role, rates[0], actual)
