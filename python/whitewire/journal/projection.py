"""The journal as SQLite tables, for questions that people ask.

Owns: the tables, and how far into the journal they go. Must not know: the gateway, who asks.
Invariants: the tables are a function of the journal and are never written otherwise; after an
update they say what a rebuild would say.

    sessions    number, prefix, account, began and ended, whether the stop was clean
    orders      one row for each client id: as placed, as it stands, when it was last heard of
    fills       one row for each (deal id, venue id)
    incidents   halts, orders in doubt, kill switch troubles, sessions without a clean stop
"""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

from whitewire.errors import JournalError
from whitewire.journal.layout import HEADER_SIZE
from whitewire.journal.reader import frames
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
    SwitchFact,
)

__all__ = ["Projection"]

VERSION = 1
_TABLES = """
CREATE TABLE progress (segment TEXT NOT NULL, position INTEGER NOT NULL);
CREATE TABLE markets (name TEXT PRIMARY KEY, stock TEXT, money TEXT, price_decimals INTEGER,
    amount_decimals INTEGER);
CREATE TABLE sessions (number INTEGER PRIMARY KEY, prefix TEXT, account TEXT, config_hash TEXT,
    version TEXT, began_utc_ns INTEGER, offset_ns INTEGER, ended_utc_ns INTEGER, reason TEXT);
CREATE TABLE orders (client_id TEXT PRIMARY KEY, session INTEGER, market TEXT, side TEXT,
    price TEXT, amount TEXT, filled TEXT, state TEXT, venue_id INTEGER, cancels INTEGER,
    modifies INTEGER, reject TEXT, placed_utc_ns INTEGER, heard_utc_ns INTEGER);
CREATE TABLE fills (deal_id INTEGER, venue_id INTEGER, client_id TEXT, session INTEGER,
    market TEXT, side TEXT, price TEXT, amount TEXT, fee TEXT, fee_asset TEXT, role TEXT,
    exchange_utc_ns INTEGER, PRIMARY KEY (deal_id, venue_id));
CREATE TABLE incidents (session INTEGER, utc_ns INTEGER, kind TEXT, subject TEXT, detail TEXT);
"""
_NAMES = ("progress", "markets", "sessions", "orders", "fills", "incidents")
_TROUBLE = frozenset({"unknown", "resolved", "illegal"})


