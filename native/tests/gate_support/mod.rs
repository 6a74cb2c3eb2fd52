//! A gate with limits, and the shortest ways to ask and tell it something.

#![allow(dead_code)] // each test file uses a part

use whitewire_core::gate::{
    AccountLimits, Event, Exposure, ExposureLimits, FillReport, Guard, Intent, Refusal,
};
use whitewire_core::template::Side;

pub const SECOND: i64 = 1_000_000_000;

pub fn guard(account: &AccountLimits, market: &ExposureLimits) -> Guard {
    let mut guard = Guard::default();
    guard.add_market();
    guard.add_market();
    guard.set_limits(account);
    assert!(guard.set_market_limits(0, market));
    guard.account_event(Event::Arm);
    guard.on_top(0, 99, 101, 0);
    guard
}

pub fn limited(market: ExposureLimits) -> Guard {
    guard(&AccountLimits::default(), &market)
}

pub fn intent(side: Side, price: i64, lots: i64, sequence: u64) -> Intent {
    Intent { market: 0, side, price, lots, sequence, is_change: false, is_reduce_only: false }
}

pub fn try_at(guard: &mut Guard, order: &Intent, now_ns: i64) -> Result<(), Refusal> {
    let state = guard.open_state(usize::from(order.market), now_ns)?;
    guard.admit(order, state, now_ns).map(|_| ())
}

pub fn place(
    guard: &mut Guard,
    side: Side,
    price: i64,
    lots: i64,
    sequence: u64,
) -> Result<(), Refusal> {
    try_at(guard, &intent(side, price, lots, sequence), 0)
}

pub fn fill(guard: &mut Guard, side: Side, price: i64, lots: i64, sequence: u64, now_ns: i64) {
    let report = FillReport { market: 0, side, price, lots, fee: 0, sequence };
    assert!(guard.on_fill(&report, now_ns));
}

pub fn done(guard: &mut Guard, side: Side, sequence: u64) {
    let over =
        Exposure { sequence, lots: 0, notional: 0, price: 0, market: 0, side, is_open: false };
    assert!(guard.set_order(over));
}
