"""The values that the venue's engine takes, keeps and hands out.

Owns: markets, orders, deals and trades of the embedded venue; its refusal is in `reasons`.
Must not know: sockets, JSON, clocks, the matching algorithm, or anything of the gateway.
Invariant: money is `Decimal`, never a binary fraction; times are epoch seconds (a binary number
with microsecond resolution, as on the venue's wire); what leaves the engine is a copy that the
engine never changes afterwards.

Rules of the wire that these values encode:
    V1  Side numbers on the WebSocket are 1 for sell and 2 for buy.
    V2  An order type has a text for REST and a number for the WebSocket, another one for an order
        against collateral.
    V3  A long self-trade-prevention name is accepted, and always answered in its short form.
    V4  A deal's role is 1 for the maker and 2 for the taker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import Enum, IntEnum
from operator import attrgetter
from typing import NamedTuple

from whitewire.venue.values.activation import Activation
from whitewire.venue.values.reasons import VenueError as VenueError

ZERO = Decimal(0)


class Side(Enum):
    """Side of an order or of a trade's taker; the value is the REST text."""

    BUY = "buy"
    SELL = "sell"

    @property
    def code(self) -> int:
        """The WebSocket number (V1)."""
        return 2 if self is Side.BUY else 1

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(Enum):
    """Kind of an order; the value is the REST text."""

    LIMIT = "limit"
    MARKET = "market"
    STOCK_MARKET = "stock market"
    STOP_LIMIT = "stop limit"
    STOP_MARKET = "stop market"
    STOP_STOCK_MARKET = "stop stock market"


class Product(Enum):
    """What an order trades; the value is the text of kill switches and of cancel-all."""

    SPOT = "spot"
    MARGIN = "margin"
    FUTURES = "futures"


