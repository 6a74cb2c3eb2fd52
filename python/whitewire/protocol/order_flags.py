"""The options of an order: which exclude each other by the venue's numbers, and their bits.

Owns: the documented conflicts of post-only, IOC, RPI, retail and self-trade prevention. Must not
know: how an order is sent, whether the account may use an option (the venue's 42 and 43).
Invariant: what is refused here the venue would refuse with the same number; what passes here it
refuses for no combination of options.

Rules
-----
1. IOC with post-only is 37, IOC with RPI 40, RPI with retail 41.
2. RPI is post-only by itself; with an explicit post-only it is 30 (the number is not stated).
3. Self-trade prevention is `no`, `cb`, `cn` or `co`; anything else is 30. The long names that the
   venue still takes are deprecated and refused here.
"""

from __future__ import annotations

from typing import NamedTuple

from whitewire.errors import UsageError
from whitewire.market import Market, Side

__all__ = ["STP_MODES", "Conflict", "Flags", "conflicts"]

STP_MODES = ("no", "cb", "cn", "co")


class Conflict(NamedTuple):
    """Options that exclude each other; `number` is the venue's, `code` ours."""

    number: int
    message: str
    advice: str
    code: str = "order-flags"


def conflicts(
    *, post_only: bool, ioc: bool, rpi: bool, retail: bool = False, stp: str = "no"
) -> list[Conflict]:
    """Every conflict among the options of one order, in the order of the rules."""
    found = []
    if ioc and post_only:
        found.append(Conflict(37, "ioc and post_only exclude each other", "set one of them"))
    if ioc and rpi:
        found.append(Conflict(40, "ioc and rpi exclude each other", "set one of them"))
    if rpi and retail:
        found.append(Conflict(41, "rpi and retail exclude each other", "rpi makes, retail takes"))
    if rpi and post_only:
        found.append(
            Conflict(30, "rpi and post_only exclude each other", "rpi is post-only by itself")
        )
    if stp not in STP_MODES:
        found.append(Conflict(30, f"stp was {stp!r}", "use no, cb, cn or co", "order-stp"))
    return found


class Flags:
    """Bits of an order's flags, as the core takes them (native/src/engine.rs)."""

    SELL = 1
    POST_ONLY = 2
    IOC = 4
    RPI = 8
    REDUCE_ONLY = 64
    STP: dict[str, int] = {"no": 0 << 4, "cb": 1 << 4, "cn": 2 << 4, "co": 3 << 4}  # noqa: RUF012

    @classmethod
    def of(
        cls,
        side: Side,
        post_only: bool,
        ioc: bool,
        rpi: bool,
        stp: str,
        reduce_only: bool = False,
    ) -> int:
        """Flags of an order.

        Raises:
            UsageError: a combination that the venue refuses.
        """
        found = conflicts(post_only=post_only, ioc=ioc, rpi=rpi, stp=stp)
        if found:
            first = min(found)  # the venue names the lowest number, too
            text = f"{first.message} (the venue's error {first.number})"
            raise UsageError(first.code, text, first.advice)
        bits = cls.SELL if side is Side.SELL else 0
        bits |= cls.POST_ONLY if post_only else 0
        bits |= cls.IOC if ioc else 0
        bits |= cls.RPI if rpi else 0
        bits |= cls.REDUCE_ONLY if reduce_only else 0
        return bits | cls.STP[stp]

    @classmethod
    def chosen(
        cls,
        market: Market,
        side: Side,
        post_only: bool | None,
        ioc: bool,
        rpi: bool,
        stp: str,
        reduce_only: bool,
    ) -> int:
        """Flags as a strategy chose them; without a word an order is post-only where it can be.

        Raises:
            UsageError: a combination that the venue refuses, or `reduce_only` in a spot market.
        """
        if reduce_only and not market.is_collateral:
            raise UsageError(
                "order-flags",
                f"{market.name} is spot: there is no position",
                "leave reduce_only out",
            )
        explicit = not (ioc or rpi) if post_only is None else post_only
        return cls.of(side, explicit, ioc, rpi, stp, reduce_only)
