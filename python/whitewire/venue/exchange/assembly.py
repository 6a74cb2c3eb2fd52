"""The parts behind an exchange, made in the order in which they need each other.

Owns: putting funds, engine and collateral trading together. Must not know: requests, HTTP, time.
Invariant: one venue has one of each part, and all of them see the same prices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from whitewire.venue.collateral.aftermath import CollateralAftermath
from whitewire.venue.collateral.board import FuturesBoard
from whitewire.venue.collateral.clearing import CollateralClearing
from whitewire.venue.collateral.desk import Clockwork, CollateralDesk, Parts
from whitewire.venue.collateral.funding import Funding, Prices
from whitewire.venue.collateral.groups import Groups
from whitewire.venue.collateral.margin import Margins
from whitewire.venue.collateral.orders import Sight
from whitewire.venue.collateral.pool import Pool
from whitewire.venue.engine.accounts import Account, FeePot
from whitewire.venue.engine.book import Book
from whitewire.venue.engine.clearing import Clearing, SpotClearing, exact_fee, truncated_fee
from whitewire.venue.engine.engine import Engine
from whitewire.venue.engine.listing import Listing
from whitewire.venue.engine.tape import Tape
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.events import Event
from whitewire.venue.values.model import MarketSpec, Product

_FIRST_POSITION_ID = 1_403_817


class Assembly:
    """Engine, funds, and everything behind margin and futures.

    Attributes:
        engine: matches.
        fees: what the venue earned.
        pool: the venue's own side of collateral trading.
        margins: values collateral.
        funding: settles by the clock.
    """

    def __init__(
        self,
        listing: Listing,
        accounts: Mapping[str, Account],
        books: Mapping[str, Book],
        tapes: Mapping[str, Tape],
        options: ExchangeOptions,
        publish: Callable[[Event], None],
        now: float,
    ) -> None:
        self._listing = listing
        self._accounts = accounts
        self._tapes = tapes
        self._options = options
        self._publish = publish
        self.fees = FeePot()
        self.pool = Pool()
        self.margins = Margins(listing.ever, self.mark, options.maintenance_percent)
        fee = truncated_fee if options.truncate_fees else exact_fee
        self._clearing = CollateralClearing(
            listing.ever, accounts, self.fees, fee, self.margins, self.pool, _FIRST_POSITION_ID
        )
        clearings: dict[Product, Clearing] = {
            Product.SPOT: SpotClearing(listing.ever, accounts, self.fees, fee),
            Product.MARGIN: self._clearing,
            Product.FUTURES: self._clearing,
        }
        self.engine = Engine(listing.ever, books, tapes, accounts, clearings, options, publish)
        prices = Prices(self.mark, self.index)
        interval_s = options.funding_interval_min * 60
        self.funding = Funding(listing.all, accounts, self.pool, prices, interval_s, now)
        self._board = FuturesBoard(prices, self.funding, accounts)

    def mark(self, market: str) -> Decimal:
        """Mark price: the last trade's, before the first one the reference price."""
        last = self._tapes[market].last_price
        return self._listing.ever[market].reference_price if last is None else last

    def index(self, spec: MarketSpec) -> Decimal | None:
        """Index price of a futures market: that of its assets' spot market, if there is one."""
        spot = f"{spec.stock}_{spec.money}"
        return self.mark(spot) if spot in self._listing.ever else None

    def open_desk(
        self, sight: Sight, clockwork: Clockwork, assets: tuple[str, ...]
    ) -> CollateralDesk:
        """Lets the engine carry out what collateral trading means, and opens the desk."""
        groups = Groups(self.engine, self._accounts, self._listing.ever)
        self.engine.aftermath = CollateralAftermath(
            self.engine,
            self._listing.ever,
            self._accounts,
            self._clearing,
            self.margins,
            self.pool,
            groups,
            self._options.margin_call_multiple,
            self._publish,
        )
        parts = Parts(self.engine, self._accounts, self.margins, groups, sight, self._board, assets)
        return CollateralDesk(
            parts,
            clockwork,
            leg_gap_s=self._options.bulk_leg_gap_us / 1_000_000,
            reports_failure=self._options.stop_on_fail_reports_failure,
        )

    def settle_funding(self, now: float) -> None:
        """Settles funding; whoever cannot carry his positions any more is liquidated."""
        self.funding.settle()
        self.engine.finish_cycle(now, has_revalued=True)

    def close_market(self, market: str, now: float) -> None:
        """Closes every position of a market at its mark price, with the venue."""
        for account in self._accounts.values():
            for position in list(account.collateral.positions.values()):
                if position.market == market:
                    self._clearing.take_over(account, position, now)