class PositionSide(Enum):
    """Which position an order is meant for; BOTH is the only one in one-way mode."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


_SPOT_CODES = {
    OrderType.LIMIT: 1,
    OrderType.MARKET: 2,
    OrderType.STOCK_MARKET: 202,
    OrderType.STOP_LIMIT: 3,
    OrderType.STOP_MARKET: 4,
    OrderType.STOP_STOCK_MARKET: 203,
}
_COLLATERAL_CODES = {
    OrderType.LIMIT: 7,
    OrderType.MARKET: 8,
    OrderType.STOP_LIMIT: 9,
    OrderType.STOP_MARKET: 10,
}


class Stp(Enum):
    """Self-trade prevention; the value is the short name that every answer prints (V3)."""

    NO = "no"
    CANCEL_BOTH = "cb"
    CANCEL_NEW = "cn"
    CANCEL_OLD = "co"


class Status(Enum):
    """State of an order; the value is the text on REST and on the WebSocket."""

    OPEN = "OPEN"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    CANCELED_STP = "CANCELED_STP"
    CANCELED_TAKER_BAND = "CANCELED_TAKER_BAND"
    DELISTING = "DELISTING"
    AUTO_CANCELED_REDUCE_ONLY = "AUTO_CANCELED_REDUCE_ONLY"
    AUTO_CANCELED_LIQUIDATION = "AUTO_CANCELED_LIQUIDATION"
    AUTO_CANCELED_USER_MARGIN = "AUTO_CANCELED_USER_MARGIN"


class Role(IntEnum):
    """Which part an order played in a deal (V4)."""

    MAKER = 1
    TAKER = 2


@dataclass(frozen=True, slots=True)
class MarketSpec:
    """One market's rules.

    Attributes:
        stock_prec: most decimals of an amount; negative means multiples of a power of ten.
        money_prec: most decimals of a price.
        fee_prec: most decimals of a fee where the option `truncate_fees` is on.
        maker_fee: ratio, 0.001 is 0.1 % (the market list prints percent).
        taker_fee: ratio.
        min_amount: least amount of an order, in stock.
        min_total: least price x amount, in money.
        max_total: greatest price x amount in money; zero means no bound.
        tick_size: grid of prices.
        step_size: grid of amounts.
        reference_price: where the simulated traders start; not on the wire.
        is_collateral: whether it can be traded on margin; futures always can.
        brackets: leverage to the greatest position at it, in money; empty means no bound.
    """

    name: str
    stock: str
    money: str
    stock_prec: int
    money_prec: int
    fee_prec: int
    maker_fee: Decimal
    taker_fee: Decimal
    min_amount: Decimal
    min_total: Decimal
    max_total: Decimal
    tick_size: Decimal
    step_size: Decimal
    reference_price: Decimal
    type: str = "spot"
    is_collateral: bool = False
    trades_enabled: bool = True
    is_tradfi_futures: bool = False
    delisted_at: int | None = None
    brackets: Mapping[int, int] = field(default_factory=dict)

    @property
    def is_futures(self) -> bool:
        """Whether it trades contracts that settle in money."""
        return self.type != "spot"

    @property
    def plain_product(self) -> Product:
        """What an order here trades that asks for nothing special."""
        return Product.FUTURES if self.is_futures else Product.SPOT


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """One account: its API key pair, its starting trade wallet and what it may do.

    Attributes:
        balances: asset to starting amount of the trade wallet.
        collateral: asset to starting amount of the collateral wallet.
        parent: name of the main account, if this is a sub-account.
        rpi_enabled: may send `rpi` orders.
        retail_enabled: may send `retail` takers.
        is_b2b: the venue keeps no record of its cancelled orders.
        is_internal: simulated flow: no private events, no history, not reachable by key.
    """

    name: str
    key: str
    secret: str
    balances: dict[str, Decimal] = field(default_factory=dict)
    collateral: dict[str, Decimal] = field(default_factory=dict)
    parent: str | None = None
    rpi_enabled: bool = True
    retail_enabled: bool = True
    is_b2b: bool = False
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class Exits:
    """The exits that an OTO places once its entry has filled; None where there is none.

    Attributes:
        id: of the OTO.
    """

    id: int
    stop_loss: Decimal | None
    take_profit: Decimal | None


@dataclass(slots=True)
class Order:
    """An order and everything that REST and the WebSocket print about it.

    Attributes:
        id: engine id, increasing over the whole venue.
        account: name of the owner.
        price: limit price; None for the market types.
        amount: order size in stock; in money for a market or stop-market buy.
        left: unfilled part in the unit of `amount`; a finished market order may keep some.
        deal_stock: filled stock.
        deal_money: filled money, the sum of price x amount.
        deal_fee: fee so far, in `fee_asset`.
        stp: prevention mode in its short form.
        retail: true only where the request said so.
        client_order_id: empty text where none was given.
        ctime: arrival at the engine, epoch seconds.
        mtime: last change, epoch seconds; of a finished order, its end.
        frozen: what it still holds: of a spot order, money for a buy and stock for a sell; of one
            against collateral, its pending value in money.
        activation: trigger of the stop types.
        bbo_role: of a best-offer stop that has no price before its activation.
        group_id: id of the OCO or OTO that it is a leg of, or of the pair of its exits.
    """

    id: int
    account: str
    market: str
    side: Side
    type: OrderType
    price: Decimal | None
    amount: Decimal
    left: Decimal
    client_order_id: str
    ctime: float
    mtime: float
    fee_asset: str
    maker_fee: Decimal
    taker_fee: Decimal
    stp: Stp = Stp.NO
    post_only: bool = False
    ioc: bool = False
    rpi: bool = False
    retail: bool = False
    status: Status = Status.OPEN
    deal_stock: Decimal = ZERO
    deal_money: Decimal = ZERO
    deal_fee: Decimal = ZERO
    frozen: Decimal = ZERO
    is_finished: bool = False
    source: str = "api"
    activation: Activation | None = None
    bbo_role: int | None = None
    product: Product = Product.SPOT
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    group_id: int | None = None
    exits: Exits | None = None

    @property
    def type_code(self) -> int:
        """The WebSocket number of its type (V2)."""
        codes = _SPOT_CODES if self.product is Product.SPOT else _COLLATERAL_CODES
        return codes[self.type]

    @property
    def is_waiting(self) -> bool:
        """Whether this is a stop order that is not activated."""
        return self.activation is not None and self.activation.time is None

    def snapshot(self) -> Order:
        """A copy that later changes of the engine do not touch."""
        return Order(*_ORDER_VALUES(self))


# All values of an order at once: copying it like this takes a fifth of `copy.copy`.
_ORDER_VALUES = attrgetter(*(each.name for each in fields(Order)))


@dataclass(frozen=True, slots=True)
class Deal:
    """One side's record of a match.

    Attributes:
        order_id: the account's own order.
        counter_order_id: the other party's order (`dealOrderId`, `deal_order_id`).
        money: price x amount (`deal`).
        fee: in `fee_asset`.
        rpi: whether the maker was a retail-price-improvement order.
    """

    id: int
    time: float
    account: str
    market: str
    order_id: int
    counter_order_id: int
    client_order_id: str
    side: Side
    role: Role
    price: Decimal
    amount: Decimal
    money: Decimal
    fee: Decimal
    fee_asset: str
    rpi: bool


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """One match on the public tape; `side` is the taker's, `money` is price x amount."""

    id: int
    time: float
    market: str
    price: Decimal
    amount: Decimal
    money: Decimal
    side: Side
    rpi: bool


@dataclass(frozen=True, slots=True)
class Wallet:
    """An asset of the trade wallet: free part and frozen part."""

    available: Decimal = ZERO
    freeze: Decimal = ZERO


class Level(NamedTuple):
    """One public price of a book."""

    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Top:
    """Best public levels of a market; None where a side is empty.

    Attributes:
        time: engine time of the last change of either best price or amount, epoch seconds.
        update_id: the book's counter at that change.
    """

    market: str
    time: float
    update_id: int
    bid: Level | None
    ask: Level | None
