"""Orders that belong together: OCO pairs, OTO entries, and the exits of an OTO.

Owns: which orders form a group and what one leg's fate means for the other. Must not know: funds,
books, requests. Invariant: of two legs that exclude each other at most one fills; a group is listed
exactly as long as none of its legs was touched.

Rules:
    R1  A leg that trades, is activated or ends takes the other leg with it.
    R2  The entry of an OTO that ends with a fill places its exits for what it has filled, as a pair
        that R1 holds for; one that ends without a fill takes the OTO with it, and so does one that
        ends because its position does: by liquidation or delisting.
    R3  A group and its legs have consecutive ids: the group, the stop leg, the limit leg. The legs
        cannot share a client id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from whitewire.venue.collateral.orders import exit_order, exit_triggers
from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.engine import Engine
from whitewire.venue.engine.matching import NewOrder
from whitewire.venue.values.activation import Condition
from whitewire.venue.values.model import MarketSpec, Order, OrderType, Side, Status
from whitewire.venue.values.refusals import client_id_taken

_OVER = (Status.AUTO_CANCELED_LIQUIDATION, Status.DELISTING)


class GroupKind(Enum):
    """What a group is."""

    OCO = "oco"
    OTO = "oto"
    EXITS = "exits"


@dataclass(slots=True)
class Group:
    """Orders that belong together.

    Attributes:
        legs: the stop leg and the limit leg of an OCO, the entry of an OTO, or one or two exits.
    """

    id: int
    kind: GroupKind
    account: str
    market: str
    legs: tuple[Order, ...]

    @property
    def stop_leg(self) -> Order:
        """The leg of an OCO that ends a loss."""
        return self.legs[0]

    @property
    def limit_leg(self) -> Order:
        """The leg of an OCO that takes profit."""
        return self.legs[1]

    @property
    def entry(self) -> Order:
        """The order of an OTO that triggers the others."""
        return self.legs[0]

    def snapshot(self) -> Group:
        """A copy that later changes of the engine do not touch."""
        return replace(self, legs=tuple(leg.snapshot() for leg in self.legs))


class Groups:
    """All open groups of the venue."""

    def __init__(
        self, engine: Engine, accounts: Mapping[str, Account], specs: Mapping[str, MarketSpec]
    ) -> None:
        self._engine = engine
        self._accounts = accounts
        self._specs = specs
        self._open: dict[int, Group] = {}

    def of(self, account: str, kinds: tuple[GroupKind, ...]) -> list[Group]:
        """An account's open groups, newest first."""
        return [
            group
            for group in reversed(self._open.values())
            if group.account == account and group.kind in kinds
        ]

    def place_oco(self, stop: NewOrder, limit: NewOrder, now: float) -> Group:
        """Places both legs of an OCO, or neither.

        Raises:
            VenueError: a leg is refused; nothing has changed.
        """
        if limit.client_order_id and limit.client_order_id == stop.client_order_id:  # R3
            raise client_id_taken()
        for leg in (stop, limit):
            self._engine.check(leg)
        group_id = next(self._engine.order_ids)  # R3
        legs = tuple(
            self._engine.enter(replace(leg, group_id=group_id), now) for leg in (stop, limit)
        )
        group = self._add(group_id, GroupKind.OCO, stop, legs)
        self._engine.finish_cycle(now)
        return group

    def place_oto(self, entry: NewOrder, now: float) -> Group:
        """Places the entry of an OTO.

        Raises:
            VenueError: refused; nothing has changed.
        """
        if entry.exits is None:
            raise ValueError("an OTO has exits")
        self._engine.check(entry)
        group_id = next(self._engine.order_ids)  # R3
        whole = replace(entry, group_id=group_id, exits=replace(entry.exits, id=group_id))
        group = self._add(group_id, GroupKind.OTO, entry, (self._engine.enter(whole, now),))
        self._engine.finish_cycle(now)
        return group

    def cancel(self, group: Group, now: float) -> None:
        """Ends a group with all its legs."""
        self._open.pop(group.id, None)
        for leg in group.legs:
            if not leg.is_finished:
                self._engine.end(leg, Status.CANCELED, now)
        self._engine.finish_cycle(now)

    def find(
        self, account: str, market: str, group_id: int, kinds: tuple[GroupKind, ...]
    ) -> Group | None:
        """An open group by its id."""
        group = self._open.get(group_id)
        if group is None or (group.account, group.market) != (account, market):
            return None
        return group if group.kind in kinds else None

    def react(self, touched: list[Order], now: float) -> None:
        """Draws the consequences of what legs did (R1, R2)."""
        for order in touched:
            group = self._open.get(order.group_id) if order.group_id is not None else None
            if group is None or not _is_touched(order, group.kind):
                continue
            del self._open[group.id]
            for leg in group.legs:
                if leg is not order and not leg.is_finished:
                    self._engine.end(leg, Status.CANCELED, now)
            if group.kind is GroupKind.OTO and order.deal_stock and order.status not in _OVER:
                self._place_oto_exits(order, now)

    def _place_oto_exits(self, entry: Order, now: float) -> None:
        if entry.exits is None:
            raise ValueError(f"order {entry.id} is no entry")
        account, spec = self._accounts[entry.account], self._specs[entry.market]
        group_id = next(self._engine.order_ids)
        exits = [
            exit_order(
                account,
                spec,
                entry.side,
                entry.deal_stock,
                price,
                condition,
                entry.position_side,
                group_id=group_id,
            )
            for price, condition in exit_triggers(entry.exits, entry.side)
        ]
        legs = tuple(self._engine.enter(leg, now) for leg in exits)
        self._add(group_id, GroupKind.EXITS, exits[0], legs)

    def _add(self, group_id: int, kind: GroupKind, new: NewOrder, legs: tuple[Order, ...]) -> Group:
        group = Group(group_id, kind, new.account.spec.name, new.spec.name, legs)
        self._open[group_id] = group
        return group


def _is_touched(order: Order, kind: GroupKind) -> bool:
    """Whether a leg has done what decides its group's fate."""
    if order.is_finished:
        return True
    if kind is GroupKind.OTO:
        return False
    is_activated = order.activation is not None and not order.is_waiting
    return is_activated or bool(order.deal_stock)


def exits_of(account: Account, market: str, entry_side: Side) -> tuple[Order | None, Order | None]:
    """Open (stop-loss, take-profit) exits of a position."""
    stop_loss = take_profit = None
    for order in account.open_orders.values():
        trigger = order.activation
        if trigger is None or order.market != market or order.side is entry_side:
            continue
        if not order.reduce_only or order.type is not OrderType.STOP_MARKET:
            continue
        if (trigger.condition is Condition.LTE) is (entry_side is Side.BUY):
            stop_loss = order
        else:
            take_profit = order
    return stop_loss, take_profit
