//! One market of an account: its exposure, position, profit and recent past.
//!
//! Owns: the sums of one market and the rules about them. Must not know: other markets, the table
//! of orders. Invariant: sums are exact; profit is valued at the middle of the book, doubled so
//! that the middle of two ticks is exact.

use super::limits::ExposureLimits;
use super::orders::SideSums;
use super::state::{Event, Latch, Reason};
use super::watch::FillReport;
use super::windows::{Burst, Moves, Recent, Repeats};
use super::Refusal;
use crate::template::Side;

/// Largest notional of an order in units of the account: so many fit into a sum of the table.
const HEAVIEST: i128 = 1 << 110;

/// See the module's documentation.
pub struct MarketGuard {
    pub(super) latch: Latch,
    pub(super) recent: Recent,
    pub(super) burst: Burst,
    pub(super) repeats: Repeats,
    limits: ExposureLimits,
    moves: Moves,
    buys: SideSums,
    sells: SideSums,
    position: i128,
    cash2: i128,
    unvalued: i128,
    equity2: i128,
    mark2: i64,
    mark_ns: i64,
}

impl MarketGuard {
    pub(super) fn new(limits: &ExposureLimits) -> Self {
        let mut market = MarketGuard {
            latch: Latch::new(true),
            recent: Recent::new(0),
            burst: Burst::new(0, 0, 0),
            repeats: Repeats::new(0, 0),
            limits: *limits,
            moves: Moves::new(0, 0),
            buys: SideSums::new(Side::Buy),
            sells: SideSums::new(Side::Sell),
            position: 0,
            cash2: 0,
            unvalued: 0,
            equity2: 0,
            mark2: 0,
            mark_ns: i64::MIN,
        };
        market.set_limits(limits);
        market
    }

    pub(super) fn set_limits(&mut self, limits: &ExposureLimits) {
        self.recent = Recent::new(limits.duplicate_ns);
        self.burst = Burst::new(limits.fill_window_ns, limits.max_fills, limits.max_fill_lots);
        self.repeats = Repeats::new(limits.repeat_window_ns, limits.max_repeats);
        self.moves = Moves::new(limits.move_window_ns, limits.max_move_ppm);
        self.limits = *limits;
        self.limits.weight = limits.weight.max(1);
    }

    pub(super) fn sums(&mut self, side: Side) -> &mut SideSums {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    fn of(&self, side: Side) -> &SideSums {
        match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        }
    }

    pub(super) fn weight(&self) -> i128 {
        i128::from(self.limits.weight)
    }

    /// Whether a notional can be summed up without a limit of the arithmetic.
    pub(super) fn can_weigh(&self, notional: i128) -> bool {
        (0..=HEAVIEST / self.weight()).contains(&notional)
    }

    /// Whether an order lessens the position, with all open orders of its side filled.
    pub(super) fn would_reduce(&self, side: Side, added: i128) -> bool {
        self.of(side).lots + added <= self.room(side)
    }

    /// Lots of a side that close the position.
    fn room(&self, side: Side) -> i128 {
        match side {
            Side::Buy => -self.position,
            Side::Sell => self.position,
        }
    }

    pub(super) fn has_room(&self, side: Side) -> bool {
        self.room(side) > 0
    }

    pub(super) fn would_exceed_position(&self, side: Side, added: i128) -> bool {
        let worst = match side {
            Side::Buy => self.position + self.buys.lots + added,
            Side::Sell => self.sells.lots + added - self.position,
        };
        worst > self.limits.max_position
    }

    pub(super) fn would_meet_own(&self, side: Side, price: i64) -> bool {
        let meets = match side {
            Side::Buy => self.sells.best > 0 && price >= self.sells.best,
            Side::Sell => price <= self.buys.best,
        };
        meets && !self.limits.may_cross_own
    }

    pub(super) fn check_open(&self, side: Side, new: usize, more: i128) -> Result<(), Refusal> {
        let limits = &self.limits;
        let (mine, both) = (self.of(side), self.buys.open() + self.sells.open());
        if new > 0
            && (mine.open() + new > limits.max_side_orders as usize
                || both + new > limits.max_open_orders as usize)
        {
            return Err(Refusal::OpenOrders);
        }
        if more > 0
            && (mine.notional + more > limits.max_side_notional
                || self.buys.notional + self.sells.notional + more > limits.max_open_notional)
        {
            return Err(Refusal::OpenNotional);
        }
        Ok(())
    }

    #[inline]
    pub(super) fn is_mark_fresh(&self, now_ns: i64) -> bool {
        self.position == 0
            || (self.mark2 > 0
                && i128::from(now_ns) - i128::from(self.mark_ns)
                    <= i128::from(self.limits.max_mark_age_ns))
    }

    pub(super) fn calm_after_ns(&self) -> i64 {
        self.limits.move_window_ns
    }

    pub(super) fn forget_mark(&mut self) {
        self.mark2 = 0;
    }

    /// The change of twice the equity, and whether the reference moved too far.
    #[inline]
    pub(super) fn on_top(&mut self, best_bid: i64, best_ask: i64, now_ns: i64) -> (i128, bool) {
        if best_bid <= 0 || best_ask <= 0 {
            self.mark2 = 0;
            return (0, false);
        }
        let mark2 = best_bid.saturating_add(best_ask);
        self.mark_ns = now_ns;
        if mark2 == self.mark2 {
            return (0, self.moves.push(mark2, now_ns));
        }
        self.mark2 = mark2;
        (self.value(), self.moves.push(mark2, now_ns))
    }

    pub(super) fn on_fill(&mut self, fill: &FillReport, now_ns: i64) -> (i128, Option<Event>) {
        let (lots, price) = (i128::from(fill.lots), i128::from(fill.price));
        let (lots, paid) = match fill.side {
            Side::Buy => (lots, price * lots),
            Side::Sell => (-lots, -price * lots),
        };
        self.position += lots;
        self.cash2 -= 2 * (paid + fill.fee);
        let change2 = self.value();
        let has_burst = self.burst.push(fill.lots, now_ns);
        let until_ns = match self.limits.frozen_ns {
            0 => i64::MAX,
            frozen_ns => now_ns.saturating_add(frozen_ns),
        };
        (change2, has_burst.then_some(Event::Halt(Reason::FillBurst, until_ns)))
    }

    /// Takes a position from elsewhere, as if it had been bought at the mark, or at the next one.
    pub(super) fn set_position(&mut self, lots: i64) -> i128 {
        self.unvalued += i128::from(lots) - self.position;
        self.position = i128::from(lots);
        self.value()
    }

    /// Values the market anew; the change of twice the equity in units of the account.
    fn value(&mut self) -> i128 {
        let mark2 = i128::from(self.mark2);
        if mark2 == 0 && (self.position != 0 || self.unvalued != 0) {
            return 0; // kept as it was; G14 stops what would add to it
        }
        self.cash2 -= self.unvalued * mark2;
        self.unvalued = 0;
        let equity2 = self
            .cash2
            .saturating_add(self.position.saturating_mul(mark2))
            .saturating_mul(self.weight());
        let change2 = equity2.saturating_sub(self.equity2);
        self.equity2 = equity2;
        change2
    }

    /// Position in lots, and twice the money in ticks times lots, since the start.
    pub fn position(&self) -> (i128, i128) {
        (self.position, self.cash2)
    }

    /// (open orders, lots, notional, best price) of a side.
    pub fn side_sums(&self, side: Side) -> (usize, i128, i128, i64) {
        let sums = self.of(side);
        (sums.open(), sums.lots, sums.notional, sums.best)
    }
}
