"""Margin and futures as one object: the commands and queries of collateral trading.

Owns: putting its parts together, and the validation of requests that are not orders. Must not know:
HTTP, JSON, sockets. Invariant: a refused command has changed nothing.

How to use it:
    * It is `Exchange.collateral`; account arguments are account names, unknown ones a KeyError.
    * Commands first run what was due before them, like those of `Exchange`; queries do not.
    * Every documented refusal is a `VenueError`.

Rules:
    D1  Leverage and mode cannot be changed while there are positions or orders (113), leverage can
        where it stays the same; a leverage without a bracket is refused (30).
    D2  Histories are newest first.
    D3  A group is cancelled with all its legs, by its own id or by a leg's client id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar

from whitewire.venue.collateral import orders
from whitewire.venue.collateral.board import FuturesBoard
from whitewire.venue.collateral.closed import ClosedPosition, closed_positions
from whitewire.venue.collateral.closing import read_close
from whitewire.venue.collateral.dates import read_dates
from whitewire.venue.collateral.groups import Group, GroupKind, Groups, exits_of
from whitewire.venue.collateral.margin import AssetSummary, Margins, Summary
from whitewire.venue.collateral.requests import (
    ClosedPnlQuery,
    CloseRequest,
    CollateralRequest,
    GroupCancelRequest,
    OcoRequest,
    PageQuery,
    PositionHistoryQuery,
    TpslRequest,
)
from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.engine import Engine
from whitewire.venue.engine.positions import FundingRecord, Position, PositionRecord
from whitewire.venue.engine.wallet import LEVERAGES
from whitewire.venue.orders import bulk
from whitewire.venue.orders.fields import read_flag, read_market, read_optional_market
from whitewire.venue.orders.queries import page_of, read_int, read_page
from whitewire.venue.values import collateral_refusals, refusals
from whitewire.venue.values.model import Order, OrderType, Side, VenueError
from whitewire.venue.values.money import multiply, quotient
from whitewire.venue.values.refusals import Problems

_PAGE = 100
_HUNDRED = Decimal(100)
CONDITIONAL = (GroupKind.OCO, GroupKind.OTO)

_Record = TypeVar("_Record", FundingRecord, Group)


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position with everything that REST and the WebSocket print about it; money in money.

    Attributes:
        unrealized_percent: of the position's margin.
        stop_loss: exit that ends a loss, if one waits.
        take_profit: exit that takes profit, if one waits.
    """

    position: Position
    mark: Decimal
    margin: Decimal
    free_margin: Decimal
    liquidation_price: Decimal | None
    unrealized: Decimal
    unrealized_percent: Decimal
    stop_loss: Order | None
    take_profit: Order | None


@dataclass(frozen=True, slots=True)
class Parts:
    """What the desk is made of."""

    engine: Engine
    accounts: Mapping[str, Account]
    margins: Margins
    groups: Groups
    sight: orders.Sight
    board: FuturesBoard
    assets: tuple[str, ...]


class Clockwork(Protocol):
    """The engine's time, and what is due by it."""

    def advance(self) -> float:
        """Runs what was due; returns the engine's time, epoch seconds."""

    def later(self, gap_s: float) -> float:
        """The engine's time so much later, with what is due until then; without a gap, as it is."""


