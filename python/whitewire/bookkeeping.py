"""The gateway's side of the journal: what happens, handed over as records.

Owns: opening and closing the book of record, and the translation of orders, notices and fills.
Must not know: files and threads (see `journal`), what a start does with the past (see
`resumption`). Invariants: a session's number is larger than any that the journal knows, and durable
before the first order; nothing here waits while the gateway quotes; without a journal every method
does nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from whitewire._bridge import now_ns
from whitewire.errors import ConfigError, StartupError
from whitewire.journal import records
from whitewire.journal.failpoints import FAILPOINT, hit
from whitewire.journal.lock import Lock
from whitewire.journal.reader import newest_session, recover, replay
from whitewire.journal.state import JournalState
from whitewire.journal.writer import Writer
from whitewire.market import Side
from whitewire.protocol.orders import Fill, Liquidity, NoticeKind, OrderNotice, OrderState

if TYPE_CHECKING:
    from whitewire.config import Config
    from whitewire.market import Market
    from whitewire.protocol.order_table import Notice
    from whitewire.protocol.orders import Order

__all__ = ["Bookkeeper"]

log = logging.getLogger("whitewire")

MAX_TEXT = records.MAX_TEXT
# Values of enumerations are looked up slowly.
_WORDS = {side: side.value for side in Side}
_KINDS = {kind: kind.value for kind in NoticeKind}
_STATES = {state: state.value for state in OrderState}


class Bookkeeper:
    """See the module's documentation.

    Args:
        config: says where the journal is, or that there is none.
        key: the account's key; only its fingerprint is kept.

    Attributes:
        folder: the account's journal, None without one.
        state: what the past amounts to, since `open`.

    Raises:
        ConfigError: no journal for a venue that is not on this machine.
    """

    def __init__(self, config: Config, key: str) -> None:
        self._config = config
        self.account = hashlib.sha256(f"{config.venue.rest} {key}".encode()).hexdigest()[:16]
        path = config.journal.path
        self.folder = None if path in (None, "none") else Path(path or "") / self.account
        if self.folder is None and not config.is_loopback:
            raise ConfigError(
                "config-no-journal",
                f"journal.path was {path or 'not given'}, and {config.venue.rest} is not on this"
                " machine",
                "give the path of a folder that survives restarts",
            )
        self.state = JournalState()
        self._lock: Lock | None = None
        self._writer: Writer | None = None
        self._append: Callable[[records.Record], None] | None = None

    def newest_session(self) -> int:
        """Number of the newest session that is recorded, 0 when there is none."""
        return 0 if self.folder is None else newest_session(self.folder)

    def open(
        self, number: int, on_breach: Callable[[str], None], shut: Callable[[bool], None]
    ) -> None:
        """Takes the account's lock, replays the past, and begins the session `number`.

        Args:
            number: of this session.
            on_breach: called on this thread when the journal failed: nothing may be placed.
            shut: called with True, before the record that did not fit is an order on the wire.

        Raises:
            StartupError: another process trades this account, or used the number.
            JournalError: the journal is corrupt or cannot be written.
        """
        if self.folder is None:
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StartupError(
                "journal-unusable", f"{self.folder}: {error.strerror}", "choose journal.path"
            ) from None
        self._lock = Lock(self.folder / "lock")
        for torn in recover(self.folder):
            log.warning("journal: %s", torn)
        if number <= newest_session(self.folder):
            raise StartupError(
                "session-number", f"session {number} is recorded already", "start again"
            )
        self.state = replay(self.folder)
        self._begin(number, on_breach, shut)

    def _begin(
        self, number: int, on_breach: Callable[[str], None], shut: Callable[[bool], None]
    ) -> None:
        config, loop, hot = self._config, asyncio.get_running_loop(), threading.get_ident()

        def breached(reason: str) -> None:
            if threading.get_ident() == hot:  # the core is the hot thread's alone
                shut(True)
            if not loop.is_closed():
                loop.call_soon_threadsafe(on_breach, f"journal: {reason}")

        assert self.folder is not None
        self._writer = Writer(
            self.folder,
            number,
            durable_ms=config.journal.durable_ms,
            segment_bytes=config.journal.segment_mib << 20,
            queue_limit=config.journal.queue_limit,
            on_breach=breached,
        )
        settings = msgspec.json.encode(config)
        self._writer.append(
            records.SessionStart(
                number,
                config.orders.id_prefix,
                self.account,
                hashlib.sha256(settings).hexdigest()[:16],
                time.time_ns(),
                now_ns(),
                importlib.metadata.version("whitewire"),
            )
        )
        self._writer.append(self.state.carry())
        self._writer.flush()
        self._append = self._writer.append

    def close(self) -> None:
        """Makes durable what waits, and lets another process have the account."""
        self._append = None
        if self._writer is not None:
            self._writer.close()
        if self._lock is not None:
            self._lock.release()

    def flush(self) -> None:
        """Waits until all that was recorded is durable; not while quoting.

        Raises:
            JournalError: it cannot be.
        """
        if self._writer is not None:
            self._writer.flush()

    # ---- what happens -----------------------------------------------------------------------

    def market(self, market: Market) -> None:
        """A market that this session trades."""
        if self._append is not None:
            self._append(
                records.MarketSeen(
                    market.name,
                    market.stock,
                    market.money,
                    market.price_decimals,
                    market.amount_decimals,
                )
            )

    def placed(
        self,
        now_ns: int,
        client_id: str,
        market: Market,
        side: Side,
        ticks: int,
        lots: int,
        flags: int,
    ) -> None:
        """An order is about to leave."""
        if FAILPOINT:
            hit("before_journal")
        if self._append is not None:
            self._append(
                records.Placed(now_ns, client_id, market.name, _WORDS[side], ticks, lots, flags)
            )
        if FAILPOINT:
            self.flush()
            hit("after_journal_before_send")
            asyncio.get_running_loop().call_soon(hit, "after_send")

    def keep_warm(self, *order: Any) -> None:
        """As `placed`, and recorded nowhere."""
        append, self._append = self._append, _forget
        try:
            if not FAILPOINT:
                self.placed(*order)
        finally:
            self._append = append

    def cancel_sent(self, order: Order) -> None:
        """A cancel of an order is about to leave."""
        if self._append is not None:
            self._append(records.CancelSent(now_ns(), order.client_id))

    def modify_sent(self, order: Order, ticks: int, lots: int) -> None:
        """A modification of an order is about to leave."""
        if self._append is not None:
            self._append(records.ModifySent(now_ns(), order.client_id, ticks, lots))

    def note(self, notices: Iterable[Notice]) -> None:
        """What became known of orders, fills included."""
        append = self._append
        if append is None:
            return
        for notice in notices:
            if isinstance(notice, OrderNotice):
                append(_fact(notice))
            elif isinstance(notice, Fill):
                append(_fill(notice))

    def switch(self, market: str, state: str) -> None:
        """A market's kill switch changed its state."""
        if self._append is not None:
            self._append(records.SwitchFact(now_ns(), market, state))

    def halted(self, reason: str) -> None:
        """Placing stopped for good."""
        if self._append is not None:
            self._append(records.Halt(now_ns(), reason[:MAX_TEXT]))

    def standing(self, standing: records.Standing) -> None:
        """How the account's profit stands."""
        if self._append is not None:
            self._append(standing)

    def baseline(self, market: str, deal_id: int) -> None:
        """Deals of a market up to this one are accounted for."""
        if self._append is not None:
            self._append(records.LastDeal(market, deal_id))

    def clean_stop(self, reason: str) -> None:
        """The venue shows nothing of ours, and no timer runs."""
        if self._append is not None:
            self._append(records.CleanStop(now_ns(), reason[:MAX_TEXT]))


def _forget(record: records.Record) -> None:
    """Takes a record to nowhere."""


def _fact(notice: OrderNotice) -> records.OrderFact:
    order, kind, reject, detail = notice
    current = order.current
    return records.OrderFact(
        order.t_changed_ns,
        order.client_id,
        _KINDS[kind],
        _STATES[order.state],
        0 if current is None else current.venue_id,
        order.price_ticks,
        order.amount_lots,
        order.filled_lots,
        order.is_replacement_due,
        order.target_ticks,
        order.target_lots,
        reject.code if reject is not None else "",
        detail[:MAX_TEXT],
    )


def _fill(fill: Fill) -> records.FillFact:
    order = fill.order
    return records.FillFact(
        order.client_id,
        order.market.name,
        order.side.value,
        fill.deal_id,
        fill.venue_id,
        fill.price,
        fill.amount,
        fill.amount_lots,
        fill.fee,
        fill.fee_asset,
        1 if fill.liquidity is Liquidity.MAKER else 2,
        fill.ts_exch_ns,
    )
