"""whitewire: a low-latency market-making gateway for WhiteBIT.

The public names. A strategy author needs `Strategy` and `run`; `Book`, `Signer` and
`OrderTemplate` are the native core's parts, usable on their own.
"""

from typing import TYPE_CHECKING

from whitewire._core import Book, BookEvent, Histogram, OrderTemplate, Signer, __version__
from whitewire.errors import ConfigError, NumberError, StartupError, UsageError, WhitewireError
from whitewire.market import Market, Product, Side
from whitewire.protocol.expected import Drift
from whitewire.protocol.fees import FeeSurprise, MarketFees
from whitewire.protocol.order_table import NoticeKind, OrderNotice
from whitewire.protocol.orders import Fill, Order, OrderState, Reject
from whitewire.protocol.positions import MarginPosition, Position
from whitewire.reflex_rules import Follow, Pull
from whitewire.strategy import (
    Balance,
    ForeignOrder,
    Gap,
    Limit,
    Recovered,
    Strategy,
    Ticker,
    Trade,
)

if TYPE_CHECKING:
    from whitewire._bridge import OrderTicket
    from whitewire.running import run

__all__ = [
    "Balance",
    "Book",
    "BookEvent",
    "ConfigError",
    "Drift",
    "FeeSurprise",
    "Fill",
    "Follow",
    "ForeignOrder",
    "Gap",
    "Histogram",
    "Limit",
    "MarginPosition",
    "Market",
    "MarketFees",
    "NoticeKind",
    "NumberError",
    "Order",
    "OrderNotice",
    "OrderState",
    "OrderTemplate",
    "OrderTicket",
    "Position",
    "Product",
    "Pull",
    "Recovered",
    "Reject",
    "Side",
    "Signer",
    "StartupError",
    "Strategy",
    "Ticker",
    "Trade",
    "UsageError",
    "WhitewireError",
    "__version__",
    "run",
]


def __getattr__(name: str) -> object:
    # these bring the event loop and the sockets; the parts work without them
    if name == "run":
        from whitewire.running import run

        return run
    if name == "OrderTicket":
        from whitewire._bridge import OrderTicket

        return OrderTicket
    raise AttributeError(f"module 'whitewire' has no attribute {name!r}")
