//! The gate of one account: what all its orders together may do.
//!
//! Owns: exposures, positions, profit, and the verdict on an order in their light. Must not know:
//! clocks, books, what became of a request. Invariant: an order that passed is counted before its
//! bytes exist, and until it is said to be done; no sum is ever estimated in our favour.
//!
//! Rules obeyed, by number, after those of the single order (`gate`) and in this order:
//! * G8 — the states of account and market let it through; REDUCING only what lessens exposure, and
//!   a reduce-only order against a position that we know of. All else counts it as any order.
//! * G9 — the rate of placements and changes; cancels have their own, and when that is exceeded
//!   placements wait, never cancels.
//! * G10 — the same market, side, price and amount were not placed a moment ago.
//! * G11 — it does not meet an open order of our own.
//! * G12 — open orders and open notional, by side, market and account.
//! * G13 — the position, if every open order of its side were filled. A change counts the old
//!   order and the new one: the old may be filled before it is replaced.
//! * G14 — where a loss is limited, every position has a fresh mark; what has none may only shrink.

use super::limits::{AccountLimits, ExposureLimits};
use super::market::MarketGuard;
use super::orders::{Exposure, OrderTable};
use super::state::{Event, Latch, Reason, State};
use super::windows::{Bucket, Burst};
use super::Refusal;
use crate::template::Side;

/// An order on its way out.
#[derive(Clone, Copy, Debug)]
pub struct Intent {
    /// Index of its market, known to the guard.
    pub market: u16,
    /// Buy or sell.
    pub side: Side,
    /// Limit price, ticks.
    pub price: i64,
    /// Amount, lots; of a change, the whole new amount.
    pub lots: i64,
    /// The order's own number.
    pub sequence: u64,
    /// Whether it replaces what the number names.
    pub is_change: bool,
    /// Whether the venue itself cuts it down to the position that it lessens.
    pub is_reduce_only: bool,
}

/// What an admitted order changed, so that it can be taken back where no bytes came of it.
#[derive(Clone, Copy, Debug)]
pub struct Admitted {
    sequence: u64,
    before: Option<Exposure>,
}

/// See the module's documentation.
pub struct Guard {
    pub(super) latch: Latch,
    pub(super) markets: Vec<MarketGuard>,
    pub(super) orders: OrderTable,
    pub(super) limits: AccountLimits,
    order_rate: Bucket,
    cancel_rate: Bucket,
    pub(super) rejects: Burst,
    pub(super) open_orders: usize,
    pub(super) open_notional: i128,
    pub(super) equity2: i128,
    pub(super) day2: i128,
    pub(super) peak2: i128,
    pub(super) alarm: bool,
}

impl Default for Guard {
    fn default() -> Self {
        let limits = AccountLimits::default();
        Guard {
            latch: Latch::new(false),
            markets: Vec::new(),
            orders: OrderTable::default(),
            limits,
            order_rate: Bucket::default(),
            cancel_rate: Bucket::default(),
            rejects: Burst::new(0, 0, 0),
            open_orders: 0,
            open_notional: 0,
            equity2: 0,
            day2: 0,
            peak2: 0,
            alarm: false,
        }
    }
}

impl Guard {
    /// Adds a market without limits; its index is that of the feed.
    pub fn add_market(&mut self) {
        self.markets.push(MarketGuard::new(&ExposureLimits::default()));
    }

    /// Sets the limits of the account; at the start.
    pub fn set_limits(&mut self, limits: &AccountLimits) {
        self.order_rate = Bucket::new(limits.order_interval_ns, limits.order_burst);
        self.cancel_rate = Bucket::new(limits.cancel_interval_ns, limits.cancel_burst);
        self.rejects = Burst::new(limits.reject_window_ns, limits.max_rejects, 0);
        self.limits = *limits;
    }

    /// Sets the limits of a market; at the start. False where there is no such market.
    pub fn set_market_limits(&mut self, market: usize, limits: &ExposureLimits) -> bool {
        self.markets.get_mut(market).map(|one| one.set_limits(limits)).is_some()
    }

    /// The stricter of the states of account and market (G8).
    ///
    /// # Errors
    /// Nothing may leave at all.
    #[inline]
    pub fn open_state(&self, market: usize, now_ns: i64) -> Result<State, Refusal> {
        let market = self.markets.get(market).ok_or(Refusal::Halted)?;
        match self.latch.state(now_ns).max(market.latch.state(now_ns)) {
            State::Killed => Err(Refusal::Killed),
            State::Disarmed | State::Halted => Err(Refusal::Halted),
            open => Ok(open),
        }
    }

