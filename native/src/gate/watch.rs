//! What happens to an account: fills, refusals, moves of the reference, orders of its owner.
//!
//! Owns: which of it changes a state. Must not know: orders on their way out (`account`).
//! Invariant: a breach is a change of state in the same call, and each is told once (`take_alarm`).

use super::account::Guard;
use super::market::MarketGuard;
use super::state::{Event, Reason, State};
use crate::template::Side;

/// A fill of ours.
#[derive(Clone, Copy, Debug)]
pub struct FillReport {
    /// Index of its market.
    pub market: u16,
    /// Side of our order.
    pub side: Side,
    /// Price, ticks.
    pub price: i64,
    /// Amount, lots.
    pub lots: i64,
    /// What it cost beside its price, ticks times lots; negative for a rebate.
    pub fee: i128,
    /// Number of the order.
    pub sequence: u64,
}

impl Guard {
    /// Takes a fill: position, profit, bursts, repeats. False where there is no such market.
    pub fn on_fill(&mut self, fill: &FillReport, now_ns: i64) -> bool {
        let Some(market) = self.markets.get_mut(usize::from(fill.market)) else { return false };
        let (equity2, breach) = market.on_fill(fill, now_ns);
        if let Some(event) = breach {
            market.latch.apply(event);
            self.alarm = true;
        }
        if market.repeats.push(fill.side, fill.price, fill.sequence, now_ns) {
            self.account_event(Event::Halt(Reason::Repeats, i64::MAX));
        }
        self.take_equity(equity2);
        true
    }

    /// Sets a position that is known from elsewhere, at the market's own mark.
    pub fn set_position(&mut self, market: usize, lots: i64) -> bool {
        let Some(one) = self.markets.get_mut(market) else { return false };
        let equity2 = one.set_position(lots);
        self.take_equity(equity2);
        true
    }

    /// Counts a refusal of the venue: REDUCING for a window, HALTED at twice as many.
    pub fn on_reject(&mut self, now_ns: i64) {
        if !self.rejects.push(0, now_ns) {
            return;
        }
        self.account_event(Event::Reduce(
            Reason::Rejects,
            now_ns.saturating_add(self.limits.reject_window_ns),
        ));
        if self.rejects.count() > 2 * self.limits.max_rejects as usize {
            self.account_event(Event::Halt(Reason::Rejects, i64::MAX));
        }
    }

    /// Takes a market's best prices, ticks, 0 for none or where they cannot be trusted.
    #[inline]
    pub fn on_top(&mut self, market: usize, best_bid: i64, best_ask: i64, now_ns: i64) {
        let Some(one) = self.markets.get_mut(market) else { return };
        let (equity2, has_moved) = one.on_top(best_bid, best_ask, now_ns);
        if has_moved {
            let is_news = one.latch.state(now_ns) < State::Reducing;
            one.latch.apply(Event::Reduce(
                Reason::PriceMove,
                now_ns.saturating_add(one.calm_after_ns()),
            ));
            self.alarm |= is_news;
        }
        self.take_equity(equity2);
    }

    /// No mark can be trusted: the feed begins anew.
    pub fn forget_marks(&mut self) {
        self.markets.iter_mut().for_each(MarketGuard::forget_mark);
    }

    #[inline]
    fn take_equity(&mut self, change2: i128) {
        self.equity2 += change2;
        self.peak2 = self.peak2.max(self.equity2);
        if self.equity2 < self.day2 || self.equity2 < self.peak2 {
            self.check_losses();
        }
    }

    fn check_losses(&mut self) {
        if self.limits.max_loss.is_some_and(|most| self.day2 - self.equity2 > 2 * most) {
            self.account_event(Event::Kill(Reason::Loss));
        }
        if self.limits.max_drawdown.is_some_and(|most| self.peak2 - self.equity2 > 2 * most) {
            self.account_event(Event::Kill(Reason::Drawdown));
        }
    }

    /// A new day begins: its loss is counted from here.
    pub fn begin_day(&mut self) {
        self.day2 = self.equity2;
    }

    /// Goes on from an earlier run: what the day had lost (negative: won), and how far equity had
    /// fallen from its peak; units of the account. A limit that is exceeded kills at once.
    pub fn resume_losses(&mut self, day_loss: i128, drawdown: i128) {
        self.day2 = self.equity2 + 2 * day_loss;
        self.peak2 = self.equity2 + 2 * drawdown.max(0);
        self.check_losses();
    }

    /// An event of the whole account.
    pub fn account_event(&mut self, event: Event) {
        if event == Event::Rearm {
            self.rejects.clear();
            (self.day2, self.peak2) = (self.equity2, self.equity2);
            self.markets.iter_mut().for_each(|market| {
                market.repeats.clear();
                market.burst.clear();
                market.latch.apply(event);
            });
        }
        let is_news = match event {
            Event::Arm | Event::Disarm => false,
            Event::Kill(_) => self.latch.state(i64::MIN) != State::Killed,
            _ => true,
        };
        self.latch.apply(event);
        self.alarm |= is_news;
    }

    /// An event of one market; False where there is no such market.
    pub fn market_event(&mut self, market: usize, event: Event) -> bool {
        self.markets.get_mut(market).map(|one| one.latch.apply(event)).is_some()
    }

    /// Whether a rule of the core changed a state since this was asked last.
    pub fn take_alarm(&mut self) -> bool {
        std::mem::take(&mut self.alarm)
    }

    /// Whether there is such a change to take.
    pub fn has_alarm(&self) -> bool {
        self.alarm
    }

    /// State and reason of the account.
    pub fn state(&self, now_ns: i64) -> (State, Reason) {
        (self.latch.state(now_ns), self.latch.reason(now_ns))
    }

    /// State and reason of a market alone.
    pub fn market_state(&self, market: usize, now_ns: i64) -> Option<(State, Reason)> {
        let latch = &self.markets.get(market)?.latch;
        Some((latch.state(now_ns), latch.reason(now_ns)))
    }

    /// A market's sums, for the twin.
    pub fn market(&self, market: usize) -> Option<&MarketGuard> {
        self.markets.get(market)
    }

    /// Open orders, open notional, twice the equity, and what the day's and the peak's were; the
    /// latter four in units of the account.
    pub fn totals(&self) -> (usize, i128, i128, i128, i128) {
        (self.open_orders, self.open_notional, self.equity2, self.day2, self.peak2)
    }
}
