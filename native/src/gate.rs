//! The gate: the last look at an order before it is built.
//!
//! Owns the limits of one order and the verdict on it; `account` owns what all orders of an account
//! may do together. Must not know clocks or books: the top of the book and the time are arguments.
//! Invariant: no input panics, wraps or rounds; what cannot be judged is refused.
//!
//! Rules obeyed, by number, in the order in which they are asked; G8 to G14 are `account`'s:
//! * G1 — nothing is placed while halted.
//! * G2 — a price is positive; price and amount are multiples of the market's steps.
//! * G3 — the amount lies within its limits, bounds included.
//! * G4 — price times amount lies within its limits, bounds included.
//! * G5 — the book is not stale and was received at most `max_book_age_ns` ago.
//! * G6 — the price is within the collar around the reference: the middle of best bid and best
//!   ask, or the one side that there is.
//! * G7 — a post-only order must not reach the other side of our own book: the venue would refuse
//!   it after a round trip.

mod account;
mod limits;
mod market;
mod orders;
mod state;
mod watch;
mod windows;

pub use account::{Admitted, Guard, Intent};
pub use limits::{AccountLimits, ExposureLimits};
pub use market::MarketGuard;
pub use orders::{Exposure, OrderTable};
pub use state::{Event, Latch, Reason, State};
pub use watch::FillReport;
pub use windows::{Bucket, Burst, Moves, Recent, Repeats};

use crate::template::Side;

const PPM: i128 = 1_000_000;

/// What an order of one market must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketLimits {
    /// Smallest amount, lots.
    pub min_order_lots: i64,
    /// Largest amount, lots; `i64::MAX` for no limit.
    pub max_order_lots: i64,
    /// Smallest price times amount, ticks times lots.
    pub min_notional: i128,
    /// Largest price times amount, ticks times lots; `i128::MAX` for no limit.
    pub max_notional: i128,
    /// Largest distance from the reference, parts per million of the reference.
    pub collar_ppm: u32,
    /// Oldest book to act on, nanoseconds since it was received.
    pub max_book_age_ns: i64,
    /// Prices are multiples of this many ticks; 1 for any.
    pub price_step: i64,
    /// Amounts are multiples of this many lots; 1 for any.
    pub amount_step: i64,
}

/// The best prices of our own book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Top {
    /// Best bid, ticks; 0 for none.
    pub best_bid: i64,
    /// Best ask, ticks; 0 for none.
    pub best_ask: i64,
    /// Whether the book itself says that it cannot be trusted.
    pub stale: bool,
    /// When its last update was received, monotonic nanoseconds.
    pub recv_ns: i64,
}

/// Why an order was refused; the numbers are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Refusal {
    /// The gate is shut.
    Halted = 1,
    /// Below the smallest amount, zero or negative.
    AmountTooSmall = 2,
    /// Above the largest amount.
    AmountTooLarge = 3,
    /// Below the smallest price times amount.
    NotionalTooSmall = 4,
    /// Above the largest price times amount.
    NotionalTooLarge = 5,
    /// Too far from the reference.
    PriceCollar = 6,
    /// The book is stale or too old.
    StaleBook = 7,
    /// The book is empty: nothing to compare the price with.
    NoReference = 8,
    /// Not a multiple of the price step.
    OffTick = 9,
    /// Not a multiple of the amount step.
    OffLot = 10,
    /// Zero or negative price.
    PriceNotPositive = 11,
    /// Post-only, but it would take.
    WouldCross = 12,
    /// Killed: a human has to arm it again.
    Killed = 13,
    /// Only what lessens the position may leave.
    OnlyReducing = 14,
    /// Too many placements and changes in a short time.
    OrderRate = 15,
    /// Too many cancels in a short time.
    CancelRate = 16,
    /// The same order was placed a moment ago.
    Duplicate = 17,
    /// It would meet an open order of our own.
    SelfCross = 18,
    /// Too many open orders.
    OpenOrders = 19,
    /// Too much open notional.
    OpenNotional = 20,
    /// The position could become too large.
    Position = 21,
    /// A position has no fresh mark, so that its loss is not known.
    NoMark = 22,
    /// More orders than the core can account for.
    TooManyOrders = 23,
}

