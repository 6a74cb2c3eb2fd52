"""Records for tests of the journal, and a journal written at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from whitewire.journal.layout import Header, frame, header
from whitewire.journal.reader import segment_name
from whitewire.journal.records import (
    CancelSent,
    Carry,
    CleanStop,
    FillFact,
    Halt,
    MarketSeen,
    ModifySent,
    OrderFact,
    Placed,
    Record,
    SessionStart,
    Standing,
    SwitchFact,
    decode_batch,
    encode,
)
from whitewire.journal.state import JournalState
from whitewire.journal.writer import Writer

MARKETS = (
    MarketSeen("BTC_USDT", "BTC", "USDT", 2, 6),
    MarketSeen("ETH_USDT", "ETH", "USDT", 1, 4),
)


def start(number: int) -> SessionStart:
    """The start of a session at a time that its number tells."""
    return SessionStart(number, "ww", "acc", "c0nf", number * 1_000_000, 5_000, "0.1.0")


def placed(name: str = "ww-1", market: str = "BTC_USDT", side: str = "buy") -> Placed:
    """An order of 0.01 at 60000."""
    return Placed(6_000, name, market, side, 6_000_000, 10_000, 2)


def fact(name: str = "ww-1", state: str = "open", filled: int = 0, **more: Any) -> OrderFact:
    """How that order stands."""
    values: dict[str, Any] = {
        "t_ns": 7_000,
        "client_id": name,
        "kind": "acked",
        "state": state,
        "venue_id": 11,
        "ticks": 6_000_000,
        "lots": 10_000,
        "filled_lots": filled,
        "is_replacement_due": False,
        "target_ticks": 6_000_000,
        "target_lots": 10_000,
        "code": "",
        "detail": "",
    }
    return OrderFact(**(values | more))


def fill(deal_id: int = 1, name: str = "ww-1", lots: int = 10_000, **more: Any) -> FillFact:
    """A fill of that order."""
    values: dict[str, Any] = {
        "client_id": name,
        "market": "BTC_USDT",
        "side": "buy",
        "deal_id": deal_id,
        "venue_id": 11,
        "price": Decimal(60_000),
        "amount": Decimal(lots).scaleb(-6),
        "lots": lots,
        "fee": Decimal("0.00001"),
        "fee_asset": "BTC",
        "role": 1,
        "ts_exch_ns": 9_000,
    }
    return FillFact(**(values | more))


def anew(records: Iterable[Record]) -> list[Record]:
    """Copies, as a reader would make them."""
    return [decode_batch(b"\x91" + encode(record))[0] for record in records]


def write(folder: Path, session: int, *commits: Sequence[Record], number: int = 0) -> Path:
    """A segment of one frame for each commit."""
    path = folder / segment_name(Header(session, number))
    frames = [frame(1_000 + i, records) for i, records in enumerate(commits)]
    path.write_bytes(header(session, number) + b"".join(frames))
    return path


def writer(folder: Path, session: int = 1, **more: Any) -> Writer:
    """A writer that commits every millisecond, and whose breach ends the test."""
    values: dict[str, Any] = {
        "durable_ms": 1,
        "segment_bytes": 1 << 20,
        "queue_limit": 100_000,
        "on_breach": lambda reason: None,
    }
    return Writer(folder, session, **(values | more))


# ---- random histories -----------------------------------------------------------------------

_names = st.sampled_from([f"ww-{n}" for n in range(6)])
_markets = st.sampled_from([market.name for market in MARKETS])
_sides = st.sampled_from(["buy", "sell"])
_states = st.sampled_from(
    ["open", "modifying", "canceling", "unknown", "filled", "canceled", "rejected"]
)
_kinds = st.sampled_from(["acked", "partial", "unknown", "resolved", "canceled", "illegal"])
_lots = st.integers(1, 50_000)
_fees = st.decimals("-0.01", "0.01", places=6, allow_nan=False)
_steps = st.one_of(
    st.builds(placed, _names, _markets, _sides),
    st.builds(fact, _names, _states, _lots, venue_id=st.integers(0, 20), kind=_kinds),
    st.builds(
        fill,
        st.integers(1, 40),
        _names,
        _lots,
        venue_id=st.integers(1, 20),
        market=_markets,
        side=_sides,
        fee=_fees,
        fee_asset=st.sampled_from(["BTC", "ETH", "USDT", "WBT"]),
    ),
    st.builds(CancelSent, st.just(8_000), _names),
    st.builds(ModifySent, st.just(8_000), _names, _lots, _lots),
    st.builds(SwitchFact, st.just(8_000), _markets, st.sampled_from(["armed", "late", "fired"])),
    st.builds(Halt, st.just(8_000), st.text(max_size=20)),
    st.builds(CleanStop, st.just(8_000), st.just("stopped")),
    st.builds(Standing, st.integers(0, 99), st.integers(0, 3), _fees, _fees),
)
# Some sessions, each a list of commits, each a list of records.
histories = st.lists(
    st.lists(st.lists(_steps, min_size=1, max_size=5), max_size=6), min_size=1, max_size=4
)


def as_written(sessions: Sequence[Sequence[Sequence[Record]]], folder: Path) -> list[Record]:
    """Writes a history as the gateway would; all of its records but the carries."""
    state, everything = JournalState(), list[Record]()
    for number, commits in enumerate(sessions, 1):
        first: list[Record] = [start(number), decode_carry(state.carry()), *MARKETS]
        write(folder, number, first, *commits)
        told = [record for record in first if not isinstance(record, Carry)]
        told += [record for commit in commits for record in commit]
        everything += told
        state.fold_all(anew(told))
    return everything


def decode_carry(carry: Carry) -> Carry:
    """A copy that does not change with the state."""
    (copy,) = anew([carry])
    assert isinstance(copy, Carry)
    return copy
