"""The options of an order that exclude each other, by the venue's own numbers.

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

__all__ = ["STP_MODES", "Conflict", "conflicts"]

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