impl Refusal {
    /// The stable number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// One line for people.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Refusal::Halted => "order entry is halted",
            Refusal::AmountTooSmall => "the amount is below the market's minimum",
            Refusal::AmountTooLarge => "the amount is above the limit",
            Refusal::NotionalTooSmall => "price times amount is below the market's minimum",
            Refusal::NotionalTooLarge => "price times amount is above the limit",
            Refusal::PriceCollar => "the price is outside the collar around the book's middle",
            Refusal::StaleBook => "the book is stale or too old",
            Refusal::NoReference => "the book is empty, the price cannot be judged",
            Refusal::OffTick => "the price is not a multiple of the price step",
            Refusal::OffLot => "the amount is not a multiple of the amount step",
            Refusal::PriceNotPositive => "the price is not positive",
            Refusal::WouldCross => "a post-only order at this price would take",
            Refusal::Killed => "the account is killed; it needs whitewire arm and a new start",
            Refusal::OnlyReducing => "only orders that lessen the position may leave now",
            Refusal::OrderRate => "the rate of placements and changes is above its limit",
            Refusal::CancelRate => "the rate of cancels is above its limit, so placements wait",
            Refusal::Duplicate => "the same order was placed a moment ago",
            Refusal::SelfCross => "it would meet an open order of our own",
            Refusal::OpenOrders => "the number of open orders is at its limit",
            Refusal::OpenNotional => "the open notional would exceed its limit",
            Refusal::Position => "the position could exceed its limit if all open orders filled",
            Refusal::NoMark => "a position cannot be valued, so only less of it is allowed",
            Refusal::TooManyOrders => "the core cannot account for more orders",
        }
    }
}

/// Judges one order of `amount` lots at `price` ticks.
///
/// # Errors
/// The first rule, in the order of the module's list, that the order breaks.
#[allow(clippy::too_many_arguments)] // one flat call on the hot path, no struct to fill for it
pub fn check(
    limits: &MarketLimits,
    top: &Top,
    side: Side,
    price: i64,
    amount: i64,
    post_only: bool,
    halted: bool,
    now_ns: i64,
) -> Result<(), Refusal> {
    if halted {
        return Err(Refusal::Halted); // G1
    }
    check_size(limits, price, amount)?;
    let age_ns = i128::from(now_ns) - i128::from(top.recv_ns);
    if top.stale || age_ns > i128::from(limits.max_book_age_ns) {
        return Err(Refusal::StaleBook); // G5
    }
    check_price(limits, top, price)?;
    let takes = match side {
        Side::Buy => top.best_ask > 0 && price >= top.best_ask,
        Side::Sell => price <= top.best_bid,
    };
    if post_only && takes {
        return Err(Refusal::WouldCross); // G7
    }
    Ok(())
}

fn check_size(limits: &MarketLimits, price: i64, amount: i64) -> Result<(), Refusal> {
    if price <= 0 {
        return Err(Refusal::PriceNotPositive); // G2
    }
    if amount <= 0 || amount < limits.min_order_lots {
        return Err(Refusal::AmountTooSmall); // G3
    }
    if amount > limits.max_order_lots {
        return Err(Refusal::AmountTooLarge); // G3
    }
    if limits.price_step > 1 && price % limits.price_step != 0 {
        return Err(Refusal::OffTick); // G2
    }
    if limits.amount_step > 1 && amount % limits.amount_step != 0 {
        return Err(Refusal::OffLot); // G2
    }
    // Two i64 factors always fit into an i128.
    let notional = i128::from(price) * i128::from(amount);
    if notional < limits.min_notional {
        return Err(Refusal::NotionalTooSmall); // G4
    }
    if notional > limits.max_notional {
        return Err(Refusal::NotionalTooLarge); // G4
    }
    Ok(())
}

fn check_price(limits: &MarketLimits, top: &Top, price: i64) -> Result<(), Refusal> {
    // Doubled, so that the middle of two ticks is exact.
    let reference = match (i128::from(top.best_bid), i128::from(top.best_ask)) {
        (bid, ask) if bid > 0 && ask > 0 => bid + ask,
        (bid, _) if bid > 0 => 2 * bid,
        (_, ask) if ask > 0 => 2 * ask,
        _ => return Err(Refusal::NoReference), // G6
    };
    // Below 2^65 times 2^32: far from the ends of an i128.
    let distance = (2 * i128::from(price) - reference).abs();
    if distance * PPM > reference * i128::from(limits.collar_ppm) {
        return Err(Refusal::PriceCollar); // G6
    }
    Ok(())
}
