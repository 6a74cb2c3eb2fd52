//! Reflexes: what a declared rule asks of an order when the top of its book is new.
//!
//! Owns: the rules and their decision. Must not know: frames, nonces, requests, the gate, time.
//! Invariant: a decision depends on nothing but the rule, the top and the order; no input panics.
//!
//! Rules obeyed, by number:
//! * F1 — The top is the best price at which somebody else rests. A level that holds no more than
//!   our own orders may have there is ours. A ticker shows one level: where that is ours, the side
//!   is unknown, and what needs it asks for nothing.
//! * F2 — A pull asks to cancel a bid once the best bid is at or below its price or gone, or once
//!   the best ask is within so many ticks of the order; an ask likewise.
//! * F3 — A follow asks to move an order to its distance from the top it follows, on the market's
//!   grid, rounded away from the market: never beyond the worst price, never to or through the
//!   other side's top. It stays while it is off by no more than the tolerance.
//! * F4 — An order gets one answer for each top; a pull comes before a move.
//! * F5 — Only an order with nothing in flight is moved, and a move carries what is left of it:
//!   it never enlarges.

mod desk;
mod quota;

pub use desk::{ClientId, Desk, Step, Watched, MAX_RULES};
pub use quota::Quota;

use crate::template::Side;

/// The best price of somebody else on one side (F1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// In ticks.
    Price(i64),
    /// Nobody else rests there.
    Empty,
    /// Cannot be told from what was shown.
    Unknown,
}

/// Both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Others {
    /// Best bid.
    pub bid: Seen,
    /// Best ask.
    pub ask: Seen,
}

impl Others {
    /// The top of an order's own side, then that of the other.
    fn from(self, side: Side) -> (Seen, Seen) {
        match side {
            Side::Buy => (self.bid, self.ask),
            Side::Sell => (self.ask, self.bid),
        }
    }
}

/// A declared rule; it concerns orders of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// F2; each condition that is given suffices.
    Pull {
        /// Price of the own side's top, ticks.
        through: Option<i64>,
        /// Distance of the other side's top, ticks.
        within: Option<i64>,
    },
    /// F3.
    Follow {
        /// Whether the other side's top is followed.
        is_opposite: bool,
        /// From the top to the order, away from the market, ticks.
        distance: i64,
        /// Ticks.
        tolerance: i64,
        /// The highest price of a bid, the lowest of an ask, ticks.
        worst: i64,
    },
}

/// How far `price` lies behind `top`, away from the market of a side; negative before it.
fn behind(side: Side, top: i64, price: i64) -> i64 {
    match side {
        Side::Buy => top.saturating_sub(price),
        Side::Sell => price.saturating_sub(top),
    }
}

/// The price `distance` behind `top`.
fn at_distance(side: Side, top: i64, distance: i64) -> i64 {
    match side {
        Side::Buy => top.saturating_sub(distance),
        Side::Sell => top.saturating_add(distance),
    }
}

/// The one of two prices that is further from the market.
fn further(side: Side, one: i64, other: i64) -> i64 {
    match side {
        Side::Buy => one.min(other),
        Side::Sell => one.max(other),
    }
}

/// A multiple of `step`, rounded away from the market.
fn on_grid(side: Side, price: i64, step: i64) -> i64 {
    let below = price.saturating_sub(price.rem_euclid(step.max(1)));
    match side {
        Side::Sell if below != price => below.saturating_add(step),
        _ => below,
    }
}

impl Rule {
    /// Whether it asks to cancel an order whose price nearest to the market is `nearest` (F2).
    #[must_use]
    pub fn pulls(&self, side: Side, others: Others, nearest: i64) -> bool {
        let Rule::Pull { through, within } = *self else { return false };
        let (own, opposite) = others.from(side);
        let is_through = through.is_some_and(|limit| match own {
            Seen::Price(top) => behind(side, limit, top) >= 0,
            Seen::Empty => true,
            Seen::Unknown => false,
        });
        let is_near = within.is_some_and(|ticks| match opposite {
            Seen::Price(top) => behind(side, top, nearest) <= ticks,
            Seen::Empty | Seen::Unknown => false,
        });
        is_through || is_near
    }

    /// Where it asks to move an order at `price`, ticks; None to keep it there (F3).
    #[must_use]
    pub fn moves(&self, side: Side, others: Others, price: i64, step: i64) -> Option<i64> {
        let Rule::Follow { is_opposite, distance, tolerance, worst } = *self else { return None };
        let (own, opposite) = others.from(side);
        let Seen::Price(top) = (if is_opposite { opposite } else { own }) else { return None };
        let mut target = further(side, at_distance(side, top, distance), worst);
        if let Seen::Price(edge) = opposite {
            target = further(side, target, at_distance(side, edge, 1));
        }
        let target = on_grid(side, target, step);
        let is_off = price.abs_diff(target) > tolerance.unsigned_abs();
        let is_beyond = behind(side, worst, price) < 0;
        (target > 0 && target != price && (is_off || is_beyond)).then_some(target)
    }
}

#[cfg(test)]
mod tests;
