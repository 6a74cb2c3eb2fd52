"""Funding: rules U1 to U4."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from tests.venue.desk import PERP, START, Desk, account, collateral_accounts
from whitewire.venue.collateral.funding import BASE_RATE, CAP, Funding, Prices, open_interest
from whitewire.venue.collateral.pool import Pool
from whitewire.venue.collateral.requests import PageQuery
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.money import to_text

SPECS = {spec.name: spec for spec in default_markets()}
SPEC = SPECS[PERP]


def funding(mark: str, index: str | None, now: float = START) -> Funding:
    prices = Prices(lambda _: Decimal(mark), lambda _: Decimal(index) if index else None)
    return Funding(SPECS, {}, Pool(), prices, 3_600, now)


@pytest.fixture
def desk() -> Desk:
    made = Desk(ExchangeOptions(funding_interval_min=60), collateral_accounts())
    made.perp_limit("bob", "sell", "60000", "0.5")
    made.perp_limit("alice", "buy", "60000", "0.5")
    return made


def settle(desk: Desk) -> None:
    desk.now = desk.exchange._parts.funding.next_due()
    desk.exchange.tick(desk.now)


def test_u1_settlement_is_at_whole_multiples_of_the_interval() -> None:
    first = funding("1", "1", 7_200.5)
    assert first.next_due() == 10_800.0
    assert funding("1", "1", 7_200.0).next_due() == 10_800.0
    first.settle()
    assert first.next_due() == 14_400.0


@pytest.mark.parametrize(
    ("mark", "index", "rate"),
    [
        ("60060", "60000", "0.001"),
        ("59940", "60000", "-0.001"),
        ("60000", "60000", "0"),
        ("70000", "60000", str(CAP)),
        ("50000", "60000", str(-CAP)),
        ("60001", "60000", "0.00001666"),
        ("59999", "60000", "-0.00001666"),
        ("60000", None, str(BASE_RATE)),
    ],
)
def test_u2_the_rate_is_the_premium_within_bounds(mark: str, index: str | None, rate: str) -> None:
    with localcontext() as context:
        context.prec = 3
        found = funding(mark, index).rate(SPEC)
    assert found == Decimal(rate)


def test_u2_the_index_is_the_last_price_of_the_spot_market(desk: Desk) -> None:
    rate = desk.exchange._parts.funding.rate
    assert rate(SPEC) == 0
    desk.trade("59400")
    assert rate(SPEC) == CAP
    desk.trade("60030")
    assert to_text(rate(SPEC)) == "-0.00049975"


def test_u3_with_a_positive_rate_longs_pay_shorts(desk: Desk) -> None:
    desk.trade("59970")
    before = [Decimal(desk.money(who)) for who in ("alice", "bob")]
    settle(desk)
    paid = Decimal(30000) * Decimal("0.00050025")
    after = [Decimal(desk.money(who)) for who in ("alice", "bob")]
    assert after == [before[0] - paid, before[1] + paid]
    assert not any(desk.exchange._parts.pool.amounts.values())


def test_u3_with_a_negative_rate_shorts_pay_longs(desk: Desk) -> None:
    desk.trade("60060")
    before = desk.exchange.collateral.summary("alice").equity
    settle(desk)
    assert desk.exchange.collateral.summary("alice").equity > before
    assert desk.exchange.collateral.summary("bob").equity < 100_000


def test_u4_is_recorded_and_leaves_the_position_alone(desk: Desk) -> None:
    desk.trade("59970")
    started = desk.exchange._parts.funding
    due = started.next_due()
    settle(desk)
    settle(desk)
    records, limit, offset = desk.exchange.collateral.funding_history("alice", PageQuery())
    assert (limit, offset, len(records)) == (100, 0, 2)
    assert [record.time for record in records] == [due + 3_600, due]
    assert records[0].rate_time == due
    assert records[1].rate_time == START
    assert (records[0].rate, records[0].position_amount, records[0].settlement_price) == (
        Decimal("0.00050025"),
        Decimal("0.5"),
        60000,
    )
    assert records[0].amount == -30000 * records[0].rate
    view = desk.position("alice")
    assert view is not None
    assert (view.position.funding, view.position.realized) == (0, 0)


def test_margin_positions_and_delisted_markets_pay_none() -> None:
    desk = Desk(accounts=collateral_accounts())
    desk.limit("bob", "sell", "60000", "0.5")
    desk.perp_limit("alice", "buy", "60000", "0.5", market="BTC_USDT")
    settle(desk)
    assert desk.exchange.collateral.funding_history("alice", PageQuery())[0] == []
    desk.exchange.delist(PERP)
    settle(desk)


def test_open_interest_is_the_sum_of_the_longs(desk: Desk) -> None:
    desk.perp_limit("carol", "sell", "60000", "0.2")
    desk.perp_limit("alice", "buy", "60000", "0.2")
    owners = list(desk.exchange._accounts.values())
    assert open_interest(owners, PERP) == Decimal("0.7")
    assert open_interest(owners, "ETH_PERP") == 0


def test_the_venues_own_traders_settle_without_records() -> None:
    options = ExchangeOptions(traded_markets=(PERP,))
    desk = Desk(options, [account("alice", collateral={"USDT": Decimal(100_000)})])
    desk.perp_market("alice", "buy", "0.1")
    settle(desk)
    for owner in desk.exchange._accounts.values():
        assert bool(owner.collateral.fundings) is (owner.spec.name == "alice")
