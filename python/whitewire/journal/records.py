"""What the journal holds: one type for each kind of record.

Owns: the fields and the encoding of records. Must not know: files, threads, the gateway.
Invariant: a tag is never reused and fields are only added at the end, with a default, so that
every journal that was ever written can be read.

Times `t_ns` are monotonic within a session; `SessionStart` ties them to the wall clock. Prices and
amounts of orders are ticks and lots, whose scales `MarketSeen` tells; those of fills are exact.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

__all__ = [
    "CancelSent",
    "Carry",
    "CleanStop",
    "FillFact",
    "Halt",
    "KnownOrder",
    "LastDeal",
    "MarketSeen",
    "ModifySent",
    "OrderFact",
    "Placed",
    "PositionRow",
    "Record",
    "SessionStart",
    "Standing",
    "SwitchFact",
    "decode_batch",
    "encode",
]

MAX_TEXT = 200


class _Base(msgspec.Struct, array_like=True, gc=False):
    """An array on disk; never part of a reference cycle."""


class SessionStart(_Base, tag=1):
    """A session began: its number, ownership prefix, account and configuration, by fingerprint."""

    number: int
    prefix: str
    account: str
    config_hash: str
    utc_ns: int
    t_ns: int
    version: str


class Placed(_Base, tag=2):
    """An order is about to leave; recorded before it does."""

    t_ns: int
    client_id: str
    market: str
    side: str
    ticks: int
    lots: int
    flags: int


class OrderFact(_Base, tag=3):
    """Something is known of an order: the notice's kind, and how the order stands after it."""

    t_ns: int
    client_id: str
    kind: str
    state: str
    venue_id: int
    ticks: int
    lots: int
    filled_lots: int
    is_replacement_due: bool
    target_ticks: int
    target_lots: int
    code: str
    detail: str


class FillFact(_Base, tag=4):
    """One fill; (deal id, venue id) is its identity. Price is money per stock, amount stock."""

    client_id: str
    market: str
    side: str
    deal_id: int
    venue_id: int
    price: Decimal
    amount: Decimal
    lots: int
    fee: Decimal
    fee_asset: str
    role: int
    ts_exch_ns: int


class CancelSent(_Base, tag=5):
    """A cancel is about to leave."""

    t_ns: int
    client_id: str


class ModifySent(_Base, tag=6):
    """A modification is about to leave."""

    t_ns: int
    client_id: str
    ticks: int
    lots: int


class SwitchFact(_Base, tag=7):
    """A market's kill switch changed its state."""

    t_ns: int
    market: str
    state: str


class Halt(_Base, tag=8):
    """Placing stopped for good."""

    t_ns: int
    reason: str


class LastDeal(_Base, tag=9):
    """Deals of a market up to this id are accounted for, or older than the journal."""

    market: str
    deal_id: int


class CleanStop(_Base, tag=10):
    """The session ended, and by the venue's word nothing rests."""

    t_ns: int
    reason: str


class MarketSeen(_Base, tag=11):
    """A market's assets and scales, as the session used them."""

    name: str
    stock: str
    money: str
    price_decimals: int
    amount_decimals: int


class Standing(_Base, tag=13):
    """How the account's profit stands, in its money: what the UTC day lost, the fall from the peak.

    `day` is the number of the day since the epoch; a negative loss is a profit.
    """

    utc_ms: int
    day: int
    day_loss: Decimal
    drawdown: Decimal


class KnownOrder(_Base):
    """An order that may rest, or whose deals are not all known."""

    client_id: str
    market: str
    side: str
    ticks: int
    lots: int
    flags: int
    state: str
    venue_ids: list[int]
    filled_lots: int
    fills: list[FillFact]
    is_replacement_due: bool
    target_ticks: int
    target_lots: int


class PositionRow(_Base):
    """What all fills of a market changed; see `protocol.positions`."""

    stock: Decimal
    money: Decimal
    bought: Decimal
    sold: Decimal
    fills: int
    fees: dict[str, Decimal]


class Carry(_Base, tag=12):
    """All that older segments mean to this one, so that a start need not read them."""

    orders: list[KnownOrder]
    positions: dict[str, PositionRow]
    last_deals: dict[str, int]
    fill_keys: list[tuple[int, int]]
    markets: list[MarketSeen]
    standing: Standing | None = None


Record = (
    SessionStart
    | Placed
    | OrderFact
    | FillFact
    | CancelSent
    | ModifySent
    | SwitchFact
    | Halt
    | LastDeal
    | CleanStop
    | MarketSeen
    | Carry
    | Standing
)

encode = msgspec.msgpack.Encoder().encode
_BATCH = msgspec.msgpack.Decoder(list[Record])


def decode_batch(data: bytes | memoryview) -> list[Record]:
    """Records of one frame.

    Raises:
        msgspec.DecodeError: it is not one.
    """
    return _BATCH.decode(data)