class Projection:
    """The tables of one journal; a context manager.

    Args:
        folder: the journal; the tables are in `projection.sqlite` beside its segments.

    Raises:
        JournalError: the file cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "projection.sqlite"
        self._session = 0
        self._offset_ns = 0
        self.database = sqlite3.connect(self.path, isolation_level=None)
        try:
            (version,) = self.database.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                self._make_tables()
        except sqlite3.Error as error:
            self.database.close()
            raise JournalError(
                "projection-unusable", f"{self.path}: {error}", "delete it; it will be made anew"
            ) from None

    def __enter__(self) -> Projection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: object, trace: TracebackType | None
    ) -> None:
        self.database.close()

    def rebuild(self) -> int:
        """Forgets all and reads the whole journal; how many records it holds."""
        self._make_tables()
        return self.update()

    def _make_tables(self) -> None:
        drop = "".join(f"DROP TABLE IF EXISTS {name};" for name in _NAMES)
        self.database.executescript(f"BEGIN;{drop}{_TABLES}PRAGMA user_version={VERSION};COMMIT;")

    def update(self) -> int:
        """Reads what the journal got since the last time; how many records that were.

        Raises:
            JournalError: the journal is corrupt; the tables stay as they were.
        """
        row = self.database.execute("SELECT segment, position FROM progress").fetchone()
        name, offset = row or ("", HEADER_SIZE)
        self._resume()
        count = 0
        self.database.execute("BEGIN")
        try:
            for path, frame in frames(self._folder, name, offset):
                for record in frame.records:
                    self._project(record, frame.utc_ns)
                    count += 1
                name, offset = path.name, frame.end
            self.database.execute("DELETE FROM progress")
            self.database.execute("INSERT INTO progress VALUES (?, ?)", (name, offset))
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")
        return count

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, in the order in which they came."""
        if table not in _NAMES:
            raise JournalError("projection-table", f"there is no table {table!r}")
        cursor = self.database.execute(f"SELECT * FROM {table} ORDER BY rowid")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def _resume(self) -> None:
        row = self.database.execute(
            "SELECT number, offset_ns FROM sessions ORDER BY number DESC LIMIT 1"
        ).fetchone()
        self._session, self._offset_ns = row or (0, 0)

    def _project(self, record: Record, utc_ns: int) -> None:
        if isinstance(record, OrderFact):
            self._fact(record)
        elif isinstance(record, Placed):
            self._placed(record)
        elif isinstance(record, FillFact):
            self._fill(record)
        elif isinstance(record, CancelSent | ModifySent):
            what = "cancels" if isinstance(record, CancelSent) else "modifies"
            self.database.execute(
                f"UPDATE orders SET {what} = {what} + 1 WHERE client_id = ?", (record.client_id,)
            )
        elif isinstance(record, SwitchFact):
            if record.state in ("late", "fired"):
                self._incident(self._utc(record.t_ns), "kill-switch", record.market, record.state)
        elif isinstance(record, Halt):
            self._incident(self._utc(record.t_ns), "halt", "", record.reason)
        elif isinstance(record, SessionStart):
            self._start(record)
        elif isinstance(record, CleanStop):
            self.database.execute(
                "UPDATE sessions SET ended_utc_ns = ?, reason = ? WHERE number = ?",
                (self._utc(record.t_ns), record.reason, self._session),
            )
        elif isinstance(record, MarketSeen):
            self._market(record)
        elif isinstance(record, Carry):
            for market in record.markets:
                self._market(market)

    def _start(self, start: SessionStart) -> None:
        row = self.database.execute(
            "SELECT number FROM sessions WHERE number = ? AND ended_utc_ns IS NULL",
            (self._session,),
        ).fetchone()
        if row is not None:
            self._incident(start.utc_ns, "no-clean-stop", str(row[0]), "")
        self._session, self._offset_ns = start.number, start.utc_ns - start.t_ns
        self.database.execute(
            "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
            (start.number, start.prefix, start.account, start.config_hash, start.version,
             start.utc_ns, self._offset_ns),
        )  # fmt: skip

    def _market(self, market: MarketSeen) -> None:
        self.database.execute(
            "INSERT OR REPLACE INTO markets VALUES (?, ?, ?, ?, ?)",
            (market.name, market.stock, market.money, market.price_decimals,
             market.amount_decimals),
        )  # fmt: skip

    def _placed(self, order: Placed) -> None:
        price, amount, filled = self._scaled(order.market, order.ticks, order.lots, 0)
        self.database.execute(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, 'sent', 0, 0, 0, '', ?, ?)",
            (order.client_id, self._session, order.market, order.side, price, amount, filled,
             self._utc(order.t_ns), self._utc(order.t_ns)),
        )  # fmt: skip

    def _fact(self, fact: OrderFact) -> None:
        row = self.database.execute(
            "SELECT market FROM orders WHERE client_id = ?", (fact.client_id,)
        ).fetchone()
        utc_ns = self._utc(fact.t_ns)
        if fact.kind in _TROUBLE:
            self._incident(utc_ns, fact.kind, fact.client_id, fact.detail)
        if row is None:
            return  # it was placed in a segment that is gone
        price, amount, filled = self._scaled(row[0], fact.ticks, fact.lots, fact.filled_lots)
        self.database.execute(
            "UPDATE orders SET price = ?, amount = ?, filled = ?, state = ?, venue_id = ?,"
            " reject = CASE ? WHEN '' THEN reject ELSE ? END, heard_utc_ns = ?"
            " WHERE client_id = ?",
            (price, amount, filled, fact.state, fact.venue_id, fact.code, fact.code, utc_ns,
             fact.client_id),
        )  # fmt: skip

    def _fill(self, fill: FillFact) -> None:
        role = "maker" if fill.role == 1 else "taker"
        self.database.execute(
            "INSERT OR IGNORE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (fill.deal_id, fill.venue_id, fill.client_id, self._session, fill.market, fill.side,
             f"{fill.price:f}", f"{fill.amount:f}", f"{fill.fee:f}", fill.fee_asset, role,
             fill.ts_exch_ns),
        )  # fmt: skip

    def _incident(self, utc_ns: int, kind: str, subject: str, detail: str) -> None:
        self.database.execute(
            "INSERT INTO incidents VALUES (?, ?, ?, ?, ?)",
            (self._session, utc_ns, kind, subject, detail),
        )

    def _scaled(self, market: str, ticks: int, lots: int, filled: int) -> tuple[str, str, str]:
        decimals = self.database.execute(
            "SELECT price_decimals, amount_decimals FROM markets WHERE name = ?", (market,)
        ).fetchone()
        price, amount = decimals or (0, 0)
        scaled = ((ticks, price), (lots, amount), (filled, amount))
        first, second, third = (f"{Decimal(value).scaleb(-n):f}" for value, n in scaled)
        return first, second, third

    def _utc(self, t_ns: int) -> int:
        return t_ns + self._offset_ns
