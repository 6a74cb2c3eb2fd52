"""The object that an order method takes, read field by field.

Owns: the types of fields, the texts of error 1 about them, and which flags go together. Must not
know: which method takes which fields, or the engine's state beyond the list of markets. Invariant:
a reader answers a good value or refuses the call, of which nothing has been executed by then.

Rules:

* P1  A call has exactly one object. Unknown keys are ignored; null is as good as absent.
* P2  Numbers are decimal texts; a JSON number is an invalid argument unless the options say
      otherwise. Flags are JSON booleans.
* P3  The market is looked at first, then its kind, then the fields. A spot placement is for markets
      that are not futures, one against collateral for those that are not spot alone (19).
* P4  ioc excludes post_only and rpi; rpi with post_only is allowed.
* P5  bbo_role 1 sets post_only and excludes ioc; bbo_role 2 excludes post_only.
* P6  An order is named by order_id or client_order_id; the latter wins where both are sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from whitewire.venue.orders.fields import STP_NAMES, Markets
from whitewire.venue.values.model import MarketSpec
from whitewire.venue.values.money import is_multiple, read_number
from whitewire.venue.values.ws_refusals import invalid, refused

__all__ = ["Flags", "OrderParams", "bbo_flags", "limit_flags"]


class OrderParams:
    """The object of one call.

    Attributes:
        market: the rules of the market that it names.
        outer: the whole object; that which the fields are read from may lie inside it.
    """

    def __init__(
        self,
        params: list[Any],
        markets: Markets,
        *,
        takes_numbers: bool,
        inside: str | None = None,
    ) -> None:
        """Takes the object and finds its market.

        Args:
            params: the parameters of the call.
            markets: all that are listed.
            takes_numbers: whether JSON numbers do for decimal texts.
            inside: the member that holds the order, where the call's object does not.

        Raises:
            WsRefusal: error 1.
        """
        if len(params) != 1 or not isinstance(params[0], dict):  # P1
            raise invalid()
        self.outer: Mapping[str, object] = params[0]
        fields = self.outer if inside is None else self.outer.get(inside)
        if not isinstance(fields, dict):
            raise invalid()
        self._fields: Mapping[str, object] = fields
        self._takes_numbers = takes_numbers
        name = self._fields.get("market")
        if name is None:
            raise invalid("market is required")
        if not isinstance(name, str):
            raise invalid()
        if name not in markets:
            raise invalid("market does not exist")
        self.market: MarketSpec = markets[name]

    def get(self, key: str) -> object:
        """A field as it is; None where it is absent."""
        return self._fields.get(key)

    def price(self) -> Decimal | None:
        """The price that the call names, if it is one."""
        return read_number(self.get("price"))

    def require_spot(self) -> None:
        """Refuses a futures market (P3)."""
        if self.market.is_futures:
            raise invalid("the market is futures")

    def require_collateral(self) -> None:
        """Refuses a market of spot alone."""
        if not self.is_collateral:
            raise refused(19)

    @property
    def is_collateral(self) -> bool:
        """Whether the market takes orders against collateral."""
        return self.market.is_futures or self.market.is_collateral

    def side(self) -> str:
        """`buy` or `sell`."""
        side = self.get("side")
        if side not in ("buy", "sell"):
            raise invalid("side is invalid")
        return str(side)

    def stp(self) -> str | None:
        """A self-trade-prevention mode."""
        mode = self.get("stp")
        if mode is None:
            return None
        if not isinstance(mode, str) or mode not in STP_NAMES:
            raise invalid("stp is invalid")
        return mode

    def number(self, key: str) -> Decimal:
        """A positive number that must be there (P2)."""
        value = self.optional_number(key)
        if value is None:
            raise invalid(f"{key} is required")
        return value

    def optional_number(self, key: str) -> Decimal | None:
        """A positive number that may be absent (P2)."""
        return self.read_number(self.get(key))

    def read_number(self, value: object) -> Decimal | None:
        """A positive number; None where there is none (P2)."""
        if value is None:
            return None
        number = read_number(value)
        if number is None or number <= 0 or not (self._takes_numbers or isinstance(value, str)):
            raise invalid()
        return number

    def amount(self, *, is_money: bool = False) -> Decimal:
        """The amount of an order, with no more decimals than its market allows."""
        decimals = self.market.money_prec if is_money else self.market.stock_prec
        amount = self.number("amount")
        if not is_multiple(amount, Decimal(1).scaleb(-decimals)):
            raise invalid(f"amount: precision is greater than {decimals}")
        return amount

    def flag(self, key: str) -> bool:
        """A flag that is off where it is absent (P2)."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            raise invalid()
        return bool(value)

    def bbo_role(self) -> int:
        """1 for the own side's best price, 2 for the opposite one."""
        role = self.get("bbo_role")
        if type(role) is not int or role not in (1, 2):
            raise invalid("bbo role must be an integer in range 1..2")
        return role

    def order_name(self) -> tuple[int | None, str | None]:
        """The one id that names an order (P6); the text speaks of modify in a cancel too."""
        order_id, client_order_id = self.get("order_id"), self.get("client_order_id")
        if client_order_id not in (None, ""):
            if not isinstance(client_order_id, str):
                raise invalid()
            return None, client_order_id
        if order_id is None:
            raise invalid("order_id or client_order_id must be set for modify")
        if type(order_id) is not int:
            raise invalid()
        return order_id, None


@dataclass(frozen=True, slots=True)
class Flags:
    """How an order may match."""

    post_only: bool
    ioc: bool
    rpi: bool = False


def limit_flags(params: OrderParams) -> Flags:
    """The flags of a limit order, if they go together (P4)."""
    flags = Flags(params.flag("post_only"), params.flag("ioc"), params.flag("rpi"))
    for name, is_set in (("post_only", flags.post_only), ("rpi", flags.rpi)):
        if flags.ioc and is_set:
            raise invalid(f"flags: ioc=1 and {name}=1 can't be combined")
    return flags


def bbo_flags(params: OrderParams, role: int) -> Flags:
    """The flags of a best-offer order, if they go with its role (P5)."""
    flags = Flags(params.flag("post_only"), params.flag("ioc"))
    if (flags.ioc and role == 1) or (flags.post_only and role == 2):
        raise invalid("wrong flags combination")
    return flags