class CollateralDesk:
    """Commands and queries of collateral trading.

    Attributes:
        board: what everybody may know about futures.
    """

    def __init__(
        self,
        parts: Parts,
        clockwork: Clockwork,
        *,
        leg_gap_s: float,
        reports_failure: bool,
    ) -> None:
        """Takes its parts.

        Args:
            leg_gap_s: engine time between the legs of a bulk.
            reports_failure: whether a stopped bulk answer ends with the failed item.
        """
        self.board = parts.board
        self._parts = parts
        self._clockwork = clockwork
        self._leg_gap_s = leg_gap_s
        self._reports_failure = reports_failure

    # Commands

    def place(self, account: str, request: CollateralRequest) -> Order:
        """order/collateral/limit, market, stop-limit, trigger-market: the state after the cycle."""
        now = self._clockwork.advance()
        return self._place(account, request, now).snapshot()

    def place_bulk(
        self, account: str, items: object, stop_on_fail: object = None
    ) -> list[Order | VenueError]:
        """order/collateral/bulk: one result for each leg."""
        legs = bulk.read_legs(
            items, lambda body: CollateralRequest.from_body(OrderType.LIMIT, body)
        )
        stops = bulk.read_stop_on_fail(stop_on_fail)
        self._clockwork.advance()
        return bulk.run_legs(
            legs,
            lambda leg, gap_s: self._place(account, leg, self._clockwork.later(gap_s)).snapshot(),
            gap_s=self._leg_gap_s,
            stops=stops,
            reports_failure=self._reports_failure,
        )

    def _place(self, account: str, request: CollateralRequest, now: float) -> Order:
        new = orders.read_order(request, self._parts.accounts[account], self._parts.sight)
        if new.exits is not None:
            return self._parts.groups.place_oto(new, now).entry
        return self._parts.engine.submit(new, now)

    def place_oto(self, account: str, request: CollateralRequest) -> Group:
        """A placement with exits, as the group that it is."""
        now = self._clockwork.advance()
        new = orders.read_order(request, self._parts.accounts[account], self._parts.sight)
        if new.exits is None:
            raise refusals.validation(30, "stopLoss", "StopLoss field is required.")
        return self._parts.groups.place_oto(new, now).snapshot()

    def place_oco(self, account: str, request: OcoRequest) -> Group:
        """order/collateral/oco: both legs."""
        now = self._clockwork.advance()
        stop, limit = orders.read_oco(request, self._parts.accounts[account], self._parts.sight)
        return self._parts.groups.place_oco(stop, limit, now).snapshot()

    def place_tpsl(self, account: str, request: TpslRequest) -> tuple[Order | None, Order | None]:
        """Exits of a whole position: (stop-loss, take-profit), None where none was asked for."""
        now = self._clockwork.advance()
        exits = orders.read_tpsl(request, self._parts.accounts[account], self._parts.sight)
        for leg in exits:
            self._parts.engine.check(leg)
        placed = [self._parts.engine.enter(leg, now) for leg in exits]
        self._parts.engine.finish_cycle(now)
        stop_loss = None if request.stop_loss is None else placed[0].snapshot()
        take_profit = None if request.take_profit is None else placed[-1].snapshot()
        return stop_loss, take_profit

    def close_position(self, account: str, request: CloseRequest) -> Order:
        """collateral-account/position/close: the closing order."""
        now = self._clockwork.advance()
        order = read_close(request, self._parts.accounts[account], self._parts.sight)
        return self._parts.engine.submit(order, now).snapshot()

    def cancel_group(
        self, account: str, request: GroupCancelRequest, kinds: tuple[GroupKind, ...] = CONDITIONAL
    ) -> Group:
        """oco-cancel, oto-cancel, conditional-cancel: the group, all its legs ended (D3)."""
        now = self._clockwork.advance()
        problems = Problems()
        spec = read_market(request.market, self._parts.sight.markets, problems)
        group_id = read_int(request.group_id, request.key, problems)
        client_order_id = request.client_order_id
        if (group_id is None) is (client_order_id is None):
            text = f"{request.key[0].upper()}{request.key[1:]} field is required."
            problems.add(refusals.REQUIRED, request.key, text)
        problems.refuse()
        market = problems.given(spec).name
        if group_id is None:
            held = self._parts.accounts[account].by_client_id(market, str(client_order_id))
            group_id = held.group_id if held is not None else None
        group = self._parts.groups.find(account, market, group_id or 0, kinds)
        if group is None:
            raise collateral_refusals.group_not_found(request.key)
        self._parts.groups.cancel(group, now)
        return group.snapshot()

    def set_leverage(self, account: str, leverage: object) -> int:
        """collateral-account/leverage: the new one (D1)."""
        self._clockwork.advance()
        problems = Problems()
        value = read_int(leverage, "leverage", problems)
        if leverage is None:
            problems.add(refusals.REQUIRED, "leverage", "Leverage field is required.")
        elif value is not None and value not in LEVERAGES:
            problems.add(refusals.REQUIRED, "leverage", "The selected leverage is invalid.")
        problems.refuse()
        wallet = self._parts.accounts[account].collateral
        value = problems.given(value)
        if value != wallet.leverage and wallet.is_busy:
            raise collateral_refusals.mode_is_locked("leverage")
        wallet.leverage = value
        return value

    def set_hedge_mode(self, account: str, mode: object) -> bool:
        """collateral-account/hedge-mode/update: the new mode (D1)."""
        self._clockwork.advance()
        problems = Problems()
        if mode is None:
            problems.add(refusals.REQUIRED, "hedgeMode", "HedgeMode field is required.")
        is_hedged = read_flag(mode, "hedgeMode", problems)
        problems.refuse()
        wallet = self._parts.accounts[account].collateral
        if is_hedged is not wallet.is_hedged and wallet.is_busy:
            raise collateral_refusals.mode_is_locked("hedgeMode")
        wallet.is_hedged = is_hedged
        return is_hedged

    # Queries

    def hedge_mode(self, account: str) -> bool:
        """collateral-account/hedge-mode."""
        return self._parts.accounts[account].collateral.is_hedged

    def assets(self, account: str, ticker: object = None) -> dict[str, AssetSummary]:
        """collateral-account/balance and balance-summary, of one asset or of all."""
        if ticker is not None and ticker not in self._parts.assets:
            raise collateral_refusals.invalid_ticker()
        chosen = self._parts.assets if ticker is None else (str(ticker),)
        wallet = self._parts.accounts[account].collateral
        return self._parts.margins.assets(wallet, chosen)

    def summary(self, account: str) -> Summary:
        """collateral-account/summary."""
        return self._parts.margins.summary(self._parts.accounts[account].collateral)

    def positions(self, account: str, market: object = None) -> list[PositionView]:
        """collateral-account/positions/open: oldest first."""
        problems = Problems()
        spec = read_optional_market(market, self._parts.sight.markets, problems)
        problems.refuse()
        owner = self._parts.accounts[account]
        free_margin = self._parts.margins.free(owner.collateral)
        return [
            self._view(owner, position, free_margin)
            for position in owner.collateral.positions.values()
            if spec is None or position.market == spec.name
        ]

    def position_by_id(self, account: str, position_id: int) -> PositionView | None:
        """An open position."""
        views = self.positions(account)
        return next((view for view in views if view.position.id == position_id), None)

    def _view(self, owner: Account, position: Position, free_margin: Decimal) -> PositionView:
        margins, wallet = self._parts.margins, owner.collateral
        mark = margins.mark(position.market)
        margin, unrealized = margins.margin_of(wallet, position), position.unrealized(mark)
        entry_side = Side.BUY if position.amount > 0 else Side.SELL
        stop_loss, take_profit = exits_of(owner, position.market, entry_side)
        return PositionView(
            position=copy(position),
            mark=mark,
            margin=margin,
            free_margin=free_margin,
            liquidation_price=margins.liquidation_price(wallet, position),
            unrealized=unrealized,
            unrealized_percent=quotient(multiply(unrealized, _HUNDRED), margin)
            if margin
            else Decimal(0),
            stop_loss=stop_loss and stop_loss.snapshot(),
            take_profit=take_profit and take_profit.snapshot(),
        )

    def position_history(
        self, account: str, query: PositionHistoryQuery, now: float | None = None
    ) -> list[PositionRecord]:
        """collateral-account/positions/history (D2); `now` bounds the dates."""
        problems = Problems()
        spec = read_optional_market(query.market, self._parts.sight.markets, problems)
        position_id = read_int(query.position_id, "positionId", problems)
        start, end = read_dates(query.start_date, query.end_date, now, problems)
        limit, offset = read_page(query.limit, query.offset, _PAGE, problems, default=_PAGE)
        problems.refuse()
        records = (
            record
            for record in reversed(self._parts.accounts[account].collateral.records)
            if (spec is None or record.market == spec.name)
            and (position_id is None or record.position_id == position_id)
            and (start is None or record.modified >= start)
            and (end is None or record.modified <= end)
        )
        return page_of(records, limit, offset)

    def closed_pnl(
        self, account: str, query: ClosedPnlQuery, now: float | None = None
    ) -> list[ClosedPosition]:
        """collateral-account/positions/closed-pnl (D2); `now` bounds the dates."""
        return closed_positions(self._parts.accounts[account].collateral, query, now)

    def funding_history(
        self, account: str, query: PageQuery
    ) -> tuple[list[FundingRecord], int, int]:
        """collateral-account/funding-history: records, and the effective limit and offset."""
        records = self._parts.accounts[account].collateral.fundings
        return self._page(query, reversed(records), default=_PAGE)

    def groups(
        self,
        account: str,
        query: PageQuery,
        kinds: tuple[GroupKind, ...] = (GroupKind.OCO,),
        *,
        default: int = 50,
    ) -> tuple[list[Group], int, int]:
        """oco-orders and conditional-orders: groups, and the effective limit and offset."""
        listed = self._parts.groups.of(account, kinds)
        groups, limit, offset = self._page(query, listed, default=default)
        return [group.snapshot() for group in groups], limit, offset

    def group_total(self, account: str, market: object = None) -> int:
        """How many conditional groups there are, of one market or of all."""
        groups = self._parts.groups.of(account, CONDITIONAL)
        return sum(market is None or group.market == market for group in groups)

    def _page(
        self, query: PageQuery, records: Iterable[_Record], *, default: int
    ) -> tuple[list[_Record], int, int]:
        problems = Problems()
        spec = read_optional_market(query.market, self._parts.sight.markets, problems)
        limit, offset = read_page(query.limit, query.offset, _PAGE, problems, default=default)
        problems.refuse()
        wanted = (record for record in records if spec is None or record.market == spec.name)
        return page_of(wanted, limit, offset), limit, offset
