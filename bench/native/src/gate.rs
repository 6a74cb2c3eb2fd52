//! Loops around the gate, for a caller that times them.
//!
//! Owns: a guard with every rule at work, and orders that pass. Must not know: time, see the crate.
//! Invariant: an order is judged as the engine judges it: state, single order, account.

use std::hint::black_box;

use whitewire_core::gate::{
    check, AccountLimits, Event, Exposure, ExposureLimits, Guard, Intent, MarketLimits, Top,
};
use whitewire_core::template::Side;

const STEP_NS: i64 = 1_000_000;
const SINGLE: MarketLimits = MarketLimits {
    min_order_lots: 1,
    max_order_lots: 1_000,
    min_notional: 1,
    max_notional: i128::MAX,
    collar_ppm: 20_000,
    max_book_age_ns: i64::MAX,
    price_step: 1,
    amount_step: 1,
};
const TOP: Top = Top {
    best_bid: 599_995,
    best_ask: 600_005,
    stale: false,
    recv_ns: 0,
};

/// A guard and the orders that it let through.
pub struct Gates {
    guard: Guard,
    sequence: u64,
    now_ns: i64,
    open: Vec<(u64, Side)>,
}

impl Gates {
    fn new() -> Self {
        let mut guard = Guard::default();
        guard.add_market();
        guard.set_limits(&AccountLimits {
            max_open_orders: 5_000,
            max_open_notional: i128::MAX / 2,
            max_loss: Some(1 << 60),
            max_drawdown: Some(1 << 60),
            order_interval_ns: STEP_NS,
            order_burst: 100,
            cancel_interval_ns: STEP_NS,
            cancel_burst: 100,
            max_rejects: 10,
            reject_window_ns: 5_000_000_000,
        });
        guard.set_market_limits(
            0,
            &ExposureLimits {
                max_open_orders: 5_000,
                max_side_orders: 5_000,
                max_open_notional: i128::MAX / 2,
                max_side_notional: i128::MAX / 2,
                max_position: 1 << 60,
                duplicate_ns: 50_000_000,
                max_move_ppm: 30_000,
                move_window_ns: 5_000_000_000,
                max_fills: 100,
                fill_window_ns: 1_000_000_000,
                max_repeats: 20,
                repeat_window_ns: 60_000_000_000,
                may_cross_own: false,
                ..ExposureLimits::default()
            },
        );
        guard.account_event(Event::Arm);
        guard.on_top(0, TOP.best_bid, TOP.best_ask, 0);
        Gates {
            guard,
            sequence: 0,
            now_ns: 0,
            open: Vec::with_capacity(5_000),
        }
    }

    fn order(&mut self) -> (Side, i64, i64) {
        self.sequence += 1;
        self.now_ns += STEP_NS;
        let level = (self.sequence / 2 % 500) as i64;
        if self.sequence % 2 == 0 {
            (Side::Buy, 599_990 - level, 10)
        } else {
            (Side::Sell, 600_010 + level, 10)
        }
    }
}

/// A guard with every rule at work.
#[no_mangle]
pub extern "C" fn gates_new() -> *mut Gates {
    Box::into_raw(Box::new(Gates::new()))
}

/// # Safety
/// B1; the pointer is not used again.
#[no_mangle]
pub unsafe extern "C" fn gates_free(gates: *mut Gates) {
    // SAFETY: B1.
    drop(unsafe { Box::from_raw(gates) });
}

/// Judges `count` orders by the rules of the single order alone; how many passed.
///
/// # Safety
/// B1.
#[no_mangle]
pub unsafe extern "C" fn gates_check(gates: *mut Gates, count: u64) -> u64 {
    // SAFETY: B1.
    let gates = unsafe { &mut *gates };
    let mut passed = 0;
    for _ in 0..count {
        let (side, price, lots) = black_box(gates.order());
        let now = gates.now_ns;
        let judged = check(
            black_box(&SINGLE),
            &TOP,
            side,
            price,
            lots,
            true,
            false,
            now,
        );
        passed += u64::from(black_box(judged).is_ok());
    }
    passed
}

/// Judges `count` orders by the whole gate, which counts them; how many passed.
///
/// # Safety
/// B1.
#[no_mangle]
pub unsafe extern "C" fn gates_admit(gates: *mut Gates, count: u64) -> u64 {
    // SAFETY: B1.
    let gates = unsafe { &mut *gates };
    let mut passed = 0;
    for _ in 0..count {
        let (side, price, lots) = black_box(gates.order());
        let (sequence, now) = (gates.sequence, gates.now_ns);
        let order = Intent {
            market: 0,
            side,
            price,
            lots,
            sequence,
            is_change: false,
            is_reduce_only: false,
        };
        let judged = gates.guard.open_state(0, now).and_then(|state| {
            check(
                black_box(&SINGLE),
                &TOP,
                side,
                price,
                lots,
                true,
                false,
                now,
            )?;
            gates.guard.admit(&order, state, now)
        });
        if black_box(judged).is_ok() {
            gates.open.push((sequence, side));
            passed += 1;
        }
    }
    passed
}

/// Says that all of them are done.
///
/// # Safety
/// B1.
#[no_mangle]
pub unsafe extern "C" fn gates_release(gates: *mut Gates) {
    // SAFETY: B1.
    let gates = unsafe { &mut *gates };
    while let Some((sequence, side)) = gates.open.pop() {
        gates.guard.set_order(Exposure {
            sequence,
            side,
            lots: 0,
            notional: 0,
            price: 0,
            market: 0,
            is_open: false,
        });
    }
}

/// Takes `count` new tops of the book.
///
/// # Safety
/// B1.
#[no_mangle]
pub unsafe extern "C" fn gates_tops(gates: *mut Gates, count: u64) {
    // SAFETY: B1.
    let gates = unsafe { &mut *gates };
    for step in 0..count {
        gates.now_ns += STEP_NS;
        let away = (step % 8) as i64;
        let (bid, ask) = black_box((TOP.best_bid - away, TOP.best_ask + away / 2));
        gates.guard.on_top(0, bid, ask, gates.now_ns);
    }
}