    /// Rules G8 to G14 in a state of `open_state`; what passes is counted.
    ///
    /// # Errors
    /// The first rule that the order breaks; nothing is counted then.
    #[inline]
    pub fn admit(
        &mut self,
        order: &Intent,
        state: State,
        now_ns: i64,
    ) -> Result<Admitted, Refusal> {
        let market = self.markets.get(usize::from(order.market)).ok_or(Refusal::Halted)?;
        let before = self.orders.get(order.sequence).copied();
        if let Some(known) = &before {
            if !order.is_change && known.is_open {
                return Err(Refusal::Duplicate); // G10: a number is never used twice
            }
            if (known.market, known.side) != (order.market, order.side) {
                return Err(Refusal::TooManyOrders);
            }
        }
        let after = Self::exposure(order, before.as_ref(), market).ok_or(Refusal::OpenNotional)?;
        let added = i128::from(after.lots) - before.map_or(0, |one| i128::from(one.lots));
        let is_reducing = market.would_reduce(order.side, added)
            || (order.is_reduce_only && market.has_room(order.side)); // the venue sees to it
        if state != State::Active && !is_reducing {
            return Err(Refusal::OnlyReducing); // G8
        }
        if !self.order_rate.has_token(now_ns) {
            return Err(Refusal::OrderRate); // G9
        }
        if !self.cancel_rate.has_token(now_ns) {
            return Err(Refusal::CancelRate); // G9
        }
        if market.recent.has(order.side, order.price, order.lots, now_ns) {
            return Err(Refusal::Duplicate); // G10
        }
        if market.would_meet_own(order.side, order.price) {
            return Err(Refusal::SelfCross); // G11
        }
        let is_new = !before.is_some_and(|one| one.is_open);
        let notional = after.notional - before.map_or(0, |one| one.notional);
        market.check_open(order.side, usize::from(is_new), notional)?; // G12
        self.check_open(market, is_new, notional)?; // G12
        if market.would_exceed_position(order.side, added) {
            return Err(Refusal::Position); // G13
        }
        if self.limits.limits_loss() && !is_reducing && !self.are_marks_fresh(now_ns) {
            return Err(Refusal::NoMark); // G14
        }
        if order.sequence == 0 || (before.is_none() && self.orders.is_full()) {
            return Err(Refusal::TooManyOrders); // G12
        }
        self.order_rate.take(now_ns);
        self.markets[usize::from(order.market)].recent.add(
            order.side,
            order.price,
            order.lots,
            now_ns,
        );
        self.replace(before.as_ref(), &after);
        Ok(Admitted { sequence: order.sequence, before })
    }

    fn exposure(
        order: &Intent,
        before: Option<&Exposure>,
        market: &MarketGuard,
    ) -> Option<Exposure> {
        // Two i64 factors always fit into an i128.
        let mut notional = i128::from(order.price) * i128::from(order.lots);
        let (mut lots, mut price) = (order.lots, order.price);
        if let Some(old) = before {
            lots = lots.checked_add(old.lots)?;
            notional =
                if order.is_change { notional.max(old.notional) } else { notional + old.notional };
            if old.is_open {
                price = match order.side {
                    Side::Buy => price.max(old.price),
                    Side::Sell => price.min(old.price),
                };
            }
        }
        if !market.can_weigh(notional) {
            return None;
        }
        let (sequence, market, side) = (order.sequence, order.market, order.side);
        Some(Exposure { sequence, lots, notional, price, market, side, is_open: true })
    }

    #[inline]
    fn check_open(&self, market: &MarketGuard, is_new: bool, more: i128) -> Result<(), Refusal> {
        if self.open_orders + usize::from(is_new) > self.limits.max_open_orders as usize && is_new {
            return Err(Refusal::OpenOrders);
        }
        if more > 0 && self.open_notional + more * market.weight() > self.limits.max_open_notional {
            return Err(Refusal::OpenNotional);
        }
        Ok(())
    }

    #[inline]
    fn are_marks_fresh(&self, now_ns: i64) -> bool {
        self.markets.iter().all(|market| market.is_mark_fresh(now_ns))
    }

    fn replace(&mut self, before: Option<&Exposure>, after: &Exposure) -> bool {
        if let Some(old) = before {
            self.count_out(old);
        }
        if after.lots == 0 && !after.is_open {
            self.orders.remove(after.sequence);
            return true;
        }
        let has_fitted = self.orders.put(*after);
        if has_fitted {
            self.count_in(after);
        }
        has_fitted
    }

    fn count_in(&mut self, one: &Exposure) {
        let market = &mut self.markets[usize::from(one.market)];
        market.sums(one.side).add(one);
        self.open_orders += usize::from(one.is_open);
        self.open_notional += one.notional * market.weight();
    }

    fn count_out(&mut self, one: &Exposure) {
        let market = &mut self.markets[usize::from(one.market)];
        market.sums(one.side).subtract(one);
        self.open_orders -= usize::from(one.is_open);
        self.open_notional -= one.notional * market.weight();
    }

    /// Takes an admitted order back: no bytes of it exist.
    pub fn take_back(&mut self, admitted: &Admitted) {
        if let Some(now) = self.orders.get(admitted.sequence).copied() {
            self.count_out(&now);
            self.orders.remove(admitted.sequence);
        }
        if let Some(before) = admitted.before {
            self.replace(None, &before);
        }
    }

    /// What an order may still do, by the table of orders; done is no lots and not open.
    ///
    /// More than the core can account for halts the account. False where there is no such market.
    pub fn set_order(&mut self, mut after: Exposure) -> bool {
        let Some(market) = self.markets.get(usize::from(after.market)) else { return false };
        after.lots = after.lots.max(0);
        if after.sequence == 0 && after.lots == 0 && !after.is_open {
            return true; // never counted, and nothing to count
        }
        if after.sequence == 0 || !market.can_weigh(after.notional) {
            self.account_event(Event::Halt(Reason::Overflow, i64::MAX));
            return true;
        }
        let before = self.orders.get(after.sequence).copied();
        if !self.replace(before.as_ref(), &after) {
            self.account_event(Event::Halt(Reason::Overflow, i64::MAX));
        }
        true
    }

    /// Counts a cancel, which is never refused.
    #[inline]
    pub fn on_cancel(&mut self, now_ns: i64) {
        self.cancel_rate.take(now_ns);
    }
}
